"""Who is online and who can be notified, as the unmodified SDK and REST show it (§10; conversations.md §9)."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant

from parlour.sdk import client as sdk_client
from tests.conftest import LiveServer
from tests.realtime.driver import Driver
from tests.realtime.wire import logged_in
from tests.realtime.world import Line, World
from tests.webhooks.receiver import running_receiver

LATER = 40  # seconds; a server that died is found, its clients have ten seconds, and the test's machine is busy
CAME_OR_WENT = ["reachabilityOnline"]


@dataclass
class Town:
    """A service of its own, in which Ana looks at Ben; each has another server.

    :ivar ben_way: Ben's line to his server.
    """

    driver: Driver
    world: World
    service: str
    ana: str
    ben: str
    ana_way: Line
    ben_way: Line

    async def arrive(self, name: str) -> None:
        """Have one of them connect."""
        way = self.ana_way if name == self.ana else self.ben_way
        token = self.world.token(name, service=self.service)
        assert await self.driver.call("connect", name, token=token, uri=way.uri) == "connected"

    async def seen(self) -> dict[str, Any]:
        """Return what Ana's client shows of Ben."""
        shown: dict[str, Any] = await self.driver.call("reachability", self.ana, identity=self.ben)
        return shown

    async def hears(self, **wanted: Any) -> Any:
        """Wait until Ana hears that Ben has changed."""
        return await self.driver.call("until", self.ana, event="userUpdated", wanted=wanted, seconds=LATER)

    async def stored(self) -> tuple[bool | None, bool | None]:
        """Return what REST says of Ben: whether he is online, and notifiable."""
        user = await self.world.rest(lambda api: api.services(self.service).users(self.ben).fetch())
        return user.is_online, user.is_notifiable

    async def switch(self, on: bool) -> None:
        """Switch reachability on or off."""

        def update(api: Any) -> bool:
            return bool(api.services(self.service).configuration().update(reachability_enabled=on).reachability_enabled)

        assert await self.world.rest(update) is on


@pytest.fixture
async def town(driver: Driver, world: World, line: Line, far_line: Line, names: tuple[str, str]) -> Town:
    """A service that shows who is reachable."""
    service = await world.rest(lambda api: api.services.create(friendly_name="Town").sid)
    made = Town(driver, world, service, *names, line, far_line)
    await made.switch(True)
    return made


async def test_online_is_who_has_a_socket_on_any_server(town: Town) -> None:
    await town.arrive(town.ben)
    assert await town.stored() == (True, None)
    await town.arrive(town.ana)
    assert await town.seen() == {"enabled": True, "identity": town.ben, "online": True, "notifiable": False}
    await town.driver.call("shutdown", town.ben)
    await town.hears(online=False, reasons=CAME_OR_WENT)
    assert await town.stored() == (False, None)
    await town.arrive(town.ben)
    await town.hears(online=True, reasons=CAME_OR_WENT)
    await town.driver.call("shutdown", town.ben)
    await town.driver.call("shutdown", town.ana)


async def test_a_list_of_users_says_nothing_of_it(town: Town) -> None:
    await town.arrive(town.ben)
    [listed] = await town.world.rest(lambda api: api.services(town.service).users.list())
    assert (listed.identity, listed.is_online, listed.is_notifiable) == (town.ben, None, None)
    await town.driver.call("shutdown", town.ben)


async def test_a_reconnect_of_a_few_seconds_is_not_told(town: Town) -> None:
    await town.arrive(town.ana)
    await town.arrive(town.ben)
    assert (await town.seen())["online"] is True
    town.ben_way.cut()
    await town.driver.call("until", town.ben, event="connectionStateChanged", wanted={"state": "connecting"})
    for _ in range(100):
        if await town.driver.call("state", town.ben) == "connected":
            break
        await asyncio.sleep(0.1)
    assert await town.stored() == (True, None)
    await town.driver.call("nameMyself", town.ben, to="Benjamin")
    await town.hears(reasons=["friendlyName"])
    told = await town.driver.call("events", town.ana, event="userUpdated")
    assert [each for each in told if each["reasons"] == CAME_OR_WENT] == []
    await town.driver.call("shutdown", town.ben)
    await town.driver.call("shutdown", town.ana)


async def test_a_lost_client_that_does_not_come_back_is_offline(town: Town) -> None:
    await town.arrive(town.ana)
    await town.arrive(town.ben)
    assert (await town.seen())["online"] is True
    town.ben_way.closed = True
    town.ben_way.cut()
    assert (await town.hears(online=False))["identity"] == town.ben
    town.ben_way.closed = False
    await town.hears(online=True, reasons=CAME_OR_WENT)
    for name in (town.ben, town.ana):
        await town.driver.call("shutdown", name)


async def test_the_clients_of_a_server_that_died_are_offline_soon(town: Town) -> None:
    await town.arrive(town.ana)
    await town.arrive(town.ben)
    assert (await town.seen())["online"] is True
    port = town.ben_way.target
    await asyncio.to_thread(town.world.kill, port)
    try:
        assert (await town.hears(online=False))["identity"] == town.ben
    finally:
        await asyncio.to_thread(town.world.start, port)
    await town.hears(online=True, reasons=CAME_OR_WENT)
    for name in (town.ben, town.ana):
        await town.driver.call("shutdown", name)


async def test_one_of_two_sockets_is_enough(town: Town) -> None:
    token = town.world.token(town.ben, service=town.service)
    async with logged_in(town.world.url(town.world.ports[0]), token) as first:
        async with logged_in(town.world.url(town.world.ports[1]), token) as second:
            await second.connection.send(goodbye())
            await second.ended.wait()
        assert await town.stored() == (True, None)
        await first.connection.send(goodbye())
        await first.ended.wait()
    assert await offline(town) == (False, None)


async def test_off_shows_nothing_and_on_shows_who_is_there(town: Town) -> None:
    await town.switch(False)
    await town.arrive(town.ana)
    await town.arrive(town.ben)
    assert await town.seen() == {"enabled": False, "identity": town.ben, "online": None, "notifiable": None}
    assert await town.stored() == (None, None)
    await town.switch(True)
    assert await town.stored() == (True, None)
    await town.switch(False)
    assert await town.stored() == (None, None)
    for name in (town.ben, town.ana):
        await town.driver.call("shutdown", name)


async def test_notifiable_is_who_registered_a_device(town: Town) -> None:
    credential = await town.world.rest(lambda api: api.credentials.create(type="fcm", secret="s").sid)
    await town.arrive(town.ana)
    await town.arrive(town.ben)
    assert (await town.seen())["notifiable"] is False
    made = await asyncio.to_thread(register, town, credential, "phone")
    assert (await town.hears(notifiable=True))["reasons"] == ["reachabilityNotifiable"]
    assert await town.stored() == (True, True)
    assert await town.world.rest(lambda api: api.services(town.service).bindings(made).delete())
    await town.hears(notifiable=False, online=True)
    assert await town.stored() == (True, False)
    await asyncio.to_thread(register, town, credential, "phone")
    assert await town.stored() == (True, True)
    await town.world.rest(lambda api: api.credentials(credential).delete())
    assert await town.stored() == (True, False)
    for name in (town.ben, town.ana):
        await town.driver.call("shutdown", name)


async def test_webhooks_hear_who_comes_and_goes(server: LiveServer) -> None:
    with running_receiver() as receiver:
        token = await asyncio.to_thread(hooked, server, receiver.url)
        async with logged_in(server.url, token) as socket:
            await asyncio.to_thread(receiver.wait_for, "onUserUpdated")
            await socket.connection.send(goodbye())
            await socket.ended.wait()
        heard = await asyncio.to_thread(receiver.wait_for, "onUserUpdated", 2)
    told = [each.parameters for each in heard]
    assert [(each["isOnline"], each.get("isNotifiable")) for each in told] == [("true", None), ("false", None)]
    assert {(each["Identity"], each["ClientIdentity"], each["Source"]) for each in told} == {("dan", "dan", "SDK")}


def hooked(server: LiveServer, url: str) -> str:
    """Make a service that tells a receiver of its users, with the user Dan, and return Dan's token."""
    api = server.client()
    service = api.conversations.v1.services(api.conversations.v1.services.create(friendly_name="Hooked").sid)
    service.configuration().update(reachability_enabled=True)
    service.configuration.webhooks().update(filters=["onUserUpdated"], post_webhook_url=url, method="POST")
    service.users.create(identity="dan")
    key = api.new_keys.create(friendly_name="tokens")
    token = AccessToken(server.credentials.account_sid, key.sid, key.secret, identity="dan")
    token.add_grant(ChatGrant(service_sid=service.fetch().sid))
    return str(token.to_jwt())


def goodbye() -> bytes:
    """Return the frame with which a client leaves."""
    header = json.dumps({"method": "close", "id": "TM99", "payload_size": 0}).encode()
    return f"TWILSOCK V3.0 {len(header)}\r\n".encode() + header + b"\r\n"


async def offline(town: Town) -> tuple[bool | None, bool | None]:
    """Return what REST says once Ben is offline, or after a while."""
    for _ in range(50):
        if (await town.stored())[0] is False:
            break
        await asyncio.sleep(0.1)
    return await town.stored()


def register(town: Town, credential: str, address: str) -> str:
    """Register a device of Ben, as a client does, and return its SID."""
    token = AccessToken(town.world.credentials.account_sid, *town.world.key, identity=town.ben)
    token.add_grant(ChatGrant(service_sid=town.service, push_credential_sid=credential))
    device = {"channel_type": "fcm", "message_types": [], "data": {"registration_id": address}}
    bearer = sdk_client(town.world.url(), "token", token.to_jwt(), timeout=30)
    url, headers = "https://ers.us1.twilio.com/v1/registrations", {"Content-Type": "application/json"}
    return str(json.loads(bearer.request("POST", url, data=device, headers=headers).text)["id"])
