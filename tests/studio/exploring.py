"""Customers made by program: they try what a flow's conditions ask for until every transition was taken."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from parlour.studio.definition import Definition
from parlour.studio.reach import Exit, reachable
from parlour.studio.rehearsal.stage import Answer, Opening, Stage

RUNS = 3000
TURNS = 40


@dataclass
class Customer(Stage):
    """A stage whose customer's deeds are written down: what, and how many messages the flow had said before."""

    deeds: list[tuple[str, str, int]] = field(default_factory=list)

    def customer(self, body: str) -> None:
        self.deeds.append(("say", body, len(self.said)))
        super().customer(body)

    def wait(self, seconds: int) -> None:
        self.deeds.append(("wait", str(seconds), len(self.said)))
        super().wait(seconds)

    def undelivered(self, code: int = 30003) -> None:
        self.deeds.append(("fail", "", len(self.said)))
        super().undelivered(code)

    @property
    def took(self) -> set[Exit]:
        return {Exit(step.transitioned_from, step.name, step.exit) for step in self.steps}


def words_of(definition: Definition, about: str = "") -> list[str]:
    """Give the texts that the splits of a flow look for, all or those of one widget's output, and some more."""
    found = {"zz", ""}
    for widget in definition.widgets.values():
        if about and f"widgets.{about}." not in widget.text("input"):
            continue
        for transition in widget.transitions:
            for condition in transition.conditions:
                several = condition.type in ("matches_any_of", "does_not_match_any_of")
                found.update(part.strip() for part in (condition.value.split(",") if several else [condition.value]))
    return sorted(found)


def untaken(
    definition: Definition,
    way: str,
    *,
    answers: Mapping[str, Sequence[Answer]],
    parameters: Sequence[dict[str, Any]] = ({},),
    seed: int = 1,
) -> tuple[set[Exit], int, list[Customer]]:
    """Run customers against a flow; give the transitions that none took, how many there are, and the runs."""
    rng = random.Random(seed)
    wanted = reachable(definition, [way])
    took: set[Exit] = set()
    words, stages = words_of(definition), []
    for _ in range(RUNS):
        refused = frozenset(name for name in definition.widgets if rng.random() < 0.15)
        chosen = {widget: rng.sample(list(each), len(each)) for widget, each in answers.items()}
        stage = Customer(
            definition,
            Opening(trigger=way, parameters=rng.choice(parameters), body=rng.choice(words)),
            answers=chosen,
            refused=refused,
        )
        _run(stage, rng)
        stages.append(stage)
        took |= stage.took
        if took >= wanted:
            break
    return wanted - took, len(wanted), stages


def _run(stage: Stage, rng: random.Random) -> None:
    stage.start()
    for _ in range(TURNS):
        if stage.ended:
            return
        chance = rng.random()
        if chance < 0.85:
            stage.customer(rng.choice(words_of(stage.definition, stage.state.widget)))
        elif chance < 0.95:
            stage.wait(31 * 24 * 3600)
        else:
            stage.undelivered()
    for _ in range(1000):
        if stage.ended:
            return
        stage.undelivered()
        stage.wait(31 * 24 * 3600)
