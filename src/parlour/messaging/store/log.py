"""Rows of the message log."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

VERSION: Final = "2010-04-01"

refs.register("SM", "message_log")
refs.register("MM", "message_log")


class LoggedMessage(msgspec.Struct, kw_only=True):
    """A row of `message_log`.

    :ivar provider_sid: the carrier's own SID of the message, once it is known.
    :ivar from_address: empty while the messaging service has not chosen a sender.
    :ivar media_urls: what a direct order named; media of conversations are not repeated here.
    """

    account_sid: str
    sid: str
    position: str
    direction: str
    status: str
    from_address: str
    to_address: str
    body: str
    num_media: int
    num_segments: int
    media_urls: list[str]
    messaging_service_sid: str | None
    provider_sid: str | None
    error_code: int | None
    date_created: datetime
    date_updated: datetime
    date_sent: datetime | None
    status_callback: str | None = None


class Filter(msgspec.Struct, kw_only=True, frozen=True):
    """Which messages a list shows; `sent_from` is included, `sent_before` is not."""

    to: str | None = None
    sender: str | None = None
    sent_from: datetime | None = None
    sent_before: datetime | None = None


FIELDS: Final = LoggedMessage.__struct_fields__
COLUMNS: Final = ", ".join(FIELDS)
INSERT: Final = f"""
INSERT INTO message_log ({COLUMNS}) VALUES ({", ".join(f"${n}" for n in range(1, len(FIELDS) + 1))})"""
FETCH: Final = f"SELECT {COLUMNS} FROM message_log WHERE account_sid = $1 AND sid = $2"
LOCK: Final = f"{FETCH} FOR UPDATE"
UPDATE: Final = """
UPDATE message_log SET status = $3, body = $4, error_code = $5, provider_sid = $6, date_sent = $7, date_updated = $8,
    from_address = $9, num_segments = $10
WHERE account_sid = $1 AND sid = $2"""
REPLIES_SINCE: Final = """
SELECT count(*) FROM message_log
WHERE account_sid = $1 AND to_address = $2 AND from_address = $3 AND direction = 'outbound-reply'
    AND date_created >= $4"""
DELETE: Final = "DELETE FROM message_log WHERE account_sid = $1 AND sid = $2 RETURNING sid"


def _row(record: asyncpg.Record | None) -> LoggedMessage | None:
    return None if record is None else LoggedMessage(**record)


def insert(uow: UnitOfWork, row: LoggedMessage) -> None:
    """Insert a message with the last statement of the unit."""
    uow.defer(INSERT, *msgspec.structs.astuple(row))


async def fetch(reader: Reader, sid: str) -> LoggedMessage | None:
    """Return a message."""
    return _row(await reader.fetchrow(FETCH, reader.account_sid, sid))


async def lock(uow: UnitOfWork, sid: str) -> LoggedMessage | None:
    """Return a message, locked."""
    return _row(await uow.fetchrow(LOCK, uow.account_sid, sid))


async def page(reader: Reader, which: Filter, *, after: str | None, limit: int) -> list[LoggedMessage]:
    """Return messages newest first; `after` is the position of the last one already shown."""
    conditions = ["account_sid = $1"]
    wanted = (
        ("to_address =", which.to),
        ("from_address =", which.sender),
        ("date_sent >=", which.sent_from),
        ("date_sent <", which.sent_before),
        ("position <", after),
    )
    values: list[object] = [reader.account_sid]
    for condition, value in wanted:
        if value is not None:
            values.append(value)
            conditions.append(f"{condition} ${len(values)}")
    values.append(limit)
    where = " AND ".join(conditions)
    sql = f"SELECT {COLUMNS} FROM message_log WHERE {where} ORDER BY position DESC LIMIT ${len(values)}"
    return [LoggedMessage(**record) for record in await reader.fetch(sql, *values)]


def update(uow: UnitOfWork, row: LoggedMessage) -> None:
    """Write the changeable columns of a locked message with the last statement of the unit."""
    uow.defer(
        UPDATE,
        uow.account_sid,
        row.sid,
        row.status,
        row.body,
        row.error_code,
        row.provider_sid,
        row.date_sent,
        row.date_updated,
        row.from_address,
        row.num_segments,
    )


async def replies_since(reader: Reader, to: str, sender: str, since: datetime) -> int:
    """Return how many replies a recipient was sent since then."""
    return int(await reader.fetchval(REPLIES_SINCE, reader.account_sid, to, sender, since))


async def delete(uow: UnitOfWork, sid: str) -> bool:
    """Delete a message; False when there is none."""
    return await uow.fetchval(DELETE, uow.account_sid, sid) is not None
