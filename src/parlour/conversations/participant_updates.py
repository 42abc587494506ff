"""Changes of participants: attributes, role, read position, identity and proxy (conversations.md §3.2, §3.6)."""

from datetime import datetime

import msgspec

from parlour.conversations import bindings, checks, conversations, errors, group_mms, participants, roles
from parlour.conversations.events import API, Origin, announce
from parlour.conversations.store import participants as store
from parlour.conversations.store.conversations import Scope
from parlour.conversations.store.participants import Participant
from parlour.store.unit import UnitOfWork

NULL = "null"  # the literal that clears a value (conversations.md §1.4)


class Changes(msgspec.Struct, kw_only=True):
    """What an update changes; None leaves a field as it is, the text `null` clears it."""

    attributes: str | None = None
    role_sid: str | None = None
    identity: str | None = None
    proxy_address: str | None = None
    projected_address: str | None = None
    last_read_message_index: str | None = None
    last_read_timestamp: str | None = None
    date_created: datetime | None = None
    date_updated: datetime | None = None


async def update(
    uow: UnitOfWork,
    conversation_sid: str,
    sid_or_identity: str,
    changes: Changes,
    *,
    scope: Scope = None,
    origin: Origin = API,
) -> Participant:
    """Change a participant.

    Errors: 404/20404, 50377 closed, 50109 role, 50421 and 50405 read position, 50440, 50441 proxy, 50444 identity,
    50416 the new pair is in a conversation, 50434-50443 group MMS, 50419 another update came between.
    """
    sid = await conversations.resolve(uow, conversation_sid, scope)
    before = await participants.fetch(uow, sid, sid_or_identity)
    if changes.proxy_address is not None:
        await _claim_pair(uow, sid, before, changes.proxy_address)
    step = None
    if changes.projected_address is not None:
        step = await _claim_group(uow, before, changes.projected_address)
    conversation = await conversations.locked_open(uow, sid)
    row = await participants.fetch(uow, sid, before.sid)
    if (row.proxy_address, row.projected_address) != (before.proxy_address, before.projected_address):
        raise errors.CONFLICTING_PARTICIPANT.error()
    await group_mms.finish(uow, sid, step)
    if changes.attributes is not None:
        row.attributes = checks.attributes(changes.attributes, maximum=checks.SHORT_ATTRIBUTES_MAX)
    if changes.role_sid is not None:
        await roles.check(uow, chat_service_sid=row.chat_service_sid, sid=changes.role_sid, type="conversation")
        row.role_sid = changes.role_sid
    if changes.identity is not None and changes.identity != row.identity:
        await _attach_identity(uow, row, changes.identity)
    if changes.proxy_address is not None:
        await _change_proxy(uow, row, None if changes.proxy_address == NULL else changes.proxy_address)
    if changes.projected_address is not None:
        row.projected_address = None if changes.projected_address == NULL else changes.projected_address
    if changes.identity is not None or changes.proxy_address is not None or changes.projected_address is not None:
        participants.listen(conversation, row)
    in_map = _read_position(row, changes) or changes.identity is not None
    row.date_created = changes.date_created or row.date_created
    row.date_updated = changes.date_updated or uow.now
    await participants.ask(uow, "onParticipantUpdate", conversation, row, origin)
    await participants.touch(uow, conversation, row, in_map=in_map)
    await announce(uow, "participant.updated/1", conversation, row, origin)
    return row


async def _claim_pair(uow: UnitOfWork, conversation_sid: str, row: Participant, proxy_address: str) -> None:
    """Take the pair with the new proxy; pairs come before the conversation in the order of locks (DESIGN 2.9)."""
    if row.address is None:
        raise errors.NO_ADDRESS_FOR_PROXY.error()
    if proxy_address == NULL and row.proxy_address is None:
        raise errors.NO_PROXY_TO_REMOVE.error()
    if proxy_address in (NULL, row.proxy_address):
        return
    bindings.check_pair(row.address, proxy_address)
    await participants.check_proxy(uow, row.type, proxy_address)
    await participants.take_pair(uow, row.address, proxy_address, conversation_sid)


async def _claim_group(uow: UnitOfWork, row: Participant, projected_address: str) -> group_mms.Step:
    """Take what the group holds with the new projected address."""
    if projected_address == NULL:
        if row.projected_address is None:
            raise errors.NO_PROJECTED_TO_REMOVE.error()
        if row.identity is None:
            raise errors.PROJECTED_MISSING.error()
        return await group_mms.change(uow, msgspec.structs.replace(row, projected_address=None))
    if row.address is not None:
        raise errors.BINDING_EXISTS.error()
    await group_mms.check_projected(uow, projected_address)
    return await group_mms.change(uow, msgspec.structs.replace(row, projected_address=projected_address))


async def _attach_identity(uow: UnitOfWork, row: Participant, identity: str) -> None:
    """Make a gateway's number the number of a user, which passes it from agent to agent (conversations.md §3.2)."""
    if row.identity is not None or row.projected_address is None:
        raise errors.IDENTITY_NOT_ADDABLE.error()
    checks.identity(identity)
    if await store.find_identity(uow, row.conversation_sid, identity) is not None:
        raise errors.PARTICIPANT_EXISTS.error()
    row.identity, row.type = identity, bindings.CHAT
    await participants.join(uow, row, identity)


async def _change_proxy(uow: UnitOfWork, row: Participant, proxy_address: str | None) -> None:
    """Let go of the pair with the old proxy."""
    if row.address is not None and row.proxy_address is not None and row.proxy_address != proxy_address:
        await store.release_pair(uow, row.address, row.proxy_address, row.conversation_sid)
    row.proxy_address = proxy_address


def _read_position(row: Participant, changes: Changes) -> bool:
    if changes.last_read_message_index is not None:
        row.last_read_message_index = read_index(changes.last_read_message_index)
    if changes.last_read_timestamp is not None:
        text = changes.last_read_timestamp
        row.last_read_timestamp = None if text == NULL else checks.date(text, errors.READ_TIMESTAMP_INVALID)
    return changes.last_read_message_index is not None


def read_index(text: str) -> int | None:
    """Read `LastReadMessageIndex`; empty or `null` clears it. Error: 50421."""
    if text in ("", NULL):
        return None
    if not text.lstrip("-").isdigit() or not 0 <= int(text) < 2**31:
        raise errors.READ_INDEX_INVALID.error()
    return int(text)
