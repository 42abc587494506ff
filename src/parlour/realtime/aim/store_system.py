"""The statement on mutations of every account."""

from datetime import datetime
from typing import Any, Final

SYSTEM_FORGET: Final = "DELETE FROM client_mutation WHERE date_created < $1"


async def system_forget(connection: Any, before: datetime) -> None:
    """Forget mutations made before an instant."""
    await connection.execute(SYSTEM_FORGET, before)
