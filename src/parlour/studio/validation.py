"""The check of a flow definition: findings with the contract's texts and pointers (studio.md §1.2).

What the contract itself refuses is always an error. What only this installation cannot do, a widget type
it does not know or a foreign SID that was not mapped, is a warning on a draft and an error on publication.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from parlour.studio.catalogue import CONDITION_TYPES, REVISION_NAMES, WIDGET_TYPES, Property, WidgetType
from parlour.studio.templates import MARKUP

SCHEMA: Final = "https://schemas.twilio.com/studio/draft/2019-09/flow-definition"
MAX_STATES: Final = 1000
MISSING: Final = "is missing but it is required"
NAME: Final = re.compile(r"[A-Za-z][^\s.]*\Z")


@dataclass(frozen=True, slots=True)
class Finding:
    """One message about one place of the definition; `path` is a JSON pointer with a leading `#`."""

    message: str
    path: str

    def wire(self) -> dict[str, str]:
        """Give the finding as the contract writes it."""
        return {"message": self.message, "property_path": self.path}


@dataclass(slots=True)
class Report:
    """What a check found. `foreign` are the findings that only refuse a publication."""

    errors: list[Finding] = field(default_factory=list)
    foreign: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    def error(self, message: str, path: str) -> None:
        """Record an error."""
        self.errors.append(Finding(message, path))


def check(raw: object) -> Report:
    """Check a definition without knowing the account it is for.

    Params: `raw`, the decoded JSON. Reference: studio.md §1.1, §1.2.
    """
    report = Report()
    if not isinstance(raw, Mapping):
        report.error(f"{_type_of(raw)} found, object expected", "#")
        return report
    _envelope(raw, report)
    states = raw.get("states")
    if not isinstance(states, list):
        return report
    names = _names(states, report)
    initial = raw.get("initial_state")
    if isinstance(initial, str) and initial and initial not in names:
        report.error(f'"{initial}" does not name a state', "#/initial_state")
    for index, state in enumerate(states):
        if isinstance(state, Mapping):
            _state(state, f"#/states/{index}", names, report)
    if not report.errors:
        _trigger_compatibility(states, str(raw.get("initial_state")), report)
    return report


def _type_of(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for python, name in ((str, "string"), (int, "integer"), (float, "number"), (list, "array")):
        if isinstance(value, python):
            return name
    return "object"


def _expect(value: object, expected: str, path: str, report: Report) -> bool:
    """Record the contract's text when a present value has another JSON type."""
    if value is None:
        report.error("must not be null", path)
        return False
    found = _type_of(value)
    if found == expected:
        return True
    report.error(f"{found} found, {expected} expected", path)
    return False


def _one_of(value: object, allowed: Sequence[str], path: str, report: Report) -> None:
    if value not in allowed:
        report.error(f"does not have a value in the enumeration [{', '.join(allowed)}]", path)


def _envelope(raw: Mapping[str, object], report: Report) -> None:
    if "description" in raw:
        _expect(raw["description"], "string", "#/description", report)
    if "$schema" in raw and raw["$schema"] != SCHEMA:
        report.error(f"must be a constant value {SCHEMA}", "#/$schema")
    _flags(raw, report)
    if "states" not in raw:
        report.error(MISSING, "#/states")
    elif _expect(raw["states"], "array", "#/states", report):
        states = raw["states"]
        count = len(states) if isinstance(states, list) else 0
        if not 1 <= count <= MAX_STATES:
            report.error(f"must have between 1 and {MAX_STATES} items but found {count}", "#/states")
    initial = raw.get("initial_state")
    if "initial_state" not in raw:
        report.error(MISSING, "#/initial_state")
    elif _expect(initial, "string", "#/initial_state", report) and initial == "":
        report.error("must be at least 1 characters long", "#/initial_state")


def _flags(raw: Mapping[str, object], report: Report) -> None:
    if "flags" not in raw or not _expect(raw["flags"], "object", "#/flags", report):
        return
    flags = raw["flags"]
    path = "#/flags/allow_concurrent_calls"
    if isinstance(flags, Mapping):
        if "allow_concurrent_calls" not in flags:
            report.error(MISSING, path)
        else:
            _expect(flags["allow_concurrent_calls"], "boolean", path, report)


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _names(states: Sequence[object], report: Report) -> set[str]:
    names: set[str] = set()
    for index, state in enumerate(states):
        path = f"#/states/{index}"
        if not isinstance(state, Mapping):
            _expect(state, "object", path, report)
            continue
        name = state.get("name")
        if "name" not in state:
            report.error(MISSING, f"{path}/name")
        elif _expect(name, "string", f"{path}/name", report) and isinstance(name, str):
            if not NAME.match(name):
                report.error("must start with a letter and hold no spaces or periods", f"{path}/name")
            if name in names:
                report.error(f'"{name}" is the name of another state', f"{path}/name")
            names.add(name)
    return names


def _state(state: Mapping[str, object], path: str, names: set[str], report: Report) -> None:
    kind = _widget_type(state, path, report)
    transitions = state.get("transitions")
    if "transitions" not in state:
        report.error(MISSING, f"{path}/transitions")
    elif _expect(transitions, "array", f"{path}/transitions", report):
        for index, transition in enumerate(_list(transitions)):
            _transition(transition, f"{path}/transitions/{index}", kind, names, report)
    properties = state.get("properties", {})
    if not _expect(properties, "object", f"{path}/properties", report):
        return
    if kind is not None and isinstance(properties, Mapping):
        _properties(properties, f"{path}/properties", kind, report)


def _widget_type(state: Mapping[str, object], path: str, report: Report) -> WidgetType | None:
    value = state.get("type")
    if "type" not in state:
        report.error(MISSING, f"{path}/type")
        return None
    if not _expect(value, "string", f"{path}/type", report):
        return None
    kind = WIDGET_TYPES.get(str(value))
    if kind is None:
        message = f"does not have a value in the enumeration [{', '.join(WIDGET_TYPES)}]"
        report.foreign.append(Finding(f'{message}: widget {state.get("name")}, "{value}"', f"{path}/type"))
    return kind


def _transition(raw: object, path: str, kind: WidgetType | None, names: set[str], report: Report) -> None:
    if not _expect(raw, "object", path, report) or not isinstance(raw, Mapping):
        return
    event = raw.get("event")
    if "event" not in raw:
        report.error(MISSING, f"{path}/event")
    elif _expect(event, "string", f"{path}/event", report) and kind is not None and kind.events is not None:
        _one_of(event, kind.events, f"{path}/event", report)
        if kind.name == "split-based-on" and event == "match" and not raw.get("conditions"):
            report.error(MISSING, f"{path}/conditions")
    target = raw.get("next")
    if (
        target is not None
        and _expect(target, "string", f"{path}/next", report)
        and target != ""
        and target not in names
    ):
        report.error(f'"{target}" does not name a state', f"{path}/next")
    if "conditions" in raw and _expect(raw["conditions"], "array", f"{path}/conditions", report):
        for index, condition in enumerate(_list(raw["conditions"])):
            _condition(condition, f"{path}/conditions/{index}", report)


def _condition(raw: object, path: str, report: Report) -> None:
    if not _expect(raw, "object", path, report) or not isinstance(raw, Mapping):
        return
    for name, expected in (
        ("friendly_name", "string"),
        ("arguments", "array"),
        ("type", "string"),
        ("value", "string"),
    ):
        if name not in raw:
            report.error(MISSING, f"{path}/{name}")
        elif _expect(raw[name], expected, f"{path}/{name}", report) and name == "type":
            _one_of(raw[name], CONDITION_TYPES, f"{path}/{name}", report)


def _properties(raw: Mapping[str, object], path: str, kind: WidgetType, report: Report) -> None:
    for name, rule in kind.properties.items():
        if name not in raw:
            if rule.required:
                report.error(MISSING, f"{path}/{name}")
        elif raw[name] is None:
            if rule.required:
                report.error("must not be null", f"{path}/{name}")
        else:
            _property(raw[name], f"{path}/{name}", rule, report)
    if kind.name == "run-subflow" and isinstance(raw.get("flow_revision"), str):
        revision = str(raw["flow_revision"])
        if not revision.isdigit():
            _one_of(revision, REVISION_NAMES, f"{path}/flow_revision", report)


def _property(value: object, path: str, rule: Property, report: Report) -> None:
    if rule.kind == "number":
        _number(value, path, report)
    elif rule.kind == "pairs":
        _pairs(value, path, report)
    elif _expect(value, rule.kind, path, report):
        if rule.literal_sid:
            _literal_sid(str(value), rule.literal_sid, path, report)
        elif rule.values and value != "":
            _one_of(value, rule.values, path, report)


def _number(value: object, path: str, report: Report) -> None:
    """Exports hold numbers as integers and as text; text may also be a template."""
    if isinstance(value, str):
        if value.strip() and not MARKUP.search(value) and not _is_number(value):
            report.error("string found, number expected", path)
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        report.error(f"{_type_of(value)} found, string expected", path)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text == "auto"
    return True


def _pairs(value: object, path: str, report: Report) -> None:
    if not _expect(value, "array", path, report):
        return
    for index, each in enumerate(_list(value)):
        where = f"{path}/{index}"
        if not _expect(each, "object", where, report) or not isinstance(each, Mapping):
            continue
        if "key" not in each:
            report.error(MISSING, f"{where}/key")
        elif each["key"] is not None:
            _expect(each["key"], "string", f"{where}/key", report)
        if each.get("value") is not None:
            _expect(each["value"], "string", f"{where}/value", report)
        if "type" in each:
            _one_of(each["type"], ("string", "json_object"), f"{where}/type", report)


def _literal_sid(value: str, prefix: str, path: str, report: Report) -> None:
    if not re.fullmatch(rf"{prefix}[0-9a-fA-F]{{32}}|\$\{{[^}}]*\}}", value):
        report.error("must be a valid, non-liquid flow sid", path)


def _trigger_compatibility(states: Sequence[object], initial: str, report: Report) -> None:
    """Start- and resume-conversation only stand where the REST trigger leads (studio.md §1.2)."""
    by_name = {str(each["name"]): each for each in states if isinstance(each, Mapping)}
    first = by_name.get(initial, {})
    by_rest = _reachable(by_name, first, lambda event: event in ("incomingRequest", "incomingParent"))
    otherwise = _reachable(by_name, first, lambda event: event not in ("incomingRequest", "incomingParent"))
    for index, state in enumerate(states):
        if not isinstance(state, Mapping) or state.get("type") not in (
            "start-conversation",
            "resume-conversation",
        ):
            continue
        name = str(state["name"])
        if name in otherwise and name not in by_rest:
            message = f"{state['type']} can only be used in flows triggered by the REST API"
            report.error(message, f"#/states/{index}/type")


def _targets(state: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for each in _list(state.get("transitions")):
        if isinstance(each, Mapping) and each.get("next"):
            yield str(each.get("event")), str(each["next"])


def _reachable(
    by_name: Mapping[str, Mapping[str, object]], first: Mapping[str, object], wanted: Callable[[str], bool]
) -> set[str]:
    seen: set[str] = set()
    waiting = [target for event, target in _targets(first) if wanted(event)]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(target for _, target in _targets(by_name.get(name, {})))
    return seen
