"""Rows of messaging services and their pools of numbers."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from parlour.messaging.store import numbers
from parlour.messaging.store.numbers import Number
from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("MG", "messaging_service")


class Service(msgspec.Struct, kw_only=True):
    """A row of `messaging_service`.

    :ivar validity_period: seconds.
    :ivar autocreate: whether a text that belongs to no conversation makes one.
    """

    account_sid: str
    sid: str
    friendly_name: str
    inbound_request_url: str | None
    inbound_method: str
    fallback_url: str | None
    fallback_method: str
    status_callback: str | None
    sticky_sender: bool
    mms_converter: bool
    smart_encoding: bool
    scan_message_content: str
    fallback_to_long_code: bool
    area_code_geomatch: bool
    validity_period: int
    synchronous_validation: bool
    usecase: str
    use_inbound_webhook_on_number: bool
    autocreate: bool
    date_created: datetime
    date_updated: datetime


class PoolNumber(msgspec.Struct, kw_only=True, frozen=True):
    """A number in a pool."""

    account_sid: str
    service_sid: str
    number_sid: str
    phone_number: str
    date_created: datetime
    date_updated: datetime


FIELDS: Final = Service.__struct_fields__
COLUMNS: Final = ", ".join(FIELDS)
CHANGEABLE: Final = tuple(name for name in FIELDS if name not in ("account_sid", "sid", "date_created"))
INSERT: Final = f"""
INSERT INTO messaging_service ({COLUMNS}) VALUES ({", ".join(f"${n}" for n in range(1, len(FIELDS) + 1))})"""
UPDATE: Final = f"""
UPDATE messaging_service SET {", ".join(f"{name} = ${n}" for n, name in enumerate(CHANGEABLE, 3))}
WHERE account_sid = $1 AND sid = $2"""
FETCH: Final = f"SELECT {COLUMNS} FROM messaging_service WHERE account_sid = $1 AND sid = $2"
OLDEST: Final = f"SELECT {COLUMNS} FROM messaging_service WHERE account_sid = $1 ORDER BY date_created, sid LIMIT 1"
LOCK: Final = f"{FETCH} FOR UPDATE"
LIST: Final = f"""
SELECT {COLUMNS} FROM messaging_service WHERE account_sid = $1 AND ($2::text IS NULL OR sid < $2)
ORDER BY sid DESC LIMIT $3"""
DELETE: Final = "DELETE FROM messaging_service WHERE account_sid = $1 AND sid = $2 RETURNING sid"
OF_NUMBER: Final = f"""
SELECT {", ".join(f"s.{name}" for name in FIELDS)} FROM messaging_service AS s
JOIN messaging_service_number AS p ON p.account_sid = s.account_sid AND p.service_sid = s.sid
JOIN incoming_phone_number AS n ON n.account_sid = p.account_sid AND n.sid = p.number_sid
WHERE s.account_sid = $1 AND n.phone_number = $2"""

_POOL: Final = """
SELECT p.account_sid, p.service_sid, p.number_sid, n.phone_number, p.date_created, p.date_updated
FROM messaging_service_number AS p
JOIN incoming_phone_number AS n ON n.account_sid = p.account_sid AND n.sid = p.number_sid
WHERE p.account_sid = $1 AND p.service_sid = $2"""
ADD_NUMBER: Final = """
INSERT INTO messaging_service_number (account_sid, service_sid, number_sid, date_created, date_updated)
VALUES ($1, $2, $3, $4, $4) ON CONFLICT (account_sid, number_sid) DO NOTHING RETURNING number_sid"""
HOLDER: Final = "SELECT service_sid FROM messaging_service_number WHERE account_sid = $1 AND number_sid = $2"
COUNT: Final = "SELECT count(*) FROM messaging_service_number WHERE account_sid = $1 AND service_sid = $2"
FETCH_NUMBER: Final = f"{_POOL} AND p.number_sid = $3"
LIST_NUMBERS: Final = f"{_POOL} AND ($3::text IS NULL OR p.number_sid < $3) ORDER BY p.number_sid DESC LIMIT $4"
REMOVE_NUMBER: Final = """
DELETE FROM messaging_service_number WHERE account_sid = $1 AND service_sid = $2 AND number_sid = $3
RETURNING number_sid"""

STICKY: Final = f"""
SELECT {", ".join(f"n.{name}" for name in numbers.FIELDS)} FROM messaging_service_sender AS k
JOIN incoming_phone_number AS n ON n.account_sid = k.account_sid AND n.sid = k.number_sid
WHERE k.account_sid = $1 AND k.service_sid = $2 AND k.recipient = $3"""
STICK: Final = """
INSERT INTO messaging_service_sender (account_sid, service_sid, recipient, number_sid) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_sid, service_sid, recipient) DO UPDATE SET number_sid = $4"""
# The number of the recipient's own area first, then the one that was not used for longest.
CHOOSE: Final = f"""
SELECT {", ".join(f"n.{name}" for name in numbers.FIELDS)} FROM messaging_service_number AS p
JOIN incoming_phone_number AS n ON n.account_sid = p.account_sid AND n.sid = p.number_sid
WHERE p.account_sid = $1 AND p.service_sid = $2 AND n.phone_number <> $3
ORDER BY starts_with(n.phone_number, $4) DESC, p.last_used NULLS FIRST, p.number_sid LIMIT 1 FOR UPDATE OF p"""
USED: Final = """
UPDATE messaging_service_number SET last_used = $4 WHERE account_sid = $1 AND service_sid = $2 AND number_sid = $3"""


def _service(record: asyncpg.Record | None) -> Service | None:
    return None if record is None else Service(**record)


def _number(record: asyncpg.Record | None) -> Number | None:
    return None if record is None else Number(**record)


async def insert(uow: UnitOfWork, row: Service) -> None:
    """Insert a service."""
    await uow.execute(INSERT, *msgspec.structs.astuple(row))


async def update(uow: UnitOfWork, row: Service) -> None:
    """Write the changeable columns of a locked service."""
    await uow.execute(UPDATE, uow.account_sid, row.sid, *(getattr(row, name) for name in CHANGEABLE))


async def fetch(reader: Reader, sid: str) -> Service | None:
    """Return a service."""
    return _service(await reader.fetchrow(FETCH, reader.account_sid, sid))


async def oldest(reader: Reader) -> Service | None:
    """Return the account's first service."""
    return _service(await reader.fetchrow(OLDEST, reader.account_sid))


async def lock(uow: UnitOfWork, sid: str) -> Service | None:
    """Return a service, locked."""
    return _service(await uow.fetchrow(LOCK, uow.account_sid, sid))


async def page(reader: Reader, *, after: str | None, limit: int) -> list[Service]:
    """Return services, newest first."""
    return [Service(**record) for record in await reader.fetch(LIST, reader.account_sid, after, limit)]


async def delete(uow: UnitOfWork, sid: str) -> bool:
    """Delete a service and its pool; False when there is none."""
    return await uow.fetchval(DELETE, uow.account_sid, sid) is not None


async def of_number(reader: Reader, phone_number: str) -> Service | None:
    """Return the service whose pool has a number."""
    return _service(await reader.fetchrow(OF_NUMBER, reader.account_sid, phone_number))


async def add_number(uow: UnitOfWork, service_sid: str, number_sid: str) -> bool:
    """Put a number into a pool; False when it is in one."""
    return await uow.fetchval(ADD_NUMBER, uow.account_sid, service_sid, number_sid, uow.now) is not None


async def holder(reader: Reader, number_sid: str) -> str | None:
    """Return the service whose pool has a number."""
    found: str | None = await reader.fetchval(HOLDER, reader.account_sid, number_sid)
    return found


async def pool_size(reader: Reader, service_sid: str) -> int:
    """Return how many numbers a pool has."""
    return int(await reader.fetchval(COUNT, reader.account_sid, service_sid))


async def fetch_number(reader: Reader, service_sid: str, number_sid: str) -> PoolNumber | None:
    """Return a number of a pool."""
    record = await reader.fetchrow(FETCH_NUMBER, reader.account_sid, service_sid, number_sid)
    return None if record is None else PoolNumber(**record)


async def numbers_page(reader: Reader, service_sid: str, *, after: str | None, limit: int) -> list[PoolNumber]:
    """Return the numbers of a pool, newest first."""
    records = await reader.fetch(LIST_NUMBERS, reader.account_sid, service_sid, after, limit)
    return [PoolNumber(**record) for record in records]


async def remove_number(uow: UnitOfWork, service_sid: str, number_sid: str) -> bool:
    """Take a number out of a pool; False when it is not in it."""
    return await uow.fetchval(REMOVE_NUMBER, uow.account_sid, service_sid, number_sid) is not None


async def sticky(reader: Reader, service_sid: str, recipient: str) -> Number | None:
    """Return the number that a recipient knows a service by."""
    return _number(await reader.fetchrow(STICKY, reader.account_sid, service_sid, recipient))


async def stick(uow: UnitOfWork, service_sid: str, recipient: str, number_sid: str) -> None:
    """Remember the number that a recipient knows a service by."""
    await uow.execute(STICK, uow.account_sid, service_sid, recipient, number_sid)


async def choose(uow: UnitOfWork, service_sid: str, recipient: str, *, prefix: str) -> Number | None:
    """Return the number of a pool whose turn it is, and count it as used.

    :param prefix: numbers that begin so come first; empty for no preference.
    """
    found = _number(await uow.fetchrow(CHOOSE, uow.account_sid, service_sid, recipient, prefix or "none"))
    if found is not None:
        await uow.execute(USED, uow.account_sid, service_sid, found.sid, uow.now)
    return found
