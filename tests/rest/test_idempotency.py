"""A POST with a key has one effect and one answer, however often it comes (DESIGN 2.13)."""

import base64
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from parlour.accounts import service
from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import conversations
from parlour.kit.clock import real_now
from parlour.kit.errors import ContractError
from parlour.rest import store
from parlour.rest.effect import Effect
from parlour.rest.idempotency import KEPT, LEASE
from parlour.rest.operations import Answer
from parlour.rest.store import Claim
from parlour.store.unit import UnitOfWork
from tests.carrier import eventually
from tests.channels.street import Street, street
from tests.conftest import LiveServer, running_server
from tests.webhooks.receiver import Receiver, healthy

COUNT = "SELECT sid FROM conversation WHERE account_sid = $1"
HEADERS = ["Idempotency-Key", "I-Twilio-Idempotency-Token", "X-Twilio-Mutation-Id"]


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        """Return its JSON."""
        return json.loads(self.body)


def post(
    server: LiveServer, path: str, form: Mapping[str, str | list[str]], key: str, header: str = HEADERS[0], **more: str
) -> Said:
    """Post a form with a key."""
    known = f"{server.credentials.account_sid}:{server.credentials.auth_token}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(known).decode()}", header: key, **more}
    return _answer(urllib.request.Request(f"{server.url}/{path}", urlencode(form, doseq=True).encode(), headers))  # noqa: S310


def upload(server: LiveServer, path: str, body: bytes, key: str, headers: dict[str, str]) -> Said:
    """Post a file with a key."""
    known = f"{server.credentials.account_sid}:{server.credentials.auth_token}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(known).decode()}", HEADERS[0]: key, **headers}
    return _answer(urllib.request.Request(f"{server.url}/{path}", body, headers))  # noqa: S310


def _answer(request: urllib.request.Request) -> Said:
    try:
        with urllib.request.urlopen(request, timeout=70) as answer:  # noqa: S310
            return Said(answer.status, answer.read())
    except urllib.error.HTTPError as error:
        return Said(error.code, error.read())


@pytest.fixture
def talk(server: LiveServer) -> Any:
    """A new conversation."""
    return server.client().conversations.v1.conversations.create(friendly_name="Once")


def messages_of(talk: Any) -> str:
    """Return the path of a conversation's messages."""
    return f"conversations/v1/Conversations/{talk.sid}/Messages"


@pytest.mark.parametrize("header", HEADERS)
def test_a_second_post_repeats_the_first_answer_byte_for_byte(server: LiveServer, talk: Any, header: str) -> None:
    key = uuid4().hex
    first = post(server, messages_of(talk), {"Body": "hello"}, key, header)
    again = post(server, messages_of(talk), {"Body": "hello"}, key, header)
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert [one.sid for one in talk.messages.list()] == [first.json["sid"]]


def test_other_keys_and_no_key_are_other_requests(server: LiveServer, talk: Any) -> None:
    for key in ("a", "b", ""):
        assert post(server, messages_of(talk), {"Body": "hello"}, key).status == 201
    assert post(server, messages_of(talk), {"Body": "hello"}, "").status == 201
    assert len(talk.messages.list()) == 4


def test_a_key_is_of_one_operation(server: LiveServer, talk: Any) -> None:
    key = uuid4().hex
    assert post(server, messages_of(talk), {"Body": "hello"}, key).status == 201
    made = post(server, f"conversations/v1/Conversations/{talk.sid}/Participants", {"Identity": "ann"}, key)
    assert (made.status, made.json["identity"]) == (201, "ann")


def test_the_same_key_with_another_body_is_a_conflict(server: LiveServer, talk: Any) -> None:
    key = uuid4().hex
    post(server, messages_of(talk), {"Body": "hello"}, key)
    refused = post(server, messages_of(talk), {"Body": "good day"}, key)
    assert (refused.status, refused.json["code"]) == (409, 20409)
    assert key in refused.json["message"]
    assert [one.body for one in talk.messages.list()] == ["hello"]


def test_a_refused_post_leaves_its_key_free(server: LiveServer, talk: Any) -> None:
    key = uuid4().hex
    assert post(server, messages_of(talk), {"Body": ""}, key).json["code"] == 50503
    assert post(server, messages_of(talk), {"Body": "hello"}, key).status == 201


def test_a_key_that_is_too_long_is_refused_by_its_name(server: LiveServer, talk: Any) -> None:
    refused = post(server, messages_of(talk), {"Body": "hello"}, "k" * 256)
    assert (refused.status, refused.json["code"]) == (400, 20001)
    assert "idempotency-key" in refused.json["message"]
    assert talk.messages.list() == []


def test_twins_at_the_same_time_have_one_effect(server: LiveServer, talk: Any) -> None:
    key, form = uuid4().hex, {"Body": "hello"}
    gate = threading.Barrier(8)

    def send(_: int) -> Said:
        gate.wait()
        return post(server, messages_of(talk), form, key)

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(send, range(8)))
    assert {one.status for one in said} == {201}
    assert len({one.body for one in said}) == 1
    assert len(talk.messages.list()) == 1


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("conversations/v1/Conversations", {"FriendlyName": "a"}),
        ("conversations/v1/ConversationWithParticipants", {"Participant": '{"identity":"ann"}'}),
        ("conversations/v1/Services", {"FriendlyName": "a"}),
        ("taskrouter/v1/Workspaces", {"FriendlyName": "{unique}"}),
        ("api/2010-04-01/Accounts/{account}/Keys.json", {"FriendlyName": "a"}),
    ],
)
def test_every_product_repeats(server: LiveServer, path: str, form: dict[str, str]) -> None:
    key = uuid4().hex
    path = path.format(account=server.credentials.account_sid)
    form = {name: value.replace("{unique}", key) for name, value in form.items()}
    said = [post(server, path, form, key) for _ in range(2)]
    assert said[0].status in (200, 201, 202), said[0].body
    assert said[0] == said[1]


def test_an_upload_is_known_by_its_length_and_type(server: LiveServer, talk: Any) -> None:
    key, path = uuid4().hex, f"mcs/v1/Services/{talk.chat_service_sid}/Media?Filename=a.txt"
    kind = {"Content-Type": "text/plain"}
    first, again = (upload(server, path, b"hello", key, kind) for _ in range(2))
    assert first.status == 201, first.body
    assert first == again
    assert upload(server, path, b"longer", key, kind).json["code"] == 20409


def test_an_update_is_not_done_again_after_somebody_elses(server: LiveServer, talk: Any) -> None:
    key, path = uuid4().hex, f"conversations/v1/Conversations/{talk.sid}"
    first = post(server, path, {"FriendlyName": "mine"}, key)
    talk.update(friendly_name="theirs")
    again = post(server, path, {"FriendlyName": "mine"}, key)
    assert again.body == first.body
    assert talk.fetch().friendly_name == "theirs"


def test_a_key_is_forgotten_after_a_day(frozen_server: LiveServer) -> None:
    key, path = uuid4().hex, "conversations/v1/Conversations"
    first = post(frozen_server, path, {"FriendlyName": "a"}, key).json["sid"]
    frozen_server.advance(23 * 3600)
    assert post(frozen_server, path, {"FriendlyName": "a"}, key).json["sid"] == first
    frozen_server.advance(2 * 3600)
    assert post(frozen_server, path, {"FriendlyName": "a"}, key).json["sid"] != first


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """A server that can be killed."""
    folder: Path = tmp_path_factory.mktemp("killed")
    with street(folder) as one:
        yield one


@pytest.mark.parametrize(
    ("moment", "kept"), [("rest.before_answer", 1), ("store.before_commit", 0), ("idempotency.taken", 0)]
)
def test_a_key_whose_process_died_is_worked_on_once(world: Street, moment: str, kept: int) -> None:
    made = world.client.conversations.v1.conversations.create(friendly_name="Killed")
    key, path, form = uuid4().hex, messages_of(made), {"Body": "hello"}
    world.fails_at(moment)
    with pytest.raises((OSError, urllib.error.URLError)):
        post(world.server, path, form, key)
    world.start_again()
    assert len(made.messages.list()) == kept
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda _: post(world.server, path, form, key), range(4)))
    assert {one.status for one in said} == {201}
    assert len({one.body for one in said}) == 1
    assert [one.sid for one in made.messages.list()] == [said[0].json["sid"]]


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose REST calls wait for pre-events."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARLOUR_PRE_WEBHOOKS_FOR_REST", "true")
        with running_server(tmp_path_factory.mktemp("asking"), "start", "--ephemeral") as live:
            yield live


ASKED = {"X-Twilio-Webhook-Enabled": "true"}


def test_a_twin_waits_while_the_first_asks_a_webhook(asking: LiveServer, receiver: Receiver) -> None:
    api = asking.client().conversations.v1
    api.configuration.webhooks().update(pre_webhook_url=receiver.url, filters=["onMessageAdd"])
    made, key = api.conversations.create(), uuid4().hex
    receiver.fault = receiver.hang
    with ThreadPoolExecutor(2) as pool:
        twins = [pool.submit(post, asking, messages_of(made), {"Body": "hello"}, key, **ASKED) for _ in range(2)]
        said = [twin.result() for twin in twins]
    assert [one.status for one in said] == [201, 201]
    assert said[0].body == said[1].body
    assert len(receiver.book) == 1
    assert [one.body for one in made.messages.list()] == ["hello"]


def test_a_twin_does_not_wait_for_ever(asking: LiveServer, receiver: Receiver) -> None:
    api = asking.client().conversations.v1
    api.configuration.webhooks().update(pre_webhook_url=receiver.url, filters=["onConversationAdd", "onParticipantAdd"])
    receiver.fault = receiver.hang  # five seconds for the conversation and for each participant
    key, path = uuid4().hex, "conversations/v1/ConversationWithParticipants"
    form = {"Participant": [f'{{"identity":"{name}"}}' for name in ("ann", "bob", "cem", "dan", "eve")]}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, asking, path, form, key, **ASKED)
        eventually(lambda: receiver.book, what="the first asks")
        twin = post(asking, path, form, key, **ASKED)
        assert (twin.status, twin.json["code"]) == (409, 20409)
        receiver.fault = healthy  # what hangs is left to its five seconds
        assert first.result().status == 202
    assert post(asking, path, form, key, **ASKED) == first.result()


async def test_keys_of_accounts_and_identities_are_their_own(program: Program, account: Credentials) -> None:
    other = await service.create_account(program.database, program.box, friendly_name="Other")

    async def keep(account_sid: str, caller: str, body_hash: str) -> bool:
        claim = Claim(caller=caller, operation="x/v1/Things", key="k", body_hash=body_hash, holder="RQ1")

        async def work(uow: UnitOfWork) -> bool:
            now = real_now()
            return await store.take(uow, claim, lease=now + LEASE, forgotten_before=uow.now - KEPT, real_now=now)

        return await program.database.step(account_sid, work)

    assert [await keep(account.account_sid, caller, "h") for caller in ("", "ann", "bob", "ann")] == [
        True,
        True,
        True,
        False,
    ]
    assert await keep(other.account_sid, "", "another body")


async def test_a_handler_may_answer_otherwise_after_a_step_that_failed(program: Program, account: Credentials) -> None:
    claim = Claim(caller="", operation="x/v1/Things", key=uuid4().hex, body_hash="h", holder="RQ1")

    async def take(uow: UnitOfWork) -> None:
        now = real_now()
        await store.take(uow, claim, lease=now + LEASE, forgotten_before=uow.now - KEPT, real_now=now)

    async def make(uow: UnitOfWork) -> str:
        return (await conversations.create(uow)).sid

    async def make_and_refuse(uow: UnitOfWork) -> None:
        await make(uow)
        raise ContractError(20001, 400, "no")

    await program.database.step(account.account_sid, take)
    effect = Effect(program.database, account.account_sid, "RQ1", claim)
    with pytest.raises(ContractError):
        await effect.step(make_and_refuse)
    sid = await effect.step(make)
    with pytest.raises(ContractError):
        await effect.step(make_and_refuse)
    seen = await effect.read(lambda reader: conversations.fetch(reader, sid))
    await effect.finish(Answer(201, {"sid": seen.sid}))
    known = await program.database.read(account.account_sid, lambda reader: store.fetch(reader, claim))
    assert known is not None
    assert known.answer is not None
    assert known.answer.body == f'{{"sid":"{sid}"}}'.encode()
    made = await program.database.read(account.account_sid, lambda reader: reader.fetch(COUNT, account.account_sid))
    assert [row["sid"] for row in made] == [sid]
