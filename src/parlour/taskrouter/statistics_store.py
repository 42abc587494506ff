"""SQL of the statistics: counts of the event log, and of the rows as they are now (taskrouter.md §8)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from parlour.store.unit import Reader
from parlour.taskrouter.interval import Interval

COUNTED: Final = (
    *(f"reservation.{verb}/1" for verb in ("created", "accepted", "rejected", "timeout", "canceled", "rescinded")),
    *(f"task.{verb}/1" for verb in ("created", "canceled", "completed", "deleted", "system-deleted")),
    "task-queue.entered/1",
    "task-queue.moved/1",
    "workflow.entered/1",
    "workflow.timeout/1",
)
_SCOPED: Final = """
SELECT e.kind, (d.doc ->> 'age')::int AS age, floor((d.doc ->> 'seconds_in_queue')::float8)::int AS in_queue
FROM event AS e, LATERAL (SELECT coalesce(e.snapshot -> 'task', e.snapshot) AS doc) AS d
WHERE e.account_sid = $1 AND e.snapshot ->> 'workspace_sid' = $2 AND e.kind = ANY($3) AND e.at >= $4 AND e.at <= $5
    AND ($6::text IS NULL OR d.doc ->> 'task_queue_sid' = $6)
    AND ($7::text IS NULL OR d.doc ->> 'workflow_sid' = $7)
    AND ($8::text IS NULL OR $8 IN (d.doc ->> 'task_channel_sid', d.doc ->> 'task_channel_unique_name'))
    AND ($9::text[] IS NULL OR e.snapshot ->> 'worker_sid' = ANY($9))"""
COUNTS: Final = f"""
SELECT kind, count(*) AS count, sum(age)::bigint AS total, min(age) AS min, max(age) AS max,
       sum(in_queue)::bigint AS queue_total, min(in_queue) AS queue_min, max(in_queue) AS queue_max
FROM ({_SCOPED}) AS scoped GROUP BY kind"""  # noqa: S608
SPLIT: Final = f"""
SELECT kind, threshold, count(*) FILTER (WHERE age > threshold) AS above,
       count(*) FILTER (WHERE age <= threshold) AS below
FROM ({_SCOPED}) AS scoped CROSS JOIN unnest($10::int[]) AS threshold GROUP BY kind, threshold"""  # noqa: S608

# A stay in an activity ends with an update, with the worker, or lasts: the parts of it within the interval.
STAYS: Final = """
WITH stay AS (
    SELECT e.snapshot ->> 'previous_activity_sid' AS activity_sid,
           e.at - make_interval(secs => (e.snapshot ->> 'time_in_previous_activity_ms')::float8 / 1000) AS since,
           e.at AS until
    FROM event AS e
    WHERE e.account_sid = $1 AND e.snapshot ->> 'workspace_sid' = $2 AND e.kind = 'worker.activity.update/1'
        AND e.at >= $3 AND ($5::text[] IS NULL OR e.stream = ANY($5))
    UNION ALL
    SELECT e.snapshot ->> 'activity_sid', (e.snapshot ->> 'date_status_changed')::timestamptz, e.at
    FROM event AS e
    WHERE e.account_sid = $1 AND e.snapshot ->> 'workspace_sid' = $2 AND e.kind = 'worker.deleted/1'
        AND e.at >= $3 AND ($5::text[] IS NULL OR e.stream = ANY($5))
    UNION ALL
    SELECT activity_sid, date_status_changed, $6::timestamptz FROM worker
    WHERE account_sid = $1 AND workspace_sid = $2 AND ($5::text[] IS NULL OR sid = ANY($5))
), clipped AS (
    SELECT activity_sid, extract(epoch FROM least(until, $4) - greatest(since, $3)) AS seconds
    FROM stay WHERE since < $4 AND until > $3
)
SELECT activity_sid, round(sum(seconds), 3)::float8 AS total, round(min(seconds), 3)::float8 AS min,
       round(max(seconds), 3)::float8 AS max, count(*) AS count
FROM clipped WHERE seconds > 0 GROUP BY activity_sid"""

LIVE: Final = """
SELECT t.assignment_status, t.priority, count(*) AS count
FROM task AS t JOIN task_channel AS c ON c.account_sid = t.account_sid AND c.sid = t.task_channel_sid
WHERE t.account_sid = $1 AND t.workspace_sid = $2 AND t.date_ended IS NULL
    AND ($3::text IS NULL OR t.task_queue_sid = $3) AND ($4::text IS NULL OR t.workflow_sid = $4)
    AND ($5::text IS NULL OR $5 IN (c.sid, c.unique_name))
GROUP BY t.assignment_status, t.priority"""
OLDEST: Final = """
SELECT t.sid, t.date_created, t.task_queue_entered_date
FROM task AS t JOIN task_channel AS c ON c.account_sid = t.account_sid AND c.sid = t.task_channel_sid
WHERE t.account_sid = $1 AND t.workspace_sid = $2 AND t.assignment_status IN ('pending', 'reserved')
    AND ($3::text IS NULL OR t.task_queue_sid = $3) AND ($4::text IS NULL OR t.workflow_sid = $4)
    AND ($5::text IS NULL OR $5 IN (c.sid, c.unique_name))"""
OLDEST_MADE: Final = f"{OLDEST} ORDER BY t.date_created, t.sid LIMIT 1"
OLDEST_IN_QUEUE: Final = f"{OLDEST} ORDER BY t.task_queue_entered_date, t.sid LIMIT 1"
SERVES_CHANNEL: Final = """
SELECT w.worker_sid FROM worker_channel AS w
JOIN task_channel AS c ON c.account_sid = w.account_sid AND c.sid = w.task_channel_sid
WHERE w.account_sid = $1 AND w.workspace_sid = $2 AND w.available AND w.configured_capacity > 0
    AND $3 IN (c.sid, c.unique_name)"""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted; None lets all pass.

    :ivar task_channel: SID or unique name.
    :ivar workers: SIDs of the workers whose reservations count.
    """

    workspace_sid: str
    task_queue_sid: str | None = None
    workflow_sid: str | None = None
    task_channel: str | None = None
    workers: Sequence[str] | None = None


async def counts(reader: Reader, scope: Scope, asked: Interval) -> dict[str, Mapping[str, Any]]:
    """Event type to its count and the ages of its tasks, in seconds."""
    records = await reader.fetch(COUNTS, *_scoped(reader, scope, asked, COUNTED))
    return {record["kind"].removesuffix("/1"): dict(record) for record in records}


async def split(
    reader: Reader, scope: Scope, asked: Interval, thresholds: Sequence[int]
) -> dict[tuple[str, int], tuple[int, int]]:
    """Event type and threshold (seconds) to how many tasks waited longer, and not longer."""
    kinds = ("reservation.accepted/1", "task.canceled/1")
    records = await reader.fetch(SPLIT, *_scoped(reader, scope, asked, kinds), list(thresholds))
    return {(each["kind"].removesuffix("/1"), each["threshold"]): (each["above"], each["below"]) for each in records}


def _scoped(reader: Reader, scope: Scope, asked: Interval, kinds: Sequence[str]) -> tuple[object, ...]:
    workers = None if scope.workers is None else list(scope.workers)
    place = (scope.task_queue_sid, scope.workflow_sid, scope.task_channel, workers)
    return (reader.account_sid, scope.workspace_sid, list(kinds), asked.start, asked.end, *place)


async def stays(reader: Reader, scope: Scope, asked: Interval) -> dict[str, Mapping[str, Any]]:
    """Activity SID to the seconds that workers stayed in it within the interval."""
    workers = None if scope.workers is None else list(scope.workers)
    args = (reader.account_sid, scope.workspace_sid, asked.start, min(asked.end, reader.now), workers, reader.now)
    return {record["activity_sid"]: dict(record) for record in await reader.fetch(STAYS, *args)}


async def live(reader: Reader, scope: Scope) -> list[Mapping[str, Any]]:
    """How many tasks live in each status and priority."""
    return [dict(record) for record in await reader.fetch(LIVE, *_now(reader, scope))]


async def oldest(reader: Reader, scope: Scope, *, in_queue: bool = False) -> tuple[str, datetime] | None:
    """SID of the task that waits longest, and since when: since it was made, or since it is in its queue."""
    record = await reader.fetchrow(OLDEST_IN_QUEUE if in_queue else OLDEST_MADE, *_now(reader, scope))
    if record is None:
        return None
    return record["sid"], record["task_queue_entered_date" if in_queue else "date_created"]


def _now(reader: Reader, scope: Scope) -> tuple[object, ...]:
    return (reader.account_sid, scope.workspace_sid, scope.task_queue_sid, scope.workflow_sid, scope.task_channel)


async def serving(reader: Reader, workspace_sid: str, task_channel: str) -> set[str]:
    """SIDs of the workers who take tasks of a channel (SID or unique name) at all."""
    records = await reader.fetch(SERVES_CHANNEL, reader.account_sid, workspace_sid, task_channel)
    return {record["worker_sid"] for record in records}
