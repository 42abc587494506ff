"""Rows that say how the work of a worker, a queue or the account is orchestrated."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from parlour.store.unit import Reader, UnitOfWork

NAMES: Final = ("auto_accept", "wrap_up_after", "maximum_wrap_up", "close_at", "on_task_end")
WRITE: Final = """
INSERT INTO flex_orchestration (account_sid, sid, auto_accept, wrap_up_after, maximum_wrap_up, close_at, on_task_end,
    date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
ON CONFLICT (account_sid, sid) DO UPDATE SET auto_accept = excluded.auto_accept,
    wrap_up_after = excluded.wrap_up_after, maximum_wrap_up = excluded.maximum_wrap_up, close_at = excluded.close_at,
    on_task_end = excluded.on_task_end, date_updated = excluded.date_updated"""
FETCH: Final = "SELECT * FROM flex_orchestration WHERE account_sid = $1 AND sid = ANY($2)"
LIST: Final = "SELECT * FROM flex_orchestration WHERE account_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
REMOVE: Final = "DELETE FROM flex_orchestration WHERE account_sid = $1 AND sid = $2"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How the work of a worker, a queue or the account is orchestrated; None leaves it to the next wider one.

    :ivar wrap_up_after: seconds of silence in the conversation after which an agent's work wraps up.
    :ivar maximum_wrap_up: seconds after which wrapping up completes.
    :ivar close_at: when the conversation closes, ``wrapup`` or ``completion``.
    :ivar on_task_end: what becomes of a channel whose last task TaskRouter ended: ``wake``, ``close`` or ``flag``.
    """

    account_sid: str = ""
    sid: str = ""
    auto_accept: bool | None = None
    wrap_up_after: int | None = None
    maximum_wrap_up: int | None = None
    close_at: str | None = None
    on_task_end: str | None = None


async def settings(reader: Reader, *sids: str | None) -> Settings:
    """Return what holds for the first of several SIDs that says it, the account's own last."""
    return (await settings_of_all(reader, [sids]))[0]


async def settings_of_all(reader: Reader, several: Sequence[Sequence[str | None]]) -> list[Settings]:
    """Return what `settings` does for each of several lists of SIDs."""
    wanted = {sid for sids in several for sid in sids if sid} | {reader.account_sid}
    rows = {row["sid"]: row for row in await reader.fetch(FETCH, reader.account_sid, sorted(wanted))}
    return [_first_said(rows, [sid for sid in sids if sid] + [reader.account_sid]) for sids in several]


def _first_said(rows: Mapping[str, Any], order: Sequence[str]) -> Settings:
    found: dict[str, Any] = {}
    for sid in order:
        for name in NAMES:
            if sid in rows and found.get(name) is None:
                found[name] = rows[sid][name]
    return Settings(**found)


async def fetch(reader: Reader, sid: str) -> Settings | None:
    """Return what was set for one SID."""
    row = await reader.fetchrow(FETCH, reader.account_sid, [sid])
    return None if row is None else _settings(row)


async def page(reader: Reader, after: str, limit: int) -> list[Settings]:
    """Return all that was set, by SID."""
    return [_settings(row) for row in await reader.fetch(LIST, reader.account_sid, after, limit)]


async def write(uow: UnitOfWork, row: Settings) -> None:
    """Write all that holds for a SID."""
    await uow.execute(WRITE, uow.account_sid, row.sid, *(getattr(row, name) for name in NAMES), uow.now)


async def remove(uow: UnitOfWork, sid: str) -> None:
    """Forget what was set for a SID."""
    await uow.execute(REMOVE, uow.account_sid, sid)


def _settings(row: Any) -> Settings:
    return Settings(account_sid=row["account_sid"], sid=row["sid"], **{name: row[name] for name in NAMES})
