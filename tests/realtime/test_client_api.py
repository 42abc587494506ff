"""The client API: acting as an identity, within what roles allow (realtime-protocol.md §7, conversations.md §7)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.realtime.wire import Wire, logged_in
from tests.realtime.world import World


@dataclass
class Desk:
    """Ana, who made a conversation and joined it, and Ben, who is in it too."""

    world: World
    ana: Wire
    ben: Wire
    names: tuple[str, str]
    sid: str

    @property
    def path(self) -> str:
        """Return the path of the conversation."""
        return f"Conversations/{self.sid}"

    async def post(self, body: str) -> dict[str, Any]:
        """Have Ana send a message."""
        status, made = await self.ana.aim("POST", f"{self.path}/Messages", {"body": body})
        assert status == 201
        return dict(made)


@pytest.fixture
async def desk(world: World, names: tuple[str, str]) -> AsyncIterator[Desk]:
    """Two clients in one conversation."""
    async with (
        logged_in(world.url(), world.token(names[0])) as ana,
        logged_in(world.url(), world.token(names[1])) as ben,
    ):
        _, made = await ana.aim("POST", "Conversations", {"friendly_name": "Desk", "attributes": '{"vip":true}'})
        for name in names:
            await ana.aim("POST", f"Conversations/{made['sid']}/Participants", {"identity": name})
        yield Desk(world, ana, ben, names, made["sid"])


async def test_who_makes_a_conversation_sees_it_before_joining_but_not_what_is_said(
    world: World, names: tuple[str, str]
) -> None:
    async with logged_in(world.url(), world.token(names[0])) as ana:
        status, made = await ana.aim("POST", "Conversations", {"friendly_name": "Mine"})
        assert (status, made["status"], made["created_by"]) == (201, "notParticipating", names[0])
        assert (await ana.cds(f"Documents/{made['sid']}.channel"))[0] == 200
        assert (await ana.cds(f"Lists/{made['sid']}.messages"))[0] == 403
        status, joined = await ana.aim("POST", f"Conversations/{made['sid']}/Participants", {"identity": names[0]})
        service = await world.rest(lambda api: api.services(world.service).configuration().fetch())
        assert (status, joined["role_sid"]) == (201, service.default_conversation_creator_role_sid)
        assert (await ana.aim("GET", f"MyConversations/{made['sid']}"))[1]["status"] == "joined"


async def test_the_same_identity_is_added_once(desk: Desk) -> None:
    status, body = await desk.ana.aim("POST", f"{desk.path}/Participants", {"identity": desk.names[1]})
    assert (status, body["code"]) == (409, 50433)


async def test_a_unique_name_finds_the_conversation_and_is_taken_once(desk: Desk) -> None:
    unique = f"desk/{desk.sid[-8:]} 1"
    assert (await desk.ana.aim("POST", desk.path, {"unique_name": unique}))[0] == 200
    _, found = await desk.ben.aim("GET", f"MyConversations/{unique.replace('/', '%2F').replace(' ', '%20')}")
    assert (found["sid"], found["status"]) == (desk.sid, "joined")
    status, body = await desk.ana.aim("POST", "Conversations", {"unique_name": unique})
    assert (status, body["code"]) == (409, 50353)


@pytest.mark.parametrize(
    ("method", "below", "body"),
    [
        ("POST", "", {"friendly_name": "Ours"}),
        ("POST", "", {"attributes": "{}"}),
        ("DELETE", "", None),
        ("POST", "/Participants", {"identity": "carl"}),
        ("POST", "/Participants", {"messaging_binding": {"address": "+15550001", "proxy_address": "+15550002"}}),
        ("DELETE", "/Participants/{ana}", None),
        ("POST", "/Participants/{ana}", {"attributes": "{}"}),
        ("POST", "/Messages/{message}", {"body": "not mine"}),
        ("POST", "/Messages/{message}", {"attributes": "{}"}),
        ("DELETE", "/Messages/{message}", None),
    ],
)
async def test_the_role_of_a_guest_allows_none_of_this(desk: Desk, method: str, below: str, body: Any) -> None:
    message = await desk.post("hello")
    below = below.format(ana=desk.names[0], message=message["sid"])
    status, refused = await desk.ben.aim(method, desk.path + below, body)
    assert (status, refused["code"]) == (403, 50107)
    assert (await desk.ana.aim("GET", f"{desk.path}/Messages/{message['sid']}"))[1]["body"] == "hello"


async def test_a_guest_may_send_and_leave(desk: Desk) -> None:
    status, made = await desk.ben.aim("POST", f"{desk.path}/Messages", {"body": "hi", "attributes": '{"a":1}'})
    assert (status, made["author"], made["index"], made["attributes"]) == (201, desk.names[1], 0, '{"a":1}')
    assert (await desk.ben.aim("DELETE", f"{desk.path}/Participants/{desk.names[1]}"))[0] == 204
    assert (await desk.ben.aim("GET", "MyConversations"))[1]["conversations"] == []


async def test_a_role_that_loses_a_permission_loses_it_at_once(desk: Desk) -> None:
    def restrict(api: Any) -> None:
        service = api.services(desk.world.service)
        role = service.roles.create(friendly_name="mute", type="conversation", permission=["leaveConversation"])
        api.conversations(desk.sid).participants(desk.names[1]).update(role_sid=role.sid)

    await desk.world.rest(restrict)
    status, body = await desk.ben.aim("POST", f"{desk.path}/Messages", {"body": "hi"})
    assert (status, body["code"], "sendMessage" in body["message"]) == (403, 50107, True)


@pytest.mark.parametrize(
    ("body", "code", "name"),
    [
        ({}, 50503, "Body"),
        ({"body": 5}, 20001, "body"),
        ({"content_sid": "HX" + "0" * 32}, 50526, "ContentSid"),
        ({"body": "x", "content_variables": "{}"}, 50528, "ContentVariables"),
        ({"media_sids": ["ME" + "0" * 32]}, 50507, "ME0"),
        ({"media_sids": ["ME" + "0" * 32] * 11}, 20001, "media_sids"),
        ({"body": "x", "attributes": "{"}, 50304, "Attributes"),
    ],
)
async def test_a_message_that_cannot_be_is_refused_by_name(desk: Desk, body: Any, code: int, name: str) -> None:
    status, refused = await desk.ana.aim("POST", f"{desk.path}/Messages", body)
    assert (status, refused["code"]) == (400, code)
    assert name in refused["message"]


async def test_a_template_is_listed_and_sent(desk: Desk) -> None:
    types = {"twilio/text": {"body": "Hello {{name}}"}, "twilio/flows": {"body": "kept only"}}

    known = desk.world.credentials
    answer = await asyncio.to_thread(
        requests.post,
        f"{desk.world.url()}/content/v1/Content",
        json={"language": "en", "types": types, "variables": {"name": "you"}},
        auth=(known.account_sid, known.auth_token),
        timeout=30,
    )
    sid = answer.json()["sid"]
    _, listed = await desk.ana.aim("GET", "ContentTemplates")
    [shown] = [one for one in listed["templates"] if one["sid"] == sid]
    assert (shown["variants"], shown["variables"]) == ({"twilio/text": types["twilio/text"]}, '{"name":"you"}')
    assert listed["meta"]["next_token"] is None
    wanted = {"content_sid": sid, "content_variables": '{"name": "Ben"}'}
    status, sent = await desk.ana.aim("POST", f"{desk.path}/Messages", wanted)
    assert (status, sent["body"], sent["content_sid"]) == (201, "Hello Ben", sid)


async def test_a_closed_conversation_takes_no_message(desk: Desk) -> None:
    await desk.world.rest(lambda api: api.conversations(desk.sid).update(state="closed"))
    status, body = await desk.ana.aim("POST", f"{desk.path}/Messages", {"body": "late"})
    assert (status, body["code"]) == (400, 50377)
    assert (await desk.ana.cds(f"Documents/{desk.sid}.channel"))[1]["data"]["state"]["current"] == "closed"


async def test_the_read_position_is_set_and_cleared(desk: Desk) -> None:
    for body in ("one", "two"):
        await desk.post(body)
    mine = f"MyConversations/{desk.sid}"
    assert (await desk.ben.aim("GET", mine))[1]["unread_messages_count"] is None
    _, seen = await desk.ben.aim("POST", mine, {"last_read_message_index": 0})
    assert (seen["last_read_message_index"], seen["unread_messages_count"]) == (0, 1)
    _, cleared = await desk.ben.aim("POST", mine, {"last_read_message_index": None})
    assert (cleared["last_read_message_index"], cleared["unread_messages_count"]) == (None, None)
    status, body = await desk.ben.aim("POST", mine, {"last_read_message_index": -1})
    assert (status, body["code"]) == (400, 20001)


async def test_a_conversation_is_muted_for_its_user_alone(desk: Desk) -> None:
    mine = f"MyConversations/{desk.sid}"
    assert (await desk.ben.aim("POST", mine, {"notification_level": "muted"}))[1]["notification_level"] == "muted"
    assert (await desk.ana.aim("GET", mine))[1]["notification_level"] == "default"
    status, body = await desk.ben.aim("POST", mine, {"notification_level": "loud"})
    assert (status, body["code"]) == (400, 50210)


async def test_conversations_are_paged_to_their_end(world: World, names: tuple[str, str]) -> None:
    def make(api: Any) -> None:
        for _ in range(5):
            api.conversations(api.conversations.create().sid).participants.create(identity=names[0])

    await world.rest(make)
    async with logged_in(world.url(), world.token(names[0])) as ana:
        found, token = [], None
        while True:
            _, page = await ana.aim("GET", "MyConversations", PageSize="2", **({"PageToken": token} if token else {}))
            found += [each["conversation_sid"] for each in page["conversations"]]
            token = page["meta"]["next_token"]
            if token is None:
                break
        assert (len(found), found) == (5, sorted(set(found)))


async def test_users_change_themselves_and_nobody_else(desk: Desk) -> None:
    ana, ben = desk.names
    assert (await desk.ben.aim("POST", f"Users/{ben}", {"friendly_name": "Ben"}))[0] == 200
    status, body = await desk.ben.aim("POST", f"Users/{ana}", {"friendly_name": "not Ana"})
    assert (status, body["code"]) == (403, 50107)
    assert (await desk.ana.aim("GET", f"Users/{ben}"))[1]["friendly_name"] == "Ben"


def upload(desk: Desk, token: str, service: str | None = None) -> tuple[int, Any]:
    """Upload a picture over HTTP as a browser does, and return status and body."""
    answer = requests.post(
        f"{desk.world.url()}/mcs/v1/Services/{service or desk.world.service}/Media",
        params={"Category": "media", "Filename": "a.gif"},
        data=b"GIF89a" + b"\x00" * 20,
        headers={"X-Twilio-Token": token, "Content-Type": "image/gif"},
        timeout=30,
    )
    return answer.status_code, answer.json()


def fetched(url: str, token: str | None = None) -> tuple[int, dict[str, str]]:
    """Fetch a URL and return status and headers."""
    answer = requests.get(url, headers={"X-Twilio-Token": token} if token else {}, timeout=30)
    return answer.status_code, {name.lower(): value for name, value in answer.headers.items()}


async def test_media_is_for_its_author_and_then_for_the_conversation(desk: Desk) -> None:
    ana, ben = (desk.world.token(name) for name in desk.names)
    status, made = await asyncio.to_thread(upload, desk, ana)
    assert (status, made["author"], made["filename"]) == (201, desk.names[0], "a.gif")
    assert (await asyncio.to_thread(fetched, made["url"], ana))[0] == 200
    assert (await asyncio.to_thread(fetched, made["url"], ben))[0] == 404
    await desk.ana.aim("POST", f"{desk.path}/Messages", {"media_sids": [made["sid"]]})
    assert (await asyncio.to_thread(fetched, made["url"], ben))[0] == 200
    stranger = desk.world.token("somebody else")
    assert (await asyncio.to_thread(fetched, made["links"]["content"], stranger))[0] == 403


async def test_media_of_another_service_is_not_there(desk: Desk) -> None:
    other = await desk.world.rest(lambda api: api.services.create(friendly_name="Other").sid)
    token = desk.world.token(desk.names[0])
    assert (await asyncio.to_thread(upload, desk, token, other))[0] == 404


async def test_a_browser_may_upload_and_fetch_from_another_origin(desk: Desk) -> None:
    def preflight() -> Any:
        return requests.options(
            f"{desk.world.url()}/mcs/v1/Services/{desk.world.service}/Media",
            headers={"Origin": "https://chat.example", "Access-Control-Request-Method": "POST"},
            timeout=30,
        )

    answer = await asyncio.to_thread(preflight)
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
    assert "x-twilio-token" in allowed
    assert "content-type" in allowed
    _, made = await asyncio.to_thread(upload, desk, desk.world.token(desk.names[0]))
    status, headers = await asyncio.to_thread(fetched, made["links"]["content_direct_temporary"])
    assert (status, headers["content-type"], headers["access-control-allow-origin"]) == (200, "image/gif", "*")
