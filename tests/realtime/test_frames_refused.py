"""What a socket's own frames are refused for (realtime-protocol.md §3.2, §6)."""

import json
from typing import Any

import pytest

from tests.realtime.wire import logged_in, wire
from tests.realtime.world import World


@pytest.mark.parametrize(
    ("registrations", "why"),
    [
        ("all", "registrations is not a list"),
        (["mine"], "A registration is an object"),
        ([{"product": "ip_messaging", "message_types": "all"}], "message_types is not a list of texts"),
    ],
)
async def test_registrations_that_cannot_be_read_are_refused(world: World, registrations: Any, why: str) -> None:
    async with wire(world.url()) as socket:
        answer, _ = await socket.ask({"method": "init", "token": world.token("ana"), "registrations": registrations})
        assert (answer["status"]["code"], answer["status"]["errorCode"]) == (400, 20001)
        assert why in answer["status"]["description"]


async def test_a_request_without_a_path_is_refused(world: World) -> None:
    async with wire(world.url()) as socket:
        await socket.init(world.token("ana"))
        for request, why in (({"method": "GET"}, "a path and a method"), (None, "has an http_request")):
            _, body = await socket.ask({"method": "message", "http_request": request})
            assert (body["code"], why in body["message"]) == (20001, True)


async def test_a_file_does_not_go_through_the_socket(world: World) -> None:
    async with wire(world.url()) as socket:
        await socket.init(world.token("ana"))
        request = {"host": "mcs.us1.twilio.com", "path": f"/v1/Services/{world.service}/Media", "method": "POST"}
        _, body = await socket.ask({"method": "message", "http_request": request}, b"GIF89a")
        assert (body["code"], body["status"]) == (20001, 413)


async def test_a_socket_has_so_many_notification_contexts(world: World) -> None:
    async with wire(world.url()) as socket:
        await socket.init(world.token("ana"))
        context = json.dumps({"product": "sync", "type": "ers", "message_types": ["twilio.sync.event"]}).encode()
        answers = [
            await socket.ask({"method": "put_notification_ctx", "notification_ctx_id": f"C{number}"}, context)
            for number in range(50)
        ]
    statuses = [header["status"]["code"] for header, _ in answers]
    assert (statuses[0], statuses[-1]) == (200, 400)  # with the one of ``init`` there are fifty before the last
    assert "at most 50 notification contexts" in answers[-1][0]["status"]["description"]


async def test_a_page_token_that_was_not_made_here_is_refused(world: World) -> None:
    async with logged_in(world.url(), world.token("ana")) as socket:
        _, configuration = await socket.aim("GET", "Configuration")
        name = configuration["sync_objects"]["my_conversations"]
        status, body = await socket.cds(f"Maps/{name}/Items", PageToken="elsewhere")
        assert (status, body["code"], "PageToken" in body["message"]) == (400, 20001, True)
