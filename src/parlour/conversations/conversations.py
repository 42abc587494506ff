"""Conversations: their life from creation to closing (conversations.md §2)."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import asyncpg
import msgspec

from parlour.conversations import checks, errors, media, pre_events, timers
from parlour.conversations.events import API, Origin, announce, wire
from parlour.conversations.store import conversations as store
from parlour.conversations.store import messages as message_store
from parlour.conversations.store import participants as participant_store
from parlour.conversations.store import services as service_store
from parlour.conversations.store import users as user_store
from parlour.conversations.store import webhooks as webhook_store
from parlour.conversations.store.conversations import DEFAULT, Conversation, Scope
from parlour.kit.sids import is_sid
from parlour.outbox.timers import cancel
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork

STATES: Final = ("active", "inactive", "closed")
# A timer has no request behind it, so its webhooks always hear (conversations.md §6.3).
TIMER: Final = Origin(webhooks=True)

__all__ = [
    "STATES",
    "Changes",
    "Conversation",
    "create",
    "enter_state",
    "fetch",
    "lock",
    "locked_open",
    "remove",
    "resolve",
    "set_state",
    "timer_fired",
    "update",
]


class Changes(msgspec.Struct, kw_only=True):
    """What an update changes; None leaves a field as it is."""

    friendly_name: str | None = None
    unique_name: str | None = None
    attributes: str | None = None
    messaging_service_sid: str | None = None
    state: str | None = None
    timers_inactive: str | None = None
    timers_closed: str | None = None
    date_created: datetime | None = None
    date_updated: datetime | None = None


def _check_state(text: str) -> str:
    if not text:
        raise errors.STATE_EMPTY.error()
    state = text.lower()
    if state not in STATES:
        raise errors.STATE_INVALID.error(state=text)
    return state


async def create(
    uow: UnitOfWork,
    *,
    friendly_name: str | None = None,
    unique_name: str | None = None,
    attributes: str = "{}",
    chat_service_sid: str | None = None,
    messaging_service_sid: str | None = None,
    state: str = "active",
    timers_inactive: str | None = None,
    timers_closed: str | None = None,
    date_created: datetime | None = None,
    date_updated: datetime | None = None,
    created_by: str = "system",
    sid: str | None = None,
    address_sid: str | None = None,
    pair: tuple[str, str] | None = None,
    author_address: str | None = None,
    initializing: bool = False,
    first_message: Mapping[str, object] = MappingProxyType({}),
    origin: Origin = API,
) -> Conversation:
    """Create a conversation; account defaults stand in for its timers, service and messaging service.

    `timers_inactive`, `timers_closed`: ISO 8601 durations; `sid`: a SID minted before; `address_sid`: the address that
    asked for it; `pair`: the address and proxy address it was asked for, both told in the fact, and `author_address` of
    a group; `initializing`: the caller builds it up and then makes it active; `first_message`: what the webhook that is
    asked hears of it. Errors: 50353 the unique name is taken, 50384 created closed, 404 unknown service, 50056 a
    webhook refused, limits of §1.3 and §2.2 (conversations.md §2).
    """
    state = _check_state(state)
    if state == "closed":
        raise errors.CREATED_CLOSED.error()
    defaults = await service_store.fetch_configuration(uow)
    if defaults is None:
        raise not_found("the account's Conversations configuration")
    if chat_service_sid is not None and await service_store.fetch_service(uow, chat_service_sid) is None:
        raise not_found(chat_service_sid)
    if messaging_service_sid is not None:
        await checks.messaging_service(uow, messaging_service_sid, "MessagingServiceSid")
    if timers_inactive is None and timers_closed is None:
        timers_inactive, timers_closed = defaults.default_inactive_timer, defaults.default_closed_timer
    row = Conversation(
        account_sid=uow.account_sid,
        sid=sid or uow.new_sid("CH"),
        chat_service_sid=chat_service_sid or defaults.default_chat_service_sid,
        messaging_service_sid=messaging_service_sid or defaults.default_messaging_service_sid,
        friendly_name=checks.friendly_name(friendly_name),
        unique_name=checks.unique_name(unique_name),
        attributes=checks.attributes(attributes, maximum=checks.LONG_ATTRIBUTES_MAX),
        state="initializing" if initializing else state,
        state_at=uow.now,
        timer_inactive=timers_inactive,
        timer_closed=timers_closed,
        inactive_seconds=timers.inactive_seconds(timers_inactive),
        closed_seconds=timers.closed_seconds(timers_closed),
        created_by=created_by,
        document_sid=uow.new_sid("ET"),
        messages_sid=uow.new_sid("ES"),
        roster_sid=uow.new_sid("MP"),
        date_created=date_created or uow.now,
        date_updated=date_updated or date_created or uow.now,
    )
    timers.restart(row, uow.now)
    address, proxy_address = pair or (None, None)
    asked_for = {"address": address, "proxy_address": proxy_address, "author_address": author_address or address}
    subject = f"{address} {proxy_address}" if pair else row.unique_name or "new"
    await _ask(uow, "onConversationAdd", row, origin, subject=subject, further={**asked_for, **first_message})
    if not await store.insert(uow, row):
        raise errors.UNIQUE_NAME_EXISTS.error()
    await announce(uow, "conversation.added/1", row, row, origin, address_sid=address_sid, **asked_for)
    timers.arm(uow, row.sid, timers.next_due(row.state, row.date_inactive, row.date_closed))
    return row


async def _ask(
    uow: UnitOfWork,
    event_type: str,
    row: Conversation,
    origin: Origin,
    *,
    subject: str | None = None,
    further: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Have the webhook asked, and take the name that it answers. Errors: 50056 it refused, 50003 too long."""
    changed = await pre_events.ask(
        uow,
        event_type,
        origin,
        chat_service_sid=row.chat_service_sid,
        stream=row.sid if subject is None else row.chat_service_sid,
        subject=subject,
        snapshot=lambda: {**wire(row), "conversation_sid": row.sid, **further},
    )
    if "friendly_name" in changed:
        row.friendly_name = checks.friendly_name(changed["friendly_name"])


async def fetch(
    reader: Reader, sid_or_unique_name: str, *, chat_service_sid: str | None = None, scope: Scope = None
) -> Conversation:
    """Return a conversation by SID or unique name. Error: 404/20404."""
    scope = chat_service_sid or scope
    if is_sid(sid_or_unique_name, "CH"):
        row = await store.fetch(reader, sid_or_unique_name, scope)
    else:
        row = await store.fetch_by_name(reader, sid_or_unique_name, scope)
    if row is None:
        if scope not in (None, DEFAULT) and await service_store.fetch_service(reader, scope) is None:
            raise not_found(scope)
        raise not_found(sid_or_unique_name)
    return row


async def resolve(reader: Reader, sid_or_unique_name: str, scope: Scope = None) -> str:
    """Return the SID of a conversation named by SID or unique name. Error: 404/20404."""
    if is_sid(sid_or_unique_name, "CH") and scope is None:
        return sid_or_unique_name
    return (await fetch(reader, sid_or_unique_name, scope=scope)).sid


async def lock(uow: UnitOfWork, sid: str, scope: Scope = None) -> Conversation:
    """Lock a conversation named by SID. Error: 404/20404."""
    row = await store.lock(uow, sid, scope)
    if row is None:
        raise not_found(sid)
    return row


async def locked_open(uow: UnitOfWork, sid: str, scope: Scope = None) -> Conversation:
    """Lock a conversation that is to be written. Errors: 404/20404; 50377 it is closed (conversations.md §2.1)."""
    row = await lock(uow, sid, scope)
    if row.state == "closed":
        raise errors.CONVERSATION_CLOSED.error()
    return row


async def update(
    uow: UnitOfWork, sid_or_unique_name: str, changes: Changes, *, scope: Scope = None, origin: Origin = API
) -> Conversation:
    """Change a conversation; a timer that is set counts from now.

    Errors: 404/20404, 50377 closed, 50353 the unique name is taken, limits as in `create`.
    """
    sid = await resolve(uow, sid_or_unique_name, scope)
    if changes.state is not None and _check_state(changes.state) == "closed":
        await participant_store.lock_pairs(uow, sid)
    row = await locked_open(uow, sid)
    state_from = row.state
    await _apply(uow, row, changes)
    others = [name for name in changes.__struct_fields__ if name != "state" and getattr(changes, name) is not None]
    if others or changes.state is None:
        await _ask(uow, "onConversationUpdate", row, origin)
    try:
        await store.update(uow, row)
    except asyncpg.UniqueViolationError as error:
        raise errors.UNIQUE_NAME_EXISTS.error() from error
    if row.state != state_from:
        await _state_changed(uow, row, state_from, "API", origin)
    if changes.timers_inactive is not None or changes.timers_closed is not None or row.state != state_from:
        await timers.arm_anew(uow, row)
    if others or changes.state is None:
        await announce(uow, "conversation.updated/1", row, row, origin)
    return row


async def _apply(uow: UnitOfWork, row: Conversation, changes: Changes) -> None:
    if changes.friendly_name is not None:
        row.friendly_name = checks.friendly_name(changes.friendly_name)
    if changes.unique_name is not None:
        unique_name = checks.unique_name(changes.unique_name)
        if unique_name is not None and unique_name != row.unique_name:
            holder = await store.fetch_by_name(uow, unique_name, row.chat_service_sid)
            if holder is not None:
                raise errors.UNIQUE_NAME_EXISTS.error()
        row.unique_name = unique_name
    if changes.attributes is not None:
        row.attributes = checks.attributes(changes.attributes, maximum=checks.LONG_ATTRIBUTES_MAX)
    if changes.messaging_service_sid is not None:
        row.messaging_service_sid = await checks.messaging_service(
            uow, changes.messaging_service_sid, "MessagingServiceSid"
        )
    _apply_timers(row, changes, uow.now)
    if changes.state is not None:
        _enter(row, _check_state(changes.state), uow.now)
    row.date_created = changes.date_created or row.date_created
    row.date_updated = changes.date_updated or uow.now
    row.change += 1


def _apply_timers(row: Conversation, changes: Changes, now: datetime) -> None:
    if changes.timers_inactive is not None:
        row.timer_inactive = changes.timers_inactive
        row.inactive_seconds = timers.inactive_seconds(changes.timers_inactive)
        row.date_inactive = timers.after(now, row.inactive_seconds)
    if changes.timers_closed is not None:
        row.timer_closed = changes.timers_closed
        row.closed_seconds = timers.closed_seconds(changes.timers_closed)
        row.date_closed = timers.after(now, row.closed_seconds)


def _enter(row: Conversation, state: str, now: datetime) -> None:
    if state == row.state:
        return
    row.state, row.state_at = state, now
    if state == "active":
        timers.restart(row, now)


async def _state_changed(uow: UnitOfWork, row: Conversation, state_from: str, reason: str, origin: Origin) -> None:
    if row.state == "closed":
        await store.release_pairs(uow, row.sid)
    await announce(
        uow, "conversation.state_updated/1", row, row, origin, state_from=state_from, state_to=row.state, reason=reason
    )


async def set_hint(uow: UnitOfWork, sid: str, name: str, value: str | None) -> None:
    """Keep a hint for a higher floor among the listeners, which every fact of the conversation carries; None ends it.

    Error: 404/20404.
    """
    row = await lock(uow, sid)
    if row.listeners.get(name) == value:
        return
    row.listeners.pop(name, None)
    if value is not None:
        row.listeners[name] = value
    await store.set_listeners(uow, row)


async def set_state(
    uow: UnitOfWork, sid: str, state: str, *, reason: str = "API", origin: Origin = API
) -> Conversation:
    """Move a conversation to a state; one that is there already is left alone. Closing releases its address pairs.

    `reason`: `API`, `TIMER` or `EVENT`. Errors: 404/20404; 50377 it is closed; 50378 (conversations.md §2.1).
    """
    state = _check_state(state)
    if state == "closed":
        await participant_store.lock_pairs(uow, sid)
    row = await lock(uow, sid)
    if row.state == state:
        return row
    if row.state == "closed":
        raise errors.CONVERSATION_CLOSED.error()
    await enter_state(uow, row, state, reason=reason, origin=origin)
    await timers.arm_anew(uow, row)
    return row


async def enter_state(uow: UnitOfWork, row: Conversation, state: str, *, reason: str, origin: Origin) -> None:
    """Write a new state of a locked conversation and state the fact; the caller arms the timer."""
    state_from = row.state
    _enter(row, state, uow.now)
    row.date_updated = uow.now
    row.change += 1
    await store.update(uow, row)
    await _state_changed(uow, row, state_from, reason, TIMER if reason == "TIMER" else origin)


async def timer_fired(uow: UnitOfWork, sid: str) -> None:
    """Do what the dates of a conversation ask for by now, in their order, and arm its timer for what is left."""
    await participant_store.lock_pairs(uow, sid)
    row = await store.lock(uow, sid)
    if row is None or row.state not in ("active", "inactive"):
        return
    if row.state == "active" and row.date_inactive is not None and row.date_inactive <= uow.now:
        await enter_state(uow, row, "inactive", reason="TIMER", origin=API)
    if row.date_closed is not None and row.date_closed <= uow.now:
        await enter_state(uow, row, "closed", reason="TIMER", origin=API)
    timers.arm(uow, row.sid, timers.next_due(row.state, row.date_inactive, row.date_closed))


async def remove(uow: UnitOfWork, sid_or_unique_name: str, *, scope: Scope = None, origin: Origin = API) -> None:
    """Delete a conversation with its messages, media, participants and webhooks; its pairs and unique name are free.

    The row and its participants stay as tombstones. Error: 404/20404 (conversations.md §2.3).
    """
    sid = await resolve(uow, sid_or_unique_name, scope)
    await participant_store.lock_pairs(uow, sid)
    row = await lock(uow, sid)
    await _ask(uow, "onConversationRemove", row, origin)
    await store.release_pairs(uow, sid)
    roster_change = await store.remove(uow, row)
    for participant in await participant_store.all_of(uow, sid):
        participant.change, participant.removed_at = roster_change, uow.now
        if participant.user_sid is not None:
            participant.user_change = await user_store.raise_conversations(uow, participant.user_sid)
        await participant_store.update(uow, participant)
    await media.discard(uow, await media.remove_of_conversation(uow, sid))
    await message_store.erase_all(uow, sid)
    await webhook_store.bury_all(uow, sid)
    await cancel(uow, timers.lane(sid))
    row.removed_at = uow.now
    await announce(uow, "conversation.removed/1", row, row, origin)
