"""Where a worker stands towards a waiting task: eligible, or passed over for one reason (taskrouter.md §5.4).

The conditions are looked at in one order, and the first that does not hold is the reason: if it is removed, the worker
is eligible or the next one is.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from parlour.taskrouter.candidates import Candidate, Demand
from parlour.taskrouter.expression import Context, walk
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


Misfit = tuple[str, str | None]  # the reason, and the condition that does not hold


def misfits(demand: Demand, members: Sequence[Candidate]) -> list[Misfit | None]:
    """Why each worker is not among those of the task's target, None for those who are.

    The same for all tasks of a group, and kept for them, unless what workers hold decides about it.
    """
    if demand.reads_channels:
        return [_compare(demand, each) for each in members]
    group = (demand.task.group_key, demand.queue.source)
    return [_known(demand, group, each) for each in members]


def _known(demand: Demand, group: tuple[str, str], candidate: Candidate) -> Misfit | None:
    if candidate.attributes_version is None:
        return _compare(demand, candidate)
    who = (candidate.sid, candidate.attributes_version, candidate.friendly_name, candidate.built_in["activity_sid"])
    key = (*group, *who)
    if key not in _misfits:
        if len(_misfits) >= _KNOWN_MISFITS:
            _misfits.clear()
        _misfits[key] = _compare(demand, candidate)
    return _misfits[key]


def _compare(demand: Demand, candidate: Candidate) -> Misfit | None:
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


def _reason(demand: Demand, candidate: Candidate, misfit: Misfit | None) -> Misfit:
    if candidate.sid == demand.task.held_by:
        return HOLDS, None
    if demand.directed_to is None:
        return misfit or _free(demand, candidate)
    if candidate.sid != demand.directed_to:
        return OTHER_TARGET, None
    return (ELIGIBLE, None) if demand.task.ignore_capacity else _free(demand, candidate)


def _free(demand: Demand, candidate: Candidate) -> Misfit:
    load = candidate.channels.get(demand.task.task_channel_sid)
    if not candidate.available:
        return ACTIVITY, None
    if load is None or not load.available:
        return CHANNEL, None
    return (CAPACITY, None) if load.taken >= load.capacity else (ELIGIBLE, None)


def decision(
    demand: Demand,
    members: Sequence[Candidate],
    found: Sequence[Misfit | None],
    chosen: Sequence[str],
    total: int,
    place: dict[str, Any],
) -> dict[str, Any]:
    """What is kept of a decision: where the task stood, who was chosen, and how everybody else stood.

    :param members: the workers who were looked at, as they were.
    :param found: their misfits.
    :param chosen: SIDs of those who were offered the task.
    :param total: workers of the workspace.
    :param place: the task's place in its workflow.
    """
    reasons = [_reason(demand, each, misfit) for each, misfit in zip(members, found, strict=True)]
    counts: dict[str, int] = {}
    for reason, _ in reasons:
        counts[reason] = counts.get(reason, 0) + 1
    ordered = sorted(zip(members, reasons, strict=True), key=_nearness(demand, chosen))
    return {
        **place,
        "outcome": "offered" if chosen else "waiting",
        "chosen": list(chosen),
        "workers_total": total,
        "workers_examined": len(members),
        "reasons": counts,
        "workers": [msgspec.to_builtins(_standing(demand, *each)) for each in ordered[:RECORDED]],
    }


_ORDER: Final = (ELIGIBLE, CAPACITY, CHANNEL, ACTIVITY, EXPRESSION, QUEUE, KNOWN_WORKER, OTHER_TARGET, HOLDS)


def _nearness(demand: Demand, chosen: Sequence[str]) -> Callable[[tuple[Candidate, Misfit]], tuple[object, ...]]:
    """The chosen first, then those who miss least, the longest idle first."""

    def key(each: tuple[Candidate, Misfit]) -> tuple[object, ...]:
        candidate, (reason, _) = each
        declined = candidate.sid in demand.task.rejected_by
        since = _idle_since(demand, candidate)
        return candidate.sid not in chosen, _ORDER.index(reason), declined, since, candidate.sid

    return key


def _idle_since(demand: Demand, candidate: Candidate) -> int:
    load = candidate.channels.get(demand.task.task_channel_sid) if demand.per_channel else None
    return int((candidate.last_reserved if load is None else load.last_reserved).timestamp() * 1000)


def _standing(demand: Demand, candidate: Candidate, misfit: Misfit) -> Standing:
    reason, clause = misfit
    load = candidate.channels.get(demand.task.task_channel_sid)
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
        idle_since=_idle_since(demand, candidate),
    )
