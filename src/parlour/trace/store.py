"""What a trace reads: the event log and the waiting or dead jobs. Never a row of today."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import msgspec

from parlour.store.unit import Reader

WINDOW: Final = 20_000  # events that a search inside snapshots looks through
JOBS: Final = 200

EVENTS_OF: Final = """
SELECT sid, at, kind, stream, object_sid, request_id, cause, snapshot FROM event
WHERE account_sid = $1 AND (stream = ANY($2) OR object_sid = ANY($2)) ORDER BY sid LIMIT $3"""
EVENTS_CAUSED: Final = """
SELECT sid, at, kind, stream, object_sid, request_id, cause, snapshot FROM event
WHERE account_sid = $1 AND cause = ANY($2) ORDER BY sid LIMIT $3"""
EVENTS_NAMED: Final = """
SELECT sid, at, kind, stream, object_sid, request_id, cause, snapshot FROM event
WHERE account_sid = $1 AND sid = ANY($2) ORDER BY sid LIMIT $3"""
EVENTS_OF_REQUEST: Final = """
SELECT sid, at, kind, stream, object_sid, request_id, cause, snapshot FROM event
WHERE account_sid = $1 AND request_id = $2 ORDER BY sid LIMIT $3"""
MENTIONED_AFTER: Final = """
SELECT sid, at, kind, stream, object_sid, request_id, cause, snapshot
FROM (SELECT * FROM event WHERE account_sid = $1 AND sid >= $2 ORDER BY sid LIMIT $3) AS e
WHERE position($4 IN snapshot::text) > 0 ORDER BY sid LIMIT 1"""
MENTIONED_LAST: Final = """
SELECT sid, at, kind, stream, object_sid, request_id, cause, snapshot
FROM (SELECT * FROM event WHERE account_sid = $1 ORDER BY sid DESC LIMIT $2) AS e
WHERE position($3 IN snapshot::text) > 0 ORDER BY sid DESC LIMIT 1"""
LATEST_TEXT: Final = """
SELECT object_sid FROM event WHERE account_sid = $1 AND kind = 'carrier_message.received/1' ORDER BY sid DESC LIMIT 1"""
JOBS_OF: Final = """
SELECT id, lane, handler, attempt, due, dead_at, error, event_sid FROM job
WHERE account_sid = $1 AND (
    event_sid = ANY($2) OR EXISTS (SELECT 1 FROM unnest($3::text[]) AS s WHERE position(s IN job.lane) > 0)
) ORDER BY id LIMIT $4"""


class Fact(msgspec.Struct, frozen=True):
    """A row of the event log."""

    sid: str
    at: datetime
    kind: str
    stream: str
    object_sid: str
    request_id: str
    cause: str | None
    snapshot: dict[str, Any]


class WaitingJob(msgspec.Struct, frozen=True):
    """A job that waits or is dead. due: '-infinity' for at once."""

    id: int
    lane: str
    handler: str
    attempt: int
    due: datetime
    dead_at: datetime | None
    error: str | None
    event_sid: str | None


async def facts_of(reader: Reader, sids: Collection[str], limit: int) -> list[Fact]:
    """Return the facts about objects or on streams."""
    return [Fact(**row) for row in await reader.fetch(EVENTS_OF, reader.account_sid, list(sids), limit)]


async def facts_caused_by(reader: Reader, event_sids: Collection[str], limit: int) -> list[Fact]:
    """Return the facts that reactions to events stated."""
    return [Fact(**row) for row in await reader.fetch(EVENTS_CAUSED, reader.account_sid, list(event_sids), limit)]


async def facts_named(reader: Reader, event_sids: Collection[str], limit: int) -> list[Fact]:
    """Return facts by their own SIDs."""
    return [Fact(**row) for row in await reader.fetch(EVENTS_NAMED, reader.account_sid, list(event_sids), limit)]


async def facts_of_request(reader: Reader, request_id: str, limit: int) -> list[Fact]:
    """Return the facts of one request and of what followed it."""
    return [Fact(**row) for row in await reader.fetch(EVENTS_OF_REQUEST, reader.account_sid, request_id, limit)]


async def first_mention(reader: Reader, sid: str) -> Fact | None:
    """Return the first fact since the making of ``sid`` whose snapshot names it; SIDs are ordered by time."""
    row = await reader.fetchrow(MENTIONED_AFTER, reader.account_sid, f"EV{sid[2:14]}", WINDOW, sid)
    return None if row is None else Fact(**row)


async def last_mention(reader: Reader, sid: str) -> Fact | None:
    """Return the newest fact whose snapshot names ``sid``."""
    row = await reader.fetchrow(MENTIONED_LAST, reader.account_sid, WINDOW, sid)
    return None if row is None else Fact(**row)


async def jobs_of(reader: Reader, event_sids: Collection[str], sids: Collection[str]) -> list[WaitingJob]:
    """Return the jobs that react to events, or whose lanes name SIDs."""
    rows = await reader.fetch(JOBS_OF, reader.account_sid, list(event_sids), list(sids), JOBS)
    return [WaitingJob(**row) for row in rows]


async def latest_text(reader: Reader) -> str | None:
    """Return the SID of the text that a customer sent last."""
    found: str | None = await reader.fetchval(LATEST_TEXT, reader.account_sid)
    return found
