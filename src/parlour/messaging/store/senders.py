"""Rows of senders."""

# ruff: noqa: S608 - only the column names of the row class are put into statements

from datetime import datetime
from typing import Final

import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("XE", "channel_sender")


class Sender(msgspec.Struct, kw_only=True, frozen=True):
    """A row of `channel_sender`.

    :ivar address: with the prefix of its channel.
    :ivar connection_sid: the carrier connection that serves it; None takes the account's only one.
    """

    account_sid: str
    sid: str
    address: str
    connection_sid: str | None
    date_created: datetime
    date_updated: datetime


COLUMNS: Final = ", ".join(Sender.__struct_fields__)
PUT: Final = f"""
INSERT INTO channel_sender ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (account_sid, address) DO UPDATE SET connection_sid = $4, date_updated = $6 RETURNING {COLUMNS}"""
BY_ADDRESS: Final = f"SELECT {COLUMNS} FROM channel_sender WHERE account_sid = $1 AND address = $2"


async def put(uow: UnitOfWork, row: Sender) -> Sender:
    """Insert a sender, or change the connection of the one with its address; return the row."""
    record = await uow.fetchrow(PUT, *msgspec.structs.astuple(row))
    if record is None:
        raise AssertionError("unreachable: an upsert returns its row")
    return Sender(**record)


async def by_address(reader: Reader, address: str) -> Sender | None:
    """Return the sender with this address."""
    record = await reader.fetchrow(BY_ADDRESS, reader.account_sid, address)
    return None if record is None else Sender(**record)
