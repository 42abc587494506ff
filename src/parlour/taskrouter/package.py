"""The floor of TaskRouter."""

from typing import Final

from parlour.outbox.reactions import Reactions
from parlour.package import Invariant, Package
from parlour.taskrouter import (
    event_routes,
    explain_routes,
    routes,
    statistics_routes,
    task_routes,
    worker_routes,
    workflow_routes,
)
from parlour.taskrouter.assignment import add_assignment
from parlour.taskrouter.callback import add_callback
from parlour.taskrouter.events import reactions
from parlour.webhooks.delivery import Deliverer

OWNER_STATE: Final = """
SELECT t.sid, t.assignment_status, array_agg(r.sid || ' ' || r.reservation_status) AS reservations
FROM task AS t
LEFT JOIN reservation AS r ON r.account_sid = t.account_sid AND r.task_sid = t.sid
    AND r.reservation_status IN ('pending', 'accepted', 'wrapping')
WHERE t.account_sid = $1 AND $2::timestamptz IS NOT NULL
GROUP BY t.account_sid, t.sid, t.assignment_status, t.transfer_sid
HAVING CASE t.assignment_status
    WHEN 'pending' THEN count(r.sid) FILTER (WHERE t.transfer_sid IS NULL OR r.reservation_status = 'pending') > 0
    WHEN 'reserved' THEN count(r.sid) FILTER (WHERE r.reservation_status = 'pending') = 0
        OR count(r.sid) FILTER (WHERE t.transfer_sid IS NULL AND r.reservation_status = 'accepted') > 0
    WHEN 'assigned' THEN count(r.sid) FILTER (WHERE r.reservation_status = 'accepted') = 0
    WHEN 'wrapping' THEN count(r.sid) FILTER (WHERE r.reservation_status = 'wrapping') = 0
        OR count(r.sid) FILTER (WHERE r.reservation_status <> 'wrapping') > 0
    ELSE count(r.sid) > 0 END"""
OVER_CAPACITY: Final = """
SELECT c.sid, c.worker_sid, c.configured_capacity, c.pending_tasks, c.assigned_tasks, c.wrapping_tasks,
       count(r.sid) AS holding
FROM worker_channel AS c
LEFT JOIN reservation AS r ON r.account_sid = c.account_sid AND r.worker_sid = c.worker_sid
    AND r.task_channel_sid = c.task_channel_sid AND r.reservation_status IN ('pending', 'accepted', 'wrapping')
WHERE c.account_sid = $1 AND $2::timestamptz IS NOT NULL
GROUP BY c.account_sid, c.sid, c.worker_sid, c.configured_capacity, c.pending_tasks, c.assigned_tasks,
         c.wrapping_tasks
HAVING c.pending_tasks <> count(r.sid) FILTER (WHERE r.reservation_status = 'pending')
    OR c.assigned_tasks <> count(r.sid) FILTER (WHERE r.reservation_status = 'accepted')
    OR c.wrapping_tasks <> count(r.sid) FILTER (WHERE r.reservation_status = 'wrapping')"""
UNTAKEN_MARKS: Final = """
SELECT workspace_sid, subject_sid, marked_at FROM match_mark
WHERE account_sid = $1 AND marked_at < $2::timestamptz - interval '2 s'"""
# Only where no expression decides: queues of everybody, default filters, tasks that nobody declined.
WAITING_BESIDE_THE_FREE: Final = """
SELECT t.sid, t.task_queue_sid, min(w.sid) AS worker_sid FROM task AS t
JOIN task_queue AS q ON q.account_sid = t.account_sid AND q.sid = t.task_queue_sid
    AND replace(q.target_workers, ' ', '') IN ('1==1', '1=1')
JOIN worker_channel AS c ON c.account_sid = t.account_sid AND c.task_channel_sid = t.task_channel_sid AND c.available
    AND c.pending_tasks + c.assigned_tasks + c.wrapping_tasks < c.configured_capacity
JOIN worker AS w ON w.account_sid = c.account_sid AND w.sid = c.worker_sid AND w.available
WHERE t.account_sid = $1 AND t.assignment_status = 'pending' AND t.filter = -1 AND t.rejected_by = '{}'
    AND greatest(t.date_updated, t.task_queue_entered_date, w.date_status_changed, c.date_updated, q.date_updated)
        < $2::timestamptz - interval '2 s'
GROUP BY t.sid, t.task_queue_sid"""
# Who transfers a task warmly keeps it beside the one who accepted the transfer.
ACCEPTED_TWICE: Final = """
SELECT task_sid, array_agg(sid) AS reservations FROM reservation
WHERE account_sid = $1 AND reservation_status = 'accepted' AND $2::timestamptz IS NOT NULL
GROUP BY task_sid, transfer_sid HAVING count(*) > 1"""


def package(deliverer: Deliverer) -> Package:
    """Return what the floor offers; it calls event and assignment callbacks through `deliverer`."""
    callbacks = Reactions("taskrouter")
    add_callback(callbacks, deliverer)
    add_assignment(callbacks, deliverer)
    return Package(
        name="taskrouter",
        migrations="parlour.taskrouter",
        operations=[
            routes.operations,
            workflow_routes.operations,
            worker_routes.operations,
            task_routes.operations,
            event_routes.operations,
            explain_routes.operations,
            statistics_routes.operations,
        ],
        reactions=[reactions, callbacks],
        invariants=[
            Invariant(5, "a task has exactly one owner state", OWNER_STATE, "cancel the task by the API, or report it"),
            Invariant(5, "a worker channel counts what it holds", OVER_CAPACITY, "report it; restart does not help"),
            Invariant(
                5,
                "matching takes every mark in time",
                UNTAKEN_MARKS,
                "see taskrouter.match in `parlour jobs list`",
            ),
            Invariant(
                5,
                "no task waits beside a free worker",
                WAITING_BESIDE_THE_FREE,
                "update the worker's activity, which has matching look again, and report it",
            ),
            Invariant(5, "a reservation is accepted once per task", ACCEPTED_TWICE, "complete one of the reservations"),
        ],
    )
