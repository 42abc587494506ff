"""Two engine processes route under load while they are killed: no task lost, none assigned twice (DESIGN invariant 5).

Counted from the book of the receiver of the workspace's event callback, never from Parlour's own tables.
"""

import contextlib
import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioException

from parlour.kit import failpoints
from tests.carrier import eventually
from tests.faults.world import World, alive, running_world
from tests.webhooks.receiver import Receiver, running_receiver

KILLS = 60
WRITING = 3  # of how many kills one has a reservation being written
EVERY = 0.12  # seconds from one task to the next
LONGEST_WAIT = 2.0  # seconds, after the survivors are up
TAKE_OVER = 1.5  # seconds in which a survivor notices that a process is gone (docs/decisions/lanes.md)
AGENTS = 4
MOMENTS = (failpoints.BEFORE_COMMIT, failpoints.JOBS_CLAIMED, failpoints.JOB_DONE, failpoints.BEFORE_ANSWER)
GONE = (OSError, requests.RequestException, TwilioException)


@dataclass
class Load:
    """Tasks that are made, and agents who take them, while servers come and go.

    :ivar answered: SIDs of the tasks whose making was answered 201.
    """

    world: World
    workspace: str
    workflow: str
    agents: list[str]
    answered: list[str] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def api(self, number: int) -> Any:
        return self.world.client(number).taskrouter.v1.workspaces(self.workspace)

    def make(self) -> None:
        """Make tasks, by one server and the other."""
        number = 0
        while not self.enough.is_set():
            number += 1
            with contextlib.suppress(*GONE):
                made = self.api(number % 2).tasks.create(
                    workflow_sid=self.workflow, attributes=json.dumps({"n": number}), task_channel="chat"
                )
                self.answered.append(str(made.sid))
            time.sleep(EVERY)  # noqa: TID251 - an open loop

    def work(self, agent: str) -> None:
        """Accept and complete whatever is offered to an agent."""
        number = 0
        while not self.over.is_set():
            number += 1
            with contextlib.suppress(*GONE):
                mine = self.api(number % 2).workers(agent).reservations
                for status, wanted in (("pending", "accepted"), ("accepted", "completed")):
                    for each in mine.list(reservation_status=status):
                        with contextlib.suppress(*GONE):
                            self.api(number % 2).workers(agent).reservations(each.sid).update(reservation_status=wanted)
            time.sleep(0.05)  # noqa: TID251 - a poll

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        acts: list[threading.Thread] = [threading.Thread(target=self.make, daemon=True)]
        acts += [threading.Thread(target=self.work, args=(each,), daemon=True) for each in self.agents]
        for each in acts:
            each.start()
        try:
            yield
        finally:
            self.enough.set()
            self.over.set()
            for each in acts:
                each.join(40)


def opened(world: World, receiver: Receiver) -> Load:
    """Have a workspace of four agents who take fifty chats each."""
    client = world.client()
    made = client.taskrouter.v1.workspaces.create(
        friendly_name="Kills", event_callback_url=f"{receiver.url}/events", events_filter=None
    )
    api = client.taskrouter.v1.workspaces(made.sid)
    queue = api.task_queues.create(friendly_name="Everyone").sid
    routing = {"task_routing": {"default_filter": {"queue": queue}}}
    flow = api.workflows.create(friendly_name="W", configuration=json.dumps(routing)).sid
    available = next(each.sid for each in api.activities.list() if each.friendly_name == "Available")
    agents = []
    for number in range(AGENTS):
        agent = api.workers.create(friendly_name=f"A{number}", activity_sid=available).sid
        api.workers(agent).worker_channels("chat").update(capacity=50)
        agents.append(str(agent))
    return Load(world, str(made.sid), str(flow), agents)


def kill(world: World, chance: random.Random, *, writing: bool) -> float:
    """Kill one of the servers at a moment, start it again, and return when it was dead, in epoch seconds."""
    server = world.servers[chance.randrange(len(world.servers))]
    moment = failpoints.RESERVING if writing else chance.choice(MOMENTS)
    server.arm(moment, after=chance.randint(1, 4), pids=[server.process.pid])
    eventually(lambda: not alive(server.process.pid), seconds=30, what=f"{moment} did not come by")
    dead = time.time()
    server.process.wait(20)
    time.sleep(chance.random() * 0.5)  # noqa: TID251 - the survivor works alone for a while
    server.start()
    server.wait()
    return dead


@pytest.mark.timeout(1800)
def test_kills_of_two_engine_processes_lose_no_task_and_assign_none_twice(
    tmp_path: Path, say: Callable[[str], None]
) -> None:
    chance = random.Random(11)
    with running_world(tmp_path, servers=2) as world, running_receiver() as receiver:
        load = opened(world, receiver)
        with load.running():
            deaths = [kill(world, chance, writing=number % WRITING == 0) for number in range(KILLS)]
            load.enough.set()
            eventually(lambda: _completed(receiver) >= set(load.answered), seconds=90, what="a task was lost")
        events = {each.parameters["Sid"]: each.parameters for each in receiver.answered}
        accepted = defaultdict(set)
        for each in events.values():
            if each["EventType"] == "reservation.accepted":
                accepted[each["TaskSid"]].add(each["ReservationSid"])
        twice = {task: found for task, found in accepted.items() if len(found) > 1}
        waits = sorted(_waits(events.values(), deaths).values())
        say(
            f"{len(deaths)} kills of two engine processes ({sum(n % WRITING == 0 for n in range(KILLS))} with a "
            f"reservation being written): {len(load.answered)} tasks, {len(twice)} assigned twice, "
            f"longest wait {waits[-1]:.2f} s"
        )
        assert not twice
        assert waits[-1] <= LONGEST_WAIT + TAKE_OVER
        assert world.doctor() == []


def _completed(receiver: Receiver) -> set[str]:
    return {each.parameters["TaskSid"] for each in list(receiver.answered) if each.event == "task.completed"}


def _waits(events: Any, deaths: list[float]) -> dict[str, float]:
    """Seconds from each task's creation, or from the last death before its offer, to its first offer."""
    made: dict[str, float] = {}
    offered: dict[str, float] = {}
    for each in events:
        at = int(each["TimestampMs"]) / 1000
        if each["EventType"] == "task.created":
            made[each["TaskSid"]] = at
        elif each["EventType"] == "reservation.created":
            offered[each["TaskSid"]] = min(at, offered.get(each["TaskSid"], at))
    found = {}
    for task, at in offered.items():
        since = max([made[task], *(death for death in deaths if death <= at)])
        found[task] = at - since
    return found
