"""Decisions of routing are recorded with what everybody was at that moment; they are read again as they were."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import structlog

from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import placing, roster, roster_store, store
from parlour.taskrouter.candidates import Candidate, Demand, reserve
from parlour.taskrouter.desk import Desk, open_desk
from parlour.taskrouter.expression import compile_expression, walk
from parlour.taskrouter.rows import Task, attributes_of
from parlour.taskrouter.standing import Misfit, decision, misfits
from parlour.taskrouter.workflow import DEFAULT_FILTER, Position, Workflow

KNOWN_WORKER_NOT_IN_QUEUE: Final = 40152
WRONG_KNOWN_WORKER: Final = 40154
UNKNOWN_KNOWN_WORKER: Final = 40155

log = structlog.get_logger("parlour.taskrouter")


class Recorder:
    """Records the decisions of one pass, in their order: each sees what the earlier ones took."""

    def __init__(self, members: Sequence[Candidate], total: int) -> None:
        self._members = members
        self._by_sid = {each.sid: each for each in members}
        self._total = total
        self._misfits: dict[str, list[Misfit | None]] = {}

    def record(self, desk: Desk, demand: Demand, workflow: Workflow | None, chosen: Sequence[str]) -> None:
        """Record one decision; the same one twice in a row is recorded once."""
        task = desk.tasks[demand.task.sid]
        place = {**place_of(demand, workflow), "known_worker_error": self._known_worker_error(demand)}
        found = decision(demand, self._members, self._misfits_of(demand), chosen, self._total, place)
        if desk.decided(task, found) and place["known_worker_error"] is not None:
            log.warning("a known worker cannot be routed to", code=place["known_worker_error"], task=task.sid)
        for sid in chosen:
            if sid in self._by_sid:
                reserve(self._by_sid[sid], demand.task, desk.now)

    def _misfits_of(self, demand: Demand) -> list[Misfit | None]:
        """Why each does not belong to the task's target; the pass finds out once for a group."""
        if demand.reads_channels:
            return misfits(demand, self._members)
        key = demand.task.group_key
        if key not in self._misfits:
            self._misfits[key] = misfits(demand, self._members)
        return self._misfits[key]

    def _known_worker_error(self, demand: Demand) -> int | None:
        """The contract's code for a known worker who can never take the task; null in the attribute is none (§3.3)."""
        path = demand.target.known_worker
        if path is None:
            return None
        attributes = attributes_of(demand.task.attributes)
        value = walk(attributes, path)
        if not isinstance(value, str) or not value:
            owner = walk(attributes, path[:-1]) if path[1:] else attributes
            null = isinstance(owner, Mapping) and path[-1] in owner and value is None
            return None if null else WRONG_KNOWN_WORKER
        by_sid = demand.target.known_worker_sid is not None
        found = [each for each in self._members if value == (each.sid if by_sid else each.friendly_name)]
        if found:
            return None if demand.queue.matches(found[0].context) else KNOWN_WORKER_NOT_IN_QUEUE
        everybody = by_sid or len(self._members) == self._total  # a SID is always among those who are looked at
        return UNKNOWN_KNOWN_WORKER if everybody else None


async def recorder(
    reader: Reader,
    workspace_sid: str,
    demands: Collection[Demand],
    named: Collection[str],
    changed: Sequence[str] = (),
    examined: roster_store.Examined = roster_store.BY_A_PASS,
) -> Recorder:
    """Look at the workers nearest to decisions.

    :param demands: what is decided about.
    :param named: SIDs of those who must be among them; of `changed`, as many as there is room for.
    """
    channels = None
    if not any(each.reads_channels for each in demands):
        channels = sorted({each.task.task_channel_sid for each in demands})
    room = max(examined.workers - len(named), 0)
    wanted = sorted({*named, *changed[:room]})
    members = await roster.nearest(reader, workspace_sid, wanted, examined, channels)
    total = len(members)
    if total >= examined.workers:
        total = await roster.count(reader, workspace_sid)
    return Recorder(members, total)


def place_of(demand: Demand, workflow: Workflow | None) -> dict[str, Any]:
    """Where a task stands: its filter and target, its queue, and what they ask for."""
    task, target = demand.task, demand.target
    position = placing.position_of(task)
    found = workflow.filter_at(position) if workflow and position else None
    known = None
    if target.known_worker is not None:
        known = str(walk(attributes_of(task.attributes), target.known_worker) or "")
    return {
        "filter_name": found.name if found else None,
        "filter_number": "default" if position and position.filter == DEFAULT_FILTER else _number(position),
        "target_number": position.target + 1 if position else None,
        "targets": len(found.targets) if found else 0,
        "task_queue_sid": task.task_queue_sid,
        "task_queue_name": task.task_queue_friendly_name,
        "queue_expression": demand.queue.source,
        "target_expression": target.expression.source if target.expression else None,
        "order_by": target.order_text,
        "known_worker": known,
        "routing_target": task.directed_to,
        "priority": task.priority,
        "task_channel": task.task_channel_unique_name,
    }


def _number(position: Position | None) -> int | None:
    return None if position is None else position.filter + 1


def demand_of(task: Task, workflow: Workflow | None, *, per_channel: bool) -> Demand:
    """The task with what decides about it."""
    queue = compile_expression(task.task_queue_target_workers or "")
    return Demand(task, placing.target_of(task, workflow), queue, per_channel=per_channel)


def named_by(demand: Demand) -> list[str]:
    """SIDs of workers whom the task itself names."""
    found = [sid for sid in (demand.task.directed_to, demand.task.held_by) if sid]
    if demand.target.known_worker_sid is not None:
        known = walk(attributes_of(demand.task.attributes), demand.target.known_worker_sid)
        found += [known] if isinstance(known, str) else []
    return found


async def look(uow: UnitOfWork, workspace_sid: str, task_sid: str) -> None:
    """Record how a waiting task stands now, for somebody who asks; nothing where that is what was recorded last."""
    desk = await open_desk(uow, workspace_sid, [task_sid], holding=False)
    task = desk.tasks.get(task_sid)
    if task is None or task.assignment_status != "pending":
        return
    workflow = await placing.workflow_of(uow, task)
    channel = await store.task_channel(uow, workspace_sid, task.task_channel_sid)
    optimized = channel is not None and channel.channel_optimized_routing
    demand = demand_of(task, workflow, per_channel=optimized)
    found = await recorder(uow, workspace_sid, [demand], named_by(demand), examined=roster_store.BY_A_LOOK)
    found.record(desk, demand, workflow, ())
    await desk.write()
