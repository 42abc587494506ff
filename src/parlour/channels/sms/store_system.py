"""The one statement that looks for a connection before an account is known: a carrier's webhook names no account."""

# ruff: noqa: S608 - only the column names of the row class are put into the statement

from typing import Any, Final

from parlour.channels.sms.store.connections import COLUMNS, Connection

SYSTEM_FETCH_CONNECTION: Final = f"SELECT {COLUMNS} FROM carrier_connection WHERE sid = $1"


async def system_fetch_connection(connection: Any, sid: str) -> Connection | None:
    """Return a connection of any account."""
    record = await connection.fetchrow(SYSTEM_FETCH_CONNECTION, sid)
    return None if record is None else Connection(**record)
