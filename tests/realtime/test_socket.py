"""The web socket itself: logging in, tokens, requests, limits (realtime-protocol.md §3, §4, §6)."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.websockets import WebSocket
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant

from parlour.app import Program
from parlour.outbox.wake import Wake
from parlour.realtime.twilsock import socket as socket_module
from parlour.realtime.twilsock.presence import Presence
from parlour.realtime.twilsock.socket import Socket
from parlour.realtime.twilsock.sockets import Sockets
from parlour.rest.hosts import path_urls
from parlour.rest.tunnel import Tunnel
from tests.conftest import LiveServer
from tests.realtime.wire import Wire, frame, logged_in, wire
from tests.realtime.world import World


@pytest.fixture
async def socket(world: World) -> AsyncIterator[Wire]:
    """A socket on which nobody has logged in."""
    async with wire(world.url()) as made:
        yield made


async def test_init_confirms_registrations_and_only_what_is_served(socket: Wire, world: World) -> None:
    answer = await socket.init(world.token("ana"))
    assert answer["status"] == {"code": 200, "status": "OK"}
    assert answer["capabilities"] == ["client_update"]
    assert "offline_storage" not in answer  # with it browsers lose what comes just after a reload (§3.3)
    [context] = answer["init_registrations"]
    assert context["message_types"] == ["twilio.ipmsg.typing_indicator", "twilio.sync.event"]
    assert str(uuid.UUID(context["notification_ctx_id"])) == context["notification_ctx_id"]


@pytest.mark.parametrize("place", ["/tsock/v3/wsconnect", "/_tw/tsock.us1.twilio.com/v3/wsconnect"])
async def test_links_repeat_the_form_in_which_the_socket_was_addressed(world: World, place: str) -> None:
    async with wire(world.url(), place) as made:
        await made.init(world.token("ana"))
        _, configuration = await made.aim("GET", "Configuration")
        below = place.removesuffix("/v3/wsconnect")
        assert configuration["links"]["my_conversations"].startswith(world.url() + below.replace("tsock", "aim"))
        assert configuration["links"]["media_service"].startswith(world.url() + below.replace("tsock", "mcs"))
        status, mine = await made.request("GET", configuration["links"]["my_conversations"])
        assert (status, mine["meta"]["next_token"]) == (200, None)


async def test_the_host_names_the_product_too(world: World) -> None:
    headers = {"Host": "tsock.us1.twilio.com"}
    async with wire(world.url(), "/v3/wsconnect", additional_headers=headers) as made:
        await made.init(world.token("ana"))
        _, configuration = await made.aim("GET", "Configuration")
        assert configuration["links"]["users"] == "http://aim.us1.twilio.com/Client/v2/Users"


async def test_a_bad_token_is_refused_with_its_code(socket: Wire) -> None:
    answer = await socket.init("nonsense")
    assert (answer["status"]["code"], answer["status"]["errorCode"]) == (401, 20101)


async def test_an_expired_token_is_refused_with_its_code(socket: Wire, world: World) -> None:
    answer = await socket.init(world.token("ana", ttl=-10))
    assert (answer["status"]["code"], answer["status"]["errorCode"]) == (401, 20104)


async def test_a_token_without_the_grant_of_the_product_is_refused(socket: Wire, world: World) -> None:
    token = AccessToken(world.credentials.account_sid, *world.key, identity="ana")
    status = (await socket.init(token.to_jwt()))["status"]
    assert (status["code"], status["errorCode"]) == (401, 20106)


async def test_telemetry_of_the_desktop_needs_no_registration(socket: Wire, world: World) -> None:
    answer, _ = await socket.ask({"method": "init", "token": world.token("ana"), "registrations": None})
    assert answer["init_registrations"] == []
    reported = await socket.request("POST", "https://flex-sdk.twilio.com/v1/Telemetry/Events", {"events": []})
    assert reported == (200, {})


async def test_nothing_is_done_before_init(socket: Wire) -> None:
    answer, _ = await socket.ask({"method": "message", "http_request": {}})
    assert answer["status"]["code"] == 401


async def test_what_is_no_frame_closes_the_socket_for_good(socket: Wire) -> None:
    await socket.connection.send(b"hello")
    header, _ = await socket.until(lambda h, _: h["method"] == "close")
    assert header["status"]["code"] == 406
    async with asyncio.timeout(10):
        await socket.ended.wait()


async def test_a_frame_that_is_too_large_closes_the_socket(world: World) -> None:
    async with logged_in(world.url(), world.token("ana")) as made:
        await made.connection.send(frame({"method": "message"}, b"x" * 1024 * 1024))
        header, _ = await made.until(lambda h, _: h["method"] == "close")
        assert header["status"]["code"] == 406


async def test_an_answer_always_has_the_status_of_the_service(world: World) -> None:
    async with logged_in(world.url(), world.token("ana")) as made:
        status, body = await made.aim("GET", "Conversations/CH" + "0" * 32)
        assert (status, body["code"], body["status"]) == (404, 20404, 404)
        assert (await made.request("GET", "https://nowhere.us1.twilio.com/v1/Things"))[0] == 404
        assert (await made.request("GET", "https://conversations.twilio.com/v1/Conversations"))[0] == 403
        assert (await made.ask({"method": "message"}))[0]["http_status"]["code"] == 400


async def test_requests_are_answered_beside_each_other(world: World) -> None:
    async with logged_in(world.url(), world.token("ana")) as made:
        asked = [made.aim("GET", "Configuration") for _ in range(300)]
        assert {status for status, _ in await asyncio.gather(*asked)} == {200}


async def test_only_registered_kinds_are_sent(world: World) -> None:
    async with wire(world.url()) as made:
        await made.init(world.token("ana"), types=("twilio.ipmsg.typing_indicator",))
        _, configuration = await made.aim("GET", "Configuration")
        await made.subscribe("map", configuration["sync_objects"]["my_user_info"], None)
        async with logged_in(world.url(), world.token("ana")) as other:
            await other.subscribe("map", configuration["sync_objects"]["my_user_info"], None)
            await other.event("subscription_established")
            name = f"Ana {time.time()}"
            await made.aim("POST", "Users/ana", {"friendly_name": name})
            await other.event("map_item_updated", item_data={"value": name})
        assert made.events() == []
        context = {"notification_ctx_id": "later"}
        types = {"product_id": "data_sync", "message_types": ["twilio.sync.event"]}
        answer, _ = await made.ask({"method": "put_notification_ctx", **context}, json.dumps(types).encode())
        assert answer["status"]["code"] == 200
        await made.aim("POST", "Users/ana", {"friendly_name": "Ana the second"})
        await made.event("map_item_updated", item_data={"value": "Ana the second"})


async def test_update_takes_a_token_of_the_same_identity_only(world: World) -> None:
    async with logged_in(world.url(), world.token("ana")) as made:
        answer, _ = await made.ask({"method": "update", "token": world.token("ana", ttl=7200)})
        assert answer["status"]["code"] == 200
        answer, _ = await made.ask({"method": "update", "token": world.token("ben")})
        assert (answer["status"]["code"], answer["status"]["errorCode"]) == (401, 51215)


async def test_tokens_end_with_the_domain_clock(frozen_server: LiveServer) -> None:
    client = frozen_server.client()
    service = client.conversations.v1.configuration().fetch().default_chat_service_sid
    key = client.api.v2010.account.new_keys.create(friendly_name="tokens")

    def token() -> str:
        made = AccessToken(frozen_server.credentials.account_sid, key.sid, key.secret, identity="ana", ttl=1000)
        made.add_grant(ChatGrant(service_sid=service))
        return str(made.to_jwt())

    async with logged_in(frozen_server.url, token()) as made:
        await asyncio.to_thread(frozen_server.advance, 800)
        assert not any(header["method"] == "client_update" for header, _ in made.came)
        await asyncio.to_thread(frozen_server.advance, 30)
        header, _ = await made.until(lambda h, _: h["method"] == "client_update")
        assert header["client_update_type"] == "token_about_to_expire"
        await asyncio.to_thread(frozen_server.advance, 180)
        header, _ = await made.until(lambda h, _: h["method"] == "close")
        assert header["status"]["code"] == 410
        async with asyncio.timeout(10):
            await made.ended.wait()


async def test_a_socket_on_which_nobody_logs_in_is_closed(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_module, "INIT_WITHIN", 0.05)
    said: list[dict[str, Any]] = []
    silent = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not said:
            return {"type": "websocket.connect"}
        await silent.wait()
        return {"type": "websocket.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    made = WebSocket({"type": "websocket", "path": "/", "headers": []}, receive, send)
    sockets = Sockets(program.clock, Wake(), Presence(program.database))
    async with asyncio.timeout(5):
        await Socket(made, path_urls("http://x"), sockets, program.tokens, Tunnel(program.database)).run()
    assert [message["type"] for message in said] == ["websocket.accept", "websocket.close"]
    assert said[1]["code"] == 1008
