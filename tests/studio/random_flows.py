"""Flows made at random, and what a naive reading of them says should happen.

A generated widget carries a Python function beside each template. The interpreter here calls those
functions and never looks at a template, a condition or the engine, so both must agree by themselves.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Env = dict[str, dict[str, str]]  # "var": flow variables, "reply": last reply by widget
Text = tuple[str, Callable[[Env], str]]

REPLIES = ["1", "2", " Yes ", "no", "SALES", "7", "later", "a,b", "42.5"]
VARIABLES = ["topic", "count", "Mood"]
WORKFLOW = "WW" + "0" * 32
CHANNEL = "chat"


@dataclass
class Expected:
    """What the naive interpreter says."""

    texts: list[str] = field(default_factory=list)
    steps: list[tuple[str, str, str]] = field(default_factory=list)
    task_attributes: dict[str, str] | None = None
    exits: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Script:
    """One flow, the customer's behaviour (None: silence until the time-out) and the expectation."""

    seed: int
    definition: dict[str, Any]
    replies: list[str | None]
    expected: Expected


def _literal(rng: random.Random) -> Text:
    word = rng.choice(["Hello", "Please wait", "What now?", "ok", "5", "Grüße"])
    return word, lambda env: word


def _variable(rng: random.Random) -> Text:
    name = rng.choice(VARIABLES)
    return "{{flow.variables." + name + "}}", lambda env: env["var"].get(name, "")


def _upcase(rng: random.Random) -> Text:
    name = rng.choice(VARIABLES)
    return "{{ flow.variables." + name + " | upcase }}", lambda env: env["var"].get(name, "").upper()


def _counter(rng: random.Random) -> Text:
    def value(env: Env) -> str:
        text = env["var"].get("count", "").strip()
        return str(int(text) + 1 if text.isdigit() else 1)

    source = "{%- if flow.variables.count -%}\n {{ flow.variables.count | plus: 1 }}\n{%- else -%}\n1{%- endif -%}"
    return source, value


def _default(rng: random.Random) -> Text:
    name = rng.choice(VARIABLES)
    return (
        "{{flow.variables." + name + " | default: 'none'}}",
        lambda env: env["var"].get(name, "") or "none",
    )


def _reply(widget: str) -> Text:
    return "{{widgets." + widget + ".inbound.Body}}", lambda env: env["reply"].get(widget, "")


def _text(rng: random.Random, waits: list[str]) -> Text:
    makers = [_literal, _variable, _upcase, _default]
    parts = [_literal(rng), *(rng.choice(makers)(rng) for _ in range(rng.randint(0, 2)))]
    if waits and rng.random() < 0.5:
        parts.append(_reply(rng.choice(waits)))
    return " ".join(part[0] for part in parts), lambda env: " ".join(part[1](env) for part in parts)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _less(subject: str, value: str) -> bool:
    left, right = _number(subject), _number(value)
    return left is not None and right is not None and left < right


TESTS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "equal_to": ("yes", lambda s: s.lower() == "yes"),
    "not_equal_to": ("yes", lambda s: s.lower() != "yes"),
    "matches_any_of": ("1, sales ,x", lambda s: s.lower() in {"1", "sales", "x"}),
    "does_not_match_any_of": ("1, 2", lambda s: s not in {"1", "2"}),
    "contains": ("E", lambda s: "e" in s.lower()),
    "does_not_contain": ("e", lambda s: "e" not in s.lower()),
    "starts_with": ("s", lambda s: s.lower().startswith("s")),
    "does_not_start_with": ("S", lambda s: not s.lower().startswith("s")),
    "is_blank": ("Is Blank", lambda s: s == ""),
    "is_not_blank": ("Is Not Blank", lambda s: s != ""),
    "regex": ("[0-9]|ye.*", lambda s: (len(s) == 1 and s.isdigit()) or s.lower().startswith("ye")),
    "less_than": ("5", lambda s: _less(s, "5")),
    "greater_than": ("5", lambda s: _less("5", s)),
}

Action = Callable[[Env, list[str | None], Expected], tuple[str, str | None]]


class _Maker:
    """Makes one flow: widgets `w0…`, whose exits lead to later widgets, so that every run ends."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.count = self.rng.randint(6, 12)
        self.states: list[dict[str, Any]] = []
        self.actions: dict[str, Action] = {}
        self.waits: list[str] = []

    def target(self, index: int) -> str | None:
        later = list(range(index + 1, self.count))
        if not later or self.rng.random() < 0.05:
            return None
        return f"w{self.rng.choice(later[:3])}"

    def state(self, index: int, kind: str, exits: dict[str, str | None], properties: dict[str, Any]) -> None:
        transitions: list[dict[str, Any]] = []
        for event, target in exits.items():
            transitions.append({"event": event, "next": target} if target else {"event": event})
        self.states.append({"name": f"w{index}", "type": kind, "transitions": transitions, "properties": properties})

    def message(self, index: int, *, wait: bool) -> None:
        body, expect = _text(self.rng, self.waits)
        broken = self.rng.random() < 0.2
        properties: dict[str, Any] = {
            "from": "Bot",
            "body": body,
            "attributes": "not json" if broken else '{"seed": "{{flow.variables.topic}}"}',
        }
        name = f"w{index}"
        if wait:
            properties["timeout"] = "120"
            exits = {event: self.target(index) for event in ("incomingMessage", "timeout", "deliveryFailure")}
        else:
            exits = {event: self.target(index) for event in ("sent", "failed")}
        self.state(index, "send-and-wait-for-reply" if wait else "send-message", exits, properties)

        def act(env: Env, replies: list[str | None], expected: Expected) -> tuple[str, str | None]:
            if broken:
                event = "deliveryFailure" if wait else "failed"
                return event, exits[event]
            expected.texts.append(expect(env))
            if not wait:
                return "sent", exits["sent"]
            reply = replies.pop(0)
            if reply is None:
                return "timeout", exits["timeout"]
            env["reply"][name] = reply
            return "incomingMessage", exits["incomingMessage"]

        self.actions[name] = act
        if wait:
            self.waits.append(name)

    def split(self, index: int) -> None:
        source, subject = (
            _reply(self.rng.choice(self.waits)) if self.waits and self.rng.random() < 0.7 else _variable(self.rng)
        )
        kinds = self.rng.sample(sorted(TESTS), self.rng.randint(1, 3))
        branches = [(kind, self.target(index)) for kind in kinds]
        otherwise = self.target(index)
        self.state(index, "split-based-on", {"noMatch": otherwise}, {"input": source})
        for kind, target in branches:
            condition = {"friendly_name": kind, "arguments": [source], "type": kind, "value": TESTS[kind][0]}
            transition: dict[str, Any] = {"event": "match", "conditions": [condition]}
            if target:
                transition["next"] = target
            self.states[-1]["transitions"].append(transition)

        def act(env: Env, replies: list[str | None], expected: Expected) -> tuple[str, str | None]:
            for kind, target in branches:
                if TESTS[kind][1](subject(env).strip()):
                    return "match", target
            return "noMatch", otherwise

        self.actions[f"w{index}"] = act

    def variables(self, index: int) -> None:
        chosen = self.rng.sample(VARIABLES, self.rng.randint(1, 2))
        values = [(name, _counter(self.rng) if name == "count" else _text(self.rng, self.waits)) for name in chosen]
        target = self.target(index)
        properties = {"variables": [{"key": name, "value": text[0]} for name, text in values]}
        self.state(index, "set-variables", {"next": target}, properties)

        def act(env: Env, replies: list[str | None], expected: Expected) -> tuple[str, str | None]:
            for name, text in values:
                env["var"][name] = text[1](env).strip()
            return "next", target

        self.actions[f"w{index}"] = act

    def flex(self, index: int) -> None:
        broken = self.rng.random() < 0.35
        value, expect = _variable(self.rng)
        attributes = "[1]" if broken else '{"topic": "' + value + '"}'
        exits = {
            "callComplete": None if not broken else self.target(index),
            "failedToEnqueue": self.target(index),
        }
        properties = {"workflow": WORKFLOW, "channel": CHANNEL, "attributes": attributes}
        self.state(index, "send-to-flex", {**exits, "callFailure": None}, properties)

        def act(env: Env, replies: list[str | None], expected: Expected) -> tuple[str, str | None]:
            if broken:
                return "failedToEnqueue", exits["failedToEnqueue"]
            expected.task_attributes = {"topic": expect(env)}
            return "callComplete", exits["callComplete"]

        self.actions[f"w{index}"] = act

    def make(self) -> dict[str, Any]:
        makers: list[Callable[[int], None]] = [
            lambda index: self.message(index, wait=False),
            lambda index: self.message(index, wait=True),
            self.split,
            self.variables,
            self.flex,
        ]
        for index in range(self.count):
            if index == self.count - 1:
                self.flex(index)
            else:
                self.rng.choices(makers, weights=[3, 4, 4, 3, 1])[0](index)
        trigger = {
            "name": "Trigger",
            "type": "trigger",
            "transitions": [
                {"event": "incomingMessage"},
                {"event": "incomingCall"},
                {"event": "incomingConversationMessage", "next": "w0"},
                {"event": "incomingRequest"},
                {"event": "incomingParent"},
            ],
            "properties": {"offset": {"x": 0, "y": 0}},
        }
        return {
            "description": "made at random",
            "states": [trigger, *self.states],
            "initial_state": "Trigger",
            "flags": {"allow_concurrent_calls": True},
        }


def script(seed: int) -> Script:
    """Make the flow of a seed with a customer for it."""
    maker = _Maker(seed)
    definition = maker.make()
    kinds = {state["name"]: state["type"] for state in definition["states"]}
    rng = random.Random(seed * 7 + 1)
    script_replies = [rng.choice([*REPLIES, None]) for _ in range(maker.count)]
    left = list(script_replies)
    expected = Expected(steps=[("Trigger", "incomingConversationMessage", "w0")])
    expected.exits.add(("trigger", "incomingConversationMessage"))
    env: Env = {"var": {}, "reply": {}}
    here: str | None = "w0"
    while here is not None:
        event, target = maker.actions[here](env, left, expected)
        expected.steps.append((here, event, target or "Ended"))
        expected.exits.add((kinds[here], event))
        here = target
    used = len(script_replies) - len(left)
    return Script(seed, definition, script_replies[:used], expected)


EVERY_EXIT = {
    ("trigger", "incomingConversationMessage"),
    ("send-message", "sent"),
    ("send-message", "failed"),
    ("send-and-wait-for-reply", "incomingMessage"),
    ("send-and-wait-for-reply", "timeout"),
    ("send-and-wait-for-reply", "deliveryFailure"),
    ("split-based-on", "match"),
    ("split-based-on", "noMatch"),
    ("set-variables", "next"),
    ("send-to-flex", "callComplete"),
    ("send-to-flex", "failedToEnqueue"),
}


def scripts(count: int, first_seed: int = 1) -> list[Script]:
    """Make so many flows; together they take every exit, or the next seeds are tried."""
    seed = first_seed
    while True:
        made = [script(seed + index) for index in range(count)]
        if set().union(*(each.expected.exits for each in made)) >= EVERY_EXIT:
            return made
        seed += count


def dump(definition: dict[str, Any]) -> str:
    """Give the definition as the text an operator would import."""
    return json.dumps(definition, indent=1)
