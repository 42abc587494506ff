"""A small messaging centre on a server whose clock stands: one workspace, queue and workflow per test."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import requests
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import TaskRouterGrant
from twilio.rest import Client

from parlour.flex.package import AGENTS_WITHOUT_RESERVATION, ORPHANS
from tests.conftest import LiveServer, running_server
from tests.path.conftest import own_database
from tests.taskrouter.conftest import Centre, open_centre
from tests.webhooks.receiver import Receiver, running_receiver

NOW = "SELECT now()"


class Body(dict[str, Any]):
    """A JSON body as the official package wants it."""

    def to_dict(self) -> dict[str, Any]:
        return dict(self)


@dataclass
class Engagement:
    """A customer's conversation as the agents' work."""

    desk: "Desk"
    conversation: str
    interaction: str
    channel: str
    customer: str

    @property
    def api(self) -> Any:
        """The channel's context."""
        return self.desk.client.flex_api.v1.interaction(self.interaction).channels(self.channel)

    @property
    def status(self) -> str:
        return str(self.api.fetch().status)

    @property
    def talk(self) -> Any:
        """The conversation's context."""
        return self.desk.client.conversations.v1.conversations(self.conversation)

    @property
    def state(self) -> str:
        return str(self.talk.fetch().state)

    def members(self) -> set[str]:
        return {each.identity or each.messaging_binding["address"] for each in self.talk.participants.list()}

    def says(self, author: str, body: str = "hello?") -> None:
        self.talk.messages.create(author=author, body=body, x_twilio_webhook_enabled="true")
        self.desk.settle()

    def tasks(self) -> list[Any]:
        """The channel's tasks that are not over, oldest first."""
        found = [
            each
            for each in self.desk.centre.api.tasks.list()
            if json.loads(each.attributes).get("flexInteractionChannelSid") == self.channel
            and each.assignment_status not in ("completed", "canceled")
        ]
        return sorted(found, key=lambda each: str(each.sid))

    def agent(self, worker: str) -> str:
        """The participant that a worker is in the channel."""
        return next(
            str(each.sid)
            for each in self.api.participants.list()
            if each.routing_properties and each.routing_properties["worker_sid"] == worker
        )

    def accepted_by(self, worker: str) -> Any:
        """The worker's reservation of this channel, which they accept now."""
        self.desk.settle()
        mine = {each.sid for each in self.tasks()}
        (offer,) = (each for each in self.desk.centre.offers(worker) if each.task_sid in mine)
        return self.desk.answer(offer, "accepted")

    def end_of(self, worker: str, status: str = "closed") -> None:
        """End a worker's own part: what parking does."""
        self.api.participants(self.agent(worker)).update(status=status)
        self.desk.settle()


def answer_of(refused: pytest.ExceptionInfo[requests.HTTPError]) -> requests.Response:
    """Return the answer by which a desktop's call was refused."""
    answer = refused.value.response
    assert answer is not None
    return answer


@dataclass
class Desk:
    """A workspace, and what tests do there."""

    centre: Centre
    dsn: str
    queue: str
    workflow: str
    made: int = 0
    names: dict[str, str] = field(default_factory=dict)

    @property
    def client(self) -> Client:
        return self.centre.client

    def settle(self) -> None:
        self.centre.server.settle()

    def worker(self, name: str, **options: Any) -> str:
        sid = self.centre.worker(name, chat=options.pop("chat", 5), **options)
        self.names[sid] = name
        return sid

    def routing(self, **properties: Any) -> dict[str, Any]:
        known = {"workspace_sid": self.centre.sid, "task_channel_unique_name": "chat", "attributes": {"name": "Bo"}}
        if "queue_sid" not in properties and "worker_sid" not in properties:
            known["workflow_sid"] = self.workflow
        return {"properties": {**known, **properties}}

    def engage(self, **properties: Any) -> Engagement:
        """Hand the conversation of a new customer to agents."""
        self.made += 1
        customer = f"customer {self.made}"
        talk = self.client.conversations.v1.conversations.create()
        self.client.conversations.v1.conversations(talk.sid).participants.create(identity=customer)
        made = self.client.flex_api.v1.interaction.create(
            channel={"type": "web", "initiated_by": "api", "properties": {"media_channel_sid": talk.sid}},
            routing=self.routing(**properties),
        )
        self.settle()
        return Engagement(self, str(talk.sid), str(made.sid), made.channel["sid"], customer)

    def answer(self, offer: Any, status: str) -> Any:
        """Answer an offer."""
        context = self.centre.api.workers(offer.worker_sid).reservations(offer.sid)
        context.update(reservation_status=status)
        self.settle()
        return context.fetch()

    def transfer(self, work: Engagement, worker: str, to: str, kind: str = "cold") -> Any:
        """Have a worker transfer their part."""
        made = work.api.transfers.create(Body({"type": kind, "from": work.agent(worker), "to": to}))
        self.settle()
        return made

    def own(self, method: str, path: str, **form: str) -> Any:
        """Call Parlour's own API, or what no official package calls."""
        return raw_call(self.centre.server, method, path, form)

    def desktop(self, worker: str, method: str, url: str, **params: Any) -> Any:
        """Do what a worker's desktop does through the event bridge."""
        key = self.client.new_keys.create(friendly_name="desktop")
        token = AccessToken(self.client.account_sid, key.sid, key.secret, identity=self.names[worker])
        token.add_grant(TaskRouterGrant(workspace_sid=self.centre.sid, worker_sid=worker, role="worker"))
        body = {"url": url, "method": method, "params": params, "token": token.to_jwt()}
        answer = requests.post(f"{self.centre.server.url}/event-bridge/v1/wschannels", json=body, timeout=30)
        answer.raise_for_status()
        payload = answer.json()["payload"]
        self.settle()
        return payload

    def broken(self) -> list[Any]:
        """The rows that break invariants 4 and 6, asked as the doctor asks."""

        async def look() -> list[Any]:
            connection = await asyncpg.connect(self.dsn)
            account, now = self.client.account_sid, await connection.fetchval(NOW)
            found = await connection.fetch(ORPHANS, account, now)
            found += await connection.fetch(AGENTS_WITHOUT_RESERVATION, account, now)
            await connection.close()
            return [dict(row) for row in found]

        return asyncio.run(look())


def raw_call(server: LiveServer, method: str, path: str, form: dict[str, str]) -> Any:
    """Send a form with the account's credentials, and return the JSON of the answer."""
    known = server.credentials
    answer = requests.request(
        method, server.url + path, data=form or None, auth=(known.account_sid, known.auth_token), timeout=30
    )
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


@dataclass
class Place:
    """A server and the address of its database."""

    server: LiveServer
    dsn: str


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("interactions")
    with (
        own_database(folder / "database") as address,
        running_server(
            folder, "serve", "--demo", "--test-clock", "--data", str(folder / "data"), "--database-url", address
        ) as server,
    ):
        yield Place(server, address)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def desk(place: Place) -> Iterator[Desk]:
    """A workspace of its own; after each test invariants 4 and 6 hold."""
    centre = open_centre(place.server)
    queue = centre.queue(target_workers="1==1")
    made = Desk(centre, place.dsn, queue, centre.workflow(default=queue))
    yield made
    assert made.broken() == []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A healthy receiver of webhooks."""
    with running_receiver() as running:
        yield running
