"""The one statement that looks for the account of a sign-in before one is known."""

from typing import Any, Final

SYSTEM_ACCOUNT_OF_INSTANCE: Final = "SELECT account_sid FROM flex_configuration WHERE flex_instance_sid = $1"


async def system_account_of_instance(connection: Any, instance_sid: str) -> str | None:
    """Return the account of a Flex instance."""
    found: str | None = await connection.fetchval(SYSTEM_ACCOUNT_OF_INSTANCE, instance_sid)
    return found
