"""Who gets what: the plan of one matching pass, without any database (taskrouter.md §2.5, §5.4, §5.5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from parlour.taskrouter.candidates import Queued, reserve
from parlour.taskrouter.idle import Idle


@dataclass(slots=True)
class Plan:
    """What a pass does.

    :ivar offers: (task, worker) in the order of the tasks.
    :ivar alone: tasks that found nobody.
    :ivar left: tasks that were not looked at, since the limit ended the plan.
    """

    offers: list[tuple[str, str]] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    left: Sequence[Queued] = ()


def in_order(queued: Iterable[Queued], preferred: str) -> list[Queued]:
    """The tasks as they are served: queues of the workspace's preferred order first (§2.5)."""
    return sorted(
        queued,
        key=lambda each: (each.demand.task.task_order != preferred, each.rank_priority, each.rank_time, each.sid),
    )


async def make_plan(
    queued: Sequence[Queued],
    idle: Idle,
    *,
    limit: int,
    now: datetime,
    hopeless: Iterable[tuple[str, bool]] = (),
) -> Plan:
    """Give each task in turn its best free workers; other work of the process goes on meanwhile.

    :param queued: in the order in which they are served.
    :param limit: offers at most.
    :param hopeless: groups of tasks for which nobody is there.
    """
    plan = Plan()
    alone = set(hopeless)
    for position, each in enumerate(queued):
        chosen = [] if each.group in alone else await idle.best(each)
        if not chosen:
            alone.add(each.group)
            plan.alone.append(each.sid)
            continue
        if len(plan.offers) + len(chosen) > limit and plan.offers:
            plan.left = queued[position:]
            break
        for candidate in chosen:
            plan.offers.append((each.sid, candidate.sid))
            reserve(candidate, each.demand.task, now)
            idle.last(candidate)
    return plan
