"""A decision in words: at most three sentences, with friendly names, out of what was recorded and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from parlour.taskrouter.standing import (
    ACTIVITY,
    CAPACITY,
    CHANNEL,
    ELIGIBLE,
    EXPRESSION,
    HOLDS,
    KNOWN_WORKER,
    OTHER_TARGET,
    QUEUE,
)

DECIDED: Final = "routing.decided/1"
NAMED: Final = 3  # workers that a sentence names
MATCHING: Final = (ELIGIBLE, CAPACITY, CHANNEL, ACTIVITY)  # whom the queue and the target would take

Decision = Mapping[str, Any]
Worker = Mapping[str, Any]


def text(decision: Decision) -> str:
    """The decision in at most three sentences."""
    return " ".join(sentences(decision))


def sentences(decision: Decision) -> list[str]:
    """Where the task stood; who matched and who was chosen; why the others were passed over."""
    found = [_place(decision), _offered(decision) if decision["outcome"] == "offered" else _waiting(decision)]
    others = _passed_over(decision)
    return [*found, others] if others else found


def why(worker: Worker) -> str:
    """Why a worker was passed over, or that they could take the task."""
    return _WHY[worker["reason"]].format_map({**worker, "holding": _holding(worker)})


_WHY: Final = {
    ELIGIBLE: "can take it",
    CAPACITY: "is at capacity ({holding})",
    CHANNEL: "takes no {channel} tasks",
    ACTIVITY: "is {activity_name}",
    EXPRESSION: "does not meet the target's {clause}",
    QUEUE: "is not in the queue, which asks for {clause}",
    KNOWN_WORKER: "is not the agent whom the task names",
    OTHER_TARGET: "is not the agent for whom the task is",
    HOLDS: "is who transfers it",
}


def _holding(worker: Worker) -> str:
    return f"{worker['taken']} of {worker['capacity']} {worker['channel']} tasks"


def _place(decision: Decision) -> str:
    where = f"queue {decision['task_queue_name']}"
    if decision["filter_name"] is not None:
        where += f" by filter {decision['filter_name'] or decision['filter_number']}"
        if decision["targets"] > 1:
            where += f", target {decision['target_number']} of {decision['targets']}"
    return f"The task {'was' if decision['outcome'] == 'offered' else 'waits'} in {where}."


def _offered(decision: Decision) -> str:
    chosen = [each["worker_name"] for each in decision["workers"] if each["worker_sid"] in decision["chosen"]]
    rest = [each for each in decision["workers"] if _eligible(each) and each["worker_sid"] not in decision["chosen"]]
    first = f"It was offered to {_names(chosen, len(decision['chosen']))}"
    count = decision["reasons"].get(ELIGIBLE, 0)
    if not rest:
        return f"{first}, the only {'agent' if len(chosen) == 1 else 'agents'} who could take it."
    if decision["order_by"]:
        by = f"whom {decision['order_by']} puts first"
    else:
        by = "who waited longest" if len(chosen) == 1 else "who waited longest for a task"
    return f"{first}, {by} of {count} who could take it; next is {rest[0]['worker_name']}."


def _eligible(worker: Worker) -> bool:
    return bool(worker["reason"] == ELIGIBLE)


def _waiting(decision: Decision) -> str:
    if decision["known_worker"] is not None:
        return _waiting_for_known(decision)
    counts = {reason: decision["reasons"].get(reason, 0) for reason in MATCHING}
    matching = sum(counts.values())
    if matching == 0:
        return f"Nobody matches: {_nobody(decision)}."
    who = f"{matching} {'agent matches' if matching == 1 else 'agents match'}"
    states = [
        (counts[CAPACITY], "at capacity"),
        (counts[ACTIVITY], "not available"),
        (counts[CHANNEL], "taking no tasks of this channel"),
        (counts[ELIGIBLE], "about to be offered it"),
    ]
    present = [(count, state) for count, state in states if count]
    if len(present) == 1:
        all_of = "" if matching == 1 else "both " if matching == 2 else "all "
        state = f"{who}, {all_of}{present[0][1]}"
    else:
        state = f"{who}: " + ", ".join(f"{count} {each}" for count, each in present)
    longest = [each for each in decision["workers"] if each["reason"] in MATCHING]
    if matching > 1 and longest:
        state += f"; {min(longest, key=lambda each: each['idle_since'])['worker_name']} has waited longest"
    return f"{state}."


def _waiting_for_known(decision: Decision) -> str:
    named = [each for each in decision["workers"] if each["reason"] not in (KNOWN_WORKER, OTHER_TARGET)]
    if not named:
        known = decision["known_worker"] or "of an attribute that it does not have"
        return f"It is for the agent {known}, who is unknown."
    return f"It is for {named[0]['worker_name']} alone, who {why(named[0])}."


def _nobody(decision: Decision) -> str:
    total, examined = decision["workers_total"], decision["workers_examined"]
    if total == 0:
        return "the workspace has no agents"
    of = f"{total} agents" if examined == total else f"the {examined} agents looked at"
    by_target, by_queue = decision["reasons"].get(EXPRESSION, 0), decision["reasons"].get(QUEUE, 0)
    if by_target and by_queue:
        return f"of {of} {by_queue} are not in the queue and {by_target} do not meet the target's expression"
    if by_target:
        return f"none of {of} meets the target's expression"
    return f"none of {of} is in the queue"


def _passed_over(decision: Decision) -> str:
    """The nearest of those who were passed over, with their reasons."""
    others = [
        each for each in decision["workers"] if not _eligible(each) and each["worker_sid"] not in decision["chosen"]
    ]
    if decision["known_worker"] is not None and decision["outcome"] == "waiting":
        return ""
    if not others:
        return ""
    said = "; ".join(f"{each['worker_name']} {why(each)}" for each in others[:NAMED])
    more = sum(count for reason, count in decision["reasons"].items() if reason != ELIGIBLE) - len(others[:NAMED])
    return f"{said}{f'; and {more} more' if more > 0 else ''}."


def _names(names: Sequence[str], count: int) -> str:
    if count > len(names):
        return f"{', '.join(names)} and {count - len(names)} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
