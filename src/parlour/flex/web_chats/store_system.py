"""The one statement that looks for a deployment key before an account is known: a visitor's page names no account."""

from typing import Any, Final

SYSTEM_ACCOUNT_OF_KEY: Final = "SELECT account_sid FROM webchat_key WHERE sid = $1"


async def system_account_of_key(connection: Any, sid: str) -> str | None:
    """Return the account of a deployment key."""
    found: str | None = await connection.fetchval(SYSTEM_ACCOUNT_OF_KEY, sid)
    return found
