"""SQL of the workers that matching compares with tasks."""

from dataclasses import dataclass
from typing import Final

SELECT_WORKERS: Final = """
SELECT w.sid, w.friendly_name, w.attributes_version, w.activity_sid, w.available, a.friendly_name AS activity_name,
       w.last_reserved_time
FROM worker AS w JOIN activity AS a ON a.account_sid = w.account_sid AND a.sid = w.activity_sid
WHERE w.account_sid = $1 AND w.workspace_sid = $2"""
COUNT_WORKERS: Final = "SELECT count(*) FROM worker WHERE account_sid = $1 AND workspace_sid = $2"
PAGE: Final = f"{SELECT_WORKERS} AND w.sid > $3 ORDER BY w.sid LIMIT $4"
NAMED_WORKERS: Final = f"{SELECT_WORKERS} AND w.sid = ANY($3) ORDER BY w.last_reserved_time, w.sid"


@dataclass(frozen=True)
class Examined:
    """How many workers the record of a decision looks at, and what reads the nearest of those whom nobody named."""

    workers: int
    nearest: str


def _examined(workers: int) -> Examined:
    # The number stands in the text, since a plan for any number would sort all workers.
    others = f"{SELECT_WORKERS} AND w.sid <> ALL($3)"
    return Examined(workers, f"{others} ORDER BY w.available DESC, w.last_reserved_time, w.sid LIMIT {workers}")


BY_A_PASS: Final = _examined(50)
BY_A_LOOK: Final = _examined(500)  # somebody asks
CHANNELS: Final = """
SELECT c.worker_sid, c.task_channel_sid, t.unique_name, c.configured_capacity,
       c.pending_tasks + c.assigned_tasks + c.wrapping_tasks AS taken, c.assigned_tasks, c.available,
       c.last_reserved_time
FROM worker_channel AS c JOIN task_channel AS t ON t.account_sid = c.account_sid AND t.sid = c.task_channel_sid
WHERE c.account_sid = $1 AND c.worker_sid = ANY($2) AND ($3::text[] IS NULL OR c.task_channel_sid = ANY($3))
ORDER BY c.sid"""
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
NEAREST_WORKERS: Final = 200  # whom a pass reads first: most tasks find somebody among the longest idle


def nearest(workers: int) -> str:
    """Return what reads so many of the free workers, the longest idle."""
    return f"""{FREE} AND w.sid IN (
        SELECT n.sid FROM worker AS n WHERE n.account_sid = $1 AND n.workspace_sid = $2 AND n.available AND EXISTS (
            SELECT 1 FROM worker_channel AS f WHERE f.account_sid = $1 AND f.worker_sid = n.sid
                AND f.task_channel_sid = ANY($3) AND f.available
                AND f.pending_tasks + f.assigned_tasks + f.wrapping_tasks < f.configured_capacity)
        ORDER BY n.last_reserved_time, n.sid LIMIT {workers})"""  # noqa: S608


NEAREST: Final = nearest(NEAREST_WORKERS)
FREE_OF: Final = f"{FREE} AND w.sid = ANY($4)"
NAMED: Final = f"{SELECT_FREE} AND w.sid = ANY($4)"
