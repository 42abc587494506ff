"""Where a worker stands towards a waiting task: eligible, or passed over for one reason (taskrouter.md §5.4).

The conditions are looked at in one order, and the first that does not hold is the reason: if it is removed, the worker
is eligible or the next one is.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from parlour.taskrouter.expression import Context, walk
from parlour.taskrouter.planning import Candidate, Demand
from parlour.taskrouter.rows import attributes_of

ELIGIBLE: Final = ""
OTHER_TARGET: Final = "routing_target"
KNOWN_WORKER: Final = "known_worker"
QUEUE: Final = "queue"
EXPRESSION: Final = "expression"
ACTIVITY: Final = "activity"
CHANNEL: Final = "channel"
CAPACITY: Final = "capacity"
HOLDS: Final = "holds"
RECORDED: Final = 20  # workers of a decision that are kept by name
_KNOWN_MISFITS: Final = 50_000
_misfits: dict[tuple[object, ...], tuple[str, str | None] | None] = {}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A worker at the moment of a decision.

    :ivar reason: one of the above; `ELIGIBLE` for nobody to be passed over.
    :ivar clause: the condition that does not hold, where the reason is one.
    :ivar taken: reservations that the worker holds on the task's channel, of `capacity`.
    :ivar declined: whether the worker let an offer of this task go.
    :ivar idle_since: epoch milliseconds of the last reservation that counts.
    """

    worker_sid: str
    worker_name: str
    reason: str
    clause: str | None = None
    activity_name: str
    available: bool
    channel: str
    taken: int
    capacity: int
    declined: bool
    idle_since: int


def standing(demand: Demand, candidate: Candidate) -> Standing:
    """Compare one worker with the task."""
    reason, clause = _reason(demand, candidate)
    load = candidate.channels.get(demand.task.task_channel_sid)
    idle = load.last_reserved if demand.per_channel and load is not None else candidate.last_reserved
    return Standing(
        worker_sid=candidate.sid,
        worker_name=candidate.friendly_name,
        reason=reason,
        clause=clause,
        activity_name=str(candidate.built_in["activity_name"]),
        available=candidate.available,
        channel=demand.task.task_channel_unique_name,
        taken=load.taken if load is not None else 0,
        capacity=load.capacity if load is not None and load.available else 0,
        declined=candidate.sid in demand.task.rejected_by,
        idle_since=int(idle.timestamp() * 1000),
    )


def _reason(demand: Demand, candidate: Candidate) -> tuple[str, str | None]:
    task = demand.task
    if candidate.sid == task.held_by:
        return HOLDS, None
    directed = task.directed_to if task.directed_to and task.directed_to.startswith("WK") else None
    if directed is not None:
        if candidate.sid != directed:
            return OTHER_TARGET, None
        return (ELIGIBLE, None) if task.ignore_capacity else _free(demand, candidate)
    return _misfit(demand, candidate) or _free(demand, candidate)


def _misfit(demand: Demand, candidate: Candidate) -> tuple[str, str | None] | None:
    """Why the worker is not among those of the task's target; the same for all tasks of a group and kept for them."""
    if demand.reads_channels or candidate.attributes_version is None:
        return _compare(demand, candidate)
    who = (candidate.sid, candidate.attributes_version, candidate.friendly_name, candidate.built_in["activity_sid"])
    key = (demand.task.group_key, demand.queue.source, *who)
    if key not in _misfits:
        if len(_misfits) >= _KNOWN_MISFITS:
            _misfits.clear()
        _misfits[key] = _compare(demand, candidate)
    return _misfits[key]


def _compare(demand: Demand, candidate: Candidate) -> tuple[str, str | None] | None:
    target = demand.target
    attributes = attributes_of(demand.task.attributes)
    if target.known_worker is not None:
        known = walk(attributes, target.known_worker)
        name = candidate.sid if target.known_worker_sid is not None else candidate.friendly_name
        if known is None or known != name:
            return KNOWN_WORKER, None
    clause = demand.queue.failing(candidate.context)
    if clause is not None:
        return QUEUE, clause
    context: Context = {"task": attributes, "worker": candidate.context}
    clause = target.expression.failing(context) if target.expression is not None else None
    return None if clause is None else (EXPRESSION, clause)


def _free(demand: Demand, candidate: Candidate) -> tuple[str, str | None]:
    load = candidate.channels.get(demand.task.task_channel_sid)
    if not candidate.available:
        return ACTIVITY, None
    if load is None or not load.available:
        return CHANNEL, None
    return (CAPACITY, None) if load.taken >= load.capacity else (ELIGIBLE, None)


def decision(
    demand: Demand, members: Sequence[Candidate], chosen: Sequence[str], total: int, place: dict[str, Any]
) -> dict[str, Any]:
    """What is kept of a decision: where the task stood, who was chosen, and how everybody else stood.

    :param members: the workers who were looked at, as they were.
    :param chosen: SIDs of those who were offered the task.
    :param total: workers of the workspace.
    :param place: the task's place in its workflow.
    """
    found = [standing(demand, each) for each in members]
    counts: dict[str, int] = {}
    for each in found:
        counts[each.reason] = counts.get(each.reason, 0) + 1
    ordered = sorted(found, key=_nearness(chosen))
    return {
        **place,
        "outcome": "offered" if chosen else "waiting",
        "chosen": list(chosen),
        "workers_total": total,
        "workers_examined": len(found),
        "reasons": counts,
        "workers": [msgspec.to_builtins(each) for each in ordered[:RECORDED]],
    }


_ORDER: Final = (ELIGIBLE, CAPACITY, CHANNEL, ACTIVITY, EXPRESSION, QUEUE, KNOWN_WORKER, OTHER_TARGET, HOLDS)


def _nearness(chosen: Sequence[str]) -> Callable[[Standing], tuple[object, ...]]:
    """The chosen first, then those who miss least, the longest idle first."""
    return lambda each: (
        each.worker_sid not in chosen,
        _ORDER.index(each.reason),
        each.declined,
        each.idle_since,
        each.worker_sid,
    )
