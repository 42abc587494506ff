"""Status callbacks: what the carrier says became of a send (channels.md §1.3, §8.2)."""

from typing import Final

import structlog

from parlour.channels.sms.deps import Needs
from parlour.channels.sms.store import sends as store
from parlour.channels.sms.store.connections import Connection
from parlour.channels.sms.store.sends import Send
from parlour.conversations import receipts
from parlour.kit.errors import ContractError
from parlour.messaging import log as message_log
from parlour.store.unit import UnitOfWork

ON_ITS_WAY: Final = frozenset({"accepted", "scheduled", "queued", "sending"})
RECEIPT_STATUSES: Final = frozenset({"sent", "delivered", "undelivered", "failed", "read"})
BAD: Final = frozenset({"undelivered", "failed"})
UNKNOWN_ERROR: Final = 30008

log = structlog.get_logger("parlour.channels.sms")


async def accept(needs: Needs, connection: Connection, token: str, form: dict[str, str]) -> None:
    """Take a status callback in one transaction; one that says nothing new changes nothing.

    :param token: our own id of the send, from the query; it also finds a send whose answer was lost.
    :raises ContractError: 400, a required parameter is missing; 503, the database is away.
    """
    provider_sid, status = form.get("MessageSid", ""), form.get("MessageStatus", "")
    if not provider_sid or not status:
        raise ContractError(20001, 400, "Missing required parameter MessageSid or MessageStatus in the post body")
    code = form.get("ErrorCode", "")
    error_code = int(code) if code.isdigit() and len(code) < 7 else None

    async def work(uow: UnitOfWork) -> None:
        row = await store.lock_reported(uow, connection.sid, token, provider_sid)
        if row is None:
            log.warning("status of an unknown message", connection=connection.sid, provider_sid=provider_sid)
            return
        if row.provider_sid not in (None, provider_sid):
            log.warning("the carrier has a message twice", sid=row.sid, provider_sid=provider_sid)
            return
        await report(uow, row, provider_sid, status, error_code)

    database = needs.database
    await database.step(connection.account_sid, work, request_id=database.sids.new("RQ", database.clock.now()))


async def report(uow: UnitOfWork, row: Send, provider_sid: str, status: str, error_code: int | None) -> None:
    """Write what a carrier says of a locked send: the send's own state, the log, the receipt."""
    if status not in message_log.RANKS and status not in ON_ITS_WAY:
        log.warning("status of an unknown kind", sid=row.sid, status=status)
        return
    bad = status in BAD
    if row.provider_sid is None or row.state in ("queued", "sending", "unknown"):
        row.provider_sid = provider_sid
        row.state = "failed" if status == "failed" else "sent"
        row.reason = None
        row.error_code = error_code if bad else None
        store.update(uow, row)
    known = status if status in message_log.RANKS else "queued"
    code = (error_code or UNKNOWN_ERROR) if bad else None
    await message_log.set_status(uow, row.sid, known, error_code=code, provider_sid=provider_sid)
    if status in RECEIPT_STATUSES:
        await tell_receipt(uow, row, status, code)


async def tell_receipt(uow: UnitOfWork, row: Send, status: str, error_code: int | None) -> None:
    """Move the receipt of a send, where it has one; a message removed meanwhile needs none."""
    if row.receipt_sid is None:
        return
    try:
        await receipts.advance(uow, row.receipt_sid, status, error_code=error_code)
    except ContractError as error:
        if error.status != 404:
            raise
        log.info("the message was removed before its status came", sid=row.sid, status=status)
