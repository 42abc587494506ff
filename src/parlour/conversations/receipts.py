"""Delivery receipts: one for each recipient outside chat, moving forward only (conversations.md §4.6)."""

from typing import Final

from parlour.conversations import conversations, delivery, participants
from parlour.conversations.events import Origin, announce
from parlour.conversations.store import messages as store
from parlour.conversations.store import participants as participant_store
from parlour.conversations.store.conversations import Conversation
from parlour.conversations.store.messages import Message, Receipt
from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork

__all__ = ["Receipt", "advance", "by_channel_message", "create", "fetch"]

# Nobody asks for a receipt's change, so its webhooks always hear (conversations.md §6.3).
CHANNEL: Final = Origin(webhooks=True)


async def create(
    uow: UnitOfWork,
    *,
    conversation_sid: str,
    message_sid: str,
    participant_sid: str,
    channel_message_sid: str | None,
) -> Receipt:
    """Make the receipt of a message for a recipient, status null; the one that is there already is returned.

    Error: 404/20404, no such message.
    """
    conversation = await conversations.lock(uow, conversation_sid)
    message = await _message(uow, conversation.sid, message_sid)
    row = Receipt(
        account_sid=uow.account_sid,
        sid=uow.new_sid("DY"),
        conversation_sid=conversation.sid,
        chat_service_sid=conversation.chat_service_sid,
        message_sid=message_sid,
        participant_sid=participant_sid,
        channel_message_sid=channel_message_sid,
        status=None,
        error_code=None,
        date_created=uow.now,
        date_updated=uow.now,
    )
    if not await store.insert_receipt(uow, row):
        return await _present(uow, message_sid, participant_sid, channel_message_sid)
    await _sum_up(uow, conversation, message)
    return row


async def _present(uow: UnitOfWork, message_sid: str, participant_sid: str, channel_message_sid: str | None) -> Receipt:
    row = await store.receipt_of(uow, message_sid, participant_sid)
    if row is None:
        raise not_found(f"receipt of {message_sid}")
    if row.channel_message_sid is None and channel_message_sid is not None:
        row.channel_message_sid = channel_message_sid
        await store.update_receipt(uow, row)
    return row


async def advance(uow: UnitOfWork, receipt_sid: str, status: str, *, error_code: int | None = None) -> Receipt:
    """Move a receipt to `sent`, `delivered`, `read`, `failed` or `undelivered`; a step back is left out.

    `error_code`: the channel's error, kept for failed and undelivered. Errors: 404/20404, 20001 unknown status.
    """
    if status not in ("sent", "delivered", "read", "failed", "undelivered"):
        raise invalid_parameter("Status", f"{status} is not a status of a receipt")
    found = await store.receipt_by_sid(uow, receipt_sid)
    if found is None:
        raise not_found(receipt_sid)
    conversation = await conversations.lock(uow, found.conversation_sid)
    row = await store.receipt_by_sid(uow, receipt_sid) or found
    if not delivery.moves_forward(row.status, status):
        return row
    row.status = status
    row.error_code = error_code if status in ("failed", "undelivered") else None
    row.date_updated = uow.now
    await store.update_receipt(uow, row)
    message = await _message(uow, conversation.sid, row.message_sid)
    await _sum_up(uow, conversation, message)
    if status == "read":
        await _advance_horizon(uow, conversation, row.participant_sid, message.index)
    await announce(
        uow, "delivery.updated/1", conversation, row, CHANNEL, delivery=message.delivery, index=message.index
    )
    return row


async def _advance_horizon(uow: UnitOfWork, conversation: Conversation, participant_sid: str, index: int) -> None:
    """Move the read position of a recipient outside chat up to a message that it read (conversations.md §3.6)."""
    person = await participant_store.fetch(uow, conversation.sid, participant_sid)
    if person is None or (person.last_read_message_index or -1) >= index:
        return
    person.last_read_message_index, person.last_read_timestamp = index, uow.now
    await participants.touch(uow, conversation, person, in_map=False)
    await announce(uow, "participant.updated/1", conversation, person, CHANNEL)


async def _message(reader: Reader, conversation_sid: str, message_sid: str) -> Message:
    row = await store.fetch(reader, conversation_sid, message_sid)
    if row is None:
        raise not_found(message_sid)
    return row


async def _sum_up(uow: UnitOfWork, conversation: Conversation, message: Message) -> None:
    """Write the message's summary of its receipts; the message's own dates stay."""
    statuses = await store.statuses(uow, message.sid)
    summary = delivery.summary(statuses, total=message.recipient_count)
    if summary == message.delivery:
        return
    message.delivery = summary
    message.change = await store.raise_messages(uow, conversation.sid) or message.change
    await store.update(uow, message)


async def fetch(reader: Reader, message_sid: str, sid: str) -> Receipt:
    """Return a receipt of a message. Error: 404/20404."""
    row = await store.fetch_receipt(reader, message_sid, sid)
    if row is None:
        raise not_found(sid)
    return row


async def by_channel_message(reader: Reader, channel_message_sid: str) -> Receipt | None:
    """Return the receipt of an outbound channel message, None if it has none."""
    return await store.receipt_by_channel_message(reader, channel_message_sid)
