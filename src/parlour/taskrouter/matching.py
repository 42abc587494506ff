"""One matching pass: a short transaction under the workspace's advisory lock (DESIGN 2.9)."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from parlour.kit import failpoints
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import deciding, membership, placing, roster, roster_store, routing, store
from parlour.taskrouter import task_store as sql
from parlour.taskrouter.desk import Desk, open_desk
from parlour.taskrouter.expression import compile_expression
from parlour.taskrouter.marks import mark
from parlour.taskrouter.planning import Candidate, Demand, Load, Plan, in_order, make_plan
from parlour.taskrouter.rows import Task, attributes_of
from parlour.taskrouter.workflow import Workflow

MOST_OFFERS: Final = 50  # reservations that one pass makes
MOST_RECORDED: Final = 25  # new tasks that find nobody whose decision a pass records
MOST_RECORDED_AGAIN: Final = 5  # and tasks that waited before
_LOCK: Final = 7_265_010  # first key of the advisory lock


async def run_pass(uow: UnitOfWork, workspace_sid: str) -> None:
    """Take the marks of the workspace and reserve workers for the tasks that they concern."""
    if await uow.fetchval(sql.ANY_MARK, uow.account_sid, workspace_sid) is None:
        return
    await uow.execute(roster_store.LOCK_MATCHING, _LOCK, _lock_key(workspace_sid))
    waiting = await sql.take_marks(uow, workspace_sid, MOST_OFFERS + 1)
    if not waiting.subjects:
        return
    round_ = _Round(uow, workspace_sid, waiting)
    plan = await round_.plan()
    await round_.apply(plan)


def _lock_key(workspace_sid: str) -> int:
    return int.from_bytes(hashlib.blake2b(workspace_sid.encode(), digest_size=4).digest(), "big", signed=True)


class _Round:
    """What one pass knows."""

    def __init__(self, uow: UnitOfWork, workspace_sid: str, waiting: sql.Waiting) -> None:
        self.uow = uow
        self.workspace_sid = workspace_sid
        self.subjects = waiting.subjects
        self.everything = workspace_sid in waiting.subjects
        self.per_channel = waiting.per_channel
        self.preferred = waiting.preferred
        self.waiting = {task.sid: task for task in waiting.tasks}
        self.workflows: dict[str, Workflow | None] = {}
        self.demands: dict[str, Demand] = {}

    async def plan(self) -> Plan:
        """Compare the waiting tasks with the workers they were not compared with yet."""
        demands = await self._demands()
        candidates = await self._candidates(demands)
        ordered = in_order(demands, self.preferred)
        return await make_plan(ordered, candidates, limit=MOST_OFFERS, now=self.uow.now)

    async def apply(self, plan: Plan) -> None:
        """Reserve what still holds once the rows are locked, look after tasks that found nobody, and record why."""
        alone = await self._to_look_after(plan.alone)
        waiting = self._to_record(plan.alone, alone)
        tasks = sorted({task for task, _ in plan.offers} | alone.keys() | set(waiting))
        if tasks:
            transferred = any(self.waiting[sid].transfer_sid is not None for sid in tasks)
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
        if plan.full:
            mark(self.uow, self.workspace_sid, *sorted(self.subjects))

    def _to_record(self, alone: Iterable[str], looked_after: Mapping[str, bool]) -> list[str]:
        """Of the tasks that found nobody, those whose record this pass keeps: new ones, and a few of the others."""
        fresh: list[str] = []
        others: list[str] = []
        for sid in alone:
            if not looked_after.get(sid, False):
                (fresh if self.demands[sid].fresh else others).append(sid)
        return [*fresh[:MOST_RECORDED], *others[:MOST_RECORDED_AGAIN]]

    async def _record(self, desk: Desk, offered: Mapping[str, Sequence[str]], waiting: Sequence[str]) -> None:
        pending = [sid for sid in waiting if sid in desk.tasks and desk.tasks[sid].assignment_status == "pending"]
        if not offered and not pending:
            return
        named = {sid for chosen in offered.values() for sid in chosen}
        named.update(sid for sid in self.subjects if sid.startswith("WK"))
        for sid in pending:
            named.update(deciding.named_by(self.demands[sid]))
        recorder = await deciding.recorder(self.uow, self.workspace_sid, sorted(named))
        for sid, chosen in offered.items():
            recorder.record(desk, self.demands[sid], self.workflows[sid], chosen)
        for sid in pending:
            recorder.record(desk, self.demands[sid], self.workflows[sid], ())

    async def _demands(self) -> list[Demand]:
        for task in self.waiting.values():
            workflow = self.workflows[task.sid] = await placing.workflow_of(self.uow, task)
            self.demands[task.sid] = deciding.demand_of(
                task,
                workflow,
                fresh=self.everything or task.sid in self.subjects,
                per_channel=task.task_channel_sid in self.per_channel,
            )
        return list(self.demands.values())

    async def _candidates(self, demands: Sequence[Demand]) -> list[Candidate]:
        """Free workers: all of them when a task is new to them, else those who changed."""
        channels = sorted({each.task.task_channel_sid for each in demands})
        args: tuple[Any, ...] = (self.uow.account_sid, self.workspace_sid, channels)
        if any(each.fresh for each in demands):
            records = await self.uow.fetch(roster_store.FREE, *args)
        else:
            records = await self.uow.fetch(roster_store.FREE_OF, *args, sorted(self.subjects))
        named = {each.task.directed_to for each in demands if each.task.ignore_capacity}
        known = {record["sid"] for record in records}
        missing = sorted(sid for sid in named if sid and sid not in known)
        if missing:
            records = [*records, *await self.uow.fetch(roster_store.NAMED, *args, missing)]
        versions = {(record["sid"], record["attributes_version"]) for record in records}
        attributes = await membership.attributes_of_all(self.uow, versions)
        loads = await self._all_loads(demands, {sid for sid, _ in versions})
        return _candidates_of(records, attributes, loads, self.subjects)

    async def _all_loads(self, demands: Iterable[Demand], workers: set[str]) -> dict[str, dict[str, Load]]:
        """Every channel of the workers, where an expression reads ``worker.channel`` (§4.2)."""
        expressions = (each.target.expression for each in demands)
        if not any(path[:2] == ("worker", "channel") for e in expressions if e for path in e.references):
            return {}
        return await roster.loads_of(self.uow, workers)

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
        return self.waiting[task.sid].group_key == task.group_key

    async def _to_look_after(self, alone: Iterable[str]) -> dict[str, bool]:
        """Of the tasks that found nobody, those to act on: whether each leaves its target by skip_if."""
        found: dict[str, bool] = {}
        for sid in alone:
            task = self.waiting[sid]
            if task.entering:
                found[sid] = await self._skips(task)
            elif task.directed_to and task.directed_to.startswith("WK") and task.ignore_capacity:
                found[sid] = False
            if len(found) == MOST_OFFERS:
                mark(self.uow, self.workspace_sid, *sorted(self.subjects))
                break
        return found

    async def _skips(self, task: Task) -> bool:
        """Whether skip_if of the task's target holds on the workers of its queue (§4.2)."""
        skip_if = placing.target_of(task, self.workflows[task.sid]).skip_if
        if skip_if is None:
            return False
        queue = compile_expression(task.task_queue_target_workers or "")
        counts = {"available": 0, "unavailable": 0}
        for each in await store.activities(self.uow, self.workspace_sid):
            counts[each.sid] = 0
        for worker in await roster.everybody(self.uow, self.workspace_sid):
            if queue.matches(worker.context):
                counts["available" if worker.available else "unavailable"] += 1
                activity = str(worker.built_in["activity_sid"])
                counts[activity] = counts.get(activity, 0) + 1
        return skip_if.matches({"workers": counts, "task": attributes_of(task.attributes)})

    async def _look_after(self, desk: Desk, task_sid: str, skipped: bool) -> None:
        task = desk.tasks.get(task_sid)
        if task is None or task.assignment_status != "pending" or not self._unmoved(task):
            return
        workflow = self.workflows[task_sid]
        if skipped and workflow is not None:
            await routing.skip(desk, task, workflow)
        elif task.entering:
            task.entering = False
            desk.touch_task(task)
        else:
            routing.fail_target(desk, task)


def _candidates_of(
    records: Iterable[Any],
    attributes: Mapping[tuple[str, int], Mapping[str, object]],
    loads: Mapping[str, dict[str, Load]],
    subjects: set[str],
) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for record in records:
        key = (record["sid"], record["attributes_version"])
        if key not in attributes:
            continue  # changed meanwhile; the change marked the worker
        load = Load(
            record["unique_name"],
            record["configured_capacity"],
            record["taken"],
            record["assigned_tasks"],
            record["channel_available"],
            record["channel_last_reserved_time"],
        )
        known = found.get(record["sid"])
        if known is not None:
            known.channels.setdefault(record["task_channel_sid"], load)
            continue
        found[record["sid"]] = Candidate(
            sid=record["sid"],
            friendly_name=record["friendly_name"],
            available=record["available"],
            fresh=record["sid"] in subjects,
            last_reserved=record["last_reserved_time"],
            attributes=attributes[key],
            built_in=roster.built_in(record),
            channels=loads.get(record["sid"]) or {record["task_channel_sid"]: load},
        )
    return list(found.values())
