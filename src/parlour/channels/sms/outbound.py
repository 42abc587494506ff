"""Outbound texts: prepared, handed to the carrier, and settled (DESIGN 2.13, channels.md §8.2).

A send is queued, then sending (committed before the call), then sent, failed or unknown. A send whose answer was
lost is looked for at the carrier; it is never sent again by itself.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from parlour.channels.sms import asking, connections
from parlour.channels.sms import parts as message_parts
from parlour.channels.sms.carrier import Accepted, Busy, CannotAsk, NoAnswer, Refused
from parlour.channels.sms.deps import Needs
from parlour.channels.sms.status import tell_receipt
from parlour.channels.sms.store import sends as store
from parlour.channels.sms.store.connections import Connection
from parlour.channels.sms.store.sends import Send
from parlour.conversations import media, receipts
from parlour.kit import failpoints
from parlour.kit.errors import ContractError
from parlour.messaging import log as message_log
from parlour.messaging import numbers
from parlour.messaging.store.log import LoggedMessage
from parlour.outbox.facts import Event
from parlour.outbox.jobs import JobRun, Retry
from parlour.outbox.timers import schedule
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork

DELIVER: Final = "sms.deliver_again"
LAST_ATTEMPT: Final = 11  # the runner gives a job up at the next one; a send must be settled before
MEDIA_LINK: Final = timedelta(hours=12)  # outlives the carrier's queue of ten hours
NO_NUMBER: Final = 21606
UNKNOWN_ERROR: Final = 30008
SETTLED: Final = frozenset({"sent", "failed", "unknown"})

log = structlog.get_logger("parlour.channels.sms")


def real_now() -> datetime:
    """Return real time: calls and what a carrier's list says follow it."""
    return datetime.now(UTC)


async def deliver_message(needs: Needs, run: JobRun, event: Event, recipient: dict[str, Any]) -> None:
    """Bring a conversation's message to one recipient."""
    prepared = await run.step(lambda uow: _prepare_message(uow, event, recipient))
    if prepared is not None:
        await _deliver(needs, run, *prepared)


async def deliver_order(needs: Needs, run: JobRun, event: Event) -> None:
    """Bring an order of the account itself to its recipient."""
    await _deliver(needs, run, *await run.step(lambda uow: _prepare_order(uow, event.snapshot)))


async def deliver_again(needs: Needs, run: JobRun, sid: str) -> None:
    """Bring a send on its way that somebody asked to be sent again."""
    row = await run.step(lambda uow: store.lock(uow, sid))
    if row is not None:
        await _deliver(needs, run, row, ours=False)


# -- preparing: one transaction; a row that is there already was made by a run that was cut ----


async def _prepare_message(uow: UnitOfWork, event: Event, recipient: dict[str, Any]) -> tuple[Send, bool] | None:
    participant_sid = str(recipient["participant_sid"])
    known = await store.lock_of(uow, event.object_sid, participant_sid)
    if known is not None:
        return known, False
    proxy, address = str(recipient["proxy_address"]), str(recipient["address"])
    parts = message_parts.of_message(event.snapshot["body"], event.snapshot["media"])
    number = await numbers.by_number(uow, proxy)
    connection = await connections.of_number(uow, number.connection_sid) if number else None
    code = parts.error_code or (None if connection else NO_NUMBER)
    row = await message_log.record_outbound(
        uow,
        from_address=proxy,
        to_address=address,
        body=parts.body,
        num_media=len(parts.media),
        status="failed" if code else "queued",
        error_code=code,
        conversation_sid=event.stream,
        message_sid=event.object_sid,
    )
    try:
        receipt = await receipts.create(
            uow,
            conversation_sid=event.stream,
            message_sid=event.object_sid,
            participant_sid=participant_sid,
            channel_message_sid=row.sid,
        )
        if code is not None:
            await receipts.advance(uow, receipt.sid, "failed", error_code=code)
    except ContractError as error:
        if error.status != 404:
            raise
        log.info("the message was removed before it was sent", message=event.object_sid)
        await message_log.set_status(uow, row.sid, "canceled")
        return None
    send = _new(
        uow,
        row,
        connection,
        code,
        parts.media,
        conversation_sid=event.stream,
        message_sid=event.object_sid,
        participant_sid=participant_sid,
        receipt_sid=receipt.sid,
    )
    store.insert(uow, send)
    return send, True


async def _prepare_order(uow: UnitOfWork, snapshot: dict[str, Any]) -> tuple[Send, bool]:
    sid = str(snapshot["sid"])
    known = await store.lock(uow, sid)
    if known is not None:
        return known, False
    row = msgspec.convert(snapshot, LoggedMessage, strict=False)
    number = await numbers.by_number(uow, row.from_address)
    connection = await connections.of_number(uow, number.connection_sid) if number else None
    code = None if connection else NO_NUMBER
    if code is not None:
        await message_log.set_status(uow, sid, "failed", error_code=code)
    send = _new(uow, row, connection, code, [{"url": url} for url in row.media_urls])
    store.insert(uow, send)
    return send, True


def _new(
    uow: UnitOfWork,
    row: LoggedMessage,
    connection: Connection | None,
    code: int | None,
    media_items: list[dict[str, Any]],
    *,
    conversation_sid: str | None = None,
    message_sid: str | None = None,
    participant_sid: str | None = None,
    receipt_sid: str | None = None,
) -> Send:
    return Send(
        account_sid=uow.account_sid,
        sid=row.sid,
        connection_sid=connection.sid if connection else "",
        conversation_sid=conversation_sid,
        message_sid=message_sid,
        participant_sid=participant_sid,
        receipt_sid=receipt_sid,
        address=row.to_address,
        proxy_address=row.from_address,
        body=row.body,
        media=media_items,
        state="failed" if code else "sending",
        called_at=None if code else real_now(),
        provider_sid=None,
        error_code=code,
        reason=None,
        date_created=uow.now,
        date_updated=uow.now,
    )


# -- calling: no transaction ------------------------------------------------------------------


async def _deliver(needs: Needs, run: JobRun, send: Send, ours: bool) -> None:
    """Call the carrier, or ask it where the call may have been made before.

    :param ours: the row was made by this run, so that nobody called yet.
    """
    if send.state in SETTLED:
        return
    connection = await run.read(lambda reader: connections.fetch(reader, send.connection_sid))
    if send.state == "queued":
        send = await run.step(lambda uow: _begin_call(uow, send.sid))
        ours = True
    if send.state != "sending":
        return
    if not ours:
        await _ask(needs, run, connection, send)
        return
    carrier = needs.carrier(connection)
    outcome = await carrier.send(
        to=send.address,
        sender=send.proxy_address,
        body=send.body,
        media_urls=await _media_urls(needs, run, send),
        status_callback=needs.status_url(connection, send.token),
    )
    if isinstance(outcome, Accepted):
        failpoints.passing(failpoints.CARRIER_ACCEPTED)
        await run.finish(lambda uow: _accepted(uow, send.sid, outcome.provider_sid))
    elif isinstance(outcome, Refused):
        await run.finish(lambda uow: _failed(uow, send.sid, outcome.code, outcome.reason))
    elif isinstance(outcome, Busy):
        await _busy(run, send, outcome)
    else:
        log.warning("the carrier gave no answer", sid=send.sid, reason=outcome.reason)
        await _no_answer(needs, run, connection, send, outcome)


async def _begin_call(uow: UnitOfWork, sid: str) -> Send:
    row = await _locked(uow, sid)
    if row.state == "queued":
        row.state, row.called_at, row.reason = "sending", real_now(), None
        store.update(uow, row)
    return row


async def _media_urls(needs: Needs, run: JobRun, send: Send) -> list[str]:
    async def sign(reader: Reader) -> list[str]:
        return [
            str(item["url"])
            if "url" in item
            else f"{needs.base_url}/mcs{await media.signed_path(reader, needs.media, str(item['sid']), MEDIA_LINK)}"
            for item in send.media
        ]

    return await run.read(sign)


async def _busy(run: JobRun, send: Send, outcome: Busy) -> None:
    if run.attempt >= LAST_ATTEMPT:
        await run.finish(lambda uow: _failed(uow, send.sid, outcome.code, outcome.reason))
        return

    async def back(uow: UnitOfWork) -> None:
        row = await _locked(uow, send.sid)
        if row.state == "sending":
            row.state, row.reason = "queued", outcome.reason
            store.update(uow, row)

    await run.step(back)
    raise Retry(reason=outcome.reason)


async def _no_answer(needs: Needs, run: JobRun, connection: Connection, send: Send, outcome: NoAnswer) -> None:
    async def note(uow: UnitOfWork) -> Send:
        row = await _locked(uow, send.sid)
        if row.state == "sending":
            row.reason = outcome.reason
            store.update(uow, row)
        return row

    current = await run.step(note)
    if current.state == "sending":
        await _ask(needs, run, connection, current)


async def _ask(needs: Needs, run: JobRun, connection: Connection, send: Send) -> None:
    """Look for a send at the carrier; wait for the callback; in the end say that nobody knows."""
    left = asking.remaining(send, real_now())
    try:
        listed = await needs.carrier(connection).newest(to=send.address, sender=send.proxy_address)
    except CannotAsk as error:
        reason = str(error)
        if run.attempt < LAST_ATTEMPT:
            raise Retry(reason=reason) from error
        await run.finish(lambda uow: _unknown(uow, send.sid, reason))
        return
    sids = [one.provider_sid for one in listed]
    owned = await run.read(lambda reader: store.owned(reader, connection.sid, sids))
    found = asking.match(send, listed, owned)
    if found is not None:
        await run.finish(lambda uow: _accepted(uow, send.sid, found))
    elif left:
        reason = "the carrier does not show the message; waiting for its callback"
        raise Retry(min(left, asking.BETWEEN), reason, failed=False)
    elif connection.lists_at_once:
        await _never_arrived(needs, run, send)
    else:
        await run.finish(
            lambda uow: _unknown(uow, send.sid, "the carrier gave no answer and does not show the message")
        )


async def _never_arrived(needs: Needs, run: JobRun, send: Send) -> None:
    """The carrier's list is sure: it never took the message, so that this is its first sending."""

    async def back(uow: UnitOfWork) -> Send:
        row = await _locked(uow, send.sid)
        if row.state == "sending":
            row.state, row.reason = "queued", "the carrier never took it"
            store.update(uow, row)
        return row

    await _deliver(needs, run, await run.step(back), ours=False)


# -- settling: one transaction, re-checking the state -----------------------------------------


async def _locked(uow: UnitOfWork, sid: str) -> Send:
    row = await store.lock(uow, sid)
    if row is None:
        raise not_found(sid)
    return row


async def _accepted(uow: UnitOfWork, sid: str, provider_sid: str) -> None:
    row = await _locked(uow, sid)
    if row.provider_sid is not None:
        return
    row.state, row.provider_sid, row.reason = "sent", provider_sid, None
    store.update(uow, row)
    await message_log.set_status(uow, sid, "sending", provider_sid=provider_sid)


async def _failed(uow: UnitOfWork, sid: str, code: int, reason: str) -> None:
    row = await _locked(uow, sid)
    if row.state not in ("queued", "sending"):
        return
    row.state, row.error_code, row.reason = "failed", code, reason
    store.update(uow, row)
    await message_log.set_status(uow, sid, "failed", error_code=code)
    await tell_receipt(uow, row, "failed", code)


async def _unknown(uow: UnitOfWork, sid: str, reason: str) -> None:
    row = await _locked(uow, sid)
    if row.state != "sending":
        return
    row.state, row.error_code, row.reason = "unknown", UNKNOWN_ERROR, reason
    store.update(uow, row)
    await message_log.set_status(uow, sid, "sending", error_code=UNKNOWN_ERROR)


async def resend(uow: UnitOfWork, sid: str, *, lane_of: Callable[[str, str], str]) -> Send:
    """Have an unknown send sent again, because a person decided so.

    :param lane_of: the lane of a pair (proxy address, address).
    :raises ContractError: 404; 409, its outcome is known.
    """
    row = await _locked(uow, sid)
    if row.state != "unknown":
        raise ContractError(20409, 409, f"{sid} is {row.state}; only a send whose outcome is unknown is sent again")
    row.state, row.error_code, row.reason = "queued", None, "sent again by hand"
    store.update(uow, row)
    schedule(uow, DELIVER, lane=lane_of(row.proxy_address, row.address), payload={"sid": sid})
    return row
