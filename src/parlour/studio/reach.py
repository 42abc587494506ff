"""What a flow can come to: the widgets and transitions that messages and REST reach (studio.md §2, §6.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from parlour.studio.definition import Definition, Widget
from parlour.studio.widgets.registry import BEHAVIOURS, failure_event

TRIGGERS: Final[Mapping[str, str]] = {
    "conversation": "incomingConversationMessage",
    "message": "incomingMessage",
    "request": "incomingRequest",
}
"""Ways in which an execution begins here, and their events; a call is none."""
EXITS: Final[Mapping[str, tuple[str, ...]]] = {
    "send-message": ("sent", "failed"),
    "send-and-wait-for-reply": ("incomingMessage", "timeout", "deliveryFailure"),
    "set-variables": ("next",),
    "make-http-request": ("success", "failed"),
    "run-function": ("success", "fail"),
    "run-function-v2": ("success", "fail"),
    "run-subflow": ("completed", "failed"),
    "add-twiml-redirect": ("fail",),
}
BEGIN_CONVERSATIONS: Final = {"start-conversation": "created", "resume-conversation": "resumed"}


@dataclass(frozen=True, order=True)
class Exit:
    """One transition of a widget; `number` is its place among them, -1 for an event that is not listed."""

    widget: str
    event: str
    number: int = -1


def reachable(definition: Definition, ways: Iterable[str] = TRIGGERS) -> set[Exit]:
    """Give every transition that an execution can take.

    Params: `ways`, how executions begin: `conversation`, `message`, `request`, or `parent` for a subflow.
    """
    trigger = definition.widgets[definition.initial_state]
    found: set[Exit] = set()
    seen: set[tuple[str, str]] = set()
    for way in ways:
        waiting = [(trigger.name, way)]
        while waiting:
            name, kind = waiting.pop()
            if (name, kind) in seen and name != trigger.name:
                continue
            seen.add((name, kind))
            for exit_, after in _exits(definition.widgets[name], kind):
                found.add(exit_)
                target = _next(definition.widgets[name], exit_)
                if target is not None:
                    waiting.append((target, after))
    return found


def widgets_of(exits: Iterable[Exit]) -> set[str]:
    """Give the widgets to which transitions belong."""
    return {each.widget for each in exits}


def exit_of(widget: Widget, event: str) -> Exit:
    """Give the transition that a widget takes at an event."""
    numbers = [number for number, each in enumerate(widget.transitions) if each.event == event]
    return Exit(widget.name, event, numbers[0] if numbers else -1)


def _next(widget: Widget, exit_: Exit) -> str | None:
    return widget.transitions[exit_.number].next if exit_.number >= 0 else None


def _exits(widget: Widget, kind: str) -> list[tuple[Exit, str]]:
    """Give the exits of a widget in an execution of that kind, and the kind it is of afterwards."""
    if widget.type == "trigger":
        return [(exit_of(widget, TRIGGERS.get(kind, "incomingParent")), "request" if kind == "parent" else kind)]
    if widget.type == "split-based-on":
        matches = [Exit(widget.name, "match", n) for n, each in enumerate(widget.transitions) if each.event == "match"]
        return [(each, kind) for each in [*matches, exit_of(widget, "noMatch")]]
    if widget.type == "send-to-flex":
        events = ["callComplete", "failedToEnqueue"] if kind == "conversation" else ["failedToEnqueue"]
        return [(exit_of(widget, event), kind) for event in events]
    begun = BEGIN_CONVERSATIONS.get(widget.type)
    if begun is not None:
        joined = [(exit_of(widget, begun), "conversation")] if kind == "request" else []
        return [*joined, (exit_of(widget, "failed"), kind)]
    if widget.type not in BEHAVIOURS:
        return [(exit_of(widget, failure_event(widget)), kind)]
    return [(exit_of(widget, event), kind) for event in EXITS[widget.type]]
