"""The statements that look for a Flex instance before an account is known."""

from dataclasses import dataclass
from typing import Any, Final

SYSTEM_INSTANCE: Final = """
SELECT account_sid, flex_instance_sid FROM flex_configuration
WHERE $1::text IS NULL OR account_sid = $1 ORDER BY date_created, account_sid LIMIT 1"""


@dataclass(frozen=True)
class Instance:
    """An account's Flex instance."""

    account_sid: str
    flex_instance_sid: str


async def system_instance(connection: Any, account_sid: str | None) -> Instance | None:
    """Return the Flex instance of an account, or of the oldest one."""
    row = await connection.fetchrow(SYSTEM_INSTANCE, account_sid)
    return None if row is None else Instance(**row)
