"""SQL of sessions and events that serves every account: what a process sweeps (DESIGN §1)."""

from datetime import datetime
from typing import Any, Final

import msgspec

SYSTEM_LOOKED_AFTER: Final = """
SELECT account_sid, sid, workspace_sid, worker_sid, dismissed FROM worker_session
WHERE process = $1 OR NOT EXISTS (SELECT 1 FROM process WHERE number = worker_session.process)"""
SYSTEM_FORGET_EVENTS: Final = "DELETE FROM worker_event WHERE at < $1"
SYSTEM_FORGET_TOKENS: Final = "DELETE FROM worker_session_token WHERE expires < $1"


class KnownSession(msgspec.Struct, frozen=True):
    """A session as its row says.

    :ivar dismissed: whether another session asked for its end.
    """

    account_sid: str
    sid: str
    workspace_sid: str
    worker_sid: str
    dismissed: bool


async def system_looked_after(connection: Any, process: int) -> list[KnownSession]:
    """The sessions of a process, and those whose process is no more."""
    return [KnownSession(**record) for record in await connection.fetch(SYSTEM_LOOKED_AFTER, process)]


async def system_forget(connection: Any, before: datetime, now: datetime) -> None:
    """Forget events stated before a time, and tokens that are over."""
    await connection.execute(SYSTEM_FORGET_EVENTS, before)
    await connection.execute(SYSTEM_FORGET_TOKENS, now)
