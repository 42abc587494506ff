"""The one statement that looks for a plugin's version before an account is known: a script tag tells none."""

from typing import Any, Final

SYSTEM_ACCOUNT_OF_VERSION: Final = "SELECT account_sid FROM plugin_version WHERE sid = $1"


async def system_account_of_version(connection: Any, sid: str) -> str | None:
    """Return the account of a plugin's version."""
    found: str | None = await connection.fetchval(SYSTEM_ACCOUNT_OF_VERSION, sid)
    return found
