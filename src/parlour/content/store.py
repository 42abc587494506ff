"""Rows of content templates."""

# ruff: noqa: S608 - only the column names of the row class are put into statements

from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("HX", "content")


class Content(msgspec.Struct, kw_only=True):
    """A row of `content`.

    :ivar variables: default values of placeholders.
    :ivar types: what it is by type, such as `{"twilio/text": {"body": …}}`.
    :ivar approval: what was submitted for WhatsApp and what became of it; None: nothing.
    """

    account_sid: str
    sid: str
    friendly_name: str
    language: str
    variables: dict[str, str]
    types: dict[str, dict[str, Any]]
    approval: dict[str, Any] | None
    date_created: datetime
    date_updated: datetime


FIELDS: Final = Content.__struct_fields__
COLUMNS: Final = ", ".join(FIELDS)
INSERT: Final = f"INSERT INTO content ({COLUMNS}) VALUES ({', '.join(f'${n}' for n in range(1, len(FIELDS) + 1))})"
FETCH: Final = f"SELECT {COLUMNS} FROM content WHERE account_sid = $1 AND sid = $2"
LOCK: Final = f"{FETCH} FOR UPDATE"
LIST: Final = f"""
SELECT {COLUMNS} FROM content WHERE account_sid = $1 AND ($2::text IS NULL OR sid < $2) ORDER BY sid DESC LIMIT $3"""
SET_APPROVAL: Final = "UPDATE content SET approval = $3, date_updated = $4 WHERE account_sid = $1 AND sid = $2"
DELETE: Final = "DELETE FROM content WHERE account_sid = $1 AND sid = $2 RETURNING sid"


def _row(record: asyncpg.Record | None) -> Content | None:
    return None if record is None else Content(**record)


async def insert(uow: UnitOfWork, row: Content) -> None:
    """Insert a template."""
    await uow.execute(INSERT, *msgspec.structs.astuple(row))


async def fetch(reader: Reader, sid: str) -> Content | None:
    """Return a template."""
    return _row(await reader.fetchrow(FETCH, reader.account_sid, sid))


async def lock(uow: UnitOfWork, sid: str) -> Content | None:
    """Return a template, locked."""
    return _row(await uow.fetchrow(LOCK, uow.account_sid, sid))


async def page(reader: Reader, *, after: str | None, limit: int) -> list[Content]:
    """Return templates, newest first."""
    return [Content(**row) for row in await reader.fetch(LIST, reader.account_sid, after, limit)]


async def set_approval(uow: UnitOfWork, row: Content) -> None:
    """Write what became of a locked template's approval."""
    await uow.execute(SET_APPROVAL, row.account_sid, row.sid, row.approval, row.date_updated)


async def delete(uow: UnitOfWork, sid: str) -> bool:
    """Delete a template; False when there is none."""
    return await uow.fetchval(DELETE, uow.account_sid, sid) is not None
