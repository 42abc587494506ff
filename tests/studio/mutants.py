"""Variants of a flow, each wrong in one place."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Flow = dict[str, Any]

OPERATORS = {
    "equal_to": "not_equal_to",
    "matches_any_of": "does_not_match_any_of",
    "contains": "does_not_contain",
    "starts_with": "does_not_start_with",
    "is_blank": "is_not_blank",
    "regex": "equal_to",
    "greater_than": "less_than",
}


@dataclass(frozen=True)
class Mutant:
    """A variant: what was done, to which widget."""

    kind: str
    widget: str
    flow: Flow


def mutants(flow: Flow, count: int, seed: int = 1) -> list[Mutant]:
    """Make so many variants, of each kind in turn while there are places left."""
    rng = random.Random(seed)
    kinds: list[list[Mutant]] = []
    for kind in (_rewired, _text_changed, _operator_swapped, _variable_renamed, _state_removed, _timeout_dropped):
        places = list(kind(flow, rng))
        rng.shuffle(places)
        kinds.append(places)
    made: list[Mutant] = []
    while len(made) < count:
        if not any(kinds):
            raise AssertionError(f"only {len(made)} variants can be made")
        for places in kinds:
            if places and len(made) < count:
                made.append(places.pop())
    return made


def _changed(flow: Flow, kind: str, index: int, change: Callable[[dict[str, Any]], None]) -> Mutant:
    variant = copy.deepcopy(flow)
    state = variant["states"][index]
    change(state)
    return Mutant(kind, state["name"], variant)


def _rewired(flow: Flow, rng: random.Random) -> Iterator[Mutant]:
    names = [state["name"] for state in flow["states"] if state["type"] != "trigger"]
    for index, state in enumerate(flow["states"]):
        for place, transition in enumerate(state["transitions"]):
            if "next" not in transition:
                continue
            other = rng.choice([name for name in names if name != transition["next"]])

            def change(found: dict[str, Any], place: int = place, other: str = other) -> None:
                found["transitions"][place]["next"] = other

            yield _changed(flow, "exit rewired", index, change)


def _text_changed(flow: Flow, rng: random.Random) -> Iterator[Mutant]:
    for index, state in enumerate(flow["states"]):
        if state["properties"].get("body"):

            def change(found: dict[str, Any]) -> None:
                body = found["properties"]["body"]
                place = rng.randrange(len(body))
                found["properties"]["body"] = f"{body[:place]}x{body[place:]}" if "{" not in body else f"{body}!"

            yield _changed(flow, "text changed", index, change)


def _operator_swapped(flow: Flow, rng: random.Random) -> Iterator[Mutant]:
    for index, state in enumerate(flow["states"]):
        for place, transition in enumerate(state["transitions"]):
            if transition.get("conditions"):

                def change(found: dict[str, Any], place: int = place) -> None:
                    condition = found["transitions"][place]["conditions"][0]
                    condition["type"] = OPERATORS[condition["type"]]

                yield _changed(flow, "operator swapped", index, change)


def _variable_renamed(flow: Flow, rng: random.Random) -> Iterator[Mutant]:
    for index, state in enumerate(flow["states"]):
        for place, _ in enumerate(state["properties"].get("variables", [])):

            def change(found: dict[str, Any], place: int = place) -> None:
                found["properties"]["variables"][place]["key"] += "_2"

            yield _changed(flow, "variable renamed", index, change)


def _state_removed(flow: Flow, rng: random.Random) -> Iterator[Mutant]:
    for index, state in enumerate(flow["states"]):
        if state["type"] == "trigger":
            continue
        variant = copy.deepcopy(flow)
        del variant["states"][index]
        for other in variant["states"]:
            for transition in other["transitions"]:
                if transition.get("next") == state["name"]:
                    del transition["next"]
        yield Mutant("state removed", state["name"], variant)


def _timeout_dropped(flow: Flow, rng: random.Random) -> Iterator[Mutant]:
    for index, state in enumerate(flow["states"]):
        if "timeout" in state["properties"]:
            yield _changed(flow, "time-out dropped", index, lambda found: found["properties"].pop("timeout"))
