"""Rows of sends: one for each recipient of a text that goes out (channels.md §8.2)."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from parlour.store.unit import Reader, UnitOfWork


class Send(msgspec.Struct, kw_only=True):
    """A row of `carrier_send`.

    :ivar sid: the message in the log; also the token in the status URL where there is no receipt.
    :ivar media: `{"sid": ME…}` of conversations, `{"url": …}` of direct orders.
    :ivar others: who else is in the group to which it is sent.
    :ivar called_at: real time of the last call to the carrier.
    """

    account_sid: str
    sid: str
    connection_sid: str
    conversation_sid: str | None
    message_sid: str | None
    participant_sid: str | None
    receipt_sid: str | None
    address: str
    proxy_address: str
    body: str
    media: list[dict[str, Any]]
    state: str
    called_at: datetime | None
    provider_sid: str | None
    error_code: int | None
    reason: str | None
    others: list[str] = msgspec.field(default_factory=list)
    date_created: datetime
    date_updated: datetime

    @property
    def token(self) -> str:
        """What the status URL carries to find this row again."""
        return self.receipt_sid or self.sid


FIELDS: Final = Send.__struct_fields__
COLUMNS: Final = ", ".join(FIELDS)
INSERT: Final = f"""
INSERT INTO carrier_send ({COLUMNS}) VALUES ({", ".join(f"${n}" for n in range(1, len(FIELDS) + 1))})"""
LOCK: Final = f"SELECT {COLUMNS} FROM carrier_send WHERE account_sid = $1 AND sid = $2 FOR UPDATE"
LOCK_OF: Final = f"""
SELECT {COLUMNS} FROM carrier_send
WHERE account_sid = $1 AND message_sid = $2 AND participant_sid = $3 FOR UPDATE"""
LOCK_BY_TOKEN: Final = f"""
SELECT {COLUMNS} FROM carrier_send WHERE account_sid = $1 AND connection_sid = $2 AND (sid = $3 OR receipt_sid = $3)
FOR UPDATE"""
LOCK_BY_PROVIDER: Final = f"""
SELECT {COLUMNS} FROM carrier_send WHERE account_sid = $1 AND connection_sid = $2 AND provider_sid = $3 FOR UPDATE"""
UPDATE: Final = """
UPDATE carrier_send SET state = $3, called_at = $4, provider_sid = $5, error_code = $6, reason = $7, date_updated = $8
WHERE account_sid = $1 AND sid = $2"""
OWNED: Final = """
SELECT provider_sid FROM carrier_send
WHERE account_sid = $1 AND connection_sid = $2 AND provider_sid = ANY($3::text[])"""
LIST: Final = f"""
SELECT {COLUMNS} FROM carrier_send WHERE account_sid = $1 AND state = ANY($2::text[]) AND sid > $3
ORDER BY sid LIMIT $4"""


def _row(record: asyncpg.Record | None) -> Send | None:
    return None if record is None else Send(**record)


def insert(uow: UnitOfWork, row: Send) -> None:
    """Insert a send with the last statement of the unit."""
    uow.defer(INSERT, *msgspec.structs.astuple(row))


async def lock(uow: UnitOfWork, sid: str) -> Send | None:
    """Return a send, locked."""
    return _row(await uow.fetchrow(LOCK, uow.account_sid, sid))


async def lock_of(uow: UnitOfWork, message_sid: str, participant_sid: str) -> Send | None:
    """Return the send of a message to a participant, locked."""
    return _row(await uow.fetchrow(LOCK_OF, uow.account_sid, message_sid, participant_sid))


async def lock_reported(uow: UnitOfWork, connection_sid: str, token: str, provider_sid: str) -> Send | None:
    """Return the send that a status callback is about, locked: by our token, else by the carrier's SID."""
    row = _row(await uow.fetchrow(LOCK_BY_TOKEN, uow.account_sid, connection_sid, token)) if token else None
    return row or _row(await uow.fetchrow(LOCK_BY_PROVIDER, uow.account_sid, connection_sid, provider_sid))


def update(uow: UnitOfWork, row: Send) -> None:
    """Write the changeable columns of a locked send with the last statement of the unit."""
    row.date_updated = uow.now
    uow.defer(
        UPDATE,
        uow.account_sid,
        row.sid,
        row.state,
        row.called_at,
        row.provider_sid,
        row.error_code,
        row.reason,
        row.date_updated,
    )


async def owned(reader: Reader, connection_sid: str, provider_sids: list[str]) -> set[str]:
    """Return those of the carrier's SIDs that belong to a send already."""
    records = await reader.fetch(OWNED, reader.account_sid, connection_sid, provider_sids)
    return {record["provider_sid"] for record in records}


async def in_states(reader: Reader, states: list[str], *, after: str = "", limit: int = 100) -> list[Send]:
    """Return sends in some states, oldest first."""
    return [Send(**record) for record in await reader.fetch(LIST, reader.account_sid, states, after, limit)]
