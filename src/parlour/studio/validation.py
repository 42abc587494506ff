"""The check of a flow definition: findings with the contract's texts and pointers (studio.md §1.2).

What the contract itself refuses is always an error. What only this installation cannot do, a widget type
it does not know or a foreign SID that was not mapped, is a warning on a draft and an error on publication.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from parlour.studio.catalogue import CONDITION_TYPES, REVISION_NAMES, WIDGET_TYPES, Property, WidgetType
from parlour.studio.coherence import cohere
from parlour.studio.findings import Finding, Report
from parlour.studio.templates import MARKUP

__all__ = ["Finding", "Report", "check"]

SCHEMA: Final = "https://schemas.twilio.com/studio/draft/2019-09/flow-definition"
MAX_STATES: Final = 1000
MISSING: Final = "is missing but it is required"
NAME: Final = re.compile(r"[A-Za-z][^\s.]*\Z")


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
        cohere([each for each in states if isinstance(each, Mapping)], str(raw.get("initial_state")), report)
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
