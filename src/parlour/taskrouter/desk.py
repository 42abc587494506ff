"""The desk: tasks together with every row that their change concerns, locked in the one written order (DESIGN 2.9)."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from parlour.kit.wire import encode_json
from parlour.outbox.facts import NewFact, state_all, touch
from parlour.outbox.timers import cancel_all, schedule
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import snapshots, statements, transfer_store
from parlour.taskrouter import task_store as store
from parlour.taskrouter.audience import audience_of
from parlour.taskrouter.locked import Locked
from parlour.taskrouter.marks import mark
from parlour.taskrouter.retention import Retention
from parlour.taskrouter.rows import (
    HOLDING,
    Activity,
    Reservation,
    Task,
    TaskChannel,
    Transfer,
    Worker,
    WorkerChannel,
    row,
)
from parlour.taskrouter.statements import Fact

ASSIGNED_LIMIT: Final = timedelta(hours=24)  # an assigned task is deleted after it (taskrouter.md §2.3)

ASK_CALLBACK: Final = "taskrouter.assignment"  # the job that asks a workflow's callback (§3.5)

_COUNTER: Final = {"pending": "pending_tasks", "accepted": "assigned_tasks", "wrapping": "wrapping_tasks"}
_VERB: Final = {"accepted": "accepted", "wrapping": "wrapup"}  # status to event name where they differ
_TASK_VERB: Final = {"wrapping": "wrapup"}


class Desk(Locked):
    """Locked tasks, their holding reservations, and the worker channels and workers of those.

    Rules change the rows through the methods; ``write`` stores all of it and states the facts.
    """

    def __init__(self, uow: UnitOfWork, workspace_sid: str) -> None:
        super().__init__()
        self.uow = uow
        self.workspace_sid = workspace_sid
        self._changed: dict[str, Task | Reservation | Transfer | Worker | WorkerChannel] = {}
        self._versioned: set[str] = set()
        self._inserted: set[str] = set()
        self._facts: list[Fact] = []
        self._marked: dict[str, None] = {}
        self._cancel_lanes: list[str] = []
        self._timers: list[tuple[str, str, datetime | None, str]] = []

    @property
    def now(self) -> datetime:
        """Domain time of the unit."""
        return self.uow.now

    def add(self, task: Task) -> None:
        """Put a task on the desk whose row is inserted by the caller in the same unit."""
        self.tasks[task.sid] = task
        self._inserted.add(task.sid)

    def change_task(self, task: Task) -> None:
        """Count a visible change of the task."""
        if task.sid not in self._versioned:
            task.version += 1
            self._versioned.add(task.sid)
        task.date_updated = self.now
        self._changed[task.sid] = task

    def touch_task(self, task: Task) -> None:
        """Have a change of the task's place stored, which clients do not see as a version."""
        self._changed[task.sid] = task

    def set_task(self, task: Task, status: str, *, reason: str | None = None, by: str | None = None) -> None:
        """Move the task to a status and state it; the end of a task replaces its timers."""
        self.change_task(task)
        task.assignment_status = status
        if reason is not None:
            task.reason = reason
        if status == "canceled":
            task.canceled_by = by
        if status in ("canceled", "completed"):
            task.date_ended = self.now
            self._time(task, "taskrouter.task.purge", self.now + self.uow.extension(Retention).finished_tasks)
        if status in ("canceled", "completed", "wrapping"):
            self.fact(f"task.{_TASK_VERB.get(status, status)}", task)

    def assign_task(self, task: Task) -> None:
        """Give the task to whoever accepted it; its timers are replaced by the longest time of an assignment."""
        self.set_task(task, "assigned")
        task.target_deadline = None
        self._time(task, "taskrouter.task.overdue", self.now + ASSIGNED_LIMIT)

    def offer(self, task: Task, worker: Worker, channel: WorkerChannel) -> Reservation:
        """Reserve the worker for the task (taskrouter.md §6, first row)."""
        reservation = Reservation(
            account_sid=task.account_sid,
            sid=self.uow.new_sid("WR"),
            workspace_sid=self.workspace_sid,
            task_sid=task.sid,
            worker_sid=worker.sid,
            worker_name=worker.friendly_name,
            worker_previous_activity_sid=worker.activity_sid,
            task_channel_sid=task.task_channel_sid,
            reservation_status="pending",
            reservation_timeout=task.task_reservation_timeout,
            canceled_reason_code=None,
            version=0,
            date_created=self.now,
            date_updated=self.now,
            date_accepted=None,
            transfer_sid=task.transfer_sid if self.under_way(task) is not None else None,
        )
        if task.assignment_status == "pending":
            task.assignment_count += 1
            self.set_task(task, "reserved")
        self.reservations[reservation.sid] = self._changed[reservation.sid] = reservation
        self._count(reservation, "pending", 1)
        channel.last_reserved_time = worker.last_reserved_time = self.now
        worker.version += 1
        self._changed[channel.sid], self._changed[worker.sid] = channel, worker
        if task.channels_matter:
            self.look_at(worker.sid)
        self.fact("reservation.created", reservation)
        at = self.now + timedelta(seconds=reservation.reservation_timeout)
        self._timers.append(
            (_lane("reservation", reservation.sid), "taskrouter.reservation.timeout", at, reservation.sid)
        )
        if task.calls_back:
            lane = assignment_lane(task.workflow_sid, reservation.sid)
            self._timers.append((lane, ASK_CALLBACK, None, reservation.sid))
        return reservation

    def set_reservation(self, reservation: Reservation, status: str) -> None:
        """Move the reservation to a status, keep the worker's capacity in step, and state it."""
        before = reservation.reservation_status
        self._count(reservation, before, -1)
        self._count(reservation, status, 1)
        reservation.reservation_status = status
        reservation.version += 1
        reservation.date_updated = self.now
        if status == "accepted":
            reservation.date_accepted = self.now
        if before == "pending":
            self._cancel_lanes.append(_lane("reservation", reservation.sid))
        if status not in HOLDING or self.tasks[reservation.task_sid].channels_matter:
            self.look_at(reservation.worker_sid)
        self._changed[reservation.sid] = reservation
        self.fact(f"reservation.{_VERB.get(status, status)}", reservation)

    def end_reservations(self, task: Task) -> None:
        """End whatever workers have of a task that ends: offers are canceled, work is completed."""
        for reservation in self.held(task):
            self.set_reservation(
                reservation, "canceled" if reservation.reservation_status == "pending" else "completed"
            )

    def _count(self, reservation: Reservation, status: str, by: int) -> None:
        channel = self.channels.get((reservation.worker_sid, reservation.task_channel_sid))
        if channel is not None and status in _COUNTER:
            setattr(channel, _COUNTER[status], getattr(channel, _COUNTER[status]) + by)
            channel.date_updated = self.now
            self._changed[channel.sid] = channel

    def set_activity(self, worker: Worker, activity: Activity) -> bool:
        """Move the worker to an activity; says whether that changed anything."""
        if worker.activity_sid == activity.sid:
            return False
        passed = self.now - worker.date_status_changed
        more = {
            "previous_activity_sid": worker.activity_sid,
            "previous_activity_name": worker.activity_name,
            "time_in_previous_activity": int(passed.total_seconds()),
            "time_in_previous_activity_ms": int(passed.total_seconds() * 1000),
        }
        worker.activity_sid, worker.activity_name = activity.sid, activity.friendly_name
        worker.available = activity.available
        worker.date_status_changed = self.now
        self.change_worker(worker)
        self.fact("worker.activity.update", worker, **more)
        if activity.available:
            self.look_at(worker.sid)
        return True

    def change_worker(self, worker: Worker) -> None:
        """Count a visible change of the worker."""
        worker.version += 1
        worker.date_updated = self.now
        self._changed[worker.sid] = worker

    def change_channel(self, worker: Worker, channel: WorkerChannel, kind: str, **more: Any) -> None:
        """Have a change of a worker channel's own settings stored and stated."""
        channel.date_updated = self.now
        self._changed[channel.sid] = channel
        self.change_worker(worker)
        self.look_at(worker.sid)
        snapshot = {"worker_channel": snapshots.worker_channel(channel), **more}
        self._facts.append(Fact(kind, worker, snapshot, snapshots.bridge_worker_channel(channel)))

    async def move_channel(self, task: Task, channel: TaskChannel) -> None:
        """Move the capacity that the task takes to another channel of its workers."""
        held = self.held(task)
        sides = [each.worker_sid for each in held], [channel.sid for _ in held]
        for record in await self.uow.fetch(store.LOCK_WORKER_CHANNELS, self.uow.account_sid, *sides):
            locked = row(WorkerChannel, record)
            self.channels[locked.worker_sid, locked.task_channel_sid] = locked
        for each in held:
            self._count(each, each.reservation_status, -1)
            each.task_channel_sid = channel.sid
            self._count(each, each.reservation_status, 1)
            self._changed[each.sid] = each
            self.look_at(each.worker_sid)

    def fact(self, kind: str, about: Task | Reservation | Worker, **more: Any) -> None:
        """State this when the desk is written; what is said of a task is what was true here."""
        task = statements.of_task(kind, about, self.now, **more) if isinstance(about, Task) else None
        self._facts.append(task or Fact(kind, about, more))

    def begin_transfer(self, task: Task, transfer: Transfer) -> None:
        """Put the task on a transfer; nobody but its offers and its end may move the task meanwhile."""
        task.transfer_sid = transfer.sid
        self.transfers[transfer.sid] = self._changed[transfer.sid] = transfer
        self.change_task(task)

    def set_transfer(self, task: Task, transfer: Transfer, status: str, reason: str | None = None) -> None:
        """Move a transfer to a status."""
        transfer.transfer_status = status
        transfer.transfer_failed_reason = reason
        transfer.date_updated = self.now
        self._changed[transfer.sid] = transfer
        task.held_by = None
        self.touch_task(task)

    def state_transfer(self, verb: str, task: Task, transfer: Transfer) -> None:
        """State how a transfer went on; its initiator hears of it."""
        self._facts.append(statements.of_transfer(f"task.transfer-{verb}", task, transfer))

    def decided(self, task: Task, decision: dict[str, Any]) -> bool:
        """Have a decision about the task recorded, unless it says what the last recorded one said; say whether."""
        digest = hashlib.blake2b(encode_json(decision), digest_size=12).hexdigest()
        if digest == task.explained:
            return False
        task.explained = digest
        self.touch_task(task)
        self._facts.append(Fact("routing.decided", task, snapshot={**decision, "task_sid": task.sid}))
        return True

    def tell(self, kind: str, worker: Worker, payload: dict[str, Any] | None = None) -> None:
        """Tell the worker's sockets something, by default how the worker is, without stating a fact."""
        self._facts.append(Fact(kind, worker, payload=payload, stated=False))

    def look_at(self, *sids: str) -> None:
        """Have matching look at these tasks and workers."""
        self._marked.update(dict.fromkeys(sids))

    def deadline(self, task: Task) -> None:
        """Have the end of the task's target watched."""
        if task.target_deadline is not None:
            self._timers.append((_lane("task", task.sid), "taskrouter.task.deadline", task.target_deadline, task.sid))

    def drop_timers(self, task: Task) -> None:
        """Forget all timers of the task."""
        self._cancel_lanes.append(_lane("task", task.sid))
        self._timers = [each for each in self._timers if each[0] != _lane("task", task.sid)]

    def _time(self, task: Task, handler: str, at: datetime) -> None:
        """Replace all timers of the task by one."""
        self.drop_timers(task)
        self._timers.append((_lane("task", task.sid), handler, at, task.sid))

    async def write(self) -> None:
        """Store what changed and state the facts, so that this unit reads it; the desk is spent afterwards.

        :raises ContractError: an inside reaction of a higher floor refused the change.
        """
        if self._cancel_lanes:
            await cancel_all(self.uow, self._cancel_lanes)
        facts = [(fact, statements.snapshot_of(fact, self, self.now)) for fact in self._facts if fact.stated]
        events = [event for fact in self._facts for event in self._worker_events(fact)]
        changed = self._changed.values()
        tasks = [
            msgspec.structs.asdict(each)
            for each in changed
            if isinstance(each, Task) and each.sid not in self._inserted
        ]
        store.write(self.uow, store.UPDATE_TASKS, tasks)
        for kind, sql in (
            (Transfer, transfer_store.WRITE),
            (Reservation, store.WRITE_RESERVATIONS),
            (WorkerChannel, store.UPDATE_WORKER_CHANNELS),
            (Worker, store.UPDATE_WORKERS),
        ):
            store.write(self.uow, sql, [msgspec.structs.asdict(each) for each in changed if isinstance(each, kind)])
        if events:
            self.uow.defer(store.INSERT_WORKER_EVENTS, self.uow.account_sid, events, self.now)
            for sid in {event["worker_sid"] for event in events}:
                touch(self.uow, sid)
        for lane, handler, at, sid in self._timers:
            schedule(self.uow, handler, lane=lane, at=at, payload={"workspace_sid": self.workspace_sid, "sid": sid})
        mark(self.uow, self.workspace_sid, *self._marked)
        if facts:
            await self._state(facts)
        await self.uow.flush()

    def _worker_events(self, fact: Fact) -> Iterable[dict[str, Any]]:
        """What sockets are told of the fact; takes positions from the locked workers."""
        for worker, payload in statements.told_to(fact, self, self.now):
            worker.event_seq += 1
            self._changed[worker.sid] = worker
            yield {"worker_sid": worker.sid, "seq": worker.event_seq, "event_type": fact.kind, "payload": payload}

    async def _state(self, facts: list[tuple[Fact, dict[str, Any]]]) -> None:
        audience = await audience_of(self.uow, self.workspace_sid)
        await state_all(
            self.uow,
            (
                NewFact(
                    f"{fact.kind}/1",
                    fact.stream,
                    fact.about.sid,
                    {**snapshot, **audience.snapshot(fact.kind)},
                    audience.listeners(fact.kind),
                )
                for fact, snapshot in facts
            ),
        )


async def open_desk(
    uow: UnitOfWork,
    workspace_sid: str,
    tasks: Sequence[str],
    *,
    offers: Sequence[tuple[str, str]] = (),
    workers: Sequence[str] = (),
    channels: Sequence[tuple[str, str]] = (),
    holding: bool = True,
) -> Desk:
    """Lock tasks with all that hangs on them.

    :param offers: pairs of task and worker that are to be reserved, whose rows are locked too.
    :param workers: further workers to lock.
    :param channels: pairs of worker and task channel, whose rows are locked too.
    :param holding: False when the tasks are pending ones, which have no reservations.
    """
    await uow.flush()  # what earlier calls in this unit wrote must be seen
    desk = Desk(uow, workspace_sid)
    if tasks:
        await uow.execute(store.LOCK_TASKS, uow.account_sid, workspace_sid, tasks)
        for record in await uow.fetch(store.FETCH_TASKS, uow.account_sid, workspace_sid, tasks):
            desk.tasks[record["sid"]] = row(Task, record)
    if tasks and holding:
        for record in await uow.fetch(store.LOCK_HOLDING, uow.account_sid, workspace_sid, tasks):
            desk.reservations[record["sid"]] = row(Reservation, record)
    pairs = {(each.worker_sid, each.task_channel_sid) for each in desk.reservations.values()}
    pairs |= set(channels)
    pairs |= {(worker, desk.tasks[task].task_channel_sid) for task, worker in offers if task in desk.tasks}
    if pairs:
        ordered = sorted(pairs)
        sides = [worker for worker, _ in ordered], [channel for _, channel in ordered]
        for record in await uow.fetch(store.LOCK_WORKER_CHANNELS, uow.account_sid, *sides):
            channel = row(WorkerChannel, record)
            desk.channels[channel.worker_sid, channel.task_channel_sid] = channel
    handed = {each.transfer_sid for each in desk.tasks.values()}
    handed |= {each.transfer_sid for each in desk.reservations.values()}
    if handed - {None}:
        desk.transfers = await transfer_store.transfers(uow, sorted(sid for sid in handed if sid))
    initiators = {each.initiating_worker_sid for task in desk.tasks.values() if (each := desk.under_way(task))}
    wanted = sorted({worker for worker, _ in pairs} | set(workers) | initiators)
    if wanted:
        for record in await uow.fetch(store.LOCK_WORKERS, uow.account_sid, workspace_sid, wanted):
            desk.workers[record["sid"]] = row(Worker, record)
    return desk


def assignment_lane(workflow_sid: str | None, reservation_sid: str) -> str:
    """Return the lane of a reservation's callback; a hanging receiver holds lanes of its workflow only."""
    return f"assignment:{workflow_sid}:{reservation_sid}"


def _lane(kind: str, sid: str) -> str:
    return f"timer:{kind}:{sid}"
