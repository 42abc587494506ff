"""The server dies while an agent acts: after its restart somebody owns the customer (ACCEPTANCE 5; invariants 4-6)."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from tests.carrier import eventually
from tests.faults.world import World, running_world
from tests.interactions.conftest import Body

ACTS = ("accepting", "transferring", "parking", "completing")
MOMENTS = ("store.before_commit", "rest.before_answer")
GONE = (requests.ConnectionError, TwilioException)


@dataclass
class Scene:
    """A customer's conversation, and two agents of the Flex workspace."""

    world: World
    carla: str
    bob: str
    workspace: str
    queue: str
    conversation: str
    interaction: str
    channel: str

    @property
    def client(self) -> Client:
        return self.world.client()

    @property
    def api(self) -> Any:
        return self.client.flex_api.v1.interaction(self.interaction).channels(self.channel)

    @property
    def space(self) -> Any:
        return self.client.taskrouter.v1.workspaces(self.workspace)

    def offer(self, worker: str, status: str = "pending") -> Any:
        """The worker's reservation of this conversation, once there is one."""

        def look() -> Any:
            listed = self.space.workers(worker).reservations.list(reservation_status=status)
            return next((each for each in listed if self.names(each.task_sid)), None)

        return eventually(look, seconds=20, what=f"a {status} reservation")

    def names(self, task: str) -> bool:
        attributes = json.loads(self.space.tasks(task).fetch().attributes)
        return bool(attributes.get("conversationSid") == self.conversation)

    def agent(self) -> str:
        """Carla as a participant."""
        return next(
            str(each.sid)
            for each in self.api.participants.list()
            if each.routing_properties and each.routing_properties["worker_sid"] == self.carla
        )

    def accept(self) -> None:
        self.accepting()()

    def accepting(self) -> Callable[[], Any]:
        """The acceptance, looked up so that its call is all that is left."""
        reservation = self.space.workers(self.carla).reservations(self.offer(self.carla).sid)
        return lambda: reservation.update(reservation_status="accepted")

    def transferring(self) -> Callable[[], Any]:
        body = Body({"type": "cold", "from": self.agent(), "to": self.bob})
        return lambda: self.api.transfers.create(body)

    def parking(self) -> Callable[[], Any]:
        participant = self.api.participants(self.agent())
        return lambda: participant.update(status="closed")

    def completing(self) -> Callable[[], Any]:
        return lambda: self.api.update(status="closed", routing={"status": "closed"})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("kills")) as made:
        yield made


def scene_of(world: World, number: int) -> Scene:
    client = world.client()
    settings = client.flex_api.v1.configuration().fetch()
    space = client.taskrouter.v1.workspaces(settings.taskrouter_workspace_sid)
    (free,) = space.activities.list(friendly_name="Available")
    names = [f"{name} {number}" for name in ("Carla", "Bob")]
    carla, bob = (str(space.workers.create(friendly_name=name, activity_sid=free.sid).sid) for name in names)
    talk = client.conversations.v1.conversations.create()
    client.conversations.v1.conversations(talk.sid).participants.create(identity=f"customer {number}")
    queue = settings.taskrouter_target_taskqueue_sid
    made = client.flex_api.v1.interaction.create(
        channel={"type": "web", "initiated_by": "api", "properties": {"media_channel_sid": talk.sid}},
        routing={
            "properties": {
                "workspace_sid": settings.taskrouter_workspace_sid,
                "worker_sid": carla,
                "queue_sid": queue,
                "task_channel_unique_name": "chat",
                "attributes": {"name": "Bo"},
            }
        },
    )
    return Scene(
        world, carla, bob, settings.taskrouter_workspace_sid, queue, str(talk.sid), str(made.sid), made.channel["sid"]
    )


def kill_during(world: World, act: Callable[[], Any], moment: str) -> None:
    """Have the server killed at a moment of an act, and start it again."""
    server = world.server
    server.arm(moment, after=1, pids=[server.process.pid])
    with pytest.raises(GONE):
        act()
    server.process.wait(20)
    server.start()
    eventually(world.answers, seconds=60, what="an answer after the restart")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("act", ACTS)
def test_nobody_is_lost_by_a_kill(world: World, act: str, moment: str) -> None:
    world.used += 1
    scene = scene_of(world, world.used)
    scene.offer(scene.carla)
    if act != "accepting":
        scene.accept()
    kill_during(world, getattr(scene, act)(), moment)
    eventually(lambda: world.doctor() == [], seconds=40, what="all invariants hold")
    state = scene.client.conversations.v1.conversations(scene.conversation).fetch().state
    if state == "active":
        scene.api.update(status="closed", routing={"status": "closed"})
        assert scene.client.conversations.v1.conversations(scene.conversation).fetch().state == "closed"
    eventually(lambda: world.doctor() == [], seconds=40, what="all invariants hold at the end")
