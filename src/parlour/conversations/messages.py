"""Messages: dense indexes, media, and what others hear of them (conversations.md §4)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog

from parlour.content.templates import Rendered
from parlour.conversations import (
    attachments,
    checks,
    contents,
    conversations,
    delivery,
    errors,
    group_mms,
    media,
    pre_events,
    timers,
)
from parlour.conversations.appending import append
from parlour.conversations.events import API, Origin, announce, listeners_of, wire
from parlour.conversations.store import conversations as conversation_store
from parlour.conversations.store import messages as store
from parlour.conversations.store import webhook_configurations
from parlour.conversations.store.conversations import Scope, Taken
from parlour.conversations.store.messages import Message
from parlour.kit.errors import ContractError
from parlour.kit.sids import is_sid
from parlour.outbox.facts import state
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork

__all__ = ["Changes", "Message", "add", "create", "fetch", "remove", "update"]

log = structlog.get_logger("parlour.conversations")


class Draft(msgspec.Struct, kw_only=True):
    """A message that is about to be stored."""

    author: str
    body: str | None
    attributes: str
    subject: str | None
    media_sids: Sequence[str]
    content: Rendered | None = None
    date_created: datetime | None
    date_updated: datetime | None


class Changes(msgspec.Struct, kw_only=True):
    """What an update changes; None leaves a field as it is."""

    author: str | None = None
    body: str | None = None
    attributes: str | None = None
    subject: str | None = None
    date_created: datetime | None = None
    date_updated: datetime | None = None


async def create(
    uow: UnitOfWork,
    conversation_sid: str,
    *,
    author: str = "system",
    body: str | None = None,
    attributes: str = "{}",
    subject: str | None = None,
    media_sids: Sequence[str] = (),
    source: str = "API",
    client_identity: str | None = None,
    webhooks: bool = False,
    date_created: datetime | None = None,
    date_updated: datetime | None = None,
    flow: bool = False,
    scope: Scope = None,
    alone: bool = False,
    content: Rendered | None = None,
) -> Message:
    """Post a message with the next index; an inactive conversation becomes active and its timers start anew.

    `webhooks`: a REST caller asks for events; `flow`: posted by a Studio flow, never feeds scoped webhooks;
    `alone`: the unit does nothing else before or after, so that one statement may be all of its transaction.
    Errors: 404/20404, 50377 closed, 50503 nothing to say, 50504 body over 32 KB, 50303 and 50304 attributes, 50310
    author, 50507, 50508 and 50510 media (conversations.md §4.1, §4.2).
    """
    draft = Draft(
        author=checks.author(author),
        body=checks.body(content.body if content else body),
        attributes=checks.attributes(attributes, maximum=checks.SHORT_ATTRIBUTES_MAX),
        subject=checks.subject(subject),
        media_sids=() if content else media_sids,
        content=content,
        date_created=date_created,
        date_updated=date_updated,
    )
    if draft.body is None and not draft.media_sids and content is None:
        raise errors.BODY_MISSING.error()
    origin = Origin(source=source, client_identity=client_identity, webhooks=webhooks, flow=flow)
    if not is_sid(conversation_sid, "CH"):
        conversation_sid = await conversations.resolve(uow, conversation_sid, scope)
    if alone and not draft.media_sids:
        appended = await append(uow, _row_of(uow, draft, origin, conversation_sid), origin, scope)
        if appended is not None:
            return appended
    taken = await conversation_store.take_index(uow, conversation_sid, draft.author, scope)
    if taken is None:
        await conversations.fetch(uow, conversation_sid, scope=scope)
        raise errors.CONVERSATION_CLOSED.error()
    return await add(uow, taken, draft, origin, limited=True)


async def add(uow: UnitOfWork, taken: Taken, draft: Draft, origin: Origin, *, limited: bool = False) -> Message:
    """Store a message under the index taken; the row, its event, lanes and jobs are one statement.

    `limited`: the limits of attachments hold for it.
    """
    sid = uow.new_sid("IM")
    attached = None
    if draft.media_sids:
        attached = await media.attach(
            uow,
            draft.media_sids,
            service_sid=taken.chat_service_sid,
            conversation_sid=taken.sid,
            message_sid=sid,
        )
        if limited:
            await attachments.check(uow, taken.sid, attached)
    participant_sid = group_mms.author_of(taken.listeners, draft.author, taken.participant_sid)
    row = _row_of(uow, draft, origin, taken.sid, sid)
    row.chat_service_sid = taken.chat_service_sid
    row.index = taken.index
    row.participant_sid = participant_sid
    row.media = attached
    await _ask(uow, "onMessageAdd", row, origin, taken.messaging_service_sid, taken.configured)
    recipients = group_mms.recipients_of(taken.listeners, row.participant_sid)
    row.delivery = delivery.summary((), total=len(recipients))
    row.recipient_count = len(recipients)
    row.created_change = row.change = taken.messages_change
    store.insert(uow, row)
    snapshot = wire(row)
    snapshot.update(
        messaging_service_sid=taken.messaging_service_sid,
        recipients=recipients,
        webhooks=origin.heard,
        flow=origin.flow,
    )
    await state(
        uow,
        "message.added/1",
        stream=taken.sid,
        object_sid=sid,
        snapshot=snapshot,
        listeners=listeners_of({**taken.listeners, "recipients": recipients}, origin, taken.configured),
    )
    if taken.state == "inactive":
        await _revive(uow, taken.sid, origin)
    return row


async def _ask(
    uow: UnitOfWork,
    event_type: str,
    row: Message,
    origin: Origin,
    messaging_service_sid: str | None,
    configured: dict[str, Any] | None,
) -> None:
    """Have the webhook asked, and put into the message what it answered.

    What a customer wrote is not lost by an answer that breaks a limit: it stays as it came. Errors: 50056 the webhook
    refused, limits as in `create`.
    """
    subject = None if event_type == "onMessageAdd" else row.sid
    try:
        changed = await pre_events.ask(
            uow,
            event_type,
            origin,
            chat_service_sid=row.chat_service_sid,
            stream=row.conversation_sid,
            subject=subject,
            snapshot=lambda: wire(row) | {"messaging_service_sid": messaging_service_sid},
            configured=configured,
        )
        if changed:
            await _put(uow, row, changed)
    except ContractError as error:
        if origin.has_caller or error.code == errors.WEBHOOK_REFUSED.code:
            raise
        log.warning("a pre-event's answer cannot be used", message=row.sid, code=error.code, error=error.message)


async def _ask_about(
    uow: UnitOfWork, event_type: str, row: Message, conversation: conversations.Conversation, origin: Origin
) -> None:
    """Have the webhook asked about a stored message."""
    if origin.asks:
        configured = await webhook_configurations.listener(uow, row.chat_service_sid)
        await _ask(uow, event_type, row, origin, conversation.messaging_service_sid, configured)


async def _put(uow: UnitOfWork, row: Message, changed: Mapping[str, str]) -> None:
    """Put the answer of a pre-event into a message."""
    body = checks.body(changed["body"]) if "body" in changed else row.body
    if body is None and not row.media:
        raise errors.BODY_MISSING.error()
    attributes = checks.attributes(changed.get("attributes", row.attributes), maximum=checks.SHORT_ATTRIBUTES_MAX)
    author = checks.author(changed.get("author", row.author))
    if author != row.author:
        row.participant_sid = await store.author_sid(uow, row.conversation_sid, author)
    row.body, row.attributes, row.author = body, attributes, author


def _row_of(uow: UnitOfWork, draft: Draft, origin: Origin, conversation_sid: str, sid: str | None = None) -> Message:
    """Return the message as far as the conversation has no say in it."""
    date_created = draft.date_created or uow.now
    return Message(
        account_sid=uow.account_sid,
        sid=sid or uow.new_sid("IM"),
        conversation_sid=conversation_sid,
        chat_service_sid="",
        index=0,
        author=draft.author,
        participant_sid=None,
        body=draft.body,
        attributes=draft.attributes,
        subject=draft.subject,
        media=None,
        delivery=None,
        recipient_count=0,
        source=origin.source,
        client_identity=origin.client_identity,
        last_updated_by=None,
        created_change=0,
        change=0,
        date_created=date_created,
        date_updated=draft.date_updated or date_created,
        removed_at=None,
        content=contents.kept(draft.content),
    )


async def _revive(uow: UnitOfWork, conversation_sid: str, origin: Origin) -> None:
    conversation = await conversations.lock(uow, conversation_sid)
    await conversations.enter_state(uow, conversation, "active", reason="EVENT", origin=origin)
    await timers.arm_anew(uow, conversation)


async def fetch(reader: Reader, conversation_sid: str, sid: str) -> Message:
    """Return a message of a conversation. Error: 404/20404."""
    row = await store.fetch(reader, conversation_sid, sid)
    if row is None:
        raise not_found(sid)
    return row


async def update(
    uow: UnitOfWork, conversation_sid: str, sid: str, changes: Changes, *, scope: Scope = None, origin: Origin = API
) -> Message:
    """Edit a message; nothing is sent to channels again, its index stays (conversations.md §4.4).

    Errors: 404/20404, 50377 closed, 50509 the body of a media message, limits as in `create`.
    """
    conversation = await conversations.locked_open(uow, await conversations.resolve(uow, conversation_sid, scope))
    row = await fetch(uow, conversation.sid, sid)
    if changes.author is not None:
        row.author = checks.author(changes.author)
        row.participant_sid = await store.author_sid(uow, conversation.sid, row.author)
    if changes.body is not None:
        if row.media and changes.body != row.body:
            raise errors.MEDIA_BODY_FIXED.error()
        row.body = checks.body(changes.body)
        if row.body is None and not row.media:
            raise errors.BODY_MISSING.error()
    if changes.attributes is not None:
        row.attributes = checks.attributes(changes.attributes, maximum=checks.SHORT_ATTRIBUTES_MAX)
    if changes.subject is not None:
        row.subject = checks.subject(changes.subject)
    row.date_created = changes.date_created or row.date_created
    row.date_updated = changes.date_updated or uow.now
    await _ask_about(uow, "onMessageUpdate", row, conversation, origin)
    row.last_updated_by = origin.client_identity or "system"
    row.change = await store.raise_messages(uow, conversation.sid) or row.change
    await store.update(uow, row)
    await announce(uow, "message.updated/1", conversation, row, origin, reason="edit")
    return row


async def latest(reader: Reader, conversation_sid: str) -> Message | None:
    """Return the newest message of a conversation, None if it has none."""
    found = await store.page(reader, conversation_sid, descending=True, after=None, limit=1)
    return found[0] if found else None


async def remove(
    uow: UnitOfWork, conversation_sid: str, sid: str, *, scope: Scope = None, origin: Origin = API
) -> None:
    """Delete a message with its media; indexes of others stay, copies on channels too. Errors: 404/20404, 50377."""
    conversation = await conversations.locked_open(uow, await conversations.resolve(uow, conversation_sid, scope))
    row = await fetch(uow, conversation.sid, sid)
    await _ask_about(uow, "onMessageRemove", row, conversation, origin)
    is_last = row.index == conversation.next_index - 1
    snapshot_row = msgspec.structs.replace(row, removed_at=uow.now)
    row.change = await store.raise_messages(uow, conversation.sid, document=is_last) or row.change
    row.removed_at = uow.now
    row.body, row.media, row.content, row.attributes, row.subject = None, None, None, "{}", None
    await store.update(uow, row)
    await media.discard(uow, await media.remove_of_message(uow, sid))
    await announce(uow, "message.removed/1", conversation, snapshot_row, origin)
