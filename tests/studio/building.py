"""Flows built in tests."""

from __future__ import annotations

from typing import Any


def flow(*states: dict[str, Any], on: str = "incomingRequest", first: str | None = None) -> dict[str, Any]:
    """A flow whose trigger leads to a state, by default the first."""
    trigger = {
        "name": "Trigger",
        "type": "trigger",
        "transitions": [{"event": on, "next": first or states[0]["name"]}],
        "properties": {},
    }
    return {"states": [trigger, *states], "initial_state": "Trigger", "description": ""}


def widget(name: str, kind: str, exits: dict[str, str | None], **properties: Any) -> dict[str, Any]:
    """A widget with its exits; None leaves one unwired."""
    return {
        "name": name,
        "type": kind,
        "transitions": [
            {"event": event, "next": target} if target else {"event": event} for event, target in exits.items()
        ],
        "properties": properties,
    }


def variables(name: str, target: str | None = None, **values: str) -> dict[str, Any]:
    """A set-variables widget."""
    pairs = [{"key": key, "value": value} for key, value in values.items()]
    return widget(name, "set-variables", {"next": target}, variables=pairs)


def say(name: str, body: str, target: str | None = None, **properties: Any) -> dict[str, Any]:
    """A send-message widget."""
    return widget(
        name, "send-message", {"sent": target, "failed": target}, **{"from": "Bot", "body": body, **properties}
    )


def ask(name: str, body: str, target: str | None = None, *, timeout: str = "60", **properties: Any) -> dict[str, Any]:
    """A send-and-wait-for-reply widget."""
    return widget(
        name,
        "send-and-wait-for-reply",
        {"incomingMessage": target, "timeout": None, "deliveryFailure": None},
        **{"from": "Bot", "body": body, "timeout": timeout, **properties},
    )
