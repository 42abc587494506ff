"""Participants: chat users and addresses behind a proxy (conversations.md §3)."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import msgspec

from parlour.conversations import bindings, checks, conversations, errors, group_mms, pre_events, roles, users
from parlour.conversations.events import API, Origin, announce, wire
from parlour.conversations.store import conversations as conversation_store
from parlour.conversations.store import participants as store
from parlour.conversations.store import services as service_store
from parlour.conversations.store import users as user_store
from parlour.conversations.store.conversations import Conversation, Scope
from parlour.conversations.store.participants import Participant
from parlour.messaging import numbers
from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork

__all__ = [
    "Participant",
    "add",
    "all_of",
    "ask",
    "check_proxy",
    "fetch",
    "find",
    "join",
    "leave_all",
    "listen",
    "present",
    "remove",
    "take_pair",
    "touch",
]

PARTICIPANTS_MAX: Final = 1000  # per conversation
BINDINGS_MAX: Final = 50  # participants with a messaging binding per conversation
CONVERSATIONS_MAX: Final = 1000  # not closed, per identity

ProxyCheck = Callable[[Reader, str], Awaitable[bool]]


async def _owns_number(reader: Reader, proxy_address: str) -> bool:
    return await numbers.by_number(reader, proxy_address) is not None


# Channel type -> says whether a proxy address belongs to the account (50413); a type without one takes any.
proxy_checks: dict[str, ProxyCheck] = {"sms": _owns_number}


async def add(
    uow: UnitOfWork,
    conversation_sid: str,
    *,
    identity: str | None = None,
    address: str | None = None,
    proxy_address: str | None = None,
    projected_address: str | None = None,
    attributes: str = "{}",
    role_sid: str | None = None,
    source: str = "API",
    date_created: datetime | None = None,
    date_updated: datetime | None = None,
    scope: Scope = None,
    origin: Origin | None = None,
    pair_taken: bool = False,
    group_later: bool = False,
) -> Participant:
    """Add a chat user (`identity`), an address behind a proxy, or a member of a group MMS to a conversation.

    `pair_taken`: the caller holds the pair for this conversation already; `group_later`: the caller settles the group
    when all are in. Errors: 404/20404, 50377 closed, 50433 the identity is in it, 50416 the pair is in a conversation,
    50373 no messaging service, 50407-50414 binding, 50434-50439 group MMS, 50109 role, 50417, 50418, 50214 limits
    (conversations.md §3.2-3.4).
    """
    sid = await conversations.resolve(uow, conversation_sid, scope)
    row = Participant(
        account_sid=uow.account_sid,
        sid=uow.new_sid("MB"),
        conversation_sid=sid,
        chat_service_sid="",
        type=_channel(identity, address, proxy_address, projected_address),
        identity=identity,
        address=address,
        proxy_address=proxy_address,
        projected_address=projected_address,
        role_sid=role_sid,
        attributes=checks.attributes(attributes, maximum=checks.SHORT_ATTRIBUTES_MAX),
        date_created=date_created or uow.now,
        date_updated=date_updated or date_created or uow.now,
    )
    origin = origin or Origin(source=source)
    step = await _claim(uow, row, pair_taken=pair_taken, group_later=group_later)
    conversation = await conversations.locked_open(uow, sid)
    await group_mms.finish(uow, sid, step)
    await _check_place(uow, conversation, row, needs_service=not pair_taken)
    await _assign(uow, conversation, row)
    who = identity or address or projected_address  # the conversation may be new, and have another SID in the next run
    await ask(uow, "onParticipantAdd", conversation, row, origin, subject=who)
    listen(conversation, row)
    row.created_change = row.change = await conversation_store.raise_roster(uow, conversation)
    if identity is not None:
        await join(uow, row, identity)
    await store.insert(uow, row)
    await announce(uow, "participant.added/1", conversation, row, origin)
    return row


async def ask(
    uow: UnitOfWork,
    event_type: str,
    conversation: Conversation,
    row: Participant,
    origin: Origin,
    *,
    subject: str | None = None,
) -> None:
    """Have the webhook asked before a participant of a locked conversation comes, changes or goes. Error: 50056."""
    await pre_events.ask(
        uow,
        event_type,
        origin,
        chat_service_sid=conversation.chat_service_sid,
        stream=conversation.sid,
        subject=subject or row.sid,
        snapshot=lambda: wire(row) | {"messaging_service_sid": conversation.messaging_service_sid},
    )


def _channel(
    identity: str | None, address: str | None, proxy_address: str | None, projected_address: str | None
) -> str:
    if identity is not None:
        if address is not None or proxy_address is not None:
            raise errors.IDENTITY_NOT_ACCEPTABLE.error()
        checks.identity(identity)
        return bindings.CHAT
    if projected_address is not None:
        if address is not None or proxy_address is not None:
            raise errors.BINDING_EXISTS.error()
        return group_mms.CHANNEL
    if address is None and proxy_address is None:
        raise invalid_parameter("Identity", "Identity or MessagingBinding.Address must be given")
    if proxy_address is None and address and bindings.channel_of(address) == group_mms.CHANNEL:
        return group_mms.CHANNEL
    return bindings.check_pair(address or "", proxy_address or "")


async def _claim(uow: UnitOfWork, row: Participant, *, pair_taken: bool, group_later: bool) -> group_mms.Step | None:
    """Take the pair or the set of numbers; they come before the conversation in the order of locks (DESIGN 2.9)."""
    if row.address is not None and row.proxy_address is not None and not pair_taken:
        await check_proxy(uow, row.type, row.proxy_address)
        await take_pair(uow, row.address, row.proxy_address, row.conversation_sid)
    if not group_mms.takes_part(row):
        return None
    await group_mms.check_numbers(uow, row)
    return None if group_later else await group_mms.enter(uow, row)


async def _check_place(uow: UnitOfWork, conversation: Conversation, row: Participant, *, needs_service: bool) -> None:
    if row.type != bindings.CHAT and needs_service and conversation.messaging_service_sid is None:
        raise errors.NO_MESSAGING_SERVICE.error()
    if group_mms.GROUP in conversation.listeners and not group_mms.takes_part(row):
        group_mms.check([*await store.all_of(uow, conversation.sid), row])
    await _check_room(uow, conversation, row.identity)


async def _assign(uow: UnitOfWork, conversation: Conversation, row: Participant) -> None:
    """Give a participant the service of its conversation, and the role that it asked for or else gets there."""
    row.chat_service_sid = conversation.chat_service_sid
    if row.role_sid is not None:
        await roles.check(uow, chat_service_sid=row.chat_service_sid, sid=row.role_sid, type="conversation")
        return
    service = await service_store.fetch_service(uow, row.chat_service_sid)
    row.role_sid = service.default_conversation_role_sid if service else None


async def check_proxy(reader: Reader, channel: str, proxy_address: str) -> None:
    """Refuse a proxy address that is not the account's. Errors: 50413; 50415 its number has no WhatsApp."""
    owns = proxy_checks.get(channel)
    if owns is not None and not await owns(reader, proxy_address):
        if await numbers.by_number(reader, proxy_address.removeprefix("whatsapp:")) is not None:
            raise errors.BINDING_NOT_WHATSAPP.error(proxy=proxy_address)
        raise errors.BINDING_PROXY_FOREIGN.error(proxy=proxy_address)


async def take_pair(uow: UnitOfWork, address: str, proxy_address: str, conversation_sid: str) -> None:
    """Bind an address pair to a conversation. Error: 50416 another holds it."""
    if not await store.take_pair(uow, address, proxy_address, conversation_sid):
        holder = await store.holder_of_pair(uow, address, proxy_address)
        raise errors.PAIR_IN_USE.error(sid=holder or conversation_sid)


async def _check_room(uow: UnitOfWork, conversation: Conversation, identity: str | None) -> None:
    everyone, bound = await store.count(uow, conversation.sid)
    if everyone >= PARTICIPANTS_MAX:
        raise errors.TOO_MANY_PARTICIPANTS.error(maximum=PARTICIPANTS_MAX)
    if identity is None:
        if bound >= BINDINGS_MAX:
            raise errors.TOO_MANY_BINDINGS.error(maximum=BINDINGS_MAX)
        return
    if await store.find_identity(uow, conversation.sid, identity) is not None:
        raise errors.PARTICIPANT_EXISTS.error()
    if await store.open_of_identity(uow, conversation.chat_service_sid, identity) >= CONVERSATIONS_MAX:
        raise errors.TOO_MANY_CONVERSATIONS.error(identity=identity, maximum=CONVERSATIONS_MAX)


def listen(conversation: Conversation, row: Participant) -> None:
    """Keep the recipients of a conversation on its row, where the hot path finds them under the row's lock."""
    others = [entry for entry in conversation.listeners["recipients"] if entry["participant_sid"] != row.sid]
    if row.removed_at is None and row.address is not None and row.proxy_address is not None:
        others.append(
            {
                "participant_sid": row.sid,
                "type": row.type,
                "address": row.address,
                "proxy_address": row.proxy_address,
            }
        )
    conversation.listeners["recipients"] = others
    group_mms.note(conversation.listeners, row)


async def join(uow: UnitOfWork, row: Participant, identity: str) -> None:
    """Give a participant the user of its identity, made if there is none yet."""
    user = await users.ensure(uow, chat_service_sid=row.chat_service_sid, identity=identity)
    row.user_sid = user.sid
    row.user_created_change = row.user_change = await user_store.raise_conversations(uow, user.sid)


async def touch(uow: UnitOfWork, conversation: Conversation, row: Participant, *, in_map: bool) -> None:
    """Write a changed participant of a locked conversation with its next change numbers.

    `in_map`: what changed shows in the user's own list of conversations (read position, notification level).
    """
    row.change = await conversation_store.raise_roster(uow, conversation)
    if in_map and row.user_sid is not None:
        row.user_change = await user_store.raise_conversations(uow, row.user_sid)
    await store.update(uow, row)


async def fetch(reader: Reader, conversation_sid: str, sid_or_identity: str) -> Participant:
    """Return a participant by SID or identity. Error: 404/20404."""
    row = await store.fetch(reader, conversation_sid, sid_or_identity)
    if row is None:
        raise not_found(sid_or_identity)
    return row


async def present(reader: Reader, conversation_sid: str, sid: str) -> Participant | None:
    """Return a participant by SID, None if they are not in the conversation."""
    return await store.fetch(reader, conversation_sid, sid)


async def all_of(reader: Reader, conversation_sid: str) -> list[Participant]:
    """Return everyone in a conversation, in the order of their joining."""
    return await store.all_of(reader, conversation_sid)


async def find(
    reader: Reader, conversation_sid: str, *, identity: str | None = None, address: str | None = None
) -> Participant | None:
    """Return the participant of an identity or an address, None if there is none."""
    if identity is not None:
        return await store.find_identity(reader, conversation_sid, identity)
    return None if address is None else await store.find_address(reader, conversation_sid, address)


async def remove(
    uow: UnitOfWork,
    conversation_sid: str,
    participant_sid_or_identity: str,
    *,
    source: str = "API",
    scope: Scope = None,
    origin: Origin | None = None,
    refuse_closed: bool = False,
) -> None:
    """Remove a participant; its messages stay, its pair is free (conversations.md §3.3).

    `refuse_closed`: raise 50377 for a closed conversation, as the contract does for callers. Error: 404/20404.
    """
    sid = await conversations.resolve(uow, conversation_sid, scope)
    found = await fetch(uow, sid, participant_sid_or_identity)
    if found.address is not None and found.proxy_address is not None:
        await store.lock_pair(uow, found.address, found.proxy_address)
    step = await group_mms.leave(uow, found) if group_mms.takes_part(found) else None
    conversation = await (conversations.locked_open(uow, sid) if refuse_closed else conversations.lock(uow, sid))
    row = await fetch(uow, sid, found.sid)
    await group_mms.finish(uow, sid, step)
    if conversation.state == "closed":
        await conversation_store.release_pairs(uow, sid)
    origin = origin or Origin(source=source)
    await ask(uow, "onParticipantRemove", conversation, row, origin)
    if row.address is not None and row.proxy_address is not None:
        await store.release_pair(uow, row.address, row.proxy_address, sid)
    row.removed_at = row.date_updated = uow.now
    listen(conversation, row)
    await touch(uow, conversation, row, in_map=True)
    await announce(uow, "participant.removed/1", conversation, row, origin)


async def leave_all(uow: UnitOfWork, user_sid: str, *, origin: Origin = API) -> None:
    """Remove a user from every conversation."""
    for sid in await user_store.conversations_of(uow, user_sid):
        conversation = await conversation_store.fetch(uow, sid, None)
        if conversation is not None:
            participant = next((p for p in await store.all_of(uow, sid) if p.user_sid == user_sid), None)
            if participant is not None:
                await remove(uow, sid, participant.sid, origin=msgspec.structs.replace(origin, decided=True))
