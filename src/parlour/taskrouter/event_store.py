"""SQL of the event log as the Events API reads it (taskrouter.md §7.3)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from parlour.store.unit import Reader
from parlour.taskrouter.event_parameters import Told, told
from parlour.taskrouter.event_types import KINDS

# The task of a fact about a task or a reservation stands in its snapshot; `doc` is that task.
SELECT: Final = """
SELECT e.sid, e.kind, e.object_sid, e.at, e.snapshot
FROM event AS e, LATERAL (SELECT coalesce(e.snapshot -> 'task', e.snapshot) AS doc) AS d
WHERE e.account_sid = $1 AND e.snapshot ->> 'workspace_sid' = $2 AND e.kind = ANY($3)"""
FETCH: Final = f"{SELECT} AND e.sid = $4"
LIST: Final = f"""{SELECT} AND e.at >= $4 AND e.at <= $5
    AND ($6::text IS NULL OR e.stream = $6 OR e.object_sid = $6)
    AND ($7::text IS NULL OR e.object_sid = $7)
    AND ($8::text IS NULL OR e.stream = $8 OR e.snapshot ->> 'worker_sid' = $8)
    AND ($9::text IS NULL OR d.doc ->> 'task_queue_sid' = $9 OR e.object_sid = $9)
    AND ($10::text IS NULL OR d.doc ->> 'workflow_sid' = $10 OR e.object_sid = $10)
    AND ($11::text IS NULL OR $11 IN (d.doc ->> 'task_channel_sid', d.doc ->> 'task_channel_unique_name',
        e.snapshot -> 'worker_channel' ->> 'task_channel_sid',
        e.snapshot -> 'worker_channel' ->> 'task_channel_unique_name', e.object_sid))
    AND ($12::text IS NULL OR e.sid = $12) AND ($13::text IS NULL OR e.sid < $13)
ORDER BY e.sid DESC LIMIT $14"""
STORY: Final = """
SELECT sid, kind, at, snapshot FROM event
WHERE account_sid = $1 AND stream = $2
  AND (kind IN ('workflow.target-matched/1', 'routing.decided/1') OR kind LIKE 'task.%')
ORDER BY sid"""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are asked for; None lets all pass.

    :ivar since: domain time, as `until`; both belong to it.
    :ivar task_channel: SID or unique name.
    """

    event_type: str | None
    since: datetime
    until: datetime
    task_sid: str | None = None
    reservation_sid: str | None = None
    worker_sid: str | None = None
    task_queue_sid: str | None = None
    workflow_sid: str | None = None
    task_channel: str | None = None
    sid: str | None = None


def _kinds(event_type: str | None) -> Sequence[str]:
    return list(KINDS) if event_type is None else [f"{event_type}/1"] if f"{event_type}/1" in KINDS else []


async def events(reader: Reader, workspace_sid: str, wanted: Wanted, *, after: str | None, limit: int) -> list[Told]:
    """Events, newest first, that are older than the one with the SID ``after``."""
    records = await reader.fetch(
        LIST,
        reader.account_sid,
        workspace_sid,
        _kinds(wanted.event_type),
        wanted.since,
        wanted.until,
        wanted.task_sid,
        wanted.reservation_sid,
        wanted.worker_sid,
        wanted.task_queue_sid,
        wanted.workflow_sid,
        wanted.task_channel,
        wanted.sid,
        after,
        limit,
    )
    return [told(*record) for record in records]


async def event(reader: Reader, workspace_sid: str, sid: str) -> Told | None:
    """The event, or None."""
    record = await reader.fetchrow(FETCH, reader.account_sid, workspace_sid, list(KINDS), sid)
    return None if record is None else told(*record)


async def story(reader: Reader, task_sid: str) -> list[asyncpg.Record]:
    """Return what the log tells of a task and of the decisions about it, oldest first."""
    return await reader.fetch(STORY, reader.account_sid, task_sid)
