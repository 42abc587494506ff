"""Who gets what: the plan of one matching pass, without any database (taskrouter.md §2.5, §5.4, §5.5)."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from parlour.taskrouter.expression import Context, Expression, Layered, walk
from parlour.taskrouter.rows import Task, attributes_of, percentage
from parlour.taskrouter.workflow import Target, order_key

COMPARED_AT_ONCE: Final = 5000  # tasks times workers, a few milliseconds


@dataclass(slots=True)
class Load:
    """A worker's channel within a pass; ``last_reserved`` is domain time."""

    unique_name: str
    capacity: int
    taken: int
    assigned: int
    available: bool
    last_reserved: datetime


@dataclass(slots=True, eq=False)
class Candidate:
    """A worker whom a pass may reserve.

    :ivar fresh: changed since waiting tasks were last compared with them.
    :ivar channels: by task channel SID.
    :ivar attributes_version: of the worker's attributes; None where it is not known.
    """

    sid: str
    friendly_name: str
    available: bool
    fresh: bool
    last_reserved: datetime
    attributes: Mapping[str, object]
    built_in: dict[str, object]
    channels: dict[str, Load]
    attributes_version: int | None = None
    context: Layered = field(init=False)

    def __post_init__(self) -> None:
        self.context = Layered(self.attributes, self.built_in)
        self.refresh()

    def refresh(self) -> None:
        """Bring the channel built-ins of expressions up to date (§4.2)."""
        self.built_in["channel"] = {
            load.unique_name: {
                "configured_capacity": load.capacity,
                "assigned_tasks": load.assigned,
                "available_capacity_percentage": percentage(load.taken, load.capacity),
            }
            for load in self.channels.values()
        }

    def free_for(self, task: Task) -> bool:
        """Whether the worker is available and has capacity on the task's channel (§5.4)."""
        load = self.channels.get(task.task_channel_sid)
        return self.available and load is not None and load.available and load.taken < load.capacity


@dataclass(frozen=True, slots=True)
class Demand:
    """A waiting task with what decides about it.

    :ivar fresh: not yet compared with the workers who are free.
    :ivar per_channel: idle time counts on the task's channel alone (channel_optimized_routing).
    """

    task: Task
    target: Target
    queue: Expression
    fresh: bool
    per_channel: bool = False

    @property
    def reads_channels(self) -> bool:
        """Whether it depends on what workers hold, which changes from one task to the next (§4.2)."""
        by_queue = any(path[:1] == ("channel",) for path in self.queue.references)
        expression = self.target.expression
        return by_queue or (
            expression is not None and any(path[:2] == ("worker", "channel") for path in expression.references)
        )


@dataclass(slots=True)
class Plan:
    """Offers (task, worker) in the order of the tasks; tasks that found nobody; whether the limit ended it."""

    offers: list[tuple[str, str]] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    full: bool = False


def in_order(demands: Iterable[Demand], preferred: str) -> list[Demand]:
    """The demands as they are served: queues of the workspace's preferred order first (§2.5)."""
    return sorted(
        demands,
        key=lambda each: (
            each.task.task_order != preferred,
            each.task.rank_priority,
            each.task.rank_time,
            each.task.sid,
        ),
    )


async def make_plan(demands: Sequence[Demand], candidates: Sequence[Candidate], *, limit: int, now: datetime) -> Plan:
    """Give each task in turn its best free workers; other work of the process goes on meanwhile.

    :param demands: in the order in which they are served.
    :param limit: offers at most.
    """
    compared = 0
    plan = Plan()
    hopeless: set[tuple[str, bool]] = set()  # groups for which nobody is left
    by_sid = {each.sid: each for each in candidates}
    idle = sorted(candidates, key=lambda each: (each.last_reserved, each.sid))
    for demand in demands:
        if (demand.task.group_key, demand.fresh) in hopeless:
            plan.alone.append(demand.task.sid)
            continue
        compared += len(idle)
        if compared > COMPARED_AT_ONCE:
            compared = 0
            await asyncio.sleep(0)
        chosen = _choose(demand, idle, by_sid)
        if not chosen:
            hopeless.add((demand.task.group_key, demand.fresh))
            plan.alone.append(demand.task.sid)
            continue
        if len(plan.offers) + len(chosen) > limit and plan.offers:
            plan.full = True
            return plan
        for candidate in chosen:
            plan.offers.append((demand.task.sid, candidate.sid))
            reserve(candidate, demand.task, now)
            idle.remove(candidate)
            idle.append(candidate)  # reserved now, so idle for the shortest time
    return plan


def reserve(candidate: Candidate, task: Task, now: datetime) -> None:
    """Count the task among what the candidate holds."""
    candidate.last_reserved = now
    load = candidate.channels.get(task.task_channel_sid)
    if load is not None:
        load.taken += 1
        load.last_reserved = now
        candidate.refresh()


def _choose(demand: Demand, idle: Sequence[Candidate], by_sid: Mapping[str, Candidate]) -> list[Candidate]:
    wanted = demand.task.max_reserved_workers
    target = demand.task.directed_to
    if target is not None and target.startswith("WK"):
        candidate = by_sid.get(target)
        if candidate is None:
            return []
        return [candidate] if demand.task.ignore_capacity or candidate.free_for(demand.task) else []
    accepts = _test(demand)
    fitting: list[Candidate] = []
    simple = not demand.target.order_by and not demand.task.rejected_by
    for candidate in sorted(idle, key=_idle(demand)) if demand.per_channel else idle:
        if candidate.sid == demand.task.held_by:
            continue
        if (demand.fresh or candidate.fresh) and candidate.free_for(demand.task) and accepts(candidate):
            fitting.append(candidate)
            if simple and len(fitting) == wanted:
                return fitting
    return fitting if simple else sorted(fitting, key=_rank(demand))[:wanted]


def _idle(demand: Demand) -> Callable[[Candidate], tuple[datetime, str]]:
    """Longest idle first: since the last reservation of any kind, or of the task's channel (§5.5)."""
    channel = demand.task.task_channel_sid
    if demand.per_channel:
        return lambda each: (
            each.channels[channel].last_reserved if channel in each.channels else each.last_reserved,
            each.sid,
        )
    return lambda each: (each.last_reserved, each.sid)


def _rank(demand: Demand) -> Callable[[Candidate], tuple[object, ...]]:
    """Those who declined the task last, then order_by, then longest idle (§4.5, §5.5)."""
    declined = {sid: index for index, sid in enumerate(demand.task.rejected_by)}
    idle = _idle(demand)
    return lambda each: (
        declined.get(each.sid, -1),
        order_key(demand.target.order_by, each.context),
        idle(each),
    )


def _test(demand: Demand) -> Callable[[Candidate], bool]:
    """Whether a worker is in the queue, meets the target's expression and is the known worker, if any (§3.2)."""
    target, queue = demand.target, demand.queue
    attributes = attributes_of(demand.task.attributes)
    known = walk(attributes, target.known_worker) if target.known_worker is not None else None

    def accepts(candidate: Candidate) -> bool:
        if target.known_worker is not None:
            name = candidate.sid if target.known_worker_sid is not None else candidate.friendly_name
            if known is None or name != known:
                return False
        if not queue.matches(candidate.context):
            return False
        if target.expression is None:
            return True
        context: Context = {"task": attributes, "worker": candidate.context}
        return target.expression.matches(context)

    return accepts
