"""A flow definition as the engine reads it (studio.md §1.1).

The stored definition stays the client's text; this is only the view of it that runs. `read` expects a
definition that `validation.check` found free of errors, and reads leniently what the contract tolerates:
unknown keys, exits without `next`, the empty `next`, a repeated event (the first one counts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of a split's exit; `value` is a template."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Transition:
    """One exit of a widget: the event that takes it and where it leads (None: the execution ends)."""

    event: str
    next: str | None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Widget:
    """One state of the definition."""

    name: str
    type: str
    transitions: tuple[Transition, ...]
    properties: Mapping[str, object]

    def exit(self, event: str) -> Transition | None:
        """Give the first transition of that event, or None when the widget does not list it."""
        return next((each for each in self.transitions if each.event == event), None)

    def text(self, name: str) -> str:
        """Give a property as template text; absent and null are empty, numbers are written out."""
        return as_text(self.properties.get(name))


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition, its widgets by name."""

    initial_state: str
    widgets: Mapping[str, Widget]
    description: str = ""

    def subflows(self) -> set[str]:
        """Give the SIDs of the flows that it runs inside itself."""
        return {each.text("flow_sid") for each in self.widgets.values() if each.type == "run-subflow"}


def as_text(value: object) -> str:
    """Write a scalar of a definition as template text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def read(raw: Mapping[str, object]) -> Definition:
    """Read a valid definition.

    Params: `raw`, the decoded JSON object. Reference: studio.md §1.1.
    """
    widgets: dict[str, Widget] = {}
    for state in _objects(raw.get("states")):
        widget = _widget(state)
        widgets.setdefault(widget.name, widget)
    return Definition(
        initial_state=as_text(raw.get("initial_state")),
        widgets=widgets,
        description=as_text(raw.get("description")),
    )


def _widget(state: Mapping[str, object]) -> Widget:
    properties = state.get("properties")
    return Widget(
        name=as_text(state.get("name")),
        type=as_text(state.get("type")),
        transitions=tuple(_transition(each) for each in _objects(state.get("transitions"))),
        properties=properties if isinstance(properties, Mapping) else {},
    )


def _transition(raw: Mapping[str, object]) -> Transition:
    return Transition(
        event=as_text(raw.get("event")),
        next=as_text(raw.get("next")) or None,
        conditions=tuple(
            Condition(type=as_text(each.get("type")), value=as_text(each.get("value")))
            for each in _objects(raw.get("conditions"))
        ),
    )


def _objects(value: object) -> Sequence[Mapping[str, object]]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return [each for each in value if isinstance(each, Mapping)]


def pairs(value: object) -> Sequence[Mapping[str, object]]:
    """Give the objects of a `[{key, value}]` property."""
    return _objects(value)
