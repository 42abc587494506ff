"""What must hold between the widgets of a definition whose parts are right (studio.md §1.2, §2.3.8, §3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from parlour.studio.findings import Finding, Report

State = Mapping[str, object]

MAX_SUBFLOW_WIDGETS: Final = 150
MAX_SUBFLOWS: Final = 50
BEGUN_BY_REST: Final = frozenset({"incomingRequest", "incomingParent"})


def cohere(states: Sequence[State], initial: str, report: Report) -> None:
    """Look at the whole: which triggers reach a widget, how many subflows there are, and stale arguments.

    Params: `states`, each of the published shape.
    """
    _trigger_compatibility(states, initial, report)
    _subflows(states, report)
    _stale_arguments(states, report)


def _trigger_compatibility(states: Sequence[State], initial: str, report: Report) -> None:
    """Start- and resume-conversation only stand where the REST trigger leads."""
    by_name = {str(each["name"]): each for each in states}
    first = by_name.get(initial, {})
    by_rest = reachable(by_name, first, lambda event: event in BEGUN_BY_REST)
    otherwise = reachable(by_name, first, lambda event: event not in BEGUN_BY_REST)
    for index, state in enumerate(states):
        if state.get("type") not in ("start-conversation", "resume-conversation"):
            continue
        name = str(state["name"])
        if name in otherwise and name not in by_rest:
            message = f"{state['type']} can only be used in flows triggered by the REST API"
            report.error(message, f"#/states/{index}/type")


def _subflows(states: Sequence[State], report: Report) -> None:
    revisions: dict[str, str] = {}
    count = 0
    for index, state in enumerate(states):
        properties = state.get("properties")
        if state.get("type") != "run-subflow" or not isinstance(properties, Mapping):
            continue
        count += 1
        sid, revision = str(properties.get("flow_sid")), str(properties.get("flow_revision"))
        if revisions.setdefault(sid, revision) != revision:
            message = f"{sid} is used with revision {revisions[sid]} by another widget"
            report.error(message, f"#/states/{index}/properties/flow_revision")
    if count > MAX_SUBFLOW_WIDGETS:
        report.error(f"must have at most {MAX_SUBFLOW_WIDGETS} run-subflow widgets but found {count}", "#/states")
    if len(revisions) > MAX_SUBFLOWS:
        report.error(f"must have at most {MAX_SUBFLOWS} subflows but found {len(revisions)}", "#/states")


def _stale_arguments(states: Sequence[State], report: Report) -> None:
    """Warn where the copy of a split's input in a condition is old: the input is what is compared."""
    for index, state in enumerate(states):
        properties = state.get("properties")
        subject = properties.get("input") if isinstance(properties, Mapping) else None
        if state.get("type") != "split-based-on" or not isinstance(subject, str):
            continue
        for number, transition in enumerate(_objects(state.get("transitions"))):
            for place, condition in enumerate(_objects(transition.get("conditions"))):
                arguments = condition.get("arguments")
                if isinstance(arguments, list) and arguments and arguments[0] not in ("", subject):
                    path = f"#/states/{index}/transitions/{number}/conditions/{place}/arguments/0"
                    report.warnings.append(Finding(f"differs from the input, which is compared: {subject}", path))


def _objects(value: object) -> list[State]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def targets(state: State) -> Iterator[tuple[str, str]]:
    """Give the wired exits of a state: event and name of the next."""
    for each in _objects(state.get("transitions")):
        if each.get("next"):
            yield str(each.get("event")), str(each["next"])


def reachable(by_name: Mapping[str, State], first: State, wanted: Callable[[str], bool]) -> set[str]:
    """Give the names of the states to which some exits of the first lead, at once or later."""
    seen: set[str] = set()
    waiting = [target for event, target in targets(first) if wanted(event)]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(target for _, target in targets(by_name.get(name, {})))
    return seen
