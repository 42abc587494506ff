"""What facts and worker events carry: full snapshots and the event bridge's shapes (taskrouter.md §7.1, §9.4)."""

from datetime import datetime
from typing import Any

import msgspec

from parlour.taskrouter.rows import Activity, Reservation, Task, TaskQueue, Transfer, Worker, WorkerChannel

_PLACE = (
    *("group_key", "rank_priority", "rank_time", "entering", "channels_matter", "calls_back", "explained", "held_by"),
)


def plain(row: msgspec.Struct) -> dict[str, Any]:
    """A row's columns as values that JSON has."""
    columns: dict[str, Any] = msgspec.to_builtins(row)
    return columns


def task(row: Task, now: datetime) -> dict[str, Any]:
    """A task as it is at ``now``, with age and seconds in queue for statistics."""
    snapshot = plain(row)
    for name in _PLACE:
        del snapshot[name]
    snapshot["age"] = row.age(now)
    snapshot["seconds_in_queue"] = row.seconds_in_queue(now)
    return snapshot


def worker(row: Worker) -> dict[str, Any]:
    """A worker's columns."""
    return plain(row)


def worker_channel(row: WorkerChannel) -> dict[str, Any]:
    """A worker channel's columns and its free capacity."""
    return {**plain(row), "available_capacity_percentage": row.available_capacity_percentage}


def reservation(row: Reservation, of_task: Task, of_worker: Worker, now: datetime) -> dict[str, Any]:
    """A reservation with the task and the worker of that moment."""
    return {**plain(row), "task": task(of_task, now), "worker": worker(of_worker)}


def seconds(at: datetime) -> int:
    """Epoch seconds, the form of dates on the event bridge."""
    return int(at.timestamp())


def bridge_task(row: Task, now: datetime) -> dict[str, Any]:
    """A task in the event bridge's shape (§9.4)."""
    return {
        "account_sid": row.account_sid,
        "workspace_sid": row.workspace_sid,
        "sid": row.sid,
        "addons": row.addons,
        "age": row.age(now),
        "assignment_status": row.assignment_status,
        "attributes": row.attributes,
        "date_created": seconds(row.date_created),
        "date_updated": seconds(row.date_updated),
        "ignore_capacity": row.ignore_capacity,
        "priority": row.priority,
        "queue_name": row.task_queue_friendly_name,
        "queue_sid": row.task_queue_sid,
        "reason": row.reason,
        "routing_target": row.routing_target,
        "task_channel_sid": row.task_channel_sid,
        "task_channel_unique_name": row.task_channel_unique_name,
        "timeout": row.timeout,
        "version": row.version,
        "virtual_start_time": seconds(row.virtual_start_time),
        "workflow_name": row.workflow_friendly_name,
        "workflow_sid": row.workflow_sid,
    }


def bridge_reservation(
    row: Reservation,
    of_task: Task,
    now: datetime,
    *,
    incoming: Transfer | None = None,
    outgoing: Transfer | None = None,
) -> dict[str, Any]:
    """A reservation with its task in the event bridge's shape (§9.4).

    Clients stumble over a transfer that is null, so one that is not there is left out (agent-clients.md §1.4, 2).

    :param incoming: the transfer by which the worker was offered the task.
    :param outgoing: the transfer under way by which the worker gives it away.
    """
    shown = {**bridge_reservation_alone(row), "task": bridge_task(of_task, now)}
    if incoming is not None:
        shown["task_transfer"] = bridge_transfer(incoming)
    if outgoing is not None:
        shown["active_outgoing_task_transfer"] = bridge_transfer(outgoing)
    return shown


def bridge_transfer(row: Transfer) -> dict[str, Any]:
    """A transfer in the event bridge's shape (§9.4)."""
    shown = plain(row)
    shown["date_created"], shown["date_updated"] = seconds(row.date_created), seconds(row.date_updated)
    if row.transfer_failed_reason is None:
        del shown["transfer_failed_reason"]
    return shown


def bridge_reservation_alone(row: Reservation) -> dict[str, Any]:
    """A reservation as the answer to its update shows it: without its task (§9.4)."""
    return {
        "account_sid": row.account_sid,
        "workspace_sid": row.workspace_sid,
        "sid": row.sid,
        "canceled_reason_code": row.canceled_reason_code,
        "date_created": seconds(row.date_created),
        "date_updated": seconds(row.date_updated),
        "reservation_status": row.reservation_status,
        "reservation_timeout": row.reservation_timeout,
        "task_channel_sid": row.task_channel_sid,
        "task_sid": row.task_sid,
        "version": row.version,
        "worker_name": row.worker_name,
        "worker_previous_activity_sid": row.worker_previous_activity_sid,
        "worker_sid": row.worker_sid,
    }


def bridge_worker(row: Worker) -> dict[str, Any]:
    """A worker in the event bridge's shape (§9.4)."""
    return {
        "account_sid": row.account_sid,
        "workspace_sid": row.workspace_sid,
        "sid": row.sid,
        "activity_name": row.activity_name,
        "activity_sid": row.activity_sid,
        "attributes": row.attributes,
        "available": row.available,
        "date_created": seconds(row.date_created),
        "date_status_changed": seconds(row.date_status_changed),
        "date_updated": seconds(row.date_updated),
        "friendly_name": row.friendly_name,
        "version": row.version,
    }


def bridge_worker_channel(row: WorkerChannel) -> dict[str, Any]:
    """A worker channel in the event bridge's shape; ``last_reserved_time`` in milliseconds (§9.4)."""
    return {
        "account_sid": row.account_sid,
        "workspace_sid": row.workspace_sid,
        "sid": row.sid,
        "assigned_tasks": row.assigned_tasks,
        "available": row.available,
        "available_capacity_percentage": row.available_capacity_percentage,
        "configured_capacity": row.configured_capacity,
        "date_created": seconds(row.date_created),
        "date_updated": seconds(row.date_updated),
        "last_reserved_time": int(row.last_reserved_time.timestamp() * 1000),
        "task_channel_sid": row.task_channel_sid,
        "task_channel_unique_name": row.task_channel_unique_name,
        "worker_sid": row.worker_sid,
    }


def bridge_activity(row: Activity) -> dict[str, Any]:
    """An activity in the event bridge's shape (§9.4)."""
    return {
        "account_sid": row.account_sid,
        "workspace_sid": row.workspace_sid,
        "sid": row.sid,
        "available": row.available,
        "date_created": seconds(row.date_created),
        "date_updated": seconds(row.date_updated),
        "friendly_name": row.friendly_name,
    }


def bridge_task_queue(row: TaskQueue) -> dict[str, Any]:
    """A queue in the event bridge's shape (§9.4)."""
    return {
        "account_sid": row.account_sid,
        "workspace_sid": row.workspace_sid,
        "sid": row.sid,
        "assignment_activity_name": row.assignment_activity_name,
        "assignment_activity_sid": row.assignment_activity_sid,
        "date_created": seconds(row.date_created),
        "date_updated": seconds(row.date_updated),
        "friendly_name": row.friendly_name,
        "lifo_queue": row.task_order == "LIFO",
        "max_reserved_workers": row.max_reserved_workers,
        "reservation_activity_name": row.reservation_activity_name,
        "reservation_activity_sid": row.reservation_activity_sid,
        "target_workers": row.target_workers,
        "task_order": row.task_order,
    }
