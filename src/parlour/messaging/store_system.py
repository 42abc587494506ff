"""The statement that serves every account: which files the log of texts has."""

from collections.abc import Sequence
from typing import Any, Final

SYSTEM_KNOWN_KEYS: Final = "SELECT key FROM message_media WHERE key = ANY($1)"


async def system_known_keys(connection: Any, keys: Sequence[str]) -> set[str]:
    """Return those of the keys whose files are of logged texts."""
    return {row["key"] for row in await connection.fetch(SYSTEM_KNOWN_KEYS, list(keys))}
