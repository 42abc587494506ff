"""The statements that serve every account: which files have a row, and which sockets a process looks after."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

SYSTEM_KNOWN_KEYS: Final = "SELECT key FROM media WHERE key = ANY($1) AND removed_at IS NULL"
SYSTEM_SESSIONS: Final = """
SELECT account_sid, sid, chat_service_sid, identity FROM chat_session
WHERE process = $1 OR NOT EXISTS (SELECT FROM process WHERE number = chat_session.process)"""


class KnownSession(msgspec.Struct, frozen=True):
    """A client's open socket as its row says."""

    account_sid: str
    sid: str
    chat_service_sid: str
    identity: str


async def system_known_keys(connection: Any, keys: Sequence[str]) -> set[str]:
    """Return those of the keys whose files somebody has."""
    return {row["key"] for row in await connection.fetch(SYSTEM_KNOWN_KEYS, list(keys))}


async def system_sessions(connection: Any, process: int) -> list[KnownSession]:
    """Return the sockets of a process, and those whose process is no more."""
    return [KnownSession(**record) for record in await connection.fetch(SYSTEM_SESSIONS, process)]
