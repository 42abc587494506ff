"""The free workers of one matching pass, and the best of them for a task (taskrouter.md §5.4, §5.5)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Final

from parlour.taskrouter.candidates import Candidate, Demand, Queued
from parlour.taskrouter.expression import Context, walk
from parlour.taskrouter.rows import attributes_of
from parlour.taskrouter.workflow import order_key

COMPARED_AT_ONCE: Final = 500  # tasks times workers, a few milliseconds

Further = Callable[[], Awaitable[Iterable[Candidate]]]
Accepts = Callable[[Candidate], bool]


class Idle:
    """Free workers, the longest idle first; those further back are read when somebody needs them.

    :param named: workers whom tasks are directed to.
    :param changed: those who are free since waiting tasks were last compared with the free ones.
    :param nearest: the longest idle of all, without a gap.
    :param further: reads all free workers, None where `nearest` has all.
    """

    def __init__(
        self,
        *,
        nearest: Sequence[Candidate],
        changed: Sequence[Candidate] = (),
        named: Sequence[Candidate] = (),
        further: Further | None = None,
    ) -> None:
        self._by_sid: dict[str, Candidate] = {}
        for each in chain(named, changed, nearest):
            self._by_sid.setdefault(each.sid, each)
        self._changed = sorted((self._by_sid[each.sid] for each in changed), key=_since)
        self._free = sorted((self._by_sid[each.sid] for each in nearest), key=_since)
        self._reserved: list[Candidate] = []  # in this pass: behind all others, known or not
        self._further = further
        self._accepting: dict[str, Accepts] = {}
        self._compared = 0

    async def best(self, queued: Queued) -> list[Candidate]:
        """Return whom the task is to be offered to, at most as many as its queue reserves at once."""
        demand = queued.demand
        if demand.directed_to is not None:
            return self._directed(demand)
        wanted = demand.task.max_reserved_workers
        by_idleness = not demand.target.order_by and not queued.rejected_by and not demand.per_channel
        most = wanted if by_idleness else None
        if not queued.fresh:
            fitting = await self._fitting(demand, self._changed, most)
        else:
            fitting = await self._fitting(demand, self._free, most) if by_idleness and self._further else []
            if len(fitting) < wanted:
                await self._read_all()
                fitting = await self._fitting(demand, chain(self._free, self._reserved), most)
        return fitting if by_idleness else sorted(fitting, key=_rank(queued))[:wanted]

    async def fits_nobody(self, demand: Demand, *, fresh: bool) -> bool:
        """Say whether nobody comes into question for a group; where channels are read, that may change in the pass."""
        if demand.reads_channels:
            return False
        if demand.directed_to is not None:
            return not self._directed(demand)
        if not fresh:
            return not await self._fitting(demand, self._changed, 1)
        if self._further is not None and await self._fitting(demand, self._free, 1):
            return False
        await self._read_all()
        return not await self._fitting(demand, self._free, 1)

    def room(self) -> int:
        """Return how many more tasks the workers who changed have room for, on all channels that were read of them."""
        loads = (load for each in self._changed for load in each.channels.values())
        return sum(max(load.capacity - load.taken, 0) for load in loads)

    def last(self, candidate: Candidate) -> None:
        """Put a worker who was reserved now behind all others."""
        for known in (self._free, self._reserved):
            if candidate in known:
                known.remove(candidate)
        self._reserved.append(candidate)
        if candidate in self._changed:
            self._changed.remove(candidate)
            self._changed.append(candidate)

    async def _read_all(self) -> None:
        if self._further is None:
            return
        found = [self._by_sid.setdefault(each.sid, each) for each in await self._further()]
        self._further = None
        reserved = {each.sid for each in self._reserved}
        self._free = sorted((each for each in found if each.sid not in reserved), key=_since)

    def _directed(self, demand: Demand) -> list[Candidate]:
        candidate = self._by_sid.get(demand.directed_to or "")
        if candidate is None:
            return []
        return [candidate] if demand.task.ignore_capacity or candidate.free_for(demand.task) else []

    async def _fitting(self, demand: Demand, among: Iterable[Candidate], most: int | None) -> list[Candidate]:
        """The first of them who are free for the task and whom it takes; other work goes on meanwhile."""
        task = demand.task
        accepts = self._accepting.get(task.group_key)
        if accepts is None:
            accepts = self._accepting[task.group_key] = _acceptance(demand)
        found: list[Candidate] = []
        for candidate in among:
            self._compared += 1
            if self._compared % COMPARED_AT_ONCE == 0:
                await asyncio.sleep(0)
            if candidate.sid != task.held_by and candidate.free_for(task) and accepts(candidate):
                found.append(candidate)
                if len(found) == most:
                    break
        return found


def _since(candidate: Candidate) -> tuple[datetime, str]:
    return candidate.last_reserved, candidate.sid


def _rank(queued: Queued) -> Callable[[Candidate], tuple[object, ...]]:
    """Those who declined the task last, then order_by, then longest idle (§4.5, §5.5)."""
    demand = queued.demand
    declined = {sid: index for index, sid in enumerate(queued.rejected_by)}
    channel = demand.task.task_channel_sid

    def idle(each: Candidate) -> tuple[datetime, str]:
        load = each.channels.get(channel) if demand.per_channel else None
        return (each.last_reserved if load is None else load.last_reserved), each.sid

    return lambda each: (declined.get(each.sid, -1), order_key(demand.target.order_by, each.context), idle(each))


def _acceptance(demand: Demand) -> Accepts:
    """Whether a worker is in the queue, meets the target's expression and is the known worker, if any (§3.2).

    It is asked once for each worker, unless the answer changes with what they hold.
    """
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

    if demand.reads_channels:
        return accepts
    answers: dict[str, bool] = {}

    def remembered(candidate: Candidate) -> bool:
        answer = answers.get(candidate.sid)
        if answer is None:
            answer = answers[candidate.sid] = accepts(candidate)
        return answer

    return remembered
