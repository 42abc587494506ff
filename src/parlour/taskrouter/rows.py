"""Rows of TaskRouter as the rules see them; dates are domain time in UTC, timeouts are seconds."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, TypeVar

import asyncpg
import msgspec

from parlour.kit.wire import decode_json

Row = TypeVar("Row", bound=msgspec.Struct)

WAITING: Final = ("pending", "reserved")
LIVE: Final = ("pending", "reserved", "assigned", "wrapping")
MAX_ASSIGNMENTS: Final = 1000  # times a task may become reserved (taskrouter.md §2.2)
HOLDING: Final = ("pending", "accepted", "wrapping")  # reservations that take capacity (taskrouter.md §5.1)


class Workspace(msgspec.Struct, kw_only=True):
    """A workspace with the names of its default and timeout activities."""

    account_sid: str
    sid: str
    friendly_name: str
    event_callback_url: str
    events_filter: str | None
    multi_task_enabled: bool
    prioritize_queue_order: str
    default_activity_sid: str
    default_activity_name: str
    timeout_activity_sid: str
    timeout_activity_name: str
    date_created: datetime
    date_updated: datetime


class Activity(msgspec.Struct, kw_only=True):
    """What a worker is doing, and whether that makes them available."""

    account_sid: str
    sid: str
    workspace_sid: str
    friendly_name: str
    available: bool
    date_created: datetime
    date_updated: datetime


class Worker(msgspec.Struct, kw_only=True):
    """A worker with the name of their activity."""

    account_sid: str
    sid: str
    workspace_sid: str
    friendly_name: str
    attributes: str
    attributes_version: int
    activity_sid: str
    activity_name: str
    available: bool
    version: int
    event_seq: int
    last_reserved_time: datetime
    date_status_changed: datetime
    date_created: datetime
    date_updated: datetime


class TaskChannel(msgspec.Struct, kw_only=True):
    """A kind of work."""

    account_sid: str
    sid: str
    workspace_sid: str
    friendly_name: str
    unique_name: str
    channel_optimized_routing: bool
    date_created: datetime
    date_updated: datetime


class WorkerChannel(msgspec.Struct, kw_only=True):
    """A worker's capacity for one kind of work and what takes it."""

    account_sid: str
    sid: str
    workspace_sid: str
    worker_sid: str
    task_channel_sid: str
    task_channel_unique_name: str
    configured_capacity: int
    available: bool
    pending_tasks: int
    assigned_tasks: int
    wrapping_tasks: int
    last_reserved_time: datetime
    date_created: datetime
    date_updated: datetime

    @property
    def load(self) -> int:
        """Reservations that take capacity: pending, accepted and wrapping ones."""
        return self.pending_tasks + self.assigned_tasks + self.wrapping_tasks

    @property
    def free(self) -> bool:
        """Whether one more reservation fits."""
        return self.available and self.load < self.configured_capacity

    @property
    def available_capacity_percentage(self) -> int:
        """floor((1 - load / capacity) * 100); a capacity of 0 gives 0 (taskrouter.md §5.1)."""
        return percentage(self.load, self.configured_capacity)


class TaskQueue(msgspec.Struct, kw_only=True):
    """Tasks that wait for the same workers."""

    account_sid: str
    sid: str
    workspace_sid: str
    friendly_name: str
    target_workers: str
    max_reserved_workers: int
    task_order: str
    reservation_activity_sid: str | None
    reservation_activity_name: str | None
    assignment_activity_sid: str | None
    assignment_activity_name: str | None
    date_created: datetime
    date_updated: datetime


class Workflow(msgspec.Struct, kw_only=True):
    """A workflow; ``revision`` counts its configurations."""

    account_sid: str
    sid: str
    workspace_sid: str
    friendly_name: str
    configuration: str
    revision: int
    task_reservation_timeout: int
    assignment_callback_url: str | None
    fallback_assignment_callback_url: str | None
    date_created: datetime
    date_updated: datetime


class Task(msgspec.Struct, kw_only=True):
    """A task with the names of its queue, workflow and channel and what its place needs."""

    account_sid: str
    sid: str
    workspace_sid: str
    assignment_status: str
    attributes: str
    addons: str
    priority: int
    reason: str | None
    canceled_by: str | None
    timeout: int
    task_channel_sid: str
    task_channel_unique_name: str
    workflow_sid: str | None
    workflow_revision: int | None
    workflow_friendly_name: str | None
    task_reservation_timeout: int
    task_queue_sid: str | None
    task_queue_friendly_name: str | None
    task_queue_target_workers: str | None
    task_queue_entered_date: datetime | None
    max_reserved_workers: int
    task_order: str
    virtual_start_time: datetime
    routing_target: str | None
    ignore_capacity: bool
    version: int
    filter: int | None
    target: int | None
    target_seconds: int
    target_deadline: datetime | None
    entering: bool
    workflow_entered_date: datetime | None
    group_key: str
    rank_priority: int
    rank_time: int
    rejected_by: list[str]
    assignment_count: int
    date_created: datetime
    date_updated: datetime
    date_ended: datetime | None
    transfer_sid: str | None = None  # the last transfer, under way or over
    held_by: str | None = None  # who keeps working on it while a warm transfer looks for somebody else
    explained: str = ""  # digest of the last recorded decision
    channels_matter: bool = False  # some workflow of the workspace reads worker.channel
    calls_back: bool = False  # its workflow has an assignment callback

    @property
    def expires(self) -> datetime:
        """When its time to live is over while it waits."""
        return self.date_created + timedelta(seconds=self.timeout)

    @property
    def directed_to(self) -> str | None:
        """The routing target, until the task is transferred: then it goes where the transfer says."""
        return self.routing_target if self.transfer_sid is None else None

    def age(self, now: datetime) -> int:
        """Whole seconds since its creation; frozen when it ended (taskrouter.md §2.1)."""
        return max(0, int(((self.date_ended or now) - self.date_created).total_seconds()))

    def seconds_in_queue(self, now: datetime) -> float | None:
        """Seconds since it entered its queue."""
        if self.task_queue_entered_date is None:
            return None
        return ((self.date_ended or now) - self.task_queue_entered_date).total_seconds()


class Reservation(msgspec.Struct, kw_only=True):
    """An offer of a task to a worker and what became of it."""

    account_sid: str
    sid: str
    workspace_sid: str
    task_sid: str
    worker_sid: str
    worker_name: str
    worker_previous_activity_sid: str
    task_channel_sid: str
    reservation_status: str
    reservation_timeout: int
    canceled_reason_code: str | None
    version: int
    date_created: datetime
    date_updated: datetime
    date_accepted: datetime | None
    transfer_sid: str | None = None  # the transfer by which the worker was offered the task


class Transfer(msgspec.Struct, kw_only=True):
    """A task on its way from one worker to another worker or a queue (taskrouter.md §9.6)."""

    account_sid: str
    sid: str
    workspace_sid: str
    task_sid: str
    initiating_reservation_sid: str
    initiating_worker_sid: str
    initiating_queue_sid: str | None
    initiating_workflow_sid: str | None
    transfer_mode: str
    transfer_to: str
    transfer_type: str
    transfer_status: str
    transfer_failed_reason: str | None
    date_created: datetime
    date_updated: datetime

    def active_of(self, reservation: Reservation) -> bool:
        """Whether the transfer is under way and gives this reservation's task away."""
        return self.transfer_status == "initiated" and self.initiating_reservation_sid == reservation.sid


def row(kind: type[Row], record: asyncpg.Record) -> Row:
    """Make a row of a database record whose columns are the fields."""
    return kind(**record)


def percentage(load: int, capacity: int) -> int:
    """Free capacity in whole percent, rounded down."""
    return max(0, (capacity - load) * 100 // capacity) if capacity > 0 else 0


@lru_cache(maxsize=2048)
def attributes_of(text: str) -> Mapping[str, object]:
    """Attributes as an object; callers must not change it."""
    value = decode_json(text)
    return value if isinstance(value, dict) else {}
