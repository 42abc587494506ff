"""Scoped webhook rows: their SQL and its mapping."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("WH", "scoped_webhook", where="removed_at IS NULL")


class ScopedWebhook(msgspec.Struct, kw_only=True):
    """A row of `scoped_webhook`."""

    account_sid: str
    sid: str
    conversation_sid: str
    chat_service_sid: str
    target: str
    url: str | None
    method: str | None
    filters: list[str] | None
    triggers: list[str] | None
    flow_sid: str | None
    retry_count: int
    date_created: datetime
    date_updated: datetime


COLUMNS: Final = ", ".join(ScopedWebhook.__struct_fields__)
_VALUES: Final = ", ".join(f"${n}" for n in range(1, len(ScopedWebhook.__struct_fields__) + 1))

INSERT: Final = f"INSERT INTO scoped_webhook ({COLUMNS}) VALUES ({_VALUES})"
FETCH: Final = f"""
SELECT {COLUMNS} FROM scoped_webhook WHERE account_sid = $1 AND conversation_sid = $2 AND sid = $3
    AND removed_at IS NULL"""
FETCH_LISTENER: Final = f"""
SELECT {COLUMNS} FROM scoped_webhook WHERE account_sid = $1 AND conversation_sid = $2 AND sid = $3"""
LIST: Final = f"""
SELECT {COLUMNS} FROM scoped_webhook
WHERE account_sid = $1 AND conversation_sid = $2 AND sid > $3 AND removed_at IS NULL
ORDER BY sid LIMIT $4"""
UPDATE: Final = """
UPDATE scoped_webhook SET url = $3, method = $4, filters = $5, triggers = $6, flow_sid = $7, date_updated = $8
WHERE account_sid = $1 AND sid = $2"""
DELETE: Final = """
DELETE FROM scoped_webhook WHERE account_sid = $1 AND conversation_sid = $2 AND sid = $3 AND removed_at IS NULL
RETURNING sid"""
BURY_ALL: Final = """
UPDATE scoped_webhook SET removed_at = $3 WHERE account_sid = $1 AND conversation_sid = $2 AND removed_at IS NULL"""


def _row(record: asyncpg.Record | None) -> ScopedWebhook | None:
    return None if record is None else ScopedWebhook(**record)


async def insert(uow: UnitOfWork, row: ScopedWebhook) -> None:
    """Insert a scoped webhook."""
    await uow.execute(INSERT, *msgspec.structs.astuple(row))


async def fetch(reader: Reader, conversation_sid: str, sid: str) -> ScopedWebhook | None:
    """Return a scoped webhook of a conversation."""
    return _row(await reader.fetchrow(FETCH, reader.account_sid, conversation_sid, sid))


async def fetch_listener(reader: Reader, conversation_sid: str, sid: str) -> ScopedWebhook | None:
    """Return a scoped webhook that is to hear of something, also of its conversation's end."""
    return _row(await reader.fetchrow(FETCH_LISTENER, reader.account_sid, conversation_sid, sid))


async def page(reader: Reader, conversation_sid: str, *, after: str = "", limit: int = 100) -> list[ScopedWebhook]:
    """Return scoped webhooks in the order of their making."""
    return [
        ScopedWebhook(**row) for row in await reader.fetch(LIST, reader.account_sid, conversation_sid, after, limit)
    ]


async def update(uow: UnitOfWork, row: ScopedWebhook) -> None:
    """Write a scoped webhook."""
    await uow.execute(
        UPDATE, row.account_sid, row.sid, row.url, row.method, row.filters, row.triggers, row.flow_sid, row.date_updated
    )


async def delete(uow: UnitOfWork, conversation_sid: str, sid: str) -> bool:
    """Delete a scoped webhook; False if there is none."""
    return await uow.fetchval(DELETE, uow.account_sid, conversation_sid, sid) is not None


async def bury_all(uow: UnitOfWork, conversation_sid: str) -> None:
    """Make the scoped webhooks of a removed conversation tombstones."""
    await uow.execute(BURY_ALL, uow.account_sid, conversation_sid, uow.now)
