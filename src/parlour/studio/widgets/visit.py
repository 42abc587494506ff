"""What a widget is given while it runs, and how it says what comes next (studio.md §2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from parlour.studio.definition import Transition, Widget, as_text, pairs
from parlour.studio.execution import Command, Event, ExecutionState, Json, LogEntry
from parlour.studio.templates import Scene, TemplateError, evaluate, render

MAX_NUMBER: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave by an event; `output` goes under `widgets.<name>`, None writes nothing."""

    event: str
    output: Json | None = None


@dataclass(frozen=True, slots=True)
class LeaveTo:
    """Leave by an event whose transition the widget chose itself (a split)."""

    event: str
    transition: Transition | None


@dataclass(frozen=True, slots=True)
class Ask:
    """Wait for the answer to a command."""

    command: Command
    pending: Literal["send", "enqueue", "call", "subflow", "conversation"]


@dataclass(frozen=True, slots=True)
class AwaitReply:
    """Wait for a reply, at most so many seconds; `output` goes under `widgets.<name>` at once."""

    seconds: int
    message_sid: str
    output: Json


@dataclass(frozen=True, slots=True)
class Stay:
    """The event does not concern the widget; nothing changes."""


Outcome = Leave | LeaveTo | Ask | AwaitReply | Stay


class Behaviour(Protocol):
    """The behaviour of one widget type."""

    def enter(self, visit: Visit) -> Outcome:
        """Run from the start."""

    def resume(self, visit: Visit, event: Event) -> Outcome:
        """Take an event while inside."""


@dataclass(slots=True)
class Visit:
    """One run of one widget."""

    widget: Widget
    state: ExecutionState
    scene: Scene
    log: list[LogEntry] = field(default_factory=list)

    def warn(self, code: int, message: str) -> None:
        """Log a warning on this step."""
        self.log.append(LogEntry(code, "warning", message, self.widget.name))

    def fail(self, code: int, message: str) -> None:
        """Log an error on this step."""
        self.log.append(LogEntry(code, "error", message, self.widget.name))

    def text(self, name: str) -> str:
        """Render a property; a template that fails is empty and logged as 81018 (studio.md §4.3)."""
        return self.render(self.widget.text(name), name)

    def render(self, source: str, name: str) -> str:
        """Render any template text of the property `name`."""
        try:
            return render(source, self.scene)
        except TemplateError as error:
            self.warn(81018, f"{name}: {error}")
            return ""

    def value(self, source: str, name: str) -> object:
        """Give a template's value as JSON data. Errors: ValueError when it is none."""
        try:
            return evaluate(source, self.scene)
        except TemplateError as error:
            self.warn(81018, f"{name}: {error}")
            raise ValueError(str(error)) from error

    def named_values(self, name: str, into: Json | None = None) -> Json:
        """Evaluate a `[{key, value, type}]` property; each value is seen by the templates of the next through `into`.

        Rendered text loses the white space that templates leave around it (studio.md §2.3.5).
        """
        values: Json = {}
        for each in pairs(self.widget.properties.get(name)):
            key, source = as_text(each.get("key")), as_text(each.get("value"))
            typed = each.get("type") == "json_object" or each.get("parse_as_json") is True
            values[key] = self._typed(key, source) if typed else self._trimmed(key, source)
            if into is not None:
                into[key] = values[key]
        return values

    def parameters(self) -> list[tuple[str, str]]:
        """Render the keys and values of `parameters`."""
        return [
            (self.render(as_text(each.get("key")), "parameters"), self.render(as_text(each.get("value")), "parameters"))
            for each in pairs(self.widget.properties.get("parameters"))
        ]

    def _trimmed(self, key: str, source: str) -> str:
        rendered = self.render(source, key)
        return rendered.strip() if rendered != source else rendered

    def _typed(self, key: str, source: str) -> object:
        try:
            value = self.value(source, key)
        except ValueError:
            self.warn(81027, f"{key} does not parse as a JSON object; it is kept as text")
            return self._trimmed(key, source)
        return "" if value is None else value

    def earlier(self) -> Json:
        """Give what an earlier run of this widget wrote."""
        return as_object(as_object(self.state.context.get("widgets")).get(self.widget.name))

    def whole_number(self, name: str) -> int | None:
        """Render a property that holds a whole number; None when it is blank or no number."""
        text = self.text(name).strip()
        try:
            number = int(float(text)) if text else None
        except (ValueError, OverflowError):
            number = MAX_NUMBER + 1
        if number is not None and abs(number) > MAX_NUMBER:
            self.warn(81027, f'{name}: "{text[:64]}" is not a number in its range')
            return None
        return number


def as_object(value: object) -> Json:
    """Give a mapping with text keys as a new dict; anything else is empty."""
    return {str(key): each for key, each in value.items()} if isinstance(value, Mapping) else {}
