"""Media rows: their SQL and its mapping."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("ME", "media", where="removed_at IS NULL")


class Media(msgspec.Struct, kw_only=True):
    """A row of `media`."""

    account_sid: str
    sid: str
    service_sid: str
    channel_sid: str | None
    message_sid: str | None
    size: int
    content_type: str
    filename: str | None
    author: str | None
    category: str
    sha256: str
    key: str
    is_multipart_upstream: bool
    date_created: datetime
    date_updated: datetime
    removed_at: datetime | None


COLUMNS: Final = ", ".join(Media.__struct_fields__)
_VALUES: Final = ", ".join(f"${n}" for n in range(1, len(Media.__struct_fields__) + 1))

INSERT: Final = f"INSERT INTO media ({COLUMNS}) VALUES ({_VALUES})"
FETCH: Final = f"SELECT {COLUMNS} FROM media WHERE account_sid = $1 AND sid = $2 AND removed_at IS NULL"
LOCK_ALL: Final = f"""
SELECT {COLUMNS} FROM media WHERE account_sid = $1 AND sid = ANY($2) AND removed_at IS NULL ORDER BY sid FOR UPDATE"""
ATTACH: Final = """
UPDATE media SET message_sid = $3, channel_sid = $4, date_updated = $5 WHERE account_sid = $1 AND sid = ANY($2)"""
REMOVE_UNATTACHED: Final = """
UPDATE media SET removed_at = $3, date_updated = $3
WHERE account_sid = $1 AND sid = $2 AND message_sid IS NULL AND removed_at IS NULL RETURNING key"""
REMOVE_OF_MESSAGE: Final = """
UPDATE media SET removed_at = $3, date_updated = $3
WHERE account_sid = $1 AND message_sid = $2 AND removed_at IS NULL RETURNING key"""
REMOVE_OF_CONVERSATION: Final = """
UPDATE media SET removed_at = $3, date_updated = $3
WHERE account_sid = $1 AND channel_sid = $2 AND removed_at IS NULL RETURNING key"""


def _rows(records: Sequence[asyncpg.Record]) -> list[Media]:
    return [Media(**record) for record in records]


async def insert(uow: UnitOfWork, row: Media) -> None:
    """Insert a media row."""
    await uow.execute(INSERT, *msgspec.structs.astuple(row))


async def fetch(reader: Reader, sid: str) -> Media | None:
    """Return a media row."""
    record = await reader.fetchrow(FETCH, reader.account_sid, sid)
    return None if record is None else Media(**record)


async def lock_all(uow: UnitOfWork, sids: Sequence[str]) -> list[Media]:
    """Lock media rows and return those that exist."""
    return _rows(await uow.fetch(LOCK_ALL, uow.account_sid, list(sids)))


async def attach(uow: UnitOfWork, sids: Sequence[str], *, message_sid: str, conversation_sid: str) -> None:
    """Bind locked media rows to a message."""
    await uow.execute(ATTACH, uow.account_sid, list(sids), message_sid, conversation_sid, uow.now)


async def remove_unattached(uow: UnitOfWork, sid: str) -> list[str]:
    """Remove an upload that no message has taken and return the key of its file."""
    return [row["key"] for row in await uow.fetch(REMOVE_UNATTACHED, uow.account_sid, sid, uow.now)]


async def remove_of_message(uow: UnitOfWork, message_sid: str) -> list[str]:
    """Remove the media of a message and return the keys of their files."""
    return [row["key"] for row in await uow.fetch(REMOVE_OF_MESSAGE, uow.account_sid, message_sid, uow.now)]


async def remove_of_conversation(uow: UnitOfWork, conversation_sid: str) -> list[str]:
    """Remove the media of a conversation and return the keys of their files."""
    return [row["key"] for row in await uow.fetch(REMOVE_OF_CONVERSATION, uow.account_sid, conversation_sid, uow.now)]
