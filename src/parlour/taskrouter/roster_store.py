"""SQL of the workers that matching compares with tasks."""

from typing import Final

SELECT_WORKERS: Final = """
SELECT w.sid, w.friendly_name, w.attributes_version, w.activity_sid, w.available, a.friendly_name AS activity_name,
       w.last_reserved_time
FROM worker AS w JOIN activity AS a ON a.account_sid = w.account_sid AND a.sid = w.activity_sid
WHERE w.account_sid = $1 AND w.workspace_sid = $2"""
COUNT_WORKERS: Final = "SELECT count(*) FROM worker WHERE account_sid = $1 AND workspace_sid = $2"
EVERYBODY: Final = f"{SELECT_WORKERS} ORDER BY w.sid"
# Those named first, then the longest idle: whoever a decision is about comes before the limit.
LONGEST_IDLE: Final = (
    f"{SELECT_WORKERS} ORDER BY (w.sid = ANY($3)) DESC, w.available DESC, w.last_reserved_time, w.sid LIMIT $4"
)
FETCH_ATTRIBUTES: Final = (
    "SELECT sid, attributes_version, attributes FROM worker WHERE account_sid = $1 AND sid = ANY($2)"
)

LOCK_MATCHING: Final = "SELECT pg_advisory_xact_lock($1, $2)"
# Workers with capacity left on one of the channels; $4 limits it to some workers, $5 adds the routing targets.
SELECT_FREE: Final = """
SELECT w.sid, w.friendly_name, w.attributes_version, w.activity_sid, a.friendly_name AS activity_name, w.available,
       w.last_reserved_time, c.task_channel_sid, t.unique_name, c.configured_capacity, c.available AS channel_available,
       c.pending_tasks + c.assigned_tasks + c.wrapping_tasks AS taken, c.assigned_tasks,
       c.last_reserved_time AS channel_last_reserved_time
FROM worker AS w
JOIN activity AS a ON a.account_sid = w.account_sid AND a.sid = w.activity_sid
JOIN worker_channel AS c ON c.account_sid = w.account_sid AND c.worker_sid = w.sid AND c.task_channel_sid = ANY($3)
JOIN task_channel AS t ON t.account_sid = c.account_sid AND t.sid = c.task_channel_sid
WHERE w.account_sid = $1 AND w.workspace_sid = $2"""
FREE: Final = f"""{SELECT_FREE} AND w.available AND c.available
    AND c.pending_tasks + c.assigned_tasks + c.wrapping_tasks < c.configured_capacity"""
FREE_OF: Final = f"{FREE} AND w.sid = ANY($4)"
NAMED: Final = f"{SELECT_FREE} AND w.sid = ANY($4)"
