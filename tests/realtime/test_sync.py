"""Sync as a view: permission, replay, paging, slow readers (realtime-protocol.md §8, §9)."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import AccessTokenGrant, ChatGrant
from twilio.rest import Client

from tests.realtime.wire import Wire, logged_in, narrow_socket
from tests.realtime.world import World


@dataclass
class Talk:
    """A conversation of Ana and Ben, and their sockets on two servers."""

    world: World
    client: Client
    sid: str
    names: tuple[str, str]
    ana: Wire
    ben: Wire

    async def post(self, body: str) -> str:
        """Post a message through REST and return its SID."""
        made = await asyncio.to_thread(self._conversation.messages.create, body=body, author=self.names[0])
        return str(made.sid)

    async def do(self, work: Any) -> Any:
        """Do something with the conversation through REST."""
        return await asyncio.to_thread(work, self._conversation)

    @property
    def _conversation(self) -> Any:
        return self.client.conversations.v1.conversations(self.sid)


@pytest.fixture
async def talk(world: World, names: tuple[str, str]) -> AsyncIterator[Talk]:
    """A conversation of two."""
    client = world.client()
    made = await asyncio.to_thread(client.conversations.v1.conversations.create, friendly_name="Talk")
    for name in names:
        await asyncio.to_thread(client.conversations.v1.conversations(made.sid).participants.create, identity=name)
    async with (
        logged_in(world.url(), world.token(names[0])) as ana,
        logged_in(world.url(world.ports[1]), world.token(names[1])) as ben,
    ):
        yield Talk(world, client, made.sid, names, ana, ben)


async def test_a_removed_participant_stops_receiving_at_once(talk: Talk, world: World) -> None:
    async with logged_in(world.url(world.ports[1]), world.token(talk.names[0])) as beside_ben:
        for wire in (beside_ben, talk.ben):
            await wire.subscribe("list", f"{talk.sid}.messages", 0)
            await wire.event("subscription_established")
        await talk.post("for both")
        await talk.ben.event("list_item_added", item_index=0)
        await talk.do(lambda conversation: conversation.participants(talk.names[1]).delete())
        await talk.post("for Ana alone")
        await beside_ben.event("list_item_added", item_index=1)
    # An answer on Ben's socket: whatever his server had for him before it has come.
    await talk.ben.aim("GET", "Configuration")
    assert [event["item_index"] for event in talk.ben.events("list_item")] == [0]
    await talk.do(lambda conversation: conversation.participants.create(identity=talk.names[1]))
    status, body = await talk.ben.cds(f"Lists/{talk.sid}.messages/Items")
    assert (status, len(body["items"])) == (200, 2)


async def test_who_was_removed_reads_nothing_of_the_conversation(talk: Talk) -> None:
    _, shown = await talk.ben.cds(f"Lists/{talk.sid}.messages")
    await talk.do(lambda conversation: conversation.participants(talk.names[1]).delete())
    for path in (f"Lists/{talk.sid}.messages", f"Lists/{shown['sid']}/Items", f"Maps/{talk.sid}.roster"):
        status, body = await talk.ben.cds(path)
        assert (path, status, body["code"]) == (path, 403, 54007)
    status, body = await talk.ben.aim("POST", f"Conversations/{talk.sid}/Messages", {"body": "let me in"})
    assert (status, body["code"]) == (403, 50430)


async def test_a_subscription_without_permission_fails(talk: Talk, world: World) -> None:
    _, shown = await talk.ben.cds(f"Lists/{talk.sid}.messages")
    async with logged_in(world.url(), world.token("stranger")) as stranger:
        wanted = {"object_sid": shown["sid"], "object_type": "list", "last_event_id": 0}
        gone = {"object_sid": "ES" + "0" * 32, "object_type": "list", "last_event_id": 0}
        body = {"event_protocol_version": 4, "action": "establish", "correlation_id": 9, "requests": [wanted, gone]}
        await stranger.request("POST", "https://cds.us1.twilio.com/v4/Subscriptions", body)
        failed = await stranger.event("subscription_failed", object_sid=shown["sid"])
        assert (failed["error"]["status"], failed["error"]["code"]) == (403, 54007)
        missing = await stranger.event("subscription_failed", object_sid=gone["object_sid"])
        assert missing["error"]["status"] == 404


async def test_the_list_of_conversations_is_its_owners_alone(talk: Talk) -> None:
    _, configuration = await talk.ana.aim("GET", "Configuration")
    name = configuration["sync_objects"]["my_conversations"]
    assert (await talk.ana.cds(f"Maps/{name}"))[0] == 200
    assert (await talk.ben.cds(f"Maps/{name}"))[0] == 403
    assert (await talk.ben.cds(f"Maps/{configuration['sync_objects']['my_user_info']}"))[0] == 200


async def test_a_token_of_another_service_sees_nothing(talk: Talk, world: World) -> None:
    other = await asyncio.to_thread(talk.client.conversations.v1.services.create, friendly_name="Other")
    async with logged_in(world.url(), world.token(talk.names[0], service=other.sid)) as made:
        assert (await made.cds(f"Lists/{talk.sid}.messages"))[0] == 403
        assert (await made.aim("GET", f"Conversations/{talk.sid}"))[0] == 404


class FlexGrant(AccessTokenGrant):  # type: ignore[misc] # the library says no types
    """The grant of sign-in to the agent desktop."""

    def __init__(self, *roles: str) -> None:
        self.roles = roles

    @property
    def key(self) -> str:
        """Return the name of the grant."""
        return "flex"

    def to_payload(self) -> dict[str, Any]:
        """Return the grant."""
        return {"roles": list(self.roles)}


@pytest.mark.parametrize(("role", "status"), [("supervisor", 200), ("admin", 200), ("agent", 403)])
async def test_supervisors_read_conversations_in_which_they_do_not_take_part(
    talk: Talk, world: World, role: str, status: int
) -> None:
    await talk.post("to be watched")
    token = AccessToken(world.credentials.account_sid, *world.key, identity=f"{role}-{secrets.token_hex(4)}")
    token.add_grant(ChatGrant(service_sid=world.service))
    token.add_grant(FlexGrant(role))
    async with logged_in(world.url(), token.to_jwt()) as made:
        assert (await made.cds(f"Lists/{talk.sid}.messages/Items"))[0] == status
        assert (await made.cds(f"Maps/{talk.sid}.roster/Items"))[0] == status


async def test_replay_brings_what_changed_after_the_position_and_no_more(talk: Talk) -> None:
    sids = [await talk.post(f"message {number}") for number in range(5)]
    _, before = await talk.ben.cds(f"Lists/{talk.sid}.messages")
    await talk.post("added later")
    await talk.do(lambda conversation: conversation.messages(sids[1]).update(body="edited later"))
    await talk.do(lambda conversation: conversation.messages(sids[3]).delete())
    await talk.ben.subscribe("list", f"{talk.sid}.messages", before["last_event_id"])
    established = await talk.ben.event("subscription_established")
    told = [(event["id"], event["item_index"]) for event in talk.ben.events("list_item")]
    assert [index for _, index in told] == [5, 1, 3]
    assert [number for number, _ in told] == sorted(number for number, _ in told)
    assert established["last_event_id"] == before["last_event_id"] + 3
    assert [event["item_index"] for event in talk.ben.events("list_item_added")] == [5]
    assert [event["item_data"]["text"] for event in talk.ben.events("list_item_updated")] == ["edited later"]
    assert [event["item_index"] for event in talk.ben.events("list_item_removed")] == [3]


async def test_without_a_position_nothing_is_replayed(talk: Talk) -> None:
    await talk.post("old")
    await talk.ben.subscribe("list", f"{talk.sid}.messages", None)
    await talk.ben.event("subscription_established")
    await talk.post("new")
    await talk.ben.event("list_item_added", item_index=1)
    assert [event["item_index"] for event in talk.ben.events("list_item")] == [1]


async def test_long_replays_come_whole(talk: Talk) -> None:
    def fill(conversation: Any) -> None:
        for number in range(230):
            conversation.messages.create(body=str(number))

    await talk.do(fill)
    await talk.ben.subscribe("list", f"{talk.sid}.messages", 0)
    await talk.ben.event("subscription_established")
    assert [event["item_index"] for event in talk.ben.events("list_item_added")] == list(range(230))


@pytest.mark.parametrize("version", [3, 4])
async def test_both_versions_of_the_event_protocol_are_spoken(talk: Talk, version: int) -> None:
    sid = await talk.ben.subscribe("list", f"{talk.sid}.messages", 0, version)
    await talk.ben.event("subscription_established", object_sid=sid)
    await talk.post("hello")
    heard = await talk.ben.event("list_item_added", list_sid=sid)
    assert heard["item_data"]["text"] == "hello"
    spoken = {p["event_protocol_version"] for _, p in talk.ben.came if p and "event_protocol_version" in p}
    assert spoken == {version}


async def test_a_deleted_conversation_is_removed_from_the_list_of_its_users(talk: Talk) -> None:
    _, configuration = await talk.ben.aim("GET", "Configuration")
    await talk.ben.subscribe("map", configuration["sync_objects"]["my_conversations"], 0)
    await talk.ben.subscribe("document", f"{talk.sid}.channel", 0)
    await talk.ben.event("subscription_established", object_type="document")
    await talk.do(lambda conversation: conversation.delete())
    assert (await talk.ben.event("map_item_removed"))["item_key"] == talk.sid
    await talk.ben.event("document_removed")


async def test_a_mutation_that_comes_twice_is_done_once(talk: Talk) -> None:
    headers = {"X-Twilio-Mutation-Id": secrets.token_hex(8)}
    path = f"Conversations/{talk.sid}/Messages"
    first, made = await talk.ana.aim("POST", path, {"body": "once"}, headers=headers)
    again, told = await talk.ana.aim("POST", path, {"body": "once"}, headers=headers)
    assert (first, again, told["resource_url"]) == (201, 202, made["url"])
    assert (await talk.ana.request("GET", told["resource_url"]))[1]["sid"] == made["sid"]
    assert len(await talk.do(lambda conversation: conversation.messages.list())) == 1


async def test_a_slow_reader_is_given_up_and_others_are_served(talk: Talk) -> None:
    body = "x" * 32_000
    await talk.ana.subscribe("list", f"{talk.sid}.messages", None)
    await talk.ana.event("subscription_established")
    slow = narrow_socket(talk.world.url())
    async with logged_in(talk.world.url(), talk.world.token(talk.names[1]), sock=slow) as made:
        sid = await made.subscribe("list", f"{talk.sid}.messages", None)
        await made.event("subscription_established", object_sid=sid)
        made.connection.transport.pause_reading()
        for number in itertools.count():
            await talk.post(body)
            await talk.ana.event("list_item_added", item_index=number)
            if "a reader is too slow" in await asyncio.to_thread(talk.world.log_of, 0):
                break
            assert number < 600, "the server keeps buffering"
        made.connection.transport.resume_reading()
        async with asyncio.timeout(30):
            await made.ended.wait()
        assert len(made.events("list_item_added")) < number
