"""SQL of workspaces, activities, task channels, queues and workflows."""

from parlour.store import refs
from parlour.store.unit import Reader
from parlour.taskrouter.ordering import BY_SID, Ordering
from parlour.taskrouter.rows import Activity, TaskChannel, TaskQueue, Workflow, Workspace, row

refs.register("WS", "workspace")
refs.register("WA", "activity")
refs.register("WK", "worker")
refs.register("WC", "worker_channel")
refs.register("TC", "task_channel")
refs.register("WQ", "task_queue")
refs.register("WW", "workflow")
refs.register("WT", "task")
refs.register("WR", "reservation")

SELECT_WORKSPACE = """
SELECT w.account_sid, w.sid, w.friendly_name, w.event_callback_url, w.events_filter, w.multi_task_enabled,
       w.prioritize_queue_order, w.default_activity_sid, d.friendly_name AS default_activity_name,
       w.timeout_activity_sid, t.friendly_name AS timeout_activity_name, w.date_created, w.date_updated
FROM workspace AS w
JOIN activity AS d ON d.account_sid = w.account_sid AND d.sid = w.default_activity_sid
JOIN activity AS t ON t.account_sid = w.account_sid AND t.sid = w.timeout_activity_sid
WHERE w.account_sid = $1"""
FETCH_WORKSPACE = f"{SELECT_WORKSPACE} AND w.sid = $2"
LIST_WORKSPACES = f"""{SELECT_WORKSPACE} AND ($2::text IS NULL OR w.friendly_name = $2)
    AND ($3::text IS NULL OR w.sid > $3) ORDER BY w.sid LIMIT $4"""
AUDIENCE = """
SELECT friendly_name, event_callback_url, events_filter FROM workspace WHERE account_sid = $1 AND sid = $2"""
INSERT_WORKSPACE = """
INSERT INTO workspace (account_sid, sid, friendly_name, event_callback_url, events_filter, multi_task_enabled,
                       prioritize_queue_order, default_activity_sid, timeout_activity_sid, date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $9)"""
UPDATE_WORKSPACE = """
UPDATE workspace SET friendly_name = $3, event_callback_url = $4, events_filter = $5, multi_task_enabled = $6,
       prioritize_queue_order = $7, default_activity_sid = $8, timeout_activity_sid = $9, date_updated = $10
WHERE account_sid = $1 AND sid = $2"""
LOCK_WORKSPACE = "SELECT sid FROM workspace WHERE account_sid = $1 AND sid = $2 FOR NO KEY UPDATE"
DELETE_WORKSPACE_PARTS = (
    """DELETE FROM worker_event WHERE account_sid = $1
       AND worker_sid IN (SELECT sid FROM worker WHERE account_sid = $1 AND workspace_sid = $2)""",
    "DELETE FROM match_mark WHERE account_sid = $1 AND workspace_sid = $2",
    "DELETE FROM task WHERE account_sid = $1 AND workspace_sid = $2",
    "DELETE FROM worker WHERE account_sid = $1 AND workspace_sid = $2",
    "DELETE FROM workspace WHERE account_sid = $1 AND sid = $2",
)

SELECT_ACTIVITY = """
SELECT account_sid, sid, workspace_sid, friendly_name, available, date_created, date_updated
FROM activity WHERE account_sid = $1 AND workspace_sid = $2"""
FETCH_ACTIVITY = f"{SELECT_ACTIVITY} AND sid = $3"
LIST_ACTIVITIES = f"""{SELECT_ACTIVITY} AND ($3::text IS NULL OR friendly_name = $3)
    AND ($4::boolean IS NULL OR available = $4) AND ($5::text IS NULL OR sid > $5) ORDER BY sid LIMIT $6"""
INSERT_ACTIVITY = """
INSERT INTO activity (account_sid, sid, workspace_sid, friendly_name, available, date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (account_sid, workspace_sid, friendly_name) DO NOTHING RETURNING sid"""
UPDATE_ACTIVITY = """
UPDATE activity SET friendly_name = $4, date_updated = $5
WHERE account_sid = $1 AND workspace_sid = $2 AND sid = $3"""
ACTIVITY_NAME_TAKEN = """
SELECT 1 FROM activity WHERE account_sid = $1 AND workspace_sid = $2 AND friendly_name = $3 AND sid <> $4"""
ACTIVITY_OCCUPIED = "SELECT sid FROM worker WHERE account_sid = $1 AND activity_sid = $2 LIMIT 1"
DELETE_ACTIVITY = "DELETE FROM activity WHERE account_sid = $1 AND workspace_sid = $2 AND sid = $3"

SELECT_TASK_CHANNEL = """
SELECT account_sid, sid, workspace_sid, friendly_name, unique_name, channel_optimized_routing, date_created,
       date_updated
FROM task_channel WHERE account_sid = $1 AND workspace_sid = $2"""
FETCH_TASK_CHANNEL = f"{SELECT_TASK_CHANNEL} AND (sid = $3 OR unique_name = $3)"
LIST_TASK_CHANNELS = f"{SELECT_TASK_CHANNEL} AND ($3::text IS NULL OR sid > $3) ORDER BY sid LIMIT $4"
INSERT_TASK_CHANNEL = """
INSERT INTO task_channel (account_sid, sid, workspace_sid, friendly_name, unique_name, channel_optimized_routing,
                          date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
ON CONFLICT (account_sid, workspace_sid, unique_name) DO NOTHING RETURNING sid"""
UPDATE_TASK_CHANNEL = """
UPDATE task_channel SET friendly_name = $4, channel_optimized_routing = $5, date_updated = $6
WHERE account_sid = $1 AND workspace_sid = $2 AND sid = $3"""
TASK_CHANNEL_BUSY = (
    "SELECT sid FROM task WHERE account_sid = $1 AND workspace_sid = $2 AND task_channel_sid = $3 LIMIT 1"
)
DELETE_TASK_CHANNEL = "DELETE FROM task_channel WHERE account_sid = $1 AND workspace_sid = $2 AND sid = $3"

SELECT_TASK_QUEUE = """
SELECT q.account_sid, q.sid, q.workspace_sid, q.friendly_name, q.target_workers, q.max_reserved_workers, q.task_order,
       q.reservation_activity_sid, r.friendly_name AS reservation_activity_name,
       q.assignment_activity_sid, a.friendly_name AS assignment_activity_name, q.date_created, q.date_updated
FROM task_queue AS q
LEFT JOIN activity AS r ON r.account_sid = q.account_sid AND r.sid = q.reservation_activity_sid
LEFT JOIN activity AS a ON a.account_sid = q.account_sid AND a.sid = q.assignment_activity_sid
WHERE q.account_sid = $1 AND q.workspace_sid = $2"""
FETCH_TASK_QUEUE = f"{SELECT_TASK_QUEUE} AND q.sid = $3"
LIST_TASK_QUEUES = f"{SELECT_TASK_QUEUE} AND ($3::text IS NULL OR q.friendly_name = $3)"
INSERT_TASK_QUEUE = """
INSERT INTO task_queue (account_sid, sid, workspace_sid, friendly_name, target_workers, max_reserved_workers,
                        task_order, reservation_activity_sid, assignment_activity_sid, date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)"""
UPDATE_TASK_QUEUE = """
UPDATE task_queue SET friendly_name = $4, target_workers = $5, max_reserved_workers = $6, task_order = $7,
       reservation_activity_sid = $8, assignment_activity_sid = $9, date_updated = $10
WHERE account_sid = $1 AND workspace_sid = $2 AND sid = $3"""
RERANK_QUEUE = """
UPDATE task SET rank_priority = CASE WHEN $3 = 'LIFO' THEN 0 ELSE -priority END,
       rank_time = (CASE WHEN $3 = 'LIFO' THEN -1 ELSE 1 END * extract(epoch FROM virtual_start_time) * 1000000)
WHERE account_sid = $1 AND task_queue_sid = $2 AND date_ended IS NULL"""
QUEUE_LIVE_TASK = """
SELECT sid FROM task WHERE account_sid = $1 AND task_queue_sid = $2 AND date_ended IS NULL LIMIT 1"""
DELETE_TASK_QUEUE = "DELETE FROM task_queue WHERE account_sid = $1 AND workspace_sid = $2 AND sid = $3"

SELECT_WORKFLOW = """
SELECT account_sid, sid, workspace_sid, friendly_name, configuration, revision, task_reservation_timeout,
       assignment_callback_url, fallback_assignment_callback_url, date_created, date_updated
FROM workflow WHERE account_sid = $1 AND workspace_sid = $2"""
FETCH_WORKFLOW = f"{SELECT_WORKFLOW} AND sid = $3"
LOCK_WORKFLOW = f"{FETCH_WORKFLOW} FOR NO KEY UPDATE"
SHARE_WORKFLOW = f"{FETCH_WORKFLOW} FOR SHARE"
FIRST_WORKFLOWS = f"{SELECT_WORKFLOW} ORDER BY sid LIMIT 2"
LIST_WORKFLOWS = f"""{SELECT_WORKFLOW} AND ($3::text IS NULL OR friendly_name = $3)
    AND ($4::text IS NULL OR sid > $4) ORDER BY sid LIMIT $5"""
INSERT_WORKFLOW = """
INSERT INTO workflow (account_sid, sid, workspace_sid, friendly_name, configuration, task_reservation_timeout,
                      assignment_callback_url, fallback_assignment_callback_url, date_created, date_updated,
                      reads_channels)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)"""
INSERT_REVISION = """
INSERT INTO workflow_revision (account_sid, workflow_sid, revision, configuration) VALUES ($1, $2, $3, $4)"""
UPDATE_WORKFLOW = """
UPDATE workflow SET friendly_name = $4, configuration = $5, revision = $6, task_reservation_timeout = $7,
       assignment_callback_url = $8, fallback_assignment_callback_url = $9, date_updated = $10,
       reads_channels = reads_channels OR $11
WHERE account_sid = $1 AND workspace_sid = $2 AND sid = $3"""
WORKFLOW_LIVE_TASK = """
SELECT sid FROM task WHERE account_sid = $1 AND workflow_sid = $2 AND date_ended IS NULL LIMIT 1"""
WORKSPACE_OF_WORKFLOW = "SELECT workspace_sid FROM workflow WHERE account_sid = $1 AND sid = $2"
DELETE_WORKFLOW = "DELETE FROM workflow WHERE account_sid = $1 AND workspace_sid = $2 AND sid = $3"


async def workspace(reader: Reader, sid: str) -> Workspace | None:
    """The workspace, or None."""
    record = await reader.fetchrow(FETCH_WORKSPACE, reader.account_sid, sid)
    return None if record is None else row(Workspace, record)


async def workspaces(reader: Reader, *, friendly_name: str | None, after: str | None, limit: int) -> list[Workspace]:
    """Workspaces in order of their SIDs."""
    records = await reader.fetch(LIST_WORKSPACES, reader.account_sid, friendly_name, after, limit)
    return [row(Workspace, record) for record in records]


async def activity(reader: Reader, workspace_sid: str, sid: str) -> Activity | None:
    """The activity, or None."""
    record = await reader.fetchrow(FETCH_ACTIVITY, reader.account_sid, workspace_sid, sid)
    return None if record is None else row(Activity, record)


async def activities(
    reader: Reader,
    workspace_sid: str,
    *,
    friendly_name: str | None = None,
    available: bool | None = None,
    after: str | None = None,
    limit: int = 1000,
) -> list[Activity]:
    """Activities in order of their SIDs."""
    records = await reader.fetch(
        LIST_ACTIVITIES, reader.account_sid, workspace_sid, friendly_name, available, after, limit
    )
    return [row(Activity, record) for record in records]


async def task_channel(reader: Reader, workspace_sid: str, sid_or_name: str) -> TaskChannel | None:
    """The task channel of a SID or unique name, or None."""
    record = await reader.fetchrow(FETCH_TASK_CHANNEL, reader.account_sid, workspace_sid, sid_or_name)
    return None if record is None else row(TaskChannel, record)


async def task_channels(
    reader: Reader, workspace_sid: str, *, after: str | None = None, limit: int = 1000
) -> list[TaskChannel]:
    """Task channels in order of their SIDs."""
    records = await reader.fetch(LIST_TASK_CHANNELS, reader.account_sid, workspace_sid, after, limit)
    return [row(TaskChannel, record) for record in records]


async def task_queue(reader: Reader, workspace_sid: str, sid: str) -> TaskQueue | None:
    """The queue, or None."""
    record = await reader.fetchrow(FETCH_TASK_QUEUE, reader.account_sid, workspace_sid, sid)
    return None if record is None else row(TaskQueue, record)


async def task_queues(
    reader: Reader,
    workspace_sid: str,
    *,
    friendly_name: str | None = None,
    order: Ordering = BY_SID,
    after: str | None = None,
    limit: int | None = None,
) -> list[TaskQueue]:
    """Queues in this order, after the one with the SID `after`; all of them without a limit."""
    statement = f"{LIST_TASK_QUEUES} {order.sql('task_queue', 'q', 4, 5)}"
    records = await reader.fetch(statement, reader.account_sid, workspace_sid, friendly_name, after, limit)
    return [row(TaskQueue, record) for record in records]


async def workflow(reader: Reader, workspace_sid: str, sid: str, *, sql: str = FETCH_WORKFLOW) -> Workflow | None:
    """The workflow, or None; ``sql`` may be LOCK_WORKFLOW or SHARE_WORKFLOW within a unit of work."""
    record = await reader.fetchrow(sql, reader.account_sid, workspace_sid, sid)
    return None if record is None else row(Workflow, record)


async def workflows(
    reader: Reader,
    workspace_sid: str,
    *,
    friendly_name: str | None = None,
    after: str | None = None,
    limit: int = 1000,
) -> list[Workflow]:
    """Workflows in order of their SIDs."""
    records = await reader.fetch(LIST_WORKFLOWS, reader.account_sid, workspace_sid, friendly_name, after, limit)
    return [row(Workflow, record) for record in records]
