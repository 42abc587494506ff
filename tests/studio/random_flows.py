"""Flows made at random, and what a naive reading of them says should happen.

A generated widget carries a Python function beside each template. The interpreter here calls those
functions and never looks at a template, a condition or the engine, so both must agree by themselves.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Env = dict[str, dict[str, str]]  # "var": flow variables, "reply": last reply by widget
Text = tuple[str, Callable[[Env], str]]

REPLIES = ["1", "2", " Yes ", "no", "SALES", "7", "later", "a,b", "42.5"]
VARIABLES = ["topic", "count", "Mood"]
WORKFLOW = "WW" + "0" * 32
CHANNEL = "chat"


SUBFLOW, ABSENT = "FW" + "9" * 32, "FW" + "8" * 32
SITE = "https://a.example"
WEIGHTS = [3, 4, 4, 3, 1, 2, 1, 2]
WITHOUT_CALLS = [3, 4, 4, 3, 1, 0, 0, 0]


@dataclass
class Expected:
    """What the naive interpreter says."""

    texts: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
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
    answers: dict[str, dict[str, Any]]
    subflow: dict[str, Any]


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


def _called(widget: str) -> Text:
    """What a request or a subflow gave."""
    source = "{{widgets." + widget + ".parsed.word}}{{widgets." + widget + ".answer}}"
    return source, lambda env: env["call"].get(widget, "") + env["sub"].get(widget, "")


def _text(rng: random.Random, waits: list[str], calls: Sequence[str] = ()) -> Text:
    makers = [_literal, _variable, _upcase, _default]
    parts = [_literal(rng), *(rng.choice(makers)(rng) for _ in range(rng.randint(0, 2)))]
    if waits and rng.random() < 0.5:
        parts.append(_reply(rng.choice(waits)))
    if calls and rng.random() < 0.6:
        parts.append(_called(rng.choice(list(calls))))
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

    def __init__(self, seed: int, *, calls: bool) -> None:
        self.outside = calls
        self.rng = random.Random(seed)
        self.count = self.rng.randint(6, 14)
        self.states: list[dict[str, Any]] = []
        self.actions: dict[str, Action] = {}
        self.waits: list[str] = []
        self.calls: list[str] = []
        self.answers: dict[str, dict[str, Any]] = {}

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
        body, expect = _text(self.rng, self.waits, self.calls)
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
        if self.calls and self.rng.random() < 0.3:
            source, subject = _called(self.rng.choice(self.calls))
        elif self.waits and self.rng.random() < 0.7:
            source, subject = _reply(self.rng.choice(self.waits))
        else:
            source, subject = _variable(self.rng)
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

    def call(self, index: int, *, function: bool) -> None:
        name = f"w{index}"
        value, expect = _text(self.rng, self.waits)
        bad = "fail" if function else "failed"
        exits = {"success": self.target(index), bad: self.target(index)}
        kind = self.rng.choice(["good", "good", "sad", "away", "malformed", "text", "url"])
        word = self.rng.choice(REPLIES)
        self.answers[name] = {"kind": kind, "word": word}
        properties: dict[str, Any] = {
            "url": "nowhere" if kind == "url" else f"{SITE}/{name}",
            "parameters": [{"key": "p", "value": value}],
        }
        if not function:
            properties["method"] = self.rng.choice(["GET", "POST"])
            properties["content_type"] = "application/x-www-form-urlencoded;charset=utf-8"
        self.state(index, "run-function" if function else "make-http-request", exits, properties)

        def act(env: Env, replies: list[str | None], expected: Expected) -> tuple[str, str | None]:
            if kind != "url":
                expected.requests.append(f"{name} {expect(env)}")
            if kind in ("good", "sad"):
                env["call"][name] = word
            event = "success" if kind in ("good", "text") else bad
            return event, exits[event]

        self.actions[name] = act
        self.calls.append(name)

    def subflow(self, index: int) -> None:
        name = f"w{index}"
        value, expect = _text(self.rng, self.waits)
        there = self.rng.random() < 0.8
        exits = {"completed": self.target(index), "failed": self.target(index)}
        sid = SUBFLOW if there else ABSENT
        properties = {
            "flow_sid": sid,
            "flow_revision": "LatestPublished",
            "parameters": [{"key": "said", "value": value}],
        }
        self.state(index, "run-subflow", exits, properties)

        def act(env: Env, replies: list[str | None], expected: Expected) -> tuple[str, str | None]:
            if not there:
                return "failed", exits["failed"]
            said = expect(env).strip()
            expected.steps.append(("Trigger", "incomingParent", "inner_say"))
            expected.texts.append(f"inside: {said}")
            expected.steps.append(("inner_say", "sent", "inner_set"))
            expected.steps.append(("inner_set", "next", "Ended"))
            env["sub"][name] = said.upper()
            return "completed", exits["completed"]

        self.actions[name] = act
        self.calls.append(name)

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
            lambda index: self.call(index, function=False),
            lambda index: self.call(index, function=True),
            self.subflow,
        ]
        for index in range(self.count):
            if index == self.count - 1:
                self.flex(index)
            else:
                self.rng.choices(makers, weights=WEIGHTS if self.outside else WITHOUT_CALLS)[0](index)
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


INNER: dict[str, Any] = {
    "description": "inside",
    "initial_state": "Trigger",
    "states": [
        {
            "name": "Trigger",
            "type": "trigger",
            "transitions": [{"event": "incomingParent", "next": "inner_say"}],
            "properties": {},
        },
        {
            "name": "inner_say",
            "type": "send-message",
            "transitions": [{"event": "sent", "next": "inner_set"}],
            "properties": {"from": "Bot", "body": "inside: {{trigger.parent.parameters.said}}"},
        },
        {
            "name": "inner_set",
            "type": "set-variables",
            "transitions": [{"event": "next"}],
            "properties": {"variables": [{"key": "answer", "value": "{{trigger.parent.parameters.said | upcase}}"}]},
        },
    ],
}


def script(seed: int, *, calls: bool = True) -> Script:
    """Make the flow of a seed with a customer for it; `calls` says whether it has requests and subflows."""
    maker = _Maker(seed, calls=calls)
    definition = maker.make()
    kinds = {state["name"]: state["type"] for state in definition["states"]}
    rng = random.Random(seed * 7 + 1)
    script_replies = [rng.choice([*REPLIES, None]) for _ in range(maker.count)]
    left = list(script_replies)
    expected = Expected(steps=[("Trigger", "incomingConversationMessage", "w0")])
    expected.exits.add(("trigger", "incomingConversationMessage"))
    env: Env = {"var": {}, "reply": {}, "call": {}, "sub": {}}
    here: str | None = "w0"
    while here is not None:
        event, target = maker.actions[here](env, left, expected)
        expected.steps.append((here, event, target or "Ended"))
        expected.exits.add((kinds[here], event))
        here = target
    used = len(script_replies) - len(left)
    return Script(seed, definition, script_replies[:used], expected, maker.answers, INNER)


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
    ("make-http-request", "success"),
    ("make-http-request", "failed"),
    ("run-function", "success"),
    ("run-function", "fail"),
    ("run-subflow", "completed"),
    ("run-subflow", "failed"),
}


CALLING = {"make-http-request", "run-function", "run-subflow"}


def scripts(count: int, first_seed: int = 1, *, calls: bool = True) -> list[Script]:
    """Make so many flows; together they take every exit, or the next seeds are tried."""
    seed = first_seed
    while True:
        made = [script(seed + index, calls=calls) for index in range(count)]
        wanted = {exit_ for exit_ in EVERY_EXIT if calls or exit_[0] not in CALLING}
        if set().union(*(each.expected.exits for each in made)) >= wanted:
            return made
        seed += count


def dump(definition: dict[str, Any]) -> str:
    """Give the definition as the text an operator would import."""
    return json.dumps(definition, indent=1)
