"""What is said of a change: the snapshot of a fact, and what each worker's sockets are told (DESIGN 2.4, 2.7)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from parlour.taskrouter import snapshots
from parlour.taskrouter.locked import Locked
from parlour.taskrouter.rows import Reservation, Task, Transfer, Worker

_TASK_EVENTS: Final = frozenset({"task.updated", "task.canceled", "task.completed", "task.wrapup", "task.deleted"})


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to be stated, with the row it is about."""

    kind: str
    about: Task | Reservation | Worker
    more: dict[str, Any] = field(default_factory=dict)
    payload: dict[str, Any] | None = None  # of the worker event, where it is not the row itself
    snapshot: dict[str, Any] | None = None  # as the row was when the fact became true; None: as it is in the end
    stated: bool = True  # False: the worker's sockets are told, but nothing became true
    told: str | None = None  # the only worker whose sockets are told; None: all whom it concerns

    @property
    def stream(self) -> str:
        """The SID of the row whose facts have one order."""
        return self.about.task_sid if isinstance(self.about, Reservation) else self.about.sid


def of_task(kind: str, task: Task, now: datetime, **more: Any) -> Fact:
    """A fact about a task as it is now."""
    return Fact(kind, task, more, snapshot={**snapshots.task(task, now), **more})


def of_transfer(kind: str, task: Task, transfer: Transfer) -> Fact:
    """A fact about a transfer as it is now, of a task as it is in the end; the transfer's initiator hears of it."""
    payload = snapshots.bridge_transfer(transfer)
    more = {"transfer": snapshots.plain(transfer)}
    return Fact(kind, task, more, payload, told=transfer.initiating_worker_sid)


def snapshot_of(fact: Fact, rows: Locked, now: datetime) -> dict[str, Any]:
    """What the fact keeps."""
    about = fact.about
    if isinstance(about, Task):
        return fact.snapshot or {**snapshots.task(about, now), **fact.more}
    if isinstance(about, Worker):
        return {**snapshots.worker(about), **fact.more}
    task, worker = rows.tasks[about.task_sid], rows.workers[about.worker_sid]
    snapshot = snapshots.reservation(about, task, worker, now)
    channel = rows.channels.get((about.worker_sid, about.task_channel_sid))
    if channel is not None:
        snapshot["worker_channel_capacity"] = channel.configured_capacity
        snapshot["worker_channel_consumed_capacity"] = channel.load
    for name, transfer in (("transfer", rows.incoming(about)), ("outgoing_transfer", rows.outgoing(about))):
        if transfer is not None:
            snapshot[name] = snapshots.plain(transfer)
    return {**snapshot, **fact.more}


def told_to(fact: Fact, rows: Locked, now: datetime) -> Iterable[tuple[Worker, dict[str, Any]]]:
    """Each worker whose sockets are told, with the payload (taskrouter.md §9.5)."""
    about = fact.about
    if isinstance(about, Task):
        recipients = [fact.told] if fact.told else []
        if fact.kind in _TASK_EVENTS:
            recipients = sorted({each.worker_sid for each in rows.reservations.values() if each.task_sid == about.sid})
        payload = fact.payload or (snapshots.bridge_task(about, now) if recipients else {})
    elif isinstance(about, Worker):
        payload, recipients = fact.payload or snapshots.bridge_worker(about), [about.sid]
    else:
        task = rows.tasks[about.task_sid]
        payload = snapshots.bridge_reservation(
            about, task, now, incoming=rows.incoming(about), outgoing=rows.outgoing(about)
        )
        recipients = [about.worker_sid]
    if fact.told not in (None, *rows.workers):
        return []  # deleted since they let go of the task
    return [(rows.workers[sid], payload) for sid in recipients]
