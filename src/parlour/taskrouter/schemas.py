"""The wire shapes of TaskRouter resources (taskrouter.md §1, openapi twilio_taskrouter_v1)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec

from parlour.kit.wire import iso, iso_or_none
from parlour.rest.operations import Urls
from parlour.taskrouter.rows import (
    Activity,
    Reservation,
    Task,
    TaskChannel,
    TaskQueue,
    Worker,
    WorkerChannel,
    Workflow,
    Workspace,
)

PRODUCT: Final = "taskrouter"
ORDERS: Final = ("FIFO", "LIFO")
TASK_STATUSES: Final = ("pending", "reserved", "assigned", "canceled", "completed", "wrapping")
RESERVATION_STATUSES: Final = (
    "pending",
    "accepted",
    "rejected",
    "timeout",
    "canceled",
    "rescinded",
    "wrapping",
    "completed",
)
NAME_LIMIT: Final = 64
ATTRIBUTES_LIMIT: Final = 4096
TTL_LIMIT: Final = 1_209_600  # seconds
RESERVATION_TIMEOUT_LIMIT: Final = 86_400  # seconds
PRIORITY_LIMIT: Final = 2**31 - 1


class _Links:
    """Absolute URLs under a workspace."""

    def __init__(self, urls: Urls, workspace_sid: str) -> None:
        self._urls = urls
        self._base = f"/v1/Workspaces/{workspace_sid}"

    def of(self, *parts: str) -> str:
        return self._urls.of(PRODUCT, "/".join((self._base, *parts)))

    def statistics(self, *parts: str) -> dict[str, str]:
        return {
            "statistics": self.of(*parts, "Statistics"),
            "real_time_statistics": self.of(*parts, "RealTimeStatistics"),
            "cumulative_statistics": self.of(*parts, "CumulativeStatistics"),
        }


def _fields(row: msgspec.Struct, names: Iterable[str]) -> dict[str, Any]:
    values = ((name, getattr(row, name)) for name in names)
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in values}


_COMMON: Final = ("account_sid", "sid", "date_created", "date_updated", "friendly_name")


def workspace(urls: Urls, row: Workspace) -> dict[str, Any]:
    """A workspace."""
    links = _Links(urls, row.sid)
    parts = ("Activities", "TaskQueues", "Tasks", "Workers", "Workflows", "TaskChannels", "Events")
    names = ("activities", "task_queues", "tasks", "workers", "workflows", "task_channels", "events")
    return {
        **_fields(
            row,
            (
                *_COMMON,
                "default_activity_name",
                "default_activity_sid",
                "event_callback_url",
                "events_filter",
                "multi_task_enabled",
                "timeout_activity_name",
                "timeout_activity_sid",
                "prioritize_queue_order",
            ),
        ),
        "url": links.of(),
        "links": {
            **{name: links.of(part) for name, part in zip(names, parts, strict=True)},
            **links.statistics(),
        },
    }


def activity(urls: Urls, row: Activity) -> dict[str, Any]:
    """An activity."""
    links = _Links(urls, row.workspace_sid)
    return {
        **_fields(row, (*_COMMON, "workspace_sid", "available")),
        "url": links.of("Activities", row.sid),
        "links": {"workspace": links.of()},
    }


def task_channel(urls: Urls, row: TaskChannel) -> dict[str, Any]:
    """A task channel."""
    links = _Links(urls, row.workspace_sid)
    return {
        **_fields(row, (*_COMMON, "workspace_sid", "unique_name", "channel_optimized_routing")),
        "url": links.of("TaskChannels", row.sid),
        "links": {"workspace": links.of()},
    }


def task_queue(urls: Urls, row: TaskQueue) -> dict[str, Any]:
    """A task queue."""
    links = _Links(urls, row.workspace_sid)
    activities = {
        name: links.of("Activities", sid)
        for name, sid in (
            ("assignment_activity", row.assignment_activity_sid),
            ("reservation_activity", row.reservation_activity_sid),
        )
        if sid is not None
    }
    return {
        **_fields(
            row,
            (
                *_COMMON,
                "workspace_sid",
                "assignment_activity_sid",
                "assignment_activity_name",
                "reservation_activity_sid",
                "reservation_activity_name",
                "max_reserved_workers",
                "target_workers",
                "task_order",
            ),
        ),
        "url": links.of("TaskQueues", row.sid),
        "links": {
            "workspace": links.of(),
            **activities,
            **links.statistics("TaskQueues", row.sid),
            "list_statistics": links.of("TaskQueues", "Statistics"),
            "bulk_real_time_statistics": links.of("TaskQueues", "RealTimeStatistics"),
        },
    }


def workflow(urls: Urls, row: Workflow) -> dict[str, Any]:
    """A workflow."""
    links = _Links(urls, row.workspace_sid)
    names = (
        *_COMMON,
        "workspace_sid",
        "assignment_callback_url",
        "configuration",
        "fallback_assignment_callback_url",
        "task_reservation_timeout",
    )
    return {
        **_fields(row, names),
        "document_content_type": "application/json",
        "url": links.of("Workflows", row.sid),
        "links": links.statistics("Workflows", row.sid),
    }


def worker(urls: Urls, row: Worker) -> dict[str, Any]:
    """A worker."""
    links = _Links(urls, row.workspace_sid)
    names = (*_COMMON, "workspace_sid", "activity_name", "activity_sid", "attributes", "available")
    return {
        **_fields(row, (*names, "date_status_changed")),
        "url": links.of("Workers", row.sid),
        "links": {
            "channels": links.of("Workers", row.sid, "Channels"),
            "activity": links.of("Activities", row.activity_sid),
            "workspace": links.of(),
            **links.statistics("Workers"),
            "worker_statistics": links.of("Workers", row.sid, "Statistics"),
            "worker_channels": links.of("Workers", row.sid, "Channels"),
            "reservations": links.of("Workers", row.sid, "Reservations"),
        },
    }


def worker_channel(urls: Urls, row: WorkerChannel) -> dict[str, Any]:
    """A worker channel."""
    names = (
        "account_sid",
        "sid",
        "workspace_sid",
        "worker_sid",
        "task_channel_sid",
        "task_channel_unique_name",
        "assigned_tasks",
        "available",
        "available_capacity_percentage",
        "configured_capacity",
        "date_created",
        "date_updated",
    )
    url = _Links(urls, row.workspace_sid).of("Workers", row.worker_sid, "Channels", row.sid)
    return {**_fields(row, names), "url": url}


def task(urls: Urls, row: Task, now: datetime) -> dict[str, Any]:
    """A task; ``age`` is taken at ``now``."""
    links = _Links(urls, row.workspace_sid)
    names = (
        "account_sid",
        "sid",
        "workspace_sid",
        "assignment_status",
        "attributes",
        "addons",
        "date_created",
        "date_updated",
        "priority",
        "reason",
        "task_queue_sid",
        "task_queue_friendly_name",
        "task_channel_sid",
        "task_channel_unique_name",
        "timeout",
        "workflow_sid",
        "workflow_friendly_name",
        "virtual_start_time",
        "ignore_capacity",
        "routing_target",
    )
    optional = {
        name: links.of(part, sid)
        for name, part, sid in (
            ("task_queue", "TaskQueues", row.task_queue_sid),
            ("workflow", "Workflows", row.workflow_sid),
        )
        if sid is not None
    }
    return {
        **_fields(row, names),
        "age": row.age(now),
        "task_queue_entered_date": iso_or_none(row.task_queue_entered_date),
        "url": links.of("Tasks", row.sid),
        "links": {
            "workspace": links.of(),
            **optional,
            "reservations": links.of("Tasks", row.sid, "Reservations"),
        },
    }


def reservation(urls: Urls, row: Reservation, *, of_worker: bool) -> dict[str, Any]:
    """A reservation, as it is seen below its task or below its worker."""
    links = _Links(urls, row.workspace_sid)
    names = (
        "account_sid",
        "sid",
        "workspace_sid",
        "date_created",
        "date_updated",
        "reservation_status",
        "task_sid",
        "worker_name",
        "worker_sid",
    )
    parent = ("Workers", row.worker_sid) if of_worker else ("Tasks", row.task_sid)
    return {
        **_fields(row, names),
        "url": links.of(*parent, "Reservations", row.sid),
        "links": {
            "task": links.of("Tasks", row.task_sid),
            "worker": links.of("Workers", row.worker_sid),
            "workspace": links.of(),
        },
    }
