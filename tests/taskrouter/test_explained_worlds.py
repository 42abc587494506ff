"""Explanation is true: in worlds at random, what is named, and nothing else, stands in the way of an agent.

The worlds are made in this process, many at a time. What is asked and changed afterwards goes through the public API.
"""

import asyncio
import json
import logging
import os
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from parlour.store.unit import UnitOfWork
from parlour.taskrouter import (
    provision,
    queues,
    reservations,
    task_store,
    tasks,
    workers,
    workflows,
)
from parlour.taskrouter.provision import FlexWorkspace
from tests.contract.world import Stage, open_stage
from tests.contract.world import World as Account

WORLDS = 20_000 if os.environ.get("PARLOUR_PROVE") else 500
AT_ONCE = 25  # worlds, each a workspace of its own
ROUNDS = 8
SKILLS = ("red", "blue")


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    """A program in this process whose clock stands, and which does not write down each of a hundred thousand calls."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    async with open_stage() as opened:
        yield opened
    structlog.configure(**before)


@dataclass
class World:
    """A few workers and one task, all at random.

    :ivar held: how many tasks each worker is given before.
    :ivar worker: the one whose reasons are removed.
    :ivar reasons: those that were removed, in their order.
    :ivar got: whether the worker has the task; None as long as nobody has.
    """

    account: Account
    dice: random.Random
    number: int
    place: FlexWorkspace
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    capacity: dict[str, int] = field(default_factory=dict)
    task: str = ""
    worker: str = ""
    reasons: list[str] = field(default_factory=list)
    named: dict[str, Any] = field(default_factory=dict)
    got: bool | None = None

    @property
    def sid(self) -> str:
        return self.place.workspace_sid

    @property
    def api(self) -> Any:
        return self.account.client.taskrouter.v1.workspaces(self.sid)

    async def staff(self, uow: UnitOfWork) -> None:
        """Make workers, and the tasks that some of them will hold."""
        everybody = await queues.create(
            uow, self.sid, friendly_name=f"Load {self.number}", target_workers=f"world == {self.number}"
        )
        target = {"queue": everybody.sid, "known_worker_sid": "task.who"}
        load = await self._workflow(uow, {"expression": "1==1", "targets": [target]})
        for index in range(self.dice.randint(2, 4)):
            await self._worker(uow, f"A{self.number}-{index}", load)
        self.everybody = everybody.sid

    async def _workflow(self, uow: UnitOfWork, *filters: dict[str, Any]) -> str:
        configuration = json.dumps({"task_routing": {"filters": list(filters)}})
        made = await workflows.create(uow, self.sid, friendly_name="Flow", configuration=configuration)
        return str(made.sid)

    async def _worker(self, uow: UnitOfWork, name: str, load: str) -> None:
        dice = self.dice
        attributes = {
            "world": self.number,
            "skill": dice.choice(SKILLS),
            "level": dice.randint(1, 5),
            "languages": dice.choice([["en"], ["fr"], ["en", "fr"]]),
            "team": dice.choice(["x", "y"]),
        }
        made = await workers.create(
            uow,
            self.sid,
            friendly_name=name,
            attributes=json.dumps(attributes),
            activity_sid=self.place.available_activity_sid,
        )
        capacity = dice.randint(0, 2)
        self.attributes[made.sid], self.capacity[made.sid] = attributes, capacity
        await workers.set_capacity(uow, self.sid, made.sid, "chat", capacity)
        for _ in range(capacity if dice.random() < 0.5 else 0):
            attributes = {"who": made.sid}
            await tasks.create(uow, self.sid, workflow_sid=load, attributes=json.dumps(attributes), task_channel="chat")

    async def occupy(self, uow: UnitOfWork) -> None:
        """Have the workers accept what they were given, and some of them go away; then make the task."""
        dice = self.dice
        for offer in await task_store.reservations(uow, self.sid, status="pending"):
            await reservations.accept(uow, self.sid, offer.sid)
        for sid in self.attributes:
            if dice.random() < 0.4:
                away = dice.choice([self.place.activities["Offline"], self.place.activities["Unavailable"]])
                await workers.update(uow, self.sid, sid, activity_sid=away)
            if dice.random() < 0.1:
                await workers.update_channel(uow, self.sid, sid, "chat", available=False)
        wanted = [f"world == {self.number}", *dice.sample(["skill == 'red'", "level >= 3", "languages HAS 'en'"], 2)]
        name = f"Sales {self.number}"
        queue = await queues.create(uow, self.sid, friendly_name=name, target_workers=" AND ".join(wanted))
        target: dict[str, Any] = {"queue": queue.sid}
        if dice.random() < 0.6:
            target["expression"] = dice.choice(["worker.level > task.level", "worker.team == task.team"])
        flow = await self._workflow(
            uow,
            {"filter_friendly_name": "Other", "expression": "kind == 'other'", "targets": [{"queue": self.everybody}]},
            {"filter_friendly_name": "Deals", "expression": "kind == 'deal'", "targets": [target]},
        )
        self.asks: dict[str, Any] = {"kind": "deal", "level": dice.randint(1, 4), "team": dice.choice(["x", "y"])}
        made = await tasks.create(
            uow, self.sid, workflow_sid=flow, attributes=json.dumps(self.asks), task_channel="chat"
        )
        self.task, self.worker = made.sid, dice.choice(list(self.attributes))

    def look(self) -> None:
        """See who has the task; if nobody, have named what is in the worker's way, and change something else."""
        self._see()
        if self.got is not None:
            return
        found = self.account.raw("GET", "parlour", f"/v1/Routing/{self.task}")
        last = found["decisions"][-1]
        assert len(last["sentences"]) <= 3
        self.named = next(each for each in last["workers"] if each["worker_sid"] == self.worker)
        assert self.named["reason"], f"said to be eligible, and not reserved: {found['text']}"
        self._change_something_else(self.named["reason"])

    def act(self) -> None:
        """Demand that this did not help, and remove what was named."""
        self._see()
        assert self.got is not True, self.named
        if self.got is None:
            self._remove()
            self.reasons.append(self.named["reason"])

    def _see(self) -> None:
        offers = self.api.tasks(self.task).reservations.list(reservation_status="pending")
        self.got = any(each.worker_sid == self.worker for each in offers) if offers else None

    def _change_something_else(self, reason: str) -> None:
        kinds = {"activity", "capacity", "attributes"} - {reason}
        if reason in ("queue", "expression"):
            kinds -= {"attributes"}
        kind = self.dice.choice(sorted(kinds))
        if kind == "activity":
            self.api.workers(self.worker).update(activity_sid=self.place.available_activity_sid)
        elif kind == "capacity":
            self._stretch(self.capacity[self.worker] + 1)
        else:
            self._teach(color=self.dice.random())

    def _teach(self, **attributes: Any) -> None:
        self.attributes[self.worker] |= attributes
        self.api.workers(self.worker).update(attributes=json.dumps(self.attributes[self.worker]))

    def _stretch(self, capacity: int) -> None:
        self.capacity[self.worker] = capacity
        self.api.workers(self.worker).worker_channels("chat").update(capacity=capacity)

    def _remove(self) -> None:
        reason, named = self.named["reason"], self.named
        if reason == "activity":
            assert not named["available"]
            self.api.workers(self.worker).update(activity_sid=self.place.available_activity_sid)
        elif reason == "channel":
            self.api.workers(self.worker).worker_channels("chat").update(available=True)
        elif reason == "capacity":
            assert named["taken"] >= named["capacity"]
            self._stretch(named["taken"] + 1)
        else:
            self._teach(**self._satisfying(named["clause"]))

    def _satisfying(self, clause: str) -> dict[str, Any]:
        if clause == "worker.level > task.level":
            return {"level": self.asks["level"] + 1}
        if clause == "worker.team == task.team":
            return {"team": self.asks["team"]}
        found = re.fullmatch(r"(\w+) (==|>=|HAS) '?(\w+)'?", clause)
        assert found, clause
        name, operator, text = found.groups()
        return {name: [text] if operator == "HAS" else int(text) if text.isdigit() else text}


async def several(stage: Stage, account: Account, dice: random.Random) -> list[World]:
    """Make worlds, and have everything happen in them that follows by itself."""
    found: list[World] = []

    async def each(work: Callable[[World], Callable[[UnitOfWork], Awaitable[None]]]) -> None:
        for world in found:
            await stage.program.database.step(account.account_sid, work(world))
        await stage.advance(0)

    for number in range(AT_ONCE):
        place = await stage.program.database.step(account.account_sid, provision.provision_flex)
        found.append(World(account, dice, number, place))
    await each(lambda world: world.staff)
    await each(lambda world: world.occupy)
    return found


@pytest.mark.parametrize("seed", range(WORLDS // AT_ONCE))
async def test_what_is_named_is_what_stands_in_the_way(stage: Stage, seed: int) -> None:
    account = await stage.account(f"Worlds {seed}")
    worlds = await several(stage, account, random.Random(seed))

    def all_of(act: Callable[[World], None]) -> None:
        for world in worlds:
            if world.got is None:
                act(world)

    for _ in range(ROUNDS):
        if all(world.got is not None for world in worlds):
            break
        await asyncio.to_thread(all_of, World.look)
        await stage.advance(0)
        await asyncio.to_thread(all_of, World.act)
        await stage.advance(0)
    assert [world.reasons for world in worlds if world.got is None] == [], "never reserved"
    assert sum(world.got is True for world in worlds) >= AT_ONCE / 2
    assert {"capacity", "queue"} <= {reason for world in worlds for reason in world.reasons}
