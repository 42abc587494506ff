"""Webhooks that are asked first: they let an action happen, change it or refuse it (conversations.md §6.2, §6.6)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from twilio.rest import Client

from tests.conftest import LiveServer, running_server
from tests.conversations.calls import refusal
from tests.realtime.wire import Wire, logged_in
from tests.webhooks.receiver import Heard, Receiver
from tests.webhooks.test_sdk_actions import token_of

PRE = [
    "onConversationAdd",
    "onConversationUpdate",
    "onConversationRemove",
    "onMessageAdd",
    "onMessageUpdate",
    "onMessageRemove",
    "onParticipantAdd",
    "onParticipantUpdate",
    "onParticipantRemove",
    "onUserUpdate",
]
POST = [
    "onConversationAdded",
    "onConversationUpdated",
    "onConversationRemoved",
    "onMessageAdded",
    "onMessageUpdated",
    "onMessageRemoved",
    "onParticipantAdded",
    "onParticipantUpdated",
    "onParticipantRemoved",
    "onUserUpdated",
]


def answering(**changes: Any) -> Callable[[Heard], bytes]:
    """Answer pre-events with these changes."""
    return lambda heard: json.dumps(changes).encode() if heard.event in PRE else b""


def refusing(*events: str, status: int = 403) -> Callable[[Heard], int]:
    """Refuse these events."""
    return lambda heard: status if heard.event in events else 200


@asynccontextmanager
async def ana_of(server: LiveServer, receiver: Receiver, *events: str) -> AsyncIterator[tuple[Wire, Any]]:
    """Log ana in to a new service whose webhook is asked and told everything; give her socket and the service."""
    api = server.client().conversations.v1
    service = await asyncio.to_thread(api.services.create, friendly_name="Asked")
    own = api.services(service.sid)
    token = await asyncio.to_thread(token_of, server, "ana", service.sid)
    roles = await asyncio.to_thread(own.roles.list)
    for role in roles:
        wanted = [*role.permissions, "deleteConversation", "editConversationName", "deleteAnyMessage", "editAnyMessage"]
        await asyncio.to_thread(role.update, sorted(set(wanted)))
    await asyncio.to_thread(
        own.configuration.webhooks().update,
        pre_webhook_url=f"{receiver.url}/pre",
        post_webhook_url=f"{receiver.url}/post",
        filters=list(events) or [*PRE, *POST],
    )
    async with logged_in(server.url, token) as wire:
        yield wire, own


async def talk_of(wire: Wire) -> str:
    """Make a conversation and join it."""
    status, made = await wire.aim("POST", "Conversations", {"friendly_name": "Desk"})
    assert status == 201, made
    status, joined = await wire.aim("POST", f"Conversations/{made['sid']}/Participants", {"identity": "ana"})
    assert status == 201, joined
    return str(made["sid"])


async def test_each_action_of_a_client_is_asked_before_and_told_after(server: LiveServer, receiver: Receiver) -> None:
    async with ana_of(server, receiver) as (ana, _):
        sid = await talk_of(ana)
        _, said = await ana.aim("POST", f"Conversations/{sid}/Messages", {"body": "hello"})
        await ana.aim("POST", f"Conversations/{sid}/Messages/{said['sid']}", {"body": "hello again"})
        await ana.aim("DELETE", f"Conversations/{sid}/Messages/{said['sid']}")
        await ana.aim("POST", f"Conversations/{sid}", {"friendly_name": "Counter"})
        await ana.aim("POST", "Users/ana", {"friendly_name": "Ana"})
        await ana.aim("DELETE", f"Conversations/{sid}/Participants/{said['participant_sid']}")
    pairs = [("onMessageAdd", "onMessageAdded"), ("onMessageUpdate", "onMessageUpdated")]
    pairs += [("onMessageRemove", "onMessageRemoved"), ("onConversationUpdate", "onConversationUpdated")]
    pairs += [("onUserUpdate", "onUserUpdated"), ("onParticipantRemove", "onParticipantRemoved")]
    pairs += [("onConversationAdd", "onConversationAdded"), ("onParticipantAdd", "onParticipantAdded")]
    for before, after in pairs:
        asked = await asyncio.to_thread(receiver.one, before)
        told = await asyncio.to_thread(receiver.one, after)
        assert receiver.book.index(asked) < receiver.book.index(told)
        assert asked.url.endswith("/pre")
        assert told.url.endswith("/post")
        assert (asked.parameters["Source"], asked.parameters["ClientIdentity"]) == ("SDK", "ana")
        assert asked.parameters["RetryCount"] == "0"
    assert [heard.event for heard in receiver.book].count("onMessageAdd") == 1
    assert all(heard.signed_by(server.credentials.auth_token) for heard in receiver.book)


async def test_what_is_asked_has_the_parameters_of_the_contract(server: LiveServer, receiver: Receiver) -> None:
    async with ana_of(server, receiver, *PRE) as (ana, own):
        sid = await talk_of(ana)
        _, said = await ana.aim("POST", f"Conversations/{sid}/Messages", {"body": "hello", "attributes": '{"a":1}'})
        await ana.aim("POST", f"Conversations/{sid}/Messages/{said['sid']}", {"body": "hello again"})
    added = receiver.one("onMessageAdd").parameters
    assert (added["Body"], added["Author"], added["Attributes"]) == ("hello", "ana", '{"a":1}')
    assert (added["ConversationSid"], added["ChatServiceSid"]) == (sid, own._solution["sid"])
    assert added["ParticipantSid"] == said["participant_sid"]
    assert not {"MessageSid", "Index", "DateCreated"} & added.keys()
    updated = receiver.one("onMessageUpdate").parameters
    assert (updated["MessageSid"], updated["Index"], updated["Body"]) == (said["sid"], "0", "hello again")
    made = receiver.one("onConversationAdd").parameters
    assert (made["FriendlyName"], made["State"]) == ("Desk", "active")
    assert "ConversationSid" not in made
    joined = receiver.one("onParticipantAdd").parameters
    assert (joined["Identity"], joined["ConversationSid"]) == ("ana", sid)
    assert "ParticipantSid" not in joined


async def test_an_answer_changes_what_it_names_and_nothing_else(server: LiveServer, receiver: Receiver) -> None:
    async with ana_of(server, receiver) as (ana, own):
        sid = await talk_of(ana)
        receiver.says = answering(body="***", attributes='{"seen":true}', index=99)
        _, said = await ana.aim("POST", f"Conversations/{sid}/Messages", {"body": "a curse"})
        assert (said["body"], said["attributes"], said["index"], said["author"]) == ("***", '{"seen":true}', 0, "ana")
        receiver.says = answering(author="censor")
        _, said = await ana.aim("POST", f"Conversations/{sid}/Messages", {"body": "by another"})
        assert (said["author"], said["participant_sid"], said["index"]) == ("censor", None, 1)
        receiver.says = answering(friendly_name="Renamed")
        await ana.aim("POST", f"Conversations/{sid}", {"friendly_name": "Counter"})
    stored = await asyncio.to_thread(own.conversations(sid).fetch)
    assert stored.friendly_name == "Renamed"
    told = await asyncio.to_thread(receiver.wait_for, "onMessageAdded", 2)
    assert [(each.parameters["Body"], each.parameters["Author"]) for each in told] == [
        ("***", "ana"),
        ("by another", "censor"),
    ]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"body": "x" * 40_000}, 50504),
        ({"attributes": "{"}, 50304),
        ({"body": 5}, 20001),
        ({"author": "y" * 300}, 50310),
    ],
)
async def test_a_change_that_breaks_a_limit_is_the_callers_error(
    server: LiveServer, receiver: Receiver, answer: dict[str, Any], code: int
) -> None:
    async with ana_of(server, receiver) as (ana, own):
        sid = await talk_of(ana)
        receiver.says = answering(**answer)
        status, refused = await ana.aim("POST", f"Conversations/{sid}/Messages", {"body": "hello"})
        assert (status, refused["code"]) == (400, code)
    assert await asyncio.to_thread(own.conversations(sid).messages.list) == []


@pytest.mark.parametrize("status", [403, 400, 500, 503])
async def test_a_refusal_stops_the_action_and_takes_no_index(
    server: LiveServer, receiver: Receiver, status: int
) -> None:
    async with ana_of(server, receiver) as (ana, own):
        sid = await talk_of(ana)
        receiver.fault = refusing("onMessageAdd", status=status)
        answered, refused = await ana.aim("POST", f"Conversations/{sid}/Messages", {"body": "refused"})
        assert (answered, refused["code"]) == (403, 50056)
        receiver.heal()
        _, said = await ana.aim("POST", f"Conversations/{sid}/Messages", {"body": "kept"})
        assert said["index"] == 0
    told = await asyncio.to_thread(receiver.one, "onMessageAdded")
    assert told.parameters["Body"] == "kept"
    assert [each.body for each in await asyncio.to_thread(own.conversations(sid).messages.list)] == ["kept"]


@pytest.mark.parametrize(
    ("event", "method", "path", "body"),
    [
        ("onMessageUpdate", "POST", "/Messages/{message}", {"body": "changed"}),
        ("onMessageRemove", "DELETE", "/Messages/{message}", None),
        ("onConversationUpdate", "POST", "", {"friendly_name": "changed"}),
        ("onConversationRemove", "DELETE", "", None),
        ("onParticipantAdd", "POST", "/Participants", {"identity": "bob"}),
        ("onParticipantRemove", "DELETE", "/Participants/{participant}", None),
    ],
)
async def test_every_action_can_be_refused(
    server: LiveServer, receiver: Receiver, event: str, method: str, path: str, body: dict[str, str] | None
) -> None:
    async with ana_of(server, receiver) as (ana, own):
        sid = await talk_of(ana)
        _, said = await ana.aim("POST", f"Conversations/{sid}/Messages", {"body": "hello"})
        receiver.fault = refusing(event)
        url = f"Conversations/{sid}" + path.format(message=said["sid"], participant=said["participant_sid"])
        status, refused = await ana.aim(method, url, body)
        assert (status, refused["code"]) == (403, 50056)
    there = own.conversations(sid)
    assert (await asyncio.to_thread(there.fetch)).friendly_name == "Desk"
    assert [each.body for each in await asyncio.to_thread(there.messages.list)] == ["hello"]
    assert [each.identity for each in await asyncio.to_thread(there.participants.list)] == ["ana"]


@pytest.mark.parametrize("silence", ["hangs", "closes"])
async def test_silence_lets_the_action_happen_as_it_is(server: LiveServer, receiver: Receiver, silence: str) -> None:
    async with ana_of(server, receiver) as (ana, own):
        sid = await talk_of(ana)
        receiver.fault = receiver.hang if silence == "hangs" else lambda _: None
        began = asyncio.get_running_loop().time()
        _, said = await ana.aim("POST", f"Conversations/{sid}/Messages", {"body": "unheard"})
        took = asyncio.get_running_loop().time() - began
        receiver.heal()
    assert said["body"] == "unheard"
    assert (4.9 < took < 8) if silence == "hangs" else took < 4.9
    assert [each.body for each in await asyncio.to_thread(own.conversations(sid).messages.list)] == ["unheard"]


async def test_others_go_on_while_a_webhook_is_asked(server: LiveServer, receiver: Receiver) -> None:
    async with ana_of(server, receiver) as (ana, own):
        sid = await talk_of(ana)
        receiver.fault = receiver.dwell
        asking = asyncio.create_task(ana.aim("POST", f"Conversations/{sid}/Messages", {"body": "asked"}))
        await asyncio.to_thread(lambda: own.conversations(sid).messages.create(author="bob", body="at once"))
        assert not asking.done()
        receiver.heal()
        _, said = await asking
    assert said["index"] == 1


async def test_a_conversation_that_closed_meanwhile_refuses_the_message(server: LiveServer, receiver: Receiver) -> None:
    async with ana_of(server, receiver) as (ana, own):
        sid = await talk_of(ana)

        def close(heard: Heard) -> int:
            if heard.event == "onMessageAdd":
                own.conversations(sid).update(state="closed")
            return 200

        receiver.fault = close
        status, refused = await ana.aim("POST", f"Conversations/{sid}/Messages", {"body": "too late"})
        assert (status, refused["code"]) == (400, 50377)


def test_a_rest_call_is_not_asked_unless_the_operator_says_so(twilio: Client, receiver: Receiver) -> None:
    own = twilio.conversations.v1.services(twilio.conversations.v1.services.create(friendly_name="Rest").sid)
    own.configuration.webhooks().update(pre_webhook_url=receiver.url, filters=["onConversationAdd", "onMessageAdd"])
    talk = own.conversations.create(x_twilio_webhook_enabled="true")
    talk.messages.create(body="hello", x_twilio_webhook_enabled="true")
    assert receiver.book == []


@pytest.fixture(scope="module")
def asking_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose REST calls wait for pre-events."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARLOUR_PRE_WEBHOOKS_FOR_REST", "true")
        with running_server(tmp_path_factory.mktemp("asking"), "start", "--ephemeral") as live:
            yield live


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_rest_call_with_the_header_is_asked_where_the_operator_says_so(
    asking_server: LiveServer, receiver: Receiver, method: str
) -> None:
    api = asking_server.client().conversations.v1
    own = api.services(api.services.create(friendly_name="Rest").sid)
    own.configuration.webhooks().update(
        pre_webhook_url=f"{receiver.url}/pre?a=b", filters=["onConversationAdd", "onMessageAdd"], method=method
    )
    receiver.says = answering(friendly_name="Given", body="changed")
    talk = own.conversations.create(friendly_name="Wanted", x_twilio_webhook_enabled="true")
    assert talk.friendly_name == "Given"
    assert talk.messages.create(body="hello", x_twilio_webhook_enabled="true").body == "changed"
    assert talk.messages.create(body="unasked").body == "unasked"
    receiver.fault = refusing("onConversationAdd")
    refused = refusal(own.conversations.create, x_twilio_webhook_enabled="true")
    assert (refused.status, refused.code) == (403, 50056)
    assert {heard.method for heard in receiver.book} == {method}
    assert [heard.parameters["Source"] for heard in receiver.book] == ["API"] * 3
    assert all(heard.signed_by(asking_server.credentials.auth_token) for heard in receiver.book)


def test_a_conversation_with_participants_is_asked_about_once_and_about_each_of_them(
    asking_server: LiveServer, receiver: Receiver
) -> None:
    api = asking_server.client().conversations.v1
    own = api.services(api.services.create(friendly_name="Several").sid)
    own.configuration.webhooks().update(pre_webhook_url=receiver.url, filters=["onConversationAdd", "onParticipantAdd"])
    people = [f'{{"identity":"{name}"}}' for name in ("ann", "bob", "cem")]
    made = own.conversation_with_participants.create(participant=people, x_twilio_webhook_enabled="true")
    assert [heard.event for heard in receiver.book] == ["onConversationAdd", *["onParticipantAdd"] * 3]
    assert [heard.parameters["Identity"] for heard in receiver.book[1:]] == ["ann", "bob", "cem"]
    assert len(own.conversations(made.sid).participants.list()) == 3


def test_the_accounts_webhook_is_asked_for_services_without_their_own(
    asking_server: LiveServer, receiver: Receiver
) -> None:
    api = asking_server.client().conversations.v1
    hooks = api.configuration.webhooks()
    hooks.update(pre_webhook_url=receiver.url, filters=["onConversationAdd"])
    try:
        own = api.services(api.services.create(friendly_name="Rest").sid)
        own.conversations.create(x_twilio_webhook_enabled="true")
        assert len(receiver.book) == 1
        own.configuration.webhooks().update(post_webhook_url="http://127.0.0.1:9/", filters=["onMessageAdded"])
        own.conversations.create(x_twilio_webhook_enabled="true")
        assert len(receiver.book) == 1
    finally:
        hooks.update(pre_webhook_url="", filters=[""])
