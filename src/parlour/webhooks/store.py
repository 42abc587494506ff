"""Rows of the delivery log: their SQL and its mapping."""

# ruff: noqa: S608 - only the column names of the row class are put into statements

from datetime import datetime
from typing import Final

import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

FORM: Final = "form"
JSON: Final = "json"

refs.register("WD", "webhook_delivery")


class Delivery(msgspec.Struct, kw_only=True):
    """A row of `webhook_delivery`: one try.

    :ivar asked: a pre-event, which is no part of a replay.
    :ivar content: `FORM` or `JSON`.
    """

    account_sid: str
    sid: str
    at: datetime
    webhook_sid: str
    stream: str
    event_sid: str | None
    event_type: str
    attempt: int
    method: str
    url: str
    parameters: str
    token: str
    outcome: str
    status: int | None
    answer: str | None
    error: str | None
    duration_ms: int
    replay_of: str | None = None
    asked: bool = False
    content: str = FORM


COLUMNS: Final = ", ".join(Delivery.__struct_fields__)
_VALUES: Final = ", ".join(f"${n}" for n in range(1, len(Delivery.__struct_fields__) + 1))

INSERT: Final = f"INSERT INTO webhook_delivery ({COLUMNS}) VALUES ({_VALUES})"
FETCH: Final = f"SELECT {COLUMNS} FROM webhook_delivery WHERE account_sid = $1 AND sid = $2"
LIST: Final = f"""
SELECT {COLUMNS} FROM webhook_delivery
WHERE account_sid = $1 AND ($2::text IS NULL OR webhook_sid = $2) AND ($3::text IS NULL OR stream = $3)
    AND ($4::text IS NULL OR outcome = $4) AND ($5::timestamptz IS NULL OR at >= $5)
    AND ($6::timestamptz IS NULL OR at < $6) AND sid > $7
ORDER BY sid LIMIT $8"""

# The last try of each event for each webhook, in the order of the first tries: a replay is one request per event.
RANGE: Final = f"""
WITH tries AS (
    SELECT d.*, first_value(d.sid) OVER of_event AS first_sid, row_number() OVER of_event AS number,
        count(*) OVER (PARTITION BY d.webhook_sid, d.token) AS tries
    FROM webhook_delivery d
    WHERE d.account_sid = $1 AND d.replay_of IS NULL AND NOT d.asked AND ($2::text IS NULL OR d.webhook_sid = $2)
        AND ($3::text IS NULL OR d.stream = $3)
    WINDOW of_event AS (PARTITION BY d.webhook_sid, d.token ORDER BY d.sid)
)
SELECT {COLUMNS} FROM tries
WHERE number = tries AND ($4::text IS NULL OR outcome = $4) AND ($5::timestamptz IS NULL OR at >= $5)
    AND ($6::timestamptz IS NULL OR at < $6)
ORDER BY first_sid"""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries are meant; None means any.

    :ivar since: domain time from which on they were tried; `until`: before which.
    """

    webhook_sid: str | None = None
    stream: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def parameters(self) -> tuple[object, ...]:
        """Return the values in the order of the statements."""
        return (self.webhook_sid, self.stream, self.outcome, self.since, self.until)


def insert(uow: UnitOfWork, row: Delivery) -> None:
    """Write a try with the unit's last statement."""
    uow.defer(INSERT, *msgspec.structs.astuple(row))


async def fetch(reader: Reader, sid: str) -> Delivery | None:
    """Return a try."""
    record = await reader.fetchrow(FETCH, reader.account_sid, sid)
    return None if record is None else Delivery(**record)


async def page(reader: Reader, wanted: Filter, *, after: str = "", limit: int = 500) -> list[Delivery]:
    """Return tries, oldest first."""
    rows = await reader.fetch(LIST, reader.account_sid, *wanted.parameters, after, limit)
    return [Delivery(**row) for row in rows]


async def range_of(reader: Reader, wanted: Filter) -> list[Delivery]:
    """Return the last try of each event that was delivered, in the order of events."""
    return [Delivery(**row) for row in await reader.fetch(RANGE, reader.account_sid, *wanted.parameters)]
