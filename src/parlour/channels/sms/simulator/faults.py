"""Faults that the simulated carrier makes on request (channels.md §7)."""

from __future__ import annotations

import random
import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any

OPERATIONS = ("create", "list", "fetch", "callback", "inbound", "media")
ACTIONS = {
    "create": (
        "http",
        "timeout_before",
        "timeout_after",
        "delay",
        "callback_first",
        "status_skip",
        "late",
        "drop",
        "fail",
    ),
    "list": ("http", "timeout_before", "delay"),
    "fetch": ("http", "timeout_before", "delay"),
    "media": ("http", "timeout_before", "delay"),
    "callback": ("duplicate", "delay", "reorder", "drop", "bad_signature", "extra_param"),
    "inbound": ("duplicate", "delay", "reorder", "drop", "bad_signature", "extra_param"),
}


class FaultError(ValueError):
    """A fault rule that cannot be understood; the message says why."""


@dataclass(frozen=True)
class Match:
    """What a rule looks for; empty fields match everything."""

    op: str
    to: str = ""
    sender: str = ""
    text_regex: str = ""
    nth: int = 0

    def fits(self, op: str, to: str, sender: str, text: str) -> bool:
        """Whether the operation is meant (without `nth`, which the rule counts)."""
        return (
            self.op == op
            and self.to in ("", to)
            and self.sender in ("", sender)
            and (not self.text_regex or re.search(self.text_regex, text) is not None)
        )


@dataclass
class Rule:
    """One fault: what it matches, what happens, how many times (0 = always), how probably."""

    match: Match
    action: str
    status: int = 500
    code: int = 20500
    ms: int = 0
    n: int = 2
    skip: str = "sent"
    times: int = 1
    probability: float = 1.0
    seen: int = 0
    fired: int = 0

    def fires(self, chance: random.Random) -> bool:
        """Count one matching operation and say whether the fault happens to it."""
        self.seen += 1
        if self.times and self.fired >= self.times:
            return False
        if self.match.nth and self.seen % self.match.nth:
            return False
        if self.probability < 1.0 and chance.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def wire(self) -> dict[str, Any]:
        """The rule as the control API shows it."""
        shown = asdict(self)
        shown["match"]["from"] = shown["match"].pop("sender")
        return shown


@dataclass
class Retry:
    """How the carrier repeats a webhook: attempts in all, or until it is answered 2xx; waits in ms."""

    attempts: int = 2
    until_2xx: bool = False
    wait_ms: int = 200
    max_wait_ms: int = 5000
    timeout_ms: int = 15000


@dataclass
class Faults:
    """All settings that make this carrier better or worse than an ideal one."""

    rules: list[Rule] = field(default_factory=list)
    sender_rate: float = 0.0
    magic_recipients: bool = False
    opt_out: bool = False
    sent_after_ms: int = 100
    delivered_after_ms: int = 300
    retry: Retry = field(default_factory=Retry)

    def wire(self) -> dict[str, Any]:
        """The settings as the control API shows them."""
        shown = asdict(self)
        shown["rules"] = [rule.wire() for rule in self.rules]
        return shown


class FaultBook:
    """The active faults and the seeded chance they are drawn from."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.active = Faults()
        self._chance = random.Random(seed)

    def put(self, wire: object) -> None:
        """Replace all settings by those given; what is not given goes to its default."""
        self.active = parse(wire)
        self._chance = random.Random(self._seed)

    def take(self, op: str, *, to: str = "", sender: str = "", text: str = "") -> list[Rule]:
        """Return the faults that happen to this operation."""
        return [
            rule for rule in self.active.rules if rule.match.fits(op, to, sender, text) and rule.fires(self._chance)
        ]


def parse(wire: object) -> Faults:
    """Read the settings of the control API; errors: FaultError."""
    given = _record(wire, "faults")
    faults = Faults()
    for name, value in given.items():
        if name == "rules":
            if not isinstance(value, list):
                raise FaultError("rules must be a list")
            faults.rules = [_rule(one) for one in value]
        elif name == "retry":
            faults.retry = Retry(**_typed(Retry, _record(value, "retry")))
        else:
            setattr(faults, name, _typed(Faults, {name: value})[name])
    return faults


def _rule(wire: object) -> Rule:
    given = _record(wire, "rule")
    match = _record(given.pop("match", None), "match")
    if "from" in match:
        match["sender"] = match.pop("from")
    op = match.get("op")
    if op not in OPERATIONS:
        raise FaultError(f"match.op must be one of {', '.join(OPERATIONS)}")
    action = given.get("action")
    if action not in ACTIONS[str(op)]:
        raise FaultError(f"action of {op} must be one of {', '.join(ACTIONS[str(op)])}")
    return Rule(match=Match(**_typed(Match, match)), **_typed(Rule, given))


def _record(wire: object, name: str) -> dict[str, Any]:
    if not isinstance(wire, dict):
        raise FaultError(f"{name} must be an object")
    return dict(wire)


def _typed(shape: type, given: dict[str, Any]) -> dict[str, Any]:
    known = {one.name: one.type for one in fields(shape)}
    kinds: dict[object, tuple[type, ...]] = {
        "int": (int,),
        "float": (int, float),
        "bool": (bool,),
        "str": (str,),
    }
    for name, value in given.items():
        if name not in known:
            raise FaultError(f"unknown setting {name}")
        if not isinstance(value, kinds.get(known[name], ())) or (known[name] == "int" and isinstance(value, bool)):
            raise FaultError(f"{name} must be {known[name]}")
    return given
