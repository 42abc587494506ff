"""Rows of numbers."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("PN", "incoming_phone_number")


class Number(msgspec.Struct, kw_only=True):
    """A row of `incoming_phone_number`.

    :ivar connection_sid: the carrier connection of its texts; None takes the account's only one.
    """

    account_sid: str
    sid: str
    phone_number: str
    friendly_name: str
    type: str
    connection_sid: str | None
    sms_url: str
    sms_method: str
    sms_fallback_url: str
    sms_fallback_method: str
    api_version: str
    date_created: datetime
    date_updated: datetime


FIELDS: Final = Number.__struct_fields__
COLUMNS: Final = ", ".join(FIELDS)
INSERT: Final = f"""
INSERT INTO incoming_phone_number ({COLUMNS}) VALUES ({", ".join(f"${n}" for n in range(1, len(FIELDS) + 1))})
ON CONFLICT (account_sid, phone_number) DO NOTHING RETURNING sid"""
FETCH: Final = f"SELECT {COLUMNS} FROM incoming_phone_number WHERE account_sid = $1 AND sid = $2"
LOCK: Final = f"{FETCH} FOR UPDATE"
BY_NUMBER: Final = f"SELECT {COLUMNS} FROM incoming_phone_number WHERE account_sid = $1 AND phone_number = $2"
# phone_number: a LIKE pattern; type: None takes all.
PAGE: Final = f"""
SELECT {COLUMNS} FROM incoming_phone_number
WHERE account_sid = $1 AND ($2::text IS NULL OR phone_number LIKE $2) AND ($3::text IS NULL OR friendly_name = $3)
    AND ($4::text IS NULL OR type = $4) AND ($5::text IS NULL OR sid < $5)
ORDER BY sid DESC LIMIT $6"""
UPDATE: Final = """
UPDATE incoming_phone_number SET friendly_name = $3, sms_url = $4, sms_method = $5, sms_fallback_url = $6,
    sms_fallback_method = $7, api_version = $8, connection_sid = $9, date_updated = $10
WHERE account_sid = $1 AND sid = $2"""
DELETE: Final = "DELETE FROM incoming_phone_number WHERE account_sid = $1 AND sid = $2 RETURNING sid"


def _row(record: asyncpg.Record | None) -> Number | None:
    return None if record is None else Number(**record)


async def insert(uow: UnitOfWork, row: Number) -> bool:
    """Insert a number; False when the account has it already."""
    return await uow.fetchval(INSERT, *msgspec.structs.astuple(row)) is not None


async def fetch(reader: Reader, sid: str) -> Number | None:
    """Return a number."""
    return _row(await reader.fetchrow(FETCH, reader.account_sid, sid))


async def lock(uow: UnitOfWork, sid: str) -> Number | None:
    """Return a number, locked."""
    return _row(await uow.fetchrow(LOCK, uow.account_sid, sid))


async def by_number(reader: Reader, phone_number: str) -> Number | None:
    """Return the number with these digits."""
    return _row(await reader.fetchrow(BY_NUMBER, reader.account_sid, phone_number))


async def page(
    reader: Reader,
    *,
    pattern: str | None,
    friendly_name: str | None,
    number_type: str | None,
    after: str | None,
    limit: int,
) -> list[Number]:
    """Return numbers, newest first."""
    records = await reader.fetch(PAGE, reader.account_sid, pattern, friendly_name, number_type, after, limit)
    return [Number(**record) for record in records]


async def update(uow: UnitOfWork, row: Number) -> None:
    """Write the changeable columns of a locked number."""
    await uow.execute(
        UPDATE,
        uow.account_sid,
        row.sid,
        row.friendly_name,
        row.sms_url,
        row.sms_method,
        row.sms_fallback_url,
        row.sms_fallback_method,
        row.api_version,
        row.connection_sid,
        row.date_updated,
    )


async def delete(uow: UnitOfWork, sid: str) -> bool:
    """Delete a number; False when there is none."""
    return await uow.fetchval(DELETE, uow.account_sid, sid) is not None
