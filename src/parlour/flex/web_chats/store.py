"""Rows of deployment keys."""

# ruff: noqa: S608 - only the column names of the row class are put into statements

from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("CV", "webchat_key")


class Key(msgspec.Struct, kw_only=True, frozen=True):
    """A row of `webchat_key`.

    :ivar address_sid: the chat address whose integration the chats get.
    :ivar allowed_origins: pages that may use it; none: every page.
    :ivar fingerprint: whether a token is good in the browser alone that asked for it.
    """

    account_sid: str
    sid: str
    friendly_name: str
    address_sid: str
    allowed_origins: list[str]
    fingerprint: bool
    date_created: datetime
    date_updated: datetime


COLUMNS: Final = ", ".join(Key.__struct_fields__)
INSERT: Final = f"INSERT INTO webchat_key ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
UPDATE: Final = """
UPDATE webchat_key SET friendly_name = $3, address_sid = $4, allowed_origins = $5, fingerprint = $6, date_updated = $7
WHERE account_sid = $1 AND sid = $2"""
FETCH: Final = f"SELECT {COLUMNS} FROM webchat_key WHERE account_sid = $1 AND sid = $2"
LOCK: Final = f"{FETCH} FOR UPDATE"
LIST: Final = f"SELECT {COLUMNS} FROM webchat_key WHERE account_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
COUNT: Final = "SELECT count(*) FROM webchat_key WHERE account_sid = $1"
DELETE: Final = "DELETE FROM webchat_key WHERE account_sid = $1 AND sid = $2 RETURNING sid"


def _key(record: asyncpg.Record | None) -> Key | None:
    return None if record is None else Key(**record)


async def insert(uow: UnitOfWork, row: Key) -> None:
    """Insert a key."""
    await uow.execute(INSERT, *msgspec.structs.astuple(row))


async def update(uow: UnitOfWork, row: Key) -> None:
    """Write the changeable columns of a locked key."""
    await uow.execute(
        UPDATE,
        uow.account_sid,
        row.sid,
        row.friendly_name,
        row.address_sid,
        row.allowed_origins,
        row.fingerprint,
        row.date_updated,
    )


async def fetch(reader: Reader, sid: str) -> Key | None:
    """Return a key."""
    return _key(await reader.fetchrow(FETCH, reader.account_sid, sid))


async def lock(uow: UnitOfWork, sid: str) -> Key | None:
    """Return a key, locked."""
    return _key(await uow.fetchrow(LOCK, uow.account_sid, sid))


async def page(reader: Reader, *, after: str, limit: int) -> list[Key]:
    """Return keys in the order of their making."""
    return [Key(**record) for record in await reader.fetch(LIST, reader.account_sid, after, limit)]


async def count(reader: Reader) -> int:
    """Return how many keys an account has."""
    return int(await reader.fetchval(COUNT, reader.account_sid))


async def delete(uow: UnitOfWork, sid: str) -> bool:
    """Delete a key; False when there is none."""
    return await uow.fetchval(DELETE, uow.account_sid, sid) is not None
