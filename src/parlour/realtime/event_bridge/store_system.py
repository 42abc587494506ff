"""SQL of sessions and events that serves every account: what a process sweeps (DESIGN §1)."""

from datetime import datetime
from typing import Any, Final

MINE: Final = "SELECT account_sid, sid, dismissed FROM worker_session WHERE process = $1"
ORPHANS: Final = """
SELECT account_sid, sid, workspace_sid, worker_sid FROM worker_session
WHERE NOT EXISTS (SELECT 1 FROM process WHERE number = worker_session.process)"""
FORGET_EVENTS: Final = "DELETE FROM worker_event WHERE at < $1"
FORGET_TOKENS: Final = "DELETE FROM worker_session_token WHERE expires < $1"


async def system_sessions_of(connection: Any, process: int) -> dict[tuple[str, str], bool]:
    """Account and SID of a process's sessions, and whether each was dismissed."""
    records = await connection.fetch(MINE, process)
    return {(record["account_sid"], record["sid"]): record["dismissed"] for record in records}


async def system_orphans(connection: Any) -> list[dict[str, str]]:
    """Sessions whose process is no more."""
    return [dict(record) for record in await connection.fetch(ORPHANS)]


async def system_forget(connection: Any, before: datetime, now: datetime) -> None:
    """Forget events stated before a time, and tokens that are over."""
    await connection.execute(FORGET_EVENTS, before)
    await connection.execute(FORGET_TOKENS, now)
