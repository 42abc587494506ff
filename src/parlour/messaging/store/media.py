"""Rows of the files of inbound texts."""

# ruff: noqa: S608 - only the column names of the row class are put into statements

from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("ME", "message_media")


class MessageMedia(msgspec.Struct, kw_only=True, frozen=True):
    """A row of `message_media`; `key` opens the file, `size` is in bytes."""

    account_sid: str
    sid: str
    message_sid: str
    key: str
    content_type: str
    size: int
    date_created: datetime
    date_updated: datetime


COLUMNS: Final = ", ".join(MessageMedia.__struct_fields__)
INSERT: Final = f"INSERT INTO message_media ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
OF_MESSAGE: Final = f"SELECT {COLUMNS} FROM message_media WHERE account_sid = $1 AND message_sid = $2 ORDER BY sid"
PAGE: Final = f"""
SELECT {COLUMNS} FROM message_media
WHERE account_sid = $1 AND message_sid = $2 AND sid > $3 AND ($4::timestamptz IS NULL OR date_created >= $4)
    AND ($5::timestamptz IS NULL OR date_created < $5)
ORDER BY sid LIMIT $6"""
FETCH: Final = f"SELECT {COLUMNS} FROM message_media WHERE account_sid = $1 AND message_sid = $2 AND sid = $3"
DELETE: Final = """
DELETE FROM message_media WHERE account_sid = $1 AND message_sid = $2 AND ($3::text IS NULL OR sid = $3)
RETURNING key"""


def _row(record: asyncpg.Record | None) -> MessageMedia | None:
    return None if record is None else MessageMedia(**record)


def insert(uow: UnitOfWork, row: MessageMedia) -> None:
    """Insert a file's row with the last statement of the unit."""
    uow.defer(INSERT, *msgspec.structs.astuple(row))


async def of_message(reader: Reader, message_sid: str) -> list[MessageMedia]:
    """Return the files of a text."""
    return [MessageMedia(**record) for record in await reader.fetch(OF_MESSAGE, reader.account_sid, message_sid)]


async def page(
    reader: Reader, message_sid: str, *, since: datetime | None, before: datetime | None, after: str, limit: int
) -> list[MessageMedia]:
    """Return files of a text, in the order in which they came."""
    records = await reader.fetch(PAGE, reader.account_sid, message_sid, after, since, before, limit)
    return [MessageMedia(**record) for record in records]


async def fetch(reader: Reader, message_sid: str, sid: str) -> MessageMedia | None:
    """Return a file's row."""
    return _row(await reader.fetchrow(FETCH, reader.account_sid, message_sid, sid))


async def delete(uow: UnitOfWork, message_sid: str, sid: str | None = None) -> list[str]:
    """Delete the row of a file, or of all files of a text; return the keys of the files."""
    return [record["key"] for record in await uow.fetch(DELETE, uow.account_sid, message_sid, sid)]
