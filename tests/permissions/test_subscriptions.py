"""Every role and every lack, subscribing to what Sync shows: through the web socket, as clients do (§8.3, §9)."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import uvicorn
from starlette.applications import Starlette

from parlour.realtime.sync.objects import TYPES, View
from tests.conftest import free_port
from tests.contract.inprocess import basic
from tests.contract.world import Stage, World
from tests.permissions import page
from tests.permissions.scene import SUFFIXES, Scene, Subject, default_service, make_token
from tests.permissions.test_roles import cases
from tests.realtime.wire import Wire, wire

PAGE: Final = page.read()
OPERATION: Final = "POST cds /v4/Subscriptions"
OWN: Final = {"read a user": View.USER, "read one's own list, settings and user": View.CONVERSATIONS}
LET_IN: Final = (200, 0)
FORBIDDEN: Final = (403, 54007)
GONE: Final = ((404, 54100), (404, 54150), (404, 54200), FORBIDDEN)
COUNT: Final = {"cells": 0}


class Server(uvicorn.Server):
    """A server in this process that leaves signals alone."""

    def capture_signals(self) -> Any:
        """Leave them as they are."""
        return contextlib.nullcontext()


@pytest.fixture(scope="module")
async def url(stage: Stage) -> AsyncIterator[str]:
    """Where the web socket of the stage's program is."""
    routes = [route for package in stage.program.packages for route in package.routes]
    port = free_port()
    server = Server(uvicorn.Config(Starlette(routes=routes), port=port, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


def test_the_operation_does_what_sync_shows() -> None:
    assert set(PAGE.for_tokens[OPERATION]) == {*OWN, *SUFFIXES}


@pytest.mark.parametrize("what", PAGE.for_tokens[OPERATION])
async def test_a_token_may_subscribe_where_the_page_says(what: str, url: str, own: World, other: World) -> None:
    problems = []
    for name, subject, _, allowed in await asyncio.to_thread(lambda: list(cases(own, PAGE.lines[what]))):
        scene = await asyncio.to_thread(Scene, own, subject)
        answer = await subscribed(url, scene, what, await asyncio.to_thread(scene.token))
        COUNT["cells"] += 1
        if answer != (LET_IN if allowed else FORBIDDEN):
            problems.append(f"{name}: {answer}, {'not ' * (not allowed)}to be let in")
    scene = await asyncio.to_thread(Scene, own, Subject())
    for name, token, expected in await asyncio.to_thread(strangers, scene, own, other):
        answer = await subscribed(url, scene, what, token)
        COUNT["cells"] += 1
        if answer not in expected:
            problems.append(f"{name}: {answer}, not one of {expected}")
    assert not problems, "\n" + "\n".join(problems)


async def test_subscriptions_are_not_made_without_a_socket(own: World) -> None:
    scene = await asyncio.to_thread(Scene, own, Subject())
    body = request("CH" + "0" * 32, "document")
    reply = await asyncio.to_thread(lambda: scene.send(scene.json("POST", "cds", "/v4/Subscriptions", body)))
    assert (reply.status, reply.body["code"]) == (400, 20001)


def test_the_number_of_cells_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\npermissions, subscriptions: {COUNT['cells']} cells")


def strangers(scene: Scene, own: World, other: World) -> list[tuple[str, str, tuple[tuple[int, int], ...]]]:
    """Return tokens that are of no use here: expired, for another service, of another account."""
    elsewhere = own.keep("other service", lambda: own.client.conversations.v1.services.create("Other").sid)
    return [
        ("expired", scene.token(valid_until=int(time.time()) - 60), ((401, 20104),)),
        ("of another service", make_token(own, scene.identity, elsewhere), GONE),
        ("of another account", make_token(other, scene.identity, default_service(other)), GONE),
    ]


async def subscribed(url: str, scene: Scene, what: str, token: str) -> tuple[int, int]:
    """Subscribe with a token; return ``LET_IN``, or status and code of the refusal."""
    view = OWN[what] if what in OWN else View(SUFFIXES[what])
    sid = await asyncio.to_thread(object_sid, scene, view)
    async with wire(url) as socket:
        said = (await socket.init(token))["status"]
        if said["code"] != 200:
            return said["code"], said["errorCode"]
        return await answer_of(socket, sid, TYPES[view])


def object_sid(scene: Scene, view: View) -> str:
    """Return the SID of an object as somebody reads it who may: its owner, or who leads the service."""
    owner = scene.user_sid if view in OWN.values() else scene.conversation_sid
    reads = scene.json("GET", "cds", f"/v3/{TYPES[view].capitalize()}s/{owner}.{view}")
    if view not in OWN.values():
        leader = make_token(scene.world, "the leader", scene.service_sid, leads=True)
        reads = reads.with_header("Authorization", basic("token", leader))
    return str(scene.send(reads).body["sid"])


def request(sid: str, object_type: str) -> dict[str, Any]:
    """Return the body of a subscription to one object."""
    wanted = {"object_sid": sid, "object_type": object_type, "last_event_id": None}
    return {"event_protocol_version": 4, "action": "establish", "correlation_id": 7, "requests": [wanted]}


async def answer_of(socket: Wire, sid: str, object_type: str) -> tuple[int, int]:
    """Ask for a subscription and return what came of it."""
    url = "https://cds.us1.twilio.com/v4/Subscriptions"
    assert (await socket.request("POST", url, request(sid, object_type)))[0] == 202
    kinds = ("subscription_established", "subscription_failed")
    _, payload = await socket.until(lambda said, body: said["method"] == "notification" and body["event_type"] in kinds)
    if payload["event_type"] == kinds[0]:
        return LET_IN
    error = payload["events"][0]["error"]
    return error["status"], error["code"]
