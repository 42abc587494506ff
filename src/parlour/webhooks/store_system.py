"""The one statement that serves every account: what is older than the log is forgotten."""

from datetime import datetime
from typing import Any, Final

SYSTEM_FORGET: Final = "DELETE FROM webhook_delivery WHERE at < $1"


async def system_forget(connection: Any, before: datetime) -> None:
    """Forget the deliveries before an instant."""
    await connection.execute(SYSTEM_FORGET, before)
