"""Outbound texts: prepared, handed to the carrier, and settled (DESIGN 2.13, channels.md §8.2).

A send is queued, then sending (committed before the call), then sent, failed or unknown. A send whose answer was
lost is looked for at the carrier; it is never sent again by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec
import structlog

from parlour.channels.sms import asking, connections, kinds
from parlour.channels.sms import parts as message_parts
from parlour.channels.sms.carrier import Accepted, Busy, CannotAsk, NoAnswer, Refused
from parlour.channels.sms.deps import Needs
from parlour.channels.sms.status import tell_receipt
from parlour.channels.sms.store import sends as store
from parlour.channels.sms.store.connections import Connection
from parlour.channels.sms.store.sends import Send
from parlour.conversations import media, receipts
from parlour.kit import failpoints
from parlour.kit.clock import real_now
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
NO_SENDER: Final = 63007
NO_GROUPS: Final = 30011
UNKNOWN_ERROR: Final = 30008
SETTLED: Final = frozenset({"sent", "failed", "unknown"})

log = structlog.get_logger("parlour.channels.sms")


@dataclass(frozen=True)
class Ready:
    """A send on which nothing more is to be read before the call, so that a crash seldom falls between.

    :ivar connection: None when the send is settled.
    :ivar ours: this run made it `sending`, so that nobody called yet.
    """

    send: Send
    connection: Connection | None = None
    media_urls: Sequence[str] = ()
    ours: bool = False


async def deliver_message(needs: Needs, run: JobRun, event: Event, recipient: dict[str, Any]) -> None:
    """Bring a conversation's message to one recipient."""
    ready = await run.step(lambda uow: _prepare_message(needs, uow, event, recipient))
    if ready is not None:
        await _deliver(needs, run, ready)


async def deliver_order(needs: Needs, run: JobRun, event: Event) -> None:
    """Bring an order of the account itself to its recipient."""
    await _deliver(needs, run, await run.step(lambda uow: _prepare_order(needs, uow, event.snapshot)))


async def deliver_again(needs: Needs, run: JobRun, sid: str) -> None:
    """Bring a send on its way that somebody asked to be sent again."""
    await _deliver(needs, run, await run.step(lambda uow: _prepare_again(needs, uow, sid)))


# -- preparing: one transaction; a row that is there already was made by a run that was cut ----


async def _prepare_message(needs: Needs, uow: UnitOfWork, event: Event, recipient: dict[str, Any]) -> Ready | None:
    participant_sid = str(recipient["participant_sid"])
    known = await store.lock_of(uow, event.object_sid, participant_sid)
    if known is not None:
        return await _ready(needs, uow, known)
    proxy, address = str(recipient["proxy_address"]), str(recipient["address"])
    said = event.snapshot
    parts = message_parts.of_message(said["body"], said["media"], said.get("content"), channel=str(recipient["type"]))
    owned, connection_sid = await kinds.connection_of(uow, proxy)
    connection = await connections.of_number(uow, connection_sid) if owned else None
    others = [str(each) for each in recipient.get("others", ())]
    code = parts.error_code or _refusal(connection, proxy, others)
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
        others=others,
    )
    store.insert(uow, send)
    return await _ready(needs, uow, send, ours=True)


def _refusal(connection: Connection | None, proxy_address: str, others: Sequence[str]) -> int | None:
    """Return why nothing can be sent: no carrier, or one that carries no group MMS."""
    if connection is None:
        return NO_SENDER if ":" in proxy_address else NO_NUMBER
    return NO_GROUPS if others and not connection.takes_groups else None


async def _prepare_order(needs: Needs, uow: UnitOfWork, snapshot: dict[str, Any]) -> Ready:
    sid = str(snapshot["sid"])
    known = await store.lock(uow, sid)
    if known is not None:
        return await _ready(needs, uow, known)
    row = msgspec.convert(snapshot, LoggedMessage, strict=False)
    number = await numbers.by_number(uow, row.from_address)
    connection = await connections.of_number(uow, number.connection_sid) if number else None
    code = None if connection else NO_NUMBER
    if code is not None:
        await message_log.set_status(uow, sid, "failed", error_code=code)
    send = _new(uow, row, connection, code, [{"url": url} for url in row.media_urls])
    store.insert(uow, send)
    return await _ready(needs, uow, send, ours=True)


async def _prepare_again(needs: Needs, uow: UnitOfWork, sid: str) -> Ready:
    return await _ready(needs, uow, await _locked(uow, sid))


async def _ready(needs: Needs, uow: UnitOfWork, send: Send, *, ours: bool = False) -> Ready:
    """Read all that the call needs; a queued send is sending from now on."""
    if send.state in SETTLED:
        return Ready(send)
    if send.state == "queued":
        send.state, send.called_at, send.reason, ours = "sending", real_now(), None, True
        store.update(uow, send)
    connection = await connections.fetch(uow, send.connection_sid)
    return Ready(send, connection, await _media_urls(needs, uow, send) if ours else (), ours)


async def _media_urls(needs: Needs, reader: Reader, send: Send) -> list[str]:
    urls = []
    for item in send.media:
        if "url" in item:
            urls.append(str(item["url"]))
            continue
        try:
            path = await media.signed_path(reader, needs.media, str(item["sid"]), MEDIA_LINK)
        except ContractError:
            log.info("the media was removed before it was sent", sid=send.sid, media=item["sid"])
            continue
        urls.append(f"{needs.base_url}/mcs{path}")
    return urls


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
    others: Sequence[str] = (),
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
        others=list(others),
        date_created=uow.now,
        date_updated=uow.now,
    )


# -- calling: no transaction ------------------------------------------------------------------


async def _deliver(needs: Needs, run: JobRun, ready: Ready) -> None:
    """Call the carrier, or ask it where the call may have been made before."""
    send, connection = ready.send, ready.connection
    if connection is None:
        return
    if not ready.ours:
        await _ask(needs, run, connection, send)
        return
    outcome = await needs.carrier(connection).send(
        to=send.address,
        sender=send.proxy_address,
        body=send.body,
        media_urls=ready.media_urls,
        status_callback=needs.status_url(connection, send.token),
        others=send.others,
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
    left = asking.remaining(send, real_now(), lists_at_once=connection.lists_at_once)
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
        raise Retry(asking.pause(run.attempt, left), reason, failed=False)
    elif connection.lists_at_once:
        await _never_arrived(needs, run, send)
    else:
        await run.finish(
            lambda uow: _unknown(uow, send.sid, "the carrier gave no answer and does not show the message")
        )


async def _never_arrived(needs: Needs, run: JobRun, send: Send) -> None:
    """The carrier's list is sure: it never took the message, so that this is its first sending."""

    async def again(uow: UnitOfWork) -> Ready:
        row = await _locked(uow, send.sid)
        if row.state == "sending":
            row.state = "queued"
        return await _ready(needs, uow, row)

    await _deliver(needs, run, await run.step(again))


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
