"""Address configuration rows: their SQL and its mapping."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("IG", "address_configuration")


class AddressConfiguration(msgspec.Struct, kw_only=True):
    """A row of `address_configuration`."""

    account_sid: str
    sid: str
    type: str
    address: str
    friendly_name: str
    address_country: str | None
    enabled: bool
    auto_creation_type: str
    conversation_service_sid: str | None
    webhook_url: str | None
    webhook_method: str | None
    webhook_filters: list[str] | None
    studio_flow_sid: str | None
    studio_retry_count: int | None
    date_created: datetime
    date_updated: datetime


COLUMNS: Final = ", ".join(AddressConfiguration.__struct_fields__)
_VALUES: Final = ", ".join(f"${n}" for n in range(1, len(AddressConfiguration.__struct_fields__) + 1))

INSERT: Final = f"INSERT INTO address_configuration ({COLUMNS}) VALUES ({_VALUES}) ON CONFLICT DO NOTHING RETURNING sid"
FETCH: Final = f"""
SELECT {COLUMNS} FROM address_configuration WHERE account_sid = $1 AND (sid = $2 OR address = $2)
ORDER BY sid = $2 DESC LIMIT 1"""
LOCK: Final = FETCH + " FOR UPDATE"
LIST: Final = f"""
SELECT {COLUMNS} FROM address_configuration
WHERE account_sid = $1 AND ($2::text IS NULL OR type = $2) AND sid > $3 ORDER BY sid LIMIT $4"""
UPDATE: Final = """
UPDATE address_configuration SET friendly_name = $3, enabled = $4, auto_creation_type = $5,
    conversation_service_sid = $6,
    webhook_url = $7, webhook_method = $8, webhook_filters = $9, studio_flow_sid = $10, studio_retry_count = $11,
    date_updated = $12
WHERE account_sid = $1 AND sid = $2"""
DELETE: Final = "DELETE FROM address_configuration WHERE account_sid = $1 AND sid = $2"


def _row(record: asyncpg.Record | None) -> AddressConfiguration | None:
    return None if record is None else AddressConfiguration(**record)


async def insert(uow: UnitOfWork, row: AddressConfiguration) -> bool:
    """Insert an address configuration; False if the address has one."""
    return await uow.fetchval(INSERT, *msgspec.structs.astuple(row)) is not None


async def fetch(reader: Reader, sid_or_address: str) -> AddressConfiguration | None:
    """Return an address configuration by SID or address."""
    return _row(await reader.fetchrow(FETCH, reader.account_sid, sid_or_address))


async def lock(uow: UnitOfWork, sid_or_address: str) -> AddressConfiguration | None:
    """Lock an address configuration and return it as it is now."""
    return _row(await uow.fetchrow(LOCK, uow.account_sid, sid_or_address))


async def page(reader: Reader, *, address_type: str | None, after: str, limit: int) -> list[AddressConfiguration]:
    """Return address configurations in the order of their making."""
    rows = await reader.fetch(LIST, reader.account_sid, address_type, after, limit)
    return [AddressConfiguration(**row) for row in rows]


async def update(uow: UnitOfWork, row: AddressConfiguration) -> None:
    """Write an address configuration."""
    await uow.execute(
        UPDATE,
        row.account_sid,
        row.sid,
        row.friendly_name,
        row.enabled,
        row.auto_creation_type,
        row.conversation_service_sid,
        row.webhook_url,
        row.webhook_method,
        row.webhook_filters,
        row.studio_flow_sid,
        row.studio_retry_count,
        row.date_updated,
    )


async def delete(uow: UnitOfWork, sid: str) -> None:
    """Delete an address configuration."""
    await uow.execute(DELETE, uow.account_sid, sid)
