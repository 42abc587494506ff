"""One matching pass: a short transaction under the workspace's advisory lock (DESIGN 2.9)."""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from parlour.kit import failpoints
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import deciding, free, placing, roster_store, routing, waiting_store
from parlour.taskrouter import task_store as sql
from parlour.taskrouter.candidates import Demand, Queued
from parlour.taskrouter.desk import Desk, open_desk
from parlour.taskrouter.idle import Idle
from parlour.taskrouter.marks import mark
from parlour.taskrouter.planning import Plan, in_order, make_plan
from parlour.taskrouter.rows import Task, row
from parlour.taskrouter.skipping import Skipping
from parlour.taskrouter.waiting_store import Waiting
from parlour.taskrouter.workflow import Workflow

MOST_OFFERS: Final = 50  # reservations that one pass makes
MOST_RECORDED: Final = 25  # new tasks that find nobody whose decision a pass records
MOST_RECORDED_AGAIN: Final = 5  # and tasks that waited before
RECORDED_AT_ONCE: Final = 10  # decisions, a few milliseconds
_LOCK: Final = 7_265_010  # first key of the advisory lock


async def run_pass(uow: UnitOfWork, workspace_sid: str) -> bool:
    """Take the marks of the workspace and reserve workers for the tasks that they concern.

    :returns: whether the limit ended it; what is left is marked.
    """
    if await uow.fetchval(waiting_store.ANY_MARK, uow.account_sid, workspace_sid) is None:
        return False
    await uow.execute(roster_store.LOCK_MATCHING, _LOCK, _lock_key(workspace_sid))
    waiting = await waiting_store.take_marks(uow, workspace_sid)
    if not waiting.subjects:
        return False
    round_ = _Round(uow, workspace_sid, waiting)
    plan = await round_.plan()
    await round_.apply(plan)
    return bool(plan.left)


def _lock_key(workspace_sid: str) -> int:
    return int.from_bytes(hashlib.blake2b(workspace_sid.encode(), digest_size=4).digest(), "big", signed=True)


class _Round:
    """What one pass knows: groups of waiting tasks by their keys, and the places of single tasks."""

    def __init__(self, uow: UnitOfWork, workspace_sid: str, waiting: Waiting) -> None:
        self.uow = uow
        self.workspace_sid = workspace_sid
        self.waiting = waiting
        self.workflows: dict[str, Workflow | None] = {}
        self.demands: dict[str, Demand] = {}
        self.queued: dict[str, Queued] = {}
        self.hopeless: set[tuple[str, bool]] = set()

    async def plan(self) -> Plan:
        """Compare the waiting tasks with the workers they were not compared with yet."""
        for head in self.waiting.heads:
            workflow = self.workflows[head.group_key] = await placing.workflow_of(self.uow, head)
            per_channel = head.task_channel_sid in self.waiting.per_channel
            self.demands[head.group_key] = deciding.demand_of(head, workflow, per_channel=per_channel)
        idle = await self._idle()
        await self._enqueue(await self._sort_out(idle))
        ordered = in_order(self.queued.values(), self.waiting.preferred)
        return await make_plan(ordered, idle, limit=MOST_OFFERS, now=self.uow.now, hopeless=self.hopeless)

    async def apply(self, plan: Plan) -> None:
        """Reserve what still holds once the rows are locked, look after tasks that found nobody, and record why."""
        alone = await self._to_look_after(plan.alone)
        waiting = self._to_record(plan.alone, alone)
        tasks = sorted({task for task, _ in plan.offers} | alone.keys() | set(waiting))
        if tasks:
            transferred = any(self.queued[sid].demand.task.transfer_sid is not None for sid in tasks)
            desk = await open_desk(self.uow, self.workspace_sid, tasks, offers=plan.offers, holding=transferred)
            offered: dict[str, list[str]] = {}
            for task_sid, worker_sid in plan.offers:
                if self._offer(desk, task_sid, worker_sid):
                    offered.setdefault(task_sid, []).append(worker_sid)
            for task_sid, skipped in alone.items():
                await self._look_after(desk, task_sid, skipped)
            await self._record(desk, offered, waiting)
            await desk.write()
            if offered:
                failpoints.passing(failpoints.RESERVING)
        mark(self.uow, self.workspace_sid, *self._to_look_at_again(plan))

    def _all_fresh(self, group_key: str) -> bool:
        """Whether all tasks of a group are to be compared with every free worker."""
        return self.workspace_sid in self.waiting.subjects or group_key in self.waiting.subjects

    def _has_fresh(self, group_key: str) -> bool:
        return self._all_fresh(group_key) or group_key in self.waiting.marked_groups

    async def _idle(self) -> Idle:
        """Read who is free: whoever changed, and where a task is new to them the others."""
        marked = sorted(sid for sid in self.waiting.subjects if sid.startswith("WK"))
        fresh = any(self._has_fresh(key) for key in self.demands)
        named = {
            each.directed_to
            for key, each in self.demands.items()
            if each.directed_to and (each.task.ignore_capacity or self._has_fresh(key))
        }
        return await free.idle(self.uow, self.workspace_sid, self.demands.values(), marked, sorted(named), fresh=fresh)

    async def _sort_out(self, idle: Idle) -> dict[str, int]:
        """Find the groups for which nobody is there; return how many tasks of the others are to be read."""
        wanted: dict[str, int] = {}
        room = min(idle.room(), MOST_OFFERS)
        for key, demand in self.demands.items():
            new = self._has_fresh(key) and not await idle.fits_nobody(demand, fresh=True)
            changed = not self._all_fresh(key) and not await idle.fits_nobody(demand, fresh=False)
            if not new:
                self.hopeless.add((key, True))
            if not changed:
                self.hopeless.add((key, False))
            if self._all_fresh(key):
                wanted[key] = MOST_OFFERS + 1 if new else MOST_RECORDED
            elif changed:
                unbounded = demand.task.ignore_capacity or demand.reads_channels
                wanted[key] = MOST_OFFERS + 1 if unbounded else room + 1
        return wanted

    async def _enqueue(self, wanted: Mapping[str, int]) -> None:
        """Give each group's first task its place, and those of `wanted` and the marked ones theirs."""
        for head in self.waiting.heads:
            self._queue(head.sid, head.group_key, head.rank_priority, head.rank_time, head.rejected_by, head.entering)
        marked = [sid for sid in self.waiting.subjects if sid.startswith("WT")]
        if marked or wanted:
            for record in await waiting_store.places(self.uow, self.workspace_sid, marked, wanted):
                if record["group_key"] in self.demands:  # else it was moved since, and whoever did it marked it
                    self._queue(*record)

    def _queue(
        self,
        sid: str,
        group_key: str,
        rank_priority: int,
        rank_time: int,
        rejected_by: Sequence[str],
        entering: bool,
    ) -> None:
        fresh = self._all_fresh(group_key) or sid in self.waiting.subjects
        demand = self.demands[group_key]
        self.queued[sid] = Queued(sid, demand, rank_priority, rank_time, rejected_by, entering=entering, fresh=fresh)

    def _to_look_at_again(self, plan: Plan) -> list[str]:
        """What the limit kept from being compared: tasks, groups all of whose tasks are new, workers who changed."""
        if not plan.left:
            return []
        again = {sid for sid in self.waiting.subjects if sid.startswith("WK")}
        for each in plan.left:
            if each.fresh and each.group not in self.hopeless:
                again.add(each.demand.task.group_key if self._all_fresh(each.demand.task.group_key) else each.sid)
        return sorted(again)

    def _to_record(self, alone: Iterable[str], looked_after: Mapping[str, bool]) -> list[str]:
        """Of the tasks that found nobody, those whose record this pass keeps: new ones, and a few of the others."""
        fresh: list[str] = []
        others: list[str] = []
        for sid in alone:
            if not looked_after.get(sid, False):
                (fresh if self.queued[sid].fresh else others).append(sid)
        return [*fresh[:MOST_RECORDED], *others[:MOST_RECORDED_AGAIN]]

    async def _record(self, desk: Desk, offered: Mapping[str, Sequence[str]], waiting: Sequence[str]) -> None:
        pending = [sid for sid in waiting if sid in desk.tasks and desk.tasks[sid].assignment_status == "pending"]
        if not offered and not pending:
            return
        decided = {sid: replace(self.queued[sid].demand, task=desk.tasks[sid]) for sid in (*offered, *pending)}
        named = {sid for chosen in offered.values() for sid in chosen}
        for sid in pending:
            named.update(deciding.named_by(decided[sid]))
        changed = sorted(sid for sid in self.waiting.subjects if sid.startswith("WK"))
        recorder = await deciding.recorder(self.uow, self.workspace_sid, decided.values(), named, changed)
        for number, (sid, demand) in enumerate(decided.items(), 1):
            if number % RECORDED_AT_ONCE == 0:
                await asyncio.sleep(0)
            recorder.record(desk, demand, self.workflows[self._group_of(sid)], offered.get(sid, ()))

    def _group_of(self, task_sid: str) -> str:
        return self.queued[task_sid].demand.task.group_key

    def _offer(self, desk: Desk, task_sid: str, worker_sid: str) -> bool:
        task, worker = desk.tasks.get(task_sid), desk.workers.get(worker_sid)
        if task is None or not self._unmoved(task) or task.assignment_status not in ("pending", "reserved"):
            desk.look_at(worker_sid)  # still free, and other tasks were planned without them
            return False
        channel = desk.channels.get((worker_sid, task.task_channel_sid))
        if worker is None or channel is None:
            desk.look_at(task_sid)
            return False
        directed = task.ignore_capacity and task.directed_to == worker_sid
        if directed or (worker.available and channel.free):
            desk.offer(task, worker, channel)
            return True
        desk.look_at(task_sid)
        return False

    def _unmoved(self, task: Task) -> bool:
        """Whether the task is still where the plan saw it; else whoever moved it marked it."""
        return self._group_of(task.sid) == task.group_key

    async def _to_look_after(self, alone: Iterable[str]) -> dict[str, bool]:
        """Of the tasks that found nobody, those to act on: whether each leaves its target by skip_if."""
        concerned = [sid for sid in alone if self.queued[sid].entering or self._fails(self.queued[sid].demand)]
        mark(self.uow, self.workspace_sid, *concerned[MOST_OFFERS:])
        entering = [sid for sid in concerned[:MOST_OFFERS] if self.queued[sid].entering]
        found = dict.fromkeys(concerned[:MOST_OFFERS], False)
        if entering:
            skipping = Skipping(self.uow, self.workspace_sid)
            for record in await self.uow.fetch(sql.FETCH_TASKS, self.uow.account_sid, self.workspace_sid, entering):
                task = row(Task, record)
                target = placing.target_of(task, self.workflows[self._group_of(task.sid)])
                found[task.sid] = self._unmoved(task) and await skipping.holds(task, target)
        return found

    @staticmethod
    def _fails(demand: Demand) -> bool:
        """Whether a task that found nobody ends: only its routing target, whatever they hold, could have had it."""
        return demand.directed_to is not None and demand.task.ignore_capacity

    async def _look_after(self, desk: Desk, task_sid: str, skipped: bool) -> None:
        task = desk.tasks.get(task_sid)
        if task is None or task.assignment_status != "pending" or not self._unmoved(task):
            return
        workflow = self.workflows[task.group_key]
        if skipped and workflow is not None:
            await routing.skip(desk, task, workflow)
        elif task.entering:
            task.entering = False
            desk.touch_task(task)
        else:
            routing.fail_target(desk, task)
