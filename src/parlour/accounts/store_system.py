"""The few statements that look for an account before one is known."""

from typing import Any, Final

SYSTEM_LIST_ACCOUNTS: Final = (
    "SELECT account_sid, friendly_name, status, date_created FROM account ORDER BY account_sid"
)
SYSTEM_ACCOUNT_OF_KEY: Final = "SELECT account_sid FROM api_key WHERE sid = $1"


async def system_list_accounts(connection: Any) -> list[Any]:
    """Return every account, oldest first."""
    rows: list[Any] = await connection.fetch(SYSTEM_LIST_ACCOUNTS)
    return rows


async def system_account_of_key(connection: Any, key_sid: str) -> str | None:
    """Return the account that an API key belongs to."""
    found: str | None = await connection.fetchval(SYSTEM_ACCOUNT_OF_KEY, key_sid)
    return found
