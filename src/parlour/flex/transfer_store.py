"""Rows of transfers."""

from datetime import datetime
from typing import Final

import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("UX", "interaction_transfer")

INSERT: Final = """
INSERT INTO interaction_transfer (account_sid, sid, interaction_sid, channel_sid, type, status, from_sid, to_sid,
    note_sid, summary_sid, date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, 'active', $6, $7, $8, $9, $10, $10)
ON CONFLICT (account_sid, from_sid) WHERE status = 'active' DO NOTHING RETURNING sid"""
FETCH: Final = "SELECT * FROM interaction_transfer WHERE account_sid = $1 AND channel_sid = $2 AND sid = $3"
OF_CHANNEL: Final = "SELECT * FROM interaction_transfer WHERE account_sid = $1 AND channel_sid = $2 ORDER BY sid"
SET_STATUS: Final = """
UPDATE interaction_transfer SET status = $3, date_updated = $4
WHERE account_sid = $1 AND sid = $2 AND status = 'active' RETURNING sid"""


class Transfer(msgspec.Struct, frozen=True):
    """A transfer: an agent hands their part of a channel over."""

    account_sid: str
    sid: str
    interaction_sid: str
    channel_sid: str
    type: str
    status: str
    from_sid: str
    to_sid: str
    note_sid: str | None
    summary_sid: str | None
    date_created: datetime
    date_updated: datetime


async def insert(uow: UnitOfWork, row: Transfer) -> bool:
    """Write an active transfer; False where the participant has one going."""
    values = (row.sid, row.interaction_sid, row.channel_sid, row.type, row.from_sid, row.to_sid)
    sid = await uow.fetchval(INSERT, uow.account_sid, *values, row.note_sid, row.summary_sid, uow.now)
    return sid is not None


async def fetch(reader: Reader, channel_sid: str, sid: str) -> Transfer | None:
    """Return a transfer of a channel."""
    row = await reader.fetchrow(FETCH, reader.account_sid, channel_sid, sid)
    return None if row is None else Transfer(**row)


async def of_channel(reader: Reader, channel_sid: str) -> list[Transfer]:
    """Return the transfers of a channel in the order of their making."""
    return [Transfer(**row) for row in await reader.fetch(OF_CHANNEL, reader.account_sid, channel_sid)]


async def end(uow: UnitOfWork, sid: str, status: str) -> bool:
    """Write the end of an active transfer; False where it had ended."""
    return await uow.fetchval(SET_STATUS, uow.account_sid, sid, status, uow.now) is not None
