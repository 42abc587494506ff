"""The log of texts: one record for each that came in, one per recipient of each that went out (channels.md §1.2)."""

from collections.abc import Sequence
from typing import Final

import msgspec

from parlour.messaging import segments
from parlour.messaging.store import log as store
from parlour.messaging.store.log import LoggedMessage
from parlour.messaging.store.numbers import Number
from parlour.messaging.store.services import Service
from parlour.outbox.facts import Event, state
from parlour.store.unit import UnitOfWork

RECEIVED: Final = "carrier_message.received/1"
ACCEPTED: Final = "carrier_message.accepted/1"
QUEUED: Final = "carrier_message.queued/1"
UPDATED: Final = "carrier_message.updated/1"
UNCLAIMED: Final = "carrier_message.unclaimed/1"
REFUSED: Final = "carrier_message.refused/1"

# A status is left only for one of a higher rank (channels.md §1.3).
RANKS: Final = {
    "accepted": 0,
    "queued": 1,
    "sending": 2,
    "sent": 3,
    "delivered": 4,
    "undelivered": 4,
    "failed": 4,
    "canceled": 4,
    "read": 5,
}
HANDED_OVER: Final = frozenset({"sent", "delivered", "read"})


def _new(
    uow: UnitOfWork,
    *,
    direction: str,
    status: str,
    from_address: str,
    to_address: str,
    body: str,
    num_media: int,
    media_urls: Sequence[str] = (),
    provider_sid: str | None = None,
    messaging_service_sid: str | None = None,
    status_callback: str | None = None,
) -> LoggedMessage:
    sid = uow.new_sid("MM" if num_media else "SM")
    row = LoggedMessage(
        account_sid=uow.account_sid,
        sid=sid,
        position=sid[2:],
        direction=direction,
        status=status,
        from_address=from_address,
        to_address=to_address,
        body=body,
        num_media=num_media,
        num_segments=_segments(body, num_media) if from_address else 0,
        media_urls=list(media_urls),
        messaging_service_sid=messaging_service_sid,
        provider_sid=provider_sid,
        error_code=None,
        date_created=uow.now,
        date_updated=uow.now,
        date_sent=uow.now if direction == "inbound" else None,
        status_callback=status_callback,
    )
    store.insert(uow, row)
    return row


def _segments(body: str, num_media: int) -> int:
    return 1 if num_media else segments.number_of_segments(body)


async def _state(uow: UnitOfWork, kind: str, row: LoggedMessage, *, moved: bool = False, **further: object) -> Event:
    """State a fact about a message.

    :param moved: its status is another than before, which its status callback is told.
    """
    snapshot = {**msgspec.to_builtins(row), **further}
    listeners = {"status_callback": row.status_callback if moved else None}
    return await state(uow, kind, stream=row.sid, object_sid=row.sid, snapshot=snapshot, listeners=listeners)


async def record_inbound(
    uow: UnitOfWork,
    *,
    from_address: str,
    to_address: str,
    body: str,
    num_media: int = 0,
    provider_sid: str | None = None,
    messaging_service_sid: str | None = None,
) -> tuple[LoggedMessage, Event]:
    """Log a text that came in, and state `carrier_message.received/1`.

    :param provider_sid: the carrier's own SID of it.
    :param messaging_service_sid: the service whose pool has the number.
    :returns: the record and its event, which is the cause of all that the text brings about.
    """
    row = _new(
        uow,
        direction="inbound",
        status="received",
        from_address=from_address,
        to_address=to_address,
        body=body,
        num_media=num_media,
        provider_sid=provider_sid,
        messaging_service_sid=messaging_service_sid,
    )
    return row, await _state(uow, RECEIVED, row)


async def unclaimed(uow: UnitOfWork, row: LoggedMessage) -> None:
    """State that no conversation has a text that came in: it is for the webhook of its number."""
    await _state(uow, UNCLAIMED, row)


async def refused(uow: UnitOfWork, row: LoggedMessage) -> None:
    """State that a webhook refused a text that came in: it is in no conversation and for nobody."""
    await _state(uow, REFUSED, row)


async def record_outbound(
    uow: UnitOfWork,
    *,
    from_address: str,
    to_address: str,
    body: str,
    num_media: int = 0,
    direction: str = "outbound-api",
    status: str = "queued",
    error_code: int | None = None,
    conversation_sid: str | None = None,
    message_sid: str | None = None,
    receipt_sid: str | None = None,
) -> LoggedMessage:
    """Log a text to one recipient that a channel sends, and state `carrier_message.updated/1`.

    :param conversation_sid: with `message_sid` and `receipt_sid` the conversation's side of it, for the snapshot.
    """
    row = _new(
        uow,
        direction=direction,
        status=status,
        from_address=from_address,
        to_address=to_address,
        body=body,
        num_media=num_media,
    )
    row.error_code = error_code
    await _state(uow, UPDATED, row, conversation_sid=conversation_sid, message_sid=message_sid, receipt_sid=receipt_sid)
    return row


async def queue(
    uow: UnitOfWork,
    *,
    from_address: str,
    to_address: str,
    body: str,
    media_urls: Sequence[str] = (),
    direction: str = "outbound-api",
    messaging_service_sid: str | None = None,
    status_callback: str | None = None,
) -> LoggedMessage:
    """Log an order of the account itself, and state `carrier_message.queued/1`, on which its channel sends it.

    :param messaging_service_sid: the service through which it goes; its status callback is told where no other is.
    :param status_callback: the address that is told of each change of its status.
    """
    row = _new(
        uow,
        direction=direction,
        status="queued",
        from_address=from_address,
        to_address=to_address,
        body=body,
        num_media=len(media_urls),
        media_urls=media_urls,
        messaging_service_sid=messaging_service_sid,
        status_callback=status_callback,
    )
    await _state(uow, QUEUED, row)
    return row


async def accept(
    uow: UnitOfWork,
    service: Service,
    *,
    to_address: str,
    body: str,
    media_urls: Sequence[str] = (),
    status_callback: str | None = None,
) -> LoggedMessage:
    """Log an order whose sender its messaging service has still to choose; state `carrier_message.accepted/1`."""
    row = _new(
        uow,
        direction="outbound-api",
        status="accepted",
        from_address="",
        to_address=to_address,
        body=body,
        num_media=len(media_urls),
        media_urls=media_urls,
        messaging_service_sid=service.sid,
        status_callback=status_callback or service.status_callback,
    )
    await _state(uow, ACCEPTED, row)
    return row


async def send_from(uow: UnitOfWork, sid: str, number: Number | None, *, error_code: int) -> None:
    """Queue an accepted message from the number that was chosen; without one it has failed.

    :param error_code: why it failed.
    """
    row = await store.lock(uow, sid)
    if row is None or row.status != "accepted":
        return
    row.date_updated = uow.now
    if number is None:
        row.status, row.error_code = "failed", error_code
    else:
        row.status, row.from_address = "queued", number.phone_number
        row.num_segments = _segments(row.body, row.num_media)
    store.update(uow, row)
    await _state(uow, QUEUED if number is not None else UPDATED, row, moved=True)


async def set_status(
    uow: UnitOfWork, sid: str, status: str, *, error_code: int | None = None, provider_sid: str | None = None
) -> LoggedMessage | None:
    """Move a message forward to a status; what would move it back changes nothing.

    :param error_code: why it failed.
    :param provider_sid: the carrier's own SID, kept once known.
    :returns: the message as it is now; None when it was deleted from the log.
    """
    row = await store.lock(uow, sid)
    if row is None:
        return None
    forward = RANKS[status] > RANKS.get(row.status, 0)
    learned = provider_sid is not None and row.provider_sid is None
    noted = error_code is not None and row.error_code is None
    if not forward and not learned and not noted:
        return row
    if forward:
        row.status = status
        if row.date_sent is None and status in HANDED_OVER:
            row.date_sent = uow.now
    row.error_code = row.error_code if error_code is None else error_code
    row.provider_sid = row.provider_sid or provider_sid
    row.date_updated = uow.now
    store.update(uow, row)
    await _state(uow, UPDATED, row, moved=forward)
    return row
