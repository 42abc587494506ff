"""The one statement that serves every account: old keys are forgotten."""

from datetime import datetime
from typing import Any, Final

SYSTEM_FORGET: Final = "DELETE FROM idempotent_call WHERE date_created < $1"


async def system_forget(connection: Any, before: datetime) -> None:
    """Forget the keys that came before an instant."""
    await connection.execute(SYSTEM_FORGET, before)
