"""What a socket's own frames are refused for (realtime-protocol.md §3.2, §6)."""

from typing import Any

import pytest

from tests.realtime.wire import wire
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
