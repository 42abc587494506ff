"""The explanation of routing is true: what it names is what keeps a worker from the task, and nothing else does."""

import json
import os
import random
import re
import urllib.error
import urllib.request
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.conftest import LiveServer
from tests.taskrouter.conftest import Centre, eventually, open_centre

WORLDS = 20_000 if os.environ.get("PARLOUR_PROVE") else 40
PER_TEST = 20  # worlds, each a workspace of its own
SKILLS = ("red", "blue")


def explained(centre: Centre, task: str) -> dict[str, Any]:
    """What the server says of a task."""
    known = centre.server.credentials
    request = urllib.request.Request(f"{centre.server.url}/parlour/v1/Routing/{task}")  # noqa: S310
    request.add_header(
        "Authorization", "Basic " + b64encode(f"{known.account_sid}:{known.auth_token}".encode()).decode()
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found


def standing(found: dict[str, Any], worker: str) -> dict[str, Any]:
    """How the last decision saw a worker."""
    return next(each for each in found["decisions"][-1]["workers"] if each["worker_sid"] == worker)


@dataclass
class World:
    """A few workers and one task, all at random.

    :ivar held: SIDs of tasks that the workers hold, by worker.
    """

    centre: Centre
    dice: random.Random
    number: int
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    capacity: dict[str, int] = field(default_factory=dict)
    held: dict[str, list[str]] = field(default_factory=dict)
    task: str = ""

    def build(self) -> None:
        """Make queue, workflow, workers (some of them busy) and the task, in this order."""
        centre, dice, world = self.centre, self.dice, self.number
        queue_of_all = centre.queue(f"Load {world}", target_workers=f"world == {world}")
        load = centre.workflow(
            {"expression": "1==1", "targets": [{"queue": queue_of_all, "known_worker_sid": "task.who"}]}
        )
        for index in range(dice.randint(2, 4)):
            self._worker(f"A{world}-{index}", load)
        wanted = [f"world == {world}", *dice.sample(["skill == 'red'", "level >= 3", "languages HAS 'en'"], 2)]
        queue = centre.queue(f"Sales {world}", target_workers=" AND ".join(wanted))
        target: dict[str, Any] = {"queue": queue}
        if dice.random() < 0.6:
            target["expression"] = dice.choice(["worker.level > task.level", "worker.team == task.team"])
        flow = centre.workflow(
            {"filter_friendly_name": "Other", "expression": "kind == 'other'", "targets": [{"queue": queue_of_all}]},
            {"filter_friendly_name": "Deals", "expression": "kind == 'deal'", "targets": [target]},
        )
        attributes = {"kind": "deal", "level": dice.randint(1, 4), "team": dice.choice(["x", "y"])}
        self.task = str(centre.task(flow, attributes).sid)

    def _worker(self, name: str, load: str) -> None:
        dice, centre = self.dice, self.centre
        attributes = {
            "world": self.number,
            "skill": dice.choice(SKILLS),
            "level": dice.randint(1, 5),
            "languages": dice.choice([["en"], ["fr"], ["en", "fr"]]),
            "team": dice.choice(["x", "y"]),
        }
        capacity = dice.randint(0, 2)
        sid = centre.worker(name, chat=capacity, **attributes)
        self.attributes[sid], self.capacity[sid], self.held[sid] = attributes, capacity, []
        for _ in range(capacity if dice.random() < 0.5 else 0):
            self.held[sid].append(str(centre.task(load, {"who": sid}).sid))
        centre.settle()
        for offer in centre.offers(sid):
            centre.api.workers(sid).reservations(offer.sid).update(reservation_status="accepted")
        if dice.random() < 0.4:
            centre.move(sid, dice.choice(["Offline", "Unavailable"]))
        if dice.random() < 0.1:
            centre.api.workers(sid).worker_channels("chat").update(available=False)

    def change_something_else(self, worker: str, reason: str) -> None:
        """Change what was not named: of another kind than the reason."""
        kinds = {"activity", "capacity", "attributes"} - {
            "queue" if reason == "queue" else reason,
            *(["attributes"] if reason in ("queue", "expression") else []),
        }
        kind = self.dice.choice(sorted(kinds - {reason}))
        if kind == "activity":
            self.centre.move(worker, "Available")
        elif kind == "capacity":
            self.capacity[worker] += 1
            self.centre.api.workers(worker).worker_channels("chat").update(capacity=self.capacity[worker])
        else:
            self._set(worker, color=self.dice.random())

    def _set(self, worker: str, **attributes: Any) -> None:
        self.attributes[worker] |= attributes
        self.centre.api.workers(worker).update(attributes=json.dumps(self.attributes[worker]))

    def remove(self, worker: str, named: dict[str, Any]) -> None:
        """Remove the one reason that was named, through the public API."""
        reason, clause = named["reason"], named["clause"]
        channel = self.centre.api.workers(worker).worker_channels("chat")
        if reason == "activity":
            assert not named["available"]
            self.centre.move(worker, "Available")
        elif reason == "channel":
            channel.update(available=True)
        elif reason == "capacity":
            assert named["taken"] >= named["capacity"]
            self.capacity[worker] = named["taken"] + 1
            channel.update(capacity=self.capacity[worker])
        else:
            self._set(worker, **self._satisfying(clause))

    def _satisfying(self, clause: str) -> dict[str, Any]:
        task = json.loads(self.centre.api.tasks(self.task).fetch().attributes)
        if clause == "worker.level > task.level":
            return {"level": task["level"] + 1}
        if clause == "worker.team == task.team":
            return {"team": task["team"]}
        found = re.fullmatch(r"(\w+) (==|>=|HAS) '?(\w+)'?", clause)
        assert found, clause
        name, operator, text = found.groups()
        return {name: [text] if operator == "HAS" else int(text) if text.isdigit() else text}


def follow(world: World) -> tuple[list[str], int]:
    """Take one worker at a time and remove what is named until the task is theirs; the reasons, in their order."""
    centre, reasons = world.centre, []
    worker = world.dice.choice(list(world.attributes))
    for _ in range(8):
        centre.settle()
        if any(each.task_sid == world.task for each in centre.offers(worker)):
            return reasons, 1
        if centre.status(world.task) != "pending":
            return reasons, 0  # another one got it first
        found = explained(centre, world.task)
        assert len(found["decisions"][-1]["sentences"]) <= 3
        named = standing(found, worker)
        assert named["reason"], f"said to be eligible, and not reserved: {found['text']}"
        world.change_something_else(worker, named["reason"])
        centre.settle()
        assert not any(each.task_sid == world.task for each in centre.offers(worker)), named
        if centre.status(world.task) != "pending":
            return reasons, 0
        world.remove(worker, named)
        reasons.append(named["reason"])
    raise AssertionError(f"never reserved: {reasons}")


@pytest.mark.parametrize("seed", range(WORLDS // PER_TEST))
def test_what_is_named_is_what_stands_in_the_way(frozen_server: LiveServer, seed: int) -> None:
    dice = random.Random(seed)
    every: list[str] = []
    reserved = 0
    for number in range(PER_TEST):
        world = World(open_centre(frozen_server), dice, number)
        world.build()
        reasons, got = follow(world)
        every += reasons
        reserved += got
    assert reserved >= PER_TEST / 2
    assert {"capacity", "queue"} <= set(every), every


def test_three_agents_at_capacity(centre: Centre) -> None:
    queue = centre.queue("Support", target_workers="skill == 'red'")
    flow = centre.workflow(default=queue)
    for name in ("Ana", "Ben", "Cy"):
        centre.worker(name, skill="red")
    for _ in range(3):
        centre.task(flow)
    eventually(lambda: all(centre.offers(each.sid) for each in centre.api.workers.list()))
    task = centre.task(flow).sid
    centre.worker("Dora", skill="blue")
    full = "is at capacity (1 of 1 chat tasks)"
    assert explained(centre, task)["decisions"][-1]["sentences"] == [
        "The task waits in queue Support by filter Default Filter.",
        "3 agents match, all at capacity; Ana has waited longest.",
        f"Ana {full}; Ben {full}; Cy {full}; and 1 more.",
    ]


def test_who_was_chosen_over_whom(frozen: Centre) -> None:
    queue = frozen.queue("Everyone")
    flow = frozen.workflow(
        {"filter_friendly_name": "VIP", "expression": "vip == true", "targets": [{"queue": queue}]}, default=queue
    )
    for name in ("Ana", "Ben"):
        frozen.worker(name)
        frozen.server.advance(1)
    frozen.worker("Cy", available=False)
    task = frozen.task(flow, {"vip": False}).sid
    frozen.settle()
    found = explained(frozen, task)
    assert found["text"] == (
        "The task was in queue Everyone by filter Default Filter. It was offered to Ana, who waited longest of 2 who "
        "could take it; next is Ben. Cy is Offline."
    )
    (step,) = found["way"]
    assert step["passed_filters"] == [{"filter_number": 1, "filter_name": "VIP", "clause": "vip == true"}]


def test_nobody_matches_and_a_known_agent(centre: Centre) -> None:
    queue = centre.queue("French", target_workers="languages HAS 'fr'")
    everyone = centre.queue("Everyone")
    flow = centre.workflow(
        {"expression": "who != null", "targets": [{"queue": everyone, "known_worker_sid": "task.who"}]}, default=queue
    )
    ana = centre.worker("Ana", available=False)
    assert "Nobody matches: none of 1 agents is in the queue." in explained(centre, centre.task(flow).sid)["text"]
    for_ana = explained(centre, centre.task(flow, {"who": ana}).sid)
    assert "It is for Ana alone, who is Offline." in for_ana["text"]


@pytest.mark.parametrize(
    ("who", "code"),
    [("somebody", 40155), (None, None), (7, 40154), ("Ben", 40152)],
    ids=["unknown", "null", "no text", "elsewhere"],
)
def test_a_known_agent_who_can_never_come(centre: Centre, who: Any, code: int | None) -> None:
    """§3.3; the same code stands in the server's log."""
    queue = centre.queue("Red", target_workers="skill == 'red'")
    centre.worker("Ana", skill="red")
    centre.worker("Ben", skill="blue")
    target = {"queue": queue, "known_worker_friendly_name": "task.who"}
    task = centre.task(centre.workflow({"expression": "1==1", "targets": [target]}), {"who": who}).sid
    found = explained(centre, task)["decisions"][-1]
    assert found["known_worker_error"] == code
    if code is not None:
        assert any(task in line and str(code) in line for line in centre.server.log.read_text().splitlines())


def test_the_text_stays_when_queue_and_worker_are_gone(frozen: Centre) -> None:
    queue = frozen.queue("Short", target_workers="skill == 'red'")
    flow = frozen.workflow(default=queue)
    ana = frozen.worker("Ana", available=False, skill="red")
    task = frozen.task(flow).sid
    frozen.settle()
    before = explained(frozen, task)
    assert "Ana is Offline" in before["text"]
    frozen.api.tasks(task).update(assignment_status="canceled")
    frozen.server.advance(3600)
    frozen.api.workflows(flow).delete()
    frozen.api.task_queues(queue).delete()
    frozen.api.workers(ana).delete()
    after = explained(frozen, task)
    assert (after["text"], after["decisions"]) == (before["text"], before["decisions"])


def test_the_same_decision_is_kept_once(centre: Centre) -> None:
    task = centre.task(centre.workflow(default=centre.queue(target_workers="1==0"))).sid
    first = explained(centre, task)
    assert explained(centre, task)["decisions"] == first["decisions"]
    assert len(first["decisions"]) == 1


def test_an_unknown_task_has_no_explanation(centre: Centre) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        explained(centre, "WT" + "0" * 32)
