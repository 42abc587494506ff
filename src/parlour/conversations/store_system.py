"""The one statement that serves every account: which files have a row."""

from collections.abc import Sequence
from typing import Any, Final

SYSTEM_KNOWN_KEYS: Final = "SELECT key FROM media WHERE key = ANY($1) AND removed_at IS NULL"


async def system_known_keys(connection: Any, keys: Sequence[str]) -> set[str]:
    """Return those of the keys whose files somebody has."""
    return {row["key"] for row in await connection.fetch(SYSTEM_KNOWN_KEYS, list(keys))}
