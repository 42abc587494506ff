"""What an event tells: its fields, its resource and its sentence (taskrouter.md §7.1, §7.3).

The event callback sends the fields in PascalCase as texts, the Events API shows the same fields as ``event_data``.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from parlour.kit.wire import json_text, parse_iso, pascal
from parlour.taskrouter.event_types import KINDS

Snapshot = Mapping[str, Any]
Fields = dict[str, str]

_RESOURCES: Final = {"task-queue": "taskqueue", "task-channel": "taskchannel"}
_PATHS: Final = {
    "task": "Tasks",
    "worker": "Workers",
    "activity": "Activities",
    "workflow": "Workflows",
    "taskqueue": "TaskQueues",
    "taskchannel": "TaskChannels",
}


class Told(msgspec.Struct, kw_only=True):
    """An event as it is told.

    :ivar data: the fields of its kind, snake_case, all texts.
    :ivar path: of the resource below the workspace, empty for the workspace itself.
    """

    sid: str
    event_type: str
    workspace_sid: str
    workspace_name: str
    description: str
    resource_type: str
    resource_sid: str
    path: str
    at: datetime
    data: Fields

    @property
    def milliseconds(self) -> int:
        """Epoch milliseconds."""
        return int(self.at.timestamp() * 1000)


def told(sid: str, kind: str, object_sid: str, at: datetime, snapshot: Snapshot) -> Told:
    """Read an event out of a fact; nothing but the fact's snapshot is looked at."""
    event_type = KINDS[kind]
    about = _about(event_type, object_sid)
    resource = _RESOURCES.get(about, about)
    path = "" if about == "workspace" else f"/{_PATHS.get(resource, 'Tasks')}/{object_sid}"
    if about == "reservation":
        path = f"/Tasks/{snapshot['task_sid']}/Reservations/{object_sid}"
    return Told(
        sid=sid,
        event_type=event_type,
        workspace_sid=snapshot["workspace_sid"],
        workspace_name=snapshot.get("workspace_name", ""),
        description=_description(event_type, about, object_sid, snapshot),
        resource_type=resource,
        resource_sid=object_sid,
        path=path,
        at=at,
        data=_FIELDS[about](event_type, snapshot),
    )


def parameters(event: Told, account_sid: str) -> list[tuple[str, str]]:
    """Return the form of the event callback (§7.1)."""
    common = {
        "EventType": event.event_type,
        "AccountSid": account_sid,
        "WorkspaceSid": event.workspace_sid,
        "WorkspaceName": event.workspace_name,
        "EventDescription": event.description,
        "ResourceType": event.resource_type,
        "ResourceSid": event.resource_sid,
        "Timestamp": str(event.milliseconds // 1000),
        "TimestampMs": str(event.milliseconds),
        "Sid": event.sid,
    }
    return [*common.items(), *((pascal(name), value) for name, value in event.data.items())]


def _about(event_type: str, object_sid: str) -> str:
    """Return the kind of the resource: a task's way through workflow and queues is about the task."""
    if object_sid.startswith("WT"):
        return "task"
    return event_type.partition(".")[0]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json_text(value)


def _epoch(text: str | None) -> str:
    return "" if text is None else str(int(parse_iso(text).timestamp()))


def _fields(snapshot: Snapshot, names: Mapping[str, str]) -> Fields:
    return {name: _text(snapshot.get(column)) for name, column in names.items()}


_TASK: Final = {
    "task_sid": "sid",
    "task_attributes": "attributes",
    "task_age": "age",
    "task_priority": "priority",
    "task_assignment_status": "assignment_status",
    "task_addons": "addons",
    "task_version": "version",
    "task_channel_sid": "task_channel_sid",
    "task_channel_unique_name": "task_channel_unique_name",
    "task_ignore_capacity": "ignore_capacity",
    "task_queue_sid": "task_queue_sid",
    "task_queue_name": "task_queue_friendly_name",
    "task_queue_target_expression": "task_queue_target_workers",
    "workflow_sid": "workflow_sid",
    "workflow_name": "workflow_friendly_name",
}
_WORKER: Final = {
    "worker_sid": "sid",
    "worker_name": "friendly_name",
    "worker_attributes": "attributes",
    "worker_activity_sid": "activity_sid",
    "worker_activity_name": "activity_name",
    "worker_version": "version",
}
_MOVED_WORKER: Final = {
    "worker_time_in_previous_activity": "time_in_previous_activity",
    "worker_time_in_previous_activity_ms": "time_in_previous_activity_ms",
    "worker_previous_activity_sid": "previous_activity_sid",
    "worker_previous_activity_name": "previous_activity_name",
}
_FURTHER: Final = ("workflow_filter_name", "workflow_filter_expression", "known_worker_sid")


def _task(_event_type: str, snapshot: Snapshot) -> Fields:
    fields = _fields(snapshot, _TASK)
    for name, column in (
        ("task_date_created", "date_created"),
        ("task_queue_entered_date", "task_queue_entered_date"),
        ("task_virtual_start_time", "virtual_start_time"),
    ):
        fields[name] = _epoch(snapshot[column])
    reason = snapshot.get("reason")
    if reason is not None:
        fields["reason"] = _text(reason)
        ended = {"canceled": "task_canceled_reason", "completed": "task_completed_reason"}
        if snapshot["assignment_status"] in ended:
            fields[ended[snapshot["assignment_status"]]] = _text(reason)
    return {**fields, **{name: _text(snapshot[name]) for name in _FURTHER if snapshot.get(name) is not None}}


def _reservation(event_type: str, snapshot: Snapshot) -> Fields:
    names = {"reservation_sid": "sid", "reservation_version": "version"}
    counts = ("worker_channel_capacity", "worker_channel_consumed_capacity")
    return {
        **_fields(snapshot, names),
        **_task(event_type, snapshot["task"]),
        **_worker(event_type, snapshot["worker"]),
        **{name: _text(snapshot[name]) for name in counts if name in snapshot},
    }


def _worker(event_type: str, snapshot: Snapshot) -> Fields:
    fields = _fields(snapshot, _WORKER)
    if event_type == "worker.activity.update":
        fields.update(_fields(snapshot, _MOVED_WORKER))
    channel, previous = snapshot.get("worker_channel"), snapshot.get("previous")
    if channel is not None and previous is not None:
        taken = channel["pending_tasks"] + channel["assigned_tasks"] + channel["wrapping_tasks"]
        fields.update(
            {
                "worker_channel_available": _text(channel["available"]),
                "worker_channel_available_capacity": _text(max(0, channel["configured_capacity"] - taken)),
                "worker_channel_capacity": _text(channel["configured_capacity"]),
                "worker_channel_previous_capacity": _text(previous["configured_capacity"]),
                "worker_channel_task_count": _text(taken),
                "task_channel_sid": channel["task_channel_sid"],
                "task_channel_unique_name": channel["task_channel_unique_name"],
            }
        )
    return fields


def _activity(_event_type: str, snapshot: Snapshot) -> Fields:
    names = {"activity_sid": "sid", "activity_name": "friendly_name", "activity_available": "available"}
    return _fields(snapshot, names)


def _task_channel(_event_type: str, snapshot: Snapshot) -> Fields:
    names = {
        "task_channel_sid": "sid",
        "task_channel_name": "friendly_name",
        "task_channel_unique_name": "unique_name",
        "task_channel_optimized_routing": "channel_optimized_routing",
    }
    return _fields(snapshot, names)


def _task_queue(_event_type: str, snapshot: Snapshot) -> Fields:
    names = {
        "task_queue_sid": "sid",
        "task_queue_name": "friendly_name",
        "task_queue_target_expression": "target_workers",
    }
    return _fields(snapshot, names)


def _workflow(_event_type: str, snapshot: Snapshot) -> Fields:
    return _fields(snapshot, {"workflow_sid": "sid", "workflow_name": "friendly_name"})


def _workspace(_event_type: str, _snapshot: Snapshot) -> Fields:
    return {}


_FIELDS: Final = {
    "task": _task,
    "reservation": _reservation,
    "worker": _worker,
    "activity": _activity,
    "task-channel": _task_channel,
    "task-queue": _task_queue,
    "workflow": _workflow,
    "workspace": _workspace,
}
_WAY: Final = {
    "workflow.entered": "entered Workflow {workflow_friendly_name}",
    "workflow.target-matched": "matched a workflow target",
    "workflow.timeout": "timed out of Workflow {workflow_friendly_name}",
    "workflow.skipped": "was skipped out of Workflow {workflow_friendly_name}",
    "task-queue.entered": "entered TaskQueue {task_queue_friendly_name}",
    "task-queue.moved": "moved out of TaskQueue {task_queue_friendly_name}",
    "task-queue.timeout": "timed out of TaskQueue {task_queue_friendly_name}",
    "reservation.failed": "could not be reserved",
}
_NOUNS: Final = {
    "task": "Task",
    "reservation": "Reservation",
    "worker": "Worker",
    "activity": "Activity",
    "task-channel": "TaskChannel",
    "task-queue": "TaskQueue",
    "workflow": "Workflow",
    "workspace": "Workspace",
}


def _description(event_type: str, about: str, object_sid: str, snapshot: Snapshot) -> str:
    name = object_sid if about in ("task", "reservation") else snapshot["friendly_name"]
    who = f"{_NOUNS[about]} {name}"
    if event_type in _WAY:
        return f"{who} {_WAY[event_type].format_map(snapshot)}"
    verb = event_type.partition(".")[2]
    if event_type == "worker.activity.update":
        return f"{who} updated to {snapshot['activity_name']} Activity"
    if verb.endswith(("update", "updated")):
        what = verb.removesuffix("updated").removesuffix("update").strip(".").replace(".", " ")
        return f"{who} {what} updated".replace("  ", " ")
    return f"{who} {verb}"
