"""Rows of messaging services and their pools."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("MG", "messaging_service")


class Service(msgspec.Struct, kw_only=True):
    """A row of `messaging_service`; `validity_period` is in seconds."""

    account_sid: str
    sid: str
    friendly_name: str
    inbound_request_url: str | None = None
    inbound_method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    status_callback: str | None = None
    sticky_sender: bool = True
    mms_converter: bool = True
    smart_encoding: bool = True
    scan_message_content: str = "inherit"
    fallback_to_long_code: bool = True
    area_code_geomatch: bool = True
    validity_period: int = 36000
    synchronous_validation: bool = False
    usecase: str = "undeclared"
    use_inbound_webhook_on_number: bool = False
    date_created: datetime
    date_updated: datetime


class Pooled(msgspec.Struct, kw_only=True, frozen=True):
    """A number in the pool of a service."""

    account_sid: str
    sid: str
    service_sid: str
    phone_number: str
    date_created: datetime


FIELDS: Final = Service.__struct_fields__
COLUMNS: Final = ", ".join(FIELDS)
CHANGEABLE: Final = tuple(name for name in FIELDS if name not in ("account_sid", "sid", "date_created"))
INSERT: Final = f"""
INSERT INTO messaging_service ({COLUMNS}) VALUES ({", ".join(f"${n}" for n in range(1, len(FIELDS) + 1))})"""
FETCH: Final = f"SELECT {COLUMNS} FROM messaging_service WHERE account_sid = $1 AND sid = $2"
LOCK: Final = f"{FETCH} FOR UPDATE"
OLDEST: Final = f"SELECT {COLUMNS} FROM messaging_service WHERE account_sid = $1 ORDER BY date_created, sid LIMIT 1"
LIST: Final = f"SELECT {COLUMNS} FROM messaging_service WHERE account_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
UPDATE: Final = f"""
UPDATE messaging_service SET {", ".join(f"{name} = ${n}" for n, name in enumerate(CHANGEABLE, 3))}
WHERE account_sid = $1 AND sid = $2"""
DELETE: Final = "DELETE FROM messaging_service WHERE account_sid = $1 AND sid = $2"

POOLED: Final = """
SELECT p.account_sid, p.number_sid AS sid, p.service_sid, n.phone_number, p.date_created
FROM messaging_service_number p
JOIN incoming_phone_number n ON n.account_sid = p.account_sid AND n.sid = p.number_sid
WHERE p.account_sid = $1"""
ADD_NUMBER: Final = """
INSERT INTO messaging_service_number (account_sid, number_sid, service_sid, date_created) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING number_sid"""
SERVICE_OF_NUMBER: Final = f"{POOLED} AND p.number_sid = $2"
FETCH_NUMBER: Final = f"{POOLED} AND p.service_sid = $2 AND p.number_sid = $3"
LIST_NUMBERS: Final = f"{POOLED} AND p.service_sid = $2 AND p.number_sid > $3 ORDER BY p.number_sid LIMIT $4"
COUNT_NUMBERS: Final = "SELECT count(*) FROM messaging_service_number WHERE account_sid = $1 AND service_sid = $2"
REMOVE_NUMBER: Final = """
DELETE FROM messaging_service_number WHERE account_sid = $1 AND service_sid = $2 AND number_sid = $3
RETURNING number_sid"""
LAST_SENDER: Final = """
SELECT from_address FROM message_log
WHERE account_sid = $1 AND to_address = $2 AND direction <> 'inbound' AND from_address = ANY($3::text[])
ORDER BY position DESC LIMIT 1"""


def _service(record: asyncpg.Record | None) -> Service | None:
    return None if record is None else Service(**record)


def _pooled(record: asyncpg.Record | None) -> Pooled | None:
    return None if record is None else Pooled(**record)


async def insert(uow: UnitOfWork, row: Service) -> None:
    """Insert a service."""
    await uow.execute(INSERT, *msgspec.structs.astuple(row))


async def fetch(reader: Reader, sid: str) -> Service | None:
    """Return a service."""
    return _service(await reader.fetchrow(FETCH, reader.account_sid, sid))


async def lock(uow: UnitOfWork, sid: str) -> Service | None:
    """Return a service, locked."""
    return _service(await uow.fetchrow(LOCK, uow.account_sid, sid))


async def oldest(reader: Reader) -> Service | None:
    """Return the account's first service."""
    return _service(await reader.fetchrow(OLDEST, reader.account_sid))


async def page(reader: Reader, *, after: str, limit: int) -> list[Service]:
    """Return services in the order of their making."""
    return [Service(**row) for row in await reader.fetch(LIST, reader.account_sid, after, limit)]


async def update(uow: UnitOfWork, row: Service) -> None:
    """Write a locked service."""
    await uow.execute(UPDATE, row.account_sid, row.sid, *(getattr(row, name) for name in CHANGEABLE))


async def delete(uow: UnitOfWork, sid: str) -> None:
    """Delete a locked service; its numbers leave the pool."""
    await uow.execute(DELETE, uow.account_sid, sid)


async def add_number(uow: UnitOfWork, service_sid: str, number_sid: str) -> bool:
    """Put a number into a service's pool; False when it is in one already."""
    return await uow.fetchval(ADD_NUMBER, uow.account_sid, number_sid, service_sid, uow.now) is not None


async def pooled(reader: Reader, number_sid: str) -> Pooled | None:
    """Return a number as it is in whatever pool."""
    return _pooled(await reader.fetchrow(SERVICE_OF_NUMBER, reader.account_sid, number_sid))


async def fetch_number(reader: Reader, service_sid: str, number_sid: str) -> Pooled | None:
    """Return a number of a service's pool."""
    return _pooled(await reader.fetchrow(FETCH_NUMBER, reader.account_sid, service_sid, number_sid))


async def page_of_numbers(reader: Reader, service_sid: str, *, after: str, limit: int) -> list[Pooled]:
    """Return the numbers of a pool."""
    return [Pooled(**row) for row in await reader.fetch(LIST_NUMBERS, reader.account_sid, service_sid, after, limit)]


async def count_numbers(reader: Reader, service_sid: str) -> int:
    """Return the size of a pool."""
    number: int = await reader.fetchval(COUNT_NUMBERS, reader.account_sid, service_sid)
    return number


async def remove_number(uow: UnitOfWork, service_sid: str, number_sid: str) -> bool:
    """Take a number out of a pool; False when it is not in it."""
    return await uow.fetchval(REMOVE_NUMBER, uow.account_sid, service_sid, number_sid) is not None


async def last_sender(reader: Reader, to_address: str, senders: list[str]) -> str | None:
    """Return which of the senders texted a recipient last."""
    found: str | None = await reader.fetchval(LAST_SENDER, reader.account_sid, to_address, senders)
    return found
