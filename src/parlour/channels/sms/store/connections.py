"""Rows of carrier connections. The auth token is sealed under the key file."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from datetime import datetime
from typing import Final

import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("CX", "carrier_connection")


class Connection(msgspec.Struct, kw_only=True, frozen=True):
    """A row of `carrier_connection`.

    :ivar base_url: where the carrier's API is, without a path of the API itself.
    :ivar lists_at_once: the carrier's list shows a message as soon as it is accepted, so that one that is not there
        half a minute later was never accepted.
    :ivar takes_groups: the carrier carries group MMS: a text names the others of its group in `OtherRecipients`.
    """

    account_sid: str
    sid: str
    name: str
    base_url: str
    upstream_account_sid: str
    auth_token: bytes
    lists_at_once: bool
    takes_groups: bool = False
    date_created: datetime
    date_updated: datetime


FIELDS: Final = Connection.__struct_fields__
COLUMNS: Final = ", ".join(FIELDS)
INSERT: Final = f"""
INSERT INTO carrier_connection ({COLUMNS}) VALUES ({", ".join(f"${n}" for n in range(1, len(FIELDS) + 1))})
ON CONFLICT (account_sid, name) DO NOTHING RETURNING sid"""
UPDATE: Final = """
UPDATE carrier_connection SET base_url = $3, upstream_account_sid = $4, auth_token = $5, lists_at_once = $6,
    date_updated = $7, takes_groups = $8
WHERE account_sid = $1 AND sid = $2"""
FETCH: Final = f"SELECT {COLUMNS} FROM carrier_connection WHERE account_sid = $1 AND sid = $2"
BY_NAME: Final = f"SELECT {COLUMNS} FROM carrier_connection WHERE account_sid = $1 AND name = $2"
LIST: Final = f"SELECT {COLUMNS} FROM carrier_connection WHERE account_sid = $1 ORDER BY sid LIMIT $2"


async def insert(uow: UnitOfWork, row: Connection) -> bool:
    """Insert a connection; False when the name is taken."""
    return await uow.fetchval(INSERT, *msgspec.structs.astuple(row)) is not None


async def update(uow: UnitOfWork, row: Connection) -> None:
    """Write the changeable columns."""
    await uow.execute(
        UPDATE,
        uow.account_sid,
        row.sid,
        row.base_url,
        row.upstream_account_sid,
        row.auth_token,
        row.lists_at_once,
        row.date_updated,
        row.takes_groups,
    )


async def fetch(reader: Reader, sid: str) -> Connection | None:
    """Return a connection."""
    record = await reader.fetchrow(FETCH, reader.account_sid, sid)
    return None if record is None else Connection(**record)


async def by_name(reader: Reader, name: str) -> Connection | None:
    """Return a connection by its name."""
    record = await reader.fetchrow(BY_NAME, reader.account_sid, name)
    return None if record is None else Connection(**record)


async def list_all(reader: Reader, limit: int = 1000) -> list[Connection]:
    """Return the account's connections, oldest first."""
    return [Connection(**record) for record in await reader.fetch(LIST, reader.account_sid, limit)]
