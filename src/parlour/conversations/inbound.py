"""Inbound channel messages: the conversation that holds the pair, or a new one (conversations.md §8.2)."""

from dataclasses import dataclass, field
from typing import Final

import msgspec

from parlour.conversations import (
    addresses,
    attachments,
    checks,
    conversations,
    errors,
    group_mms,
    media,
    messages,
    participants,
    pre_events,
    timers,
    webhooks,
)
from parlour.conversations.addresses import AddressConfiguration
from parlour.conversations.events import Origin
from parlour.conversations.files import Stored
from parlour.conversations.store import conversations as conversation_store
from parlour.conversations.store import participants as participant_store
from parlour.conversations.store.conversations import Taken
from parlour.messaging import numbers
from parlour.store.unit import Reader, UnitOfWork

PAIR_ATTEMPTS: Final = 5
ADDRESS_TYPES: Final = {"chat": "web"}  # what limits call an address type otherwise than addresses do


@dataclass(frozen=True, slots=True)
class MediaItem:
    """A file of an inbound message, put into the media store before: `key`, `size` (bytes), `sha256` as it answered."""

    key: str
    size: int
    sha256: str
    content_type: str
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message from the street: `address` wrote to `proxy_address`, both with the prefix of their channel.

    `others`: who else got it, where it was sent to a group; `channel_type`: type of the binding, such as `sms`;
    `source`: what webhooks are told, such as `SMS`.
    """

    address: str
    proxy_address: str
    body: str | None = None
    media: list[MediaItem] = field(default_factory=list)
    channel_type: str = "sms"
    source: str = "SMS"
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Received:
    """What became of an inbound message; both SIDs are None when no address wants it, or a webhook refused it."""

    conversation_sid: str | None
    message_sid: str | None
    created: bool
    refused: bool = False


async def has_place(reader: Reader, inbound: Inbound) -> bool:
    """Say whether a message has a conversation, or an address that makes one."""
    key = group_mms.key_of_inbound(inbound.address, inbound.proxy_address, inbound.others)
    if await participant_store.holder_of_pair(reader, key.address, key.proxy_address) is not None:
        return True
    configuration = await addresses.find(reader, inbound.proxy_address)
    return configuration is not None and configuration.enabled


async def receive(uow: UnitOfWork, inbound: Inbound, *, autocreate_by: str | None = None) -> Received:
    """Put an inbound message into the open conversation of its pair or group, or make one as the address is configured.

    `autocreate_by`: the messaging service that makes a conversation where no address does (§8.2, step 4).

    The insert into `open_pair` is the lock of "one conversation per pair" (DESIGN 2.9): a burst of first messages
    makes one conversation. A webhook that is asked first may refuse it: it is dropped then, and nobody tells its sender
    (§6.6). Errors: 50504 body, 50411-50414 malformed pair.
    """
    if pre_events.refused(uow):
        return Received(None, None, created=False, refused=True)
    origin = Origin(source=inbound.source)
    key = group_mms.key_of_inbound(inbound.address, inbound.proxy_address, inbound.others)
    taken = await _take_index(uow, inbound, key)
    if taken is not None:
        return await _append(uow, inbound, taken, origin, created=False)
    configuration = await addresses.find(uow, inbound.proxy_address)
    if configuration is not None and not configuration.enabled:
        configuration = None
    if configuration is None and autocreate_by is None:
        return Received(None, None, created=False)
    sid = uow.new_sid("CH")
    for _ in range(PAIR_ATTEMPTS):
        if await participant_store.take_pair(uow, key.address, key.proxy_address, sid):
            break
        # Another first message made the conversation meanwhile; if it closed since, the pair is free again.
        taken = await _take_index(uow, inbound, key)
        if taken is not None:
            return await _append(uow, inbound, taken, origin, created=False)
    else:
        raise errors.PAIR_IN_USE.error(sid=await participant_store.holder_of_pair(uow, key.address, key.proxy_address))
    await _auto_create(uow, inbound, configuration, autocreate_by, sid, origin, key)
    origin = msgspec.structs.replace(origin, decided=True)  # who let the conversation happen let this happen (§8.2)
    taken = await conversation_store.take_index(uow, sid, inbound.address, None)
    if taken is None:
        raise AssertionError("unreachable: the conversation was made in this unit")
    return await _append(uow, inbound, taken, origin, created=True)


async def _take_index(uow: UnitOfWork, inbound: Inbound, key: group_mms.Key) -> Taken | None:
    if key.proxy_address == group_mms.GROUP:
        return await conversation_store.take_index_of_group(uow, key.address, inbound.address)
    return await conversation_store.take_index_of_pair(uow, key.address, key.proxy_address)


async def _auto_create(
    uow: UnitOfWork,
    inbound: Inbound,
    configuration: AddressConfiguration | None,
    autocreate_by: str | None,
    sid: str,
    origin: Origin,
    key: group_mms.Key,
) -> None:
    """Make conversation, scoped webhook and participants, in this order; the webhook sees the first message."""
    grouped = key.proxy_address == group_mms.GROUP
    natives = [number for number in key.address.split(",") if not await _owns(uow, inbound, number)]
    await conversations.create(
        uow,
        sid=sid,
        chat_service_sid=configuration.conversation_service_sid if configuration else None,
        messaging_service_sid=autocreate_by if configuration is None else None,
        created_by="system",
        address_sid=configuration.sid if configuration else None,
        pair=(",".join(natives) if grouped else inbound.address, inbound.proxy_address),
        author_address=inbound.address if grouped else None,
        initializing=grouped,
        first_message={
            "message_body": inbound.body,
            "media": [{"filename": i.filename, "content_type": i.content_type, "size": i.size} for i in inbound.media],
        },
        origin=origin,
    )
    origin = msgspec.structs.replace(origin, decided=True)  # who let the conversation happen let this happen (§8.2)
    kind = configuration.type if configuration else inbound.channel_type
    attachments.set_scope(uow, sid, ADDRESS_TYPES.get(kind, kind))
    if configuration is not None:
        await integrate(uow, sid, configuration)
    if grouped:
        await _add_group(uow, sid, key, natives, origin)
        return
    await participants.add(
        uow, sid, address=inbound.address, proxy_address=inbound.proxy_address, origin=origin, pair_taken=True
    )


async def _add_group(uow: UnitOfWork, sid: str, key: group_mms.Key, natives: list[str], origin: Origin) -> None:
    """Add all numbers of a group: `natives` by their address, ours as projected ones; then the conversation begins."""
    for number in key.address.split(","):
        native = number in natives
        await participants.add(
            uow,
            sid,
            address=number if native else None,
            projected_address=None if native else number,
            origin=origin,
            pair_taken=True,
            group_later=True,
        )
    conversation = await conversations.lock(uow, sid)
    await conversations.enter_state(uow, conversation, "active", reason="EVENT", origin=origin)
    await timers.arm_anew(uow, conversation)


async def _owns(reader: Reader, inbound: Inbound, number: str) -> bool:
    return number == inbound.proxy_address or await numbers.by_number(reader, number) is not None


async def integrate(uow: UnitOfWork, sid: str, configuration: AddressConfiguration) -> None:
    """Attach what the address is integrated with; the default integration is with nothing."""
    if configuration.auto_creation_type == "studio":
        await webhooks.attach_studio(
            uow, sid, flow_sid=configuration.studio_flow_sid or "", retry_count=configuration.studio_retry_count or 0
        )
    elif configuration.auto_creation_type == "webhook":
        await webhooks.create(
            uow,
            sid,
            target="webhook",
            url=configuration.webhook_url,
            method=configuration.webhook_method,
            filters=configuration.webhook_filters or (),
        )


async def _append(uow: UnitOfWork, inbound: Inbound, taken: Taken, origin: Origin, *, created: bool) -> Received:
    files = []
    for item in inbound.media:
        stored = Stored(key=item.key, size=item.size, sha256=item.sha256, content_type=item.content_type)
        row = await media.record(
            uow, stored, service_sid=taken.chat_service_sid, filename=item.filename, author=inbound.address
        )
        files.append(row.sid)
    draft = messages.Draft(
        author=inbound.address,
        body=checks.body(inbound.body),
        attributes="{}",
        subject=None,
        media_sids=files,
        date_created=None,
        date_updated=None,
    )
    message = await messages.add(uow, taken, draft, origin)
    return Received(taken.sid, message.sid, created=created)
