"""SQL of workers, tasks, reservations and the marks of matching."""

from collections.abc import Sequence

from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter.ordering import Ordering
from parlour.taskrouter.rows import Reservation, Task, Worker, WorkerChannel, row

SELECT_WORKER = """
SELECT w.account_sid, w.sid, w.workspace_sid, w.friendly_name, w.attributes, w.attributes_version, w.activity_sid,
       (SELECT a.friendly_name FROM activity AS a WHERE a.account_sid = w.account_sid AND a.sid = w.activity_sid)
           AS activity_name, w.available, w.version, w.event_seq, w.last_reserved_time,
       w.date_status_changed, w.date_created, w.date_updated
FROM worker AS w
WHERE w.account_sid = $1 AND w.workspace_sid = $2"""
FETCH_WORKER = f"{SELECT_WORKER} AND w.sid = $3"
FETCH_WORKER_BY_NAME = f"{SELECT_WORKER} AND lower(w.friendly_name) = lower($3)"
LIST_WORKERS = f"""{SELECT_WORKER} AND ($3::text IS NULL OR w.activity_sid = $3)
    AND ($4::text IS NULL OR w.friendly_name = $4) AND ($5::boolean IS NULL OR w.available = $5)
    AND ($6::text IS NULL OR w.activity_sid IN (SELECT sid FROM activity
         WHERE account_sid = $1 AND workspace_sid = $2 AND friendly_name = $6))"""  # noqa: S608
LOCK_WORKERS = f"{SELECT_WORKER} AND w.sid = ANY($3) ORDER BY w.sid FOR NO KEY UPDATE OF w"
INSERT_WORKER = """
INSERT INTO worker (account_sid, sid, workspace_sid, friendly_name, attributes, activity_sid, available,
                    last_reserved_time, date_status_changed, date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8, $8)
ON CONFLICT (account_sid, workspace_sid, lower(friendly_name)) DO NOTHING RETURNING sid"""
WORKER_NAME_TAKEN = """
SELECT 1 FROM worker
WHERE account_sid = $1 AND workspace_sid = $2 AND lower(friendly_name) = lower($3) AND sid <> $4"""
RENAME_WORKER = "UPDATE worker SET friendly_name = $4 WHERE account_sid = $1 AND workspace_sid = $2 AND sid = $3"
WORKSPACE_OF = "SELECT workspace_sid FROM task WHERE account_sid = $1 AND sid = $2"
DELETE_WORKER = "DELETE FROM worker WHERE account_sid = $1 AND workspace_sid = $2 AND sid = $3"
UPDATE_WORKERS = """
UPDATE worker AS w
SET attributes = n.attributes, attributes_version = n.attributes_version, activity_sid = n.activity_sid,
    available = n.available, version = n.version, event_seq = n.event_seq, last_reserved_time = n.last_reserved_time,
    date_status_changed = n.date_status_changed, date_updated = n.date_updated
FROM jsonb_to_recordset($2::jsonb) AS n (sid text, attributes text, attributes_version int, activity_sid text,
    available boolean, version int, event_seq bigint, last_reserved_time timestamptz,
    date_status_changed timestamptz, date_updated timestamptz)
WHERE w.account_sid = $1 AND w.sid = n.sid"""

SELECT_WORKER_CHANNEL = """
SELECT c.account_sid, c.sid, c.workspace_sid, c.worker_sid, c.task_channel_sid,
       t.unique_name AS task_channel_unique_name, c.configured_capacity, c.available, c.pending_tasks,
       c.assigned_tasks, c.wrapping_tasks, c.last_reserved_time, c.date_created, c.date_updated
FROM worker_channel AS c
JOIN task_channel AS t ON t.account_sid = c.account_sid AND t.sid = c.task_channel_sid
WHERE c.account_sid = $1"""
FETCH_WORKER_CHANNEL = f"{SELECT_WORKER_CHANNEL} AND c.worker_sid = $2 AND (c.sid = $3 OR t.unique_name = $3)"
LIST_WORKER_CHANNELS = f"""{SELECT_WORKER_CHANNEL} AND c.worker_sid = $2 AND ($3::text IS NULL OR c.sid > $3)
    ORDER BY c.sid LIMIT $4"""
LOCK_WORKER_CHANNELS = f"""{SELECT_WORKER_CHANNEL}
    AND (c.worker_sid, c.task_channel_sid) IN (SELECT * FROM unnest($2::text[], $3::text[]))
    ORDER BY c.sid FOR NO KEY UPDATE OF c"""  # noqa: S608
INSERT_WORKER_CHANNELS = """
INSERT INTO worker_channel (account_sid, sid, workspace_sid, worker_sid, task_channel_sid, configured_capacity,
                            available, last_reserved_time, date_created, date_updated)
SELECT $1, n.sid, $2, n.worker_sid, n.task_channel_sid, 1, TRUE, $6, $6, $6
FROM unnest($3::text[], $4::text[], $5::text[]) AS n (sid, worker_sid, task_channel_sid)
ON CONFLICT (account_sid, worker_sid, task_channel_sid) DO NOTHING"""
WORKER_SIDS = "SELECT sid FROM worker WHERE account_sid = $1 AND workspace_sid = $2 ORDER BY sid"
UPDATE_WORKER_CHANNELS = """
UPDATE worker_channel AS c
SET configured_capacity = n.configured_capacity, available = n.available, pending_tasks = n.pending_tasks,
    assigned_tasks = n.assigned_tasks, wrapping_tasks = n.wrapping_tasks,
    last_reserved_time = n.last_reserved_time, date_updated = n.date_updated
FROM jsonb_to_recordset($2::jsonb) AS n (sid text, configured_capacity int, available boolean, pending_tasks int,
    assigned_tasks int, wrapping_tasks int, last_reserved_time timestamptz, date_updated timestamptz)
WHERE c.account_sid = $1 AND c.sid = n.sid"""

SELECT_TASK = """
SELECT t.account_sid, t.sid, t.workspace_sid, t.assignment_status, t.attributes, t.addons, t.priority, t.reason,
       t.canceled_by, t.timeout, t.task_channel_sid, c.unique_name AS task_channel_unique_name, t.workflow_sid,
       t.workflow_revision, f.friendly_name AS workflow_friendly_name,
       coalesce(f.task_reservation_timeout, 120) AS task_reservation_timeout, t.task_queue_sid,
       q.friendly_name AS task_queue_friendly_name, q.target_workers AS task_queue_target_workers,
       t.task_queue_entered_date, coalesce(q.max_reserved_workers, 1) AS max_reserved_workers,
       coalesce(q.task_order, 'FIFO') AS task_order, t.virtual_start_time, t.routing_target, t.ignore_capacity,
       t.version, t.filter, t.target, t.target_seconds, t.target_deadline, t.entering, t.workflow_entered_date,
       t.group_key, t.rank_priority, t.rank_time, t.rejected_by, t.assignment_count, t.date_created, t.date_updated,
       t.date_ended, t.explained, t.transfer_sid, t.held_by,
       EXISTS (SELECT 1 FROM workflow WHERE account_sid = $1 AND workspace_sid = $2 AND reads_channels)
           AS channels_matter, coalesce(f.assignment_callback_url, '') <> '' AS calls_back
FROM task AS t
JOIN task_channel AS c ON c.account_sid = t.account_sid AND c.sid = t.task_channel_sid
LEFT JOIN task_queue AS q ON q.account_sid = t.account_sid AND q.sid = t.task_queue_sid
LEFT JOIN workflow AS f ON f.account_sid = t.account_sid AND f.sid = t.workflow_sid
WHERE t.account_sid = $1 AND t.workspace_sid = $2"""
LIST_TASKS = f"""{SELECT_TASK} AND ($3::int IS NULL OR t.priority = $3)
    AND (cardinality($4::text[]) = 0 OR t.assignment_status = ANY($4))
    AND ($5::text IS NULL OR t.workflow_sid = $5) AND ($6::text IS NULL OR f.friendly_name = $6)
    AND ($7::text IS NULL OR t.task_queue_sid = $7) AND ($8::text IS NULL OR q.friendly_name = $8)
    AND ($9::text IS NULL OR t.routing_target = $9) AND ($10::boolean IS NULL OR (t.addons <> '{{}}') = $10)"""
FETCH_TASK = f"{SELECT_TASK} AND t.sid = $3"
# A locked row may be newer than the rows joined to it in the same statement, so tasks are locked, then read.
LOCK_TASKS = """
SELECT sid FROM task WHERE account_sid = $1 AND workspace_sid = $2 AND sid = ANY($3) ORDER BY sid FOR NO KEY UPDATE"""
FETCH_TASKS = f"{SELECT_TASK} AND t.sid = ANY($3) ORDER BY t.sid"
WAITING_OF_WORKFLOW = """
SELECT sid FROM task
WHERE account_sid = $1 AND workflow_sid = $2 AND date_ended IS NULL AND assignment_status = 'pending' ORDER BY sid"""
SET_REJECTED_BY = "UPDATE task SET rejected_by = $3 WHERE account_sid = $1 AND sid = $2"
INSERT_TASK = """
INSERT INTO task (account_sid, sid, workspace_sid, assignment_status, attributes, priority, timeout, task_channel_sid,
    workflow_sid, workflow_revision, task_queue_sid, task_queue_entered_date, virtual_start_time, routing_target,
    ignore_capacity, filter, target, target_seconds, target_deadline, entering, workflow_entered_date, group_key,
    rank_priority, rank_time, date_created, date_updated)
VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
        $22, $23, $24, $24)"""
UPDATE_TASKS = """
UPDATE task AS t
SET assignment_status = n.assignment_status, attributes = n.attributes, priority = n.priority, reason = n.reason,
    canceled_by = n.canceled_by, task_channel_sid = n.task_channel_sid, workflow_revision = n.workflow_revision,
    task_queue_sid = n.task_queue_sid, task_queue_entered_date = n.task_queue_entered_date,
    virtual_start_time = n.virtual_start_time, version = n.version, filter = n.filter, target = n.target,
    target_seconds = n.target_seconds, target_deadline = n.target_deadline, entering = n.entering,
    group_key = n.group_key, rank_priority = n.rank_priority, rank_time = n.rank_time,
    rejected_by = n.rejected_by, assignment_count = n.assignment_count, date_updated = n.date_updated,
    date_ended = n.date_ended, explained = n.explained, transfer_sid = n.transfer_sid, held_by = n.held_by
FROM jsonb_to_recordset($2::jsonb) AS n (sid text, assignment_status text, attributes text, priority int, reason text,
    canceled_by text, task_channel_sid text, workflow_revision int, task_queue_sid text,
    task_queue_entered_date timestamptz, virtual_start_time timestamptz, version int, filter int, target int,
    target_seconds int, target_deadline timestamptz, entering boolean, group_key text, rank_priority bigint,
    rank_time bigint, rejected_by text[], assignment_count int, date_updated timestamptz, date_ended timestamptz,
    explained text, transfer_sid text, held_by text)
WHERE t.account_sid = $1 AND t.sid = n.sid"""
FETCH_CONFIGURATION = """
SELECT configuration FROM workflow_revision WHERE account_sid = $1 AND workflow_sid = $2 AND revision = $3"""
DELETE_TASK = "DELETE FROM task WHERE account_sid = $1 AND sid = $2"

SELECT_RESERVATION = """
SELECT account_sid, sid, workspace_sid, task_sid, worker_sid, worker_name, worker_previous_activity_sid,
       task_channel_sid, reservation_status, reservation_timeout, canceled_reason_code, version, date_created,
       date_updated, date_accepted, transfer_sid
FROM reservation WHERE account_sid = $1 AND workspace_sid = $2"""
HAS_ACCEPTED = """
SELECT EXISTS (SELECT 1 FROM reservation WHERE account_sid = $1 AND workspace_sid = $2 AND task_sid = $3
    AND reservation_status IN ('accepted', 'wrapping'))"""
FETCH_RESERVATION = f"{SELECT_RESERVATION} AND sid = $3"
LIST_RESERVATIONS = f"""{SELECT_RESERVATION} AND ($3::text IS NULL OR task_sid = $3)
    AND ($4::text IS NULL OR worker_sid = $4) AND ($5::text IS NULL OR reservation_status = $5)
    AND ($6::text IS NULL OR sid > $6) ORDER BY sid LIMIT $7"""
LOCK_HOLDING = f"""{SELECT_RESERVATION} AND task_sid = ANY($3)
    AND reservation_status IN ('pending', 'accepted', 'wrapping') ORDER BY sid FOR NO KEY UPDATE"""
HELD_TASKS = """
SELECT DISTINCT task_sid FROM reservation
WHERE account_sid = $1 AND worker_sid = $2 AND reservation_status = ANY($3) ORDER BY task_sid"""
WRITE_RESERVATIONS = """
INSERT INTO reservation (account_sid, sid, workspace_sid, task_sid, worker_sid, worker_name,
    worker_previous_activity_sid, task_channel_sid, reservation_status, reservation_timeout, canceled_reason_code,
    version, date_created, date_updated, date_accepted, transfer_sid)
SELECT $1, n.* FROM jsonb_to_recordset($2::jsonb) AS n (sid text, workspace_sid text, task_sid text, worker_sid text,
    worker_name text, worker_previous_activity_sid text, task_channel_sid text, reservation_status text,
    reservation_timeout int, canceled_reason_code text, version int, date_created timestamptz,
    date_updated timestamptz, date_accepted timestamptz, transfer_sid text)
ON CONFLICT (account_sid, sid) DO UPDATE SET reservation_status = excluded.reservation_status,
    task_channel_sid = excluded.task_channel_sid, canceled_reason_code = excluded.canceled_reason_code,
    version = excluded.version, date_updated = excluded.date_updated, date_accepted = excluded.date_accepted"""

INSERT_WORKER_EVENTS = """
INSERT INTO worker_event (account_sid, worker_sid, seq, event_type, payload, at)
SELECT $1, n.worker_sid, n.seq, n.event_type, n.payload, $3
FROM jsonb_to_recordset($2::jsonb) AS n (worker_sid text, seq bigint, event_type text, payload jsonb)"""


def write(uow: UnitOfWork, sql: str, rows: Sequence[object]) -> None:
    """Defer one of the statements above that take their rows as one JSON list, unless there are none."""
    if rows:
        uow.defer(sql, uow.account_sid, list(rows))


async def worker(reader: Reader, workspace_sid: str, sid: str) -> Worker | None:
    """The worker, or None."""
    record = await reader.fetchrow(FETCH_WORKER, reader.account_sid, workspace_sid, sid)
    return None if record is None else row(Worker, record)


async def workers(
    reader: Reader,
    workspace_sid: str,
    *,
    activity_sid: str | None,
    friendly_name: str | None,
    available: bool | None,
    activity_name: str | None,
    order: Ordering,
    after: str | None,
    limit: int,
) -> list[Worker]:
    """Workers in this order, after the one with the SID `after`; a filter that is None lets all pass."""
    fields = (activity_sid, friendly_name, available, activity_name, after, limit)
    statement = f"{LIST_WORKERS} {order.sql('worker', 'w', 7, 8)}"
    records = await reader.fetch(statement, reader.account_sid, workspace_sid, *fields)
    return [row(Worker, record) for record in records]


async def worker_channel(reader: Reader, worker_sid: str, sid_or_name: str) -> WorkerChannel | None:
    """The worker channel of its SID or of its task channel's unique name, or None."""
    record = await reader.fetchrow(FETCH_WORKER_CHANNEL, reader.account_sid, worker_sid, sid_or_name)
    return None if record is None else row(WorkerChannel, record)


async def worker_channels(
    reader: Reader, worker_sid: str, *, after: str | None = None, limit: int = 1000
) -> list[WorkerChannel]:
    """Worker channels in order of their SIDs."""
    records = await reader.fetch(LIST_WORKER_CHANNELS, reader.account_sid, worker_sid, after, limit)
    return [row(WorkerChannel, record) for record in records]


async def task(reader: Reader, workspace_sid: str, sid: str) -> Task | None:
    """The task, or None."""
    record = await reader.fetchrow(FETCH_TASK, reader.account_sid, workspace_sid, sid)
    return None if record is None else row(Task, record)


async def tasks(
    reader: Reader,
    workspace_sid: str,
    *,
    priority: int | None,
    assignment_statuses: Sequence[str],
    workflow_sid: str | None,
    workflow_name: str | None,
    task_queue_sid: str | None,
    task_queue_name: str | None,
    routing_target: str | None,
    has_addons: bool | None,
    order: Ordering,
    after: str | None,
    limit: int,
) -> list[Task]:
    """Tasks in this order, after the one with the SID `after`; a filter that is None or empty lets all pass."""
    queue = (task_queue_sid, task_queue_name)
    fields = (priority, assignment_statuses, workflow_sid, workflow_name, *queue, routing_target, has_addons)
    statement = f"{LIST_TASKS} {order.sql('task', 't', 11, 12)}"
    records = await reader.fetch(statement, reader.account_sid, workspace_sid, *fields, after, limit)
    return [row(Task, record) for record in records]


async def reservation(reader: Reader, workspace_sid: str, sid: str) -> Reservation | None:
    """The reservation, or None."""
    record = await reader.fetchrow(FETCH_RESERVATION, reader.account_sid, workspace_sid, sid)
    return None if record is None else row(Reservation, record)


async def reservations(
    reader: Reader,
    workspace_sid: str,
    *,
    task_sid: str | None = None,
    worker_sid: str | None = None,
    status: str | None = None,
    after: str | None = None,
    limit: int = 1000,
) -> list[Reservation]:
    """Reservations in order of their SIDs."""
    records = await reader.fetch(
        LIST_RESERVATIONS, reader.account_sid, workspace_sid, task_sid, worker_sid, status, after, limit
    )
    return [row(Reservation, record) for record in records]


async def workspace_of(reader: Reader, sid: str) -> str | None:
    """Return the workspace of a task."""
    found: str | None = await reader.fetchval(WORKSPACE_OF, reader.account_sid, sid)
    return found
