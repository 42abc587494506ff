"""Refusals that no other test comes to: limits too high to fill, and empty values (conversations.md §10, §11)."""

import asyncio
import base64
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from parlour.conversations import participants
from parlour.conversations.store import conversations as conversation_store
from tests.carrier import eventually
from tests.conftest import LiveServer
from tests.contract.inprocess import Request
from tests.contract.world import World
from tests.errors.asking import answered, parlour, refusal


async def talk(world: World) -> Any:
    """Return a new conversation."""
    return await asyncio.to_thread(world.client.conversations.v1.conversations.create)


async def test_a_conversation_holds_so_many_participants(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participants, "PARTICIPANTS_MAX", 2)
    conversation = await talk(own)
    for name in ("ana", "ben"):
        await asyncio.to_thread(conversation.participants.create, identity=name)
    assert await refusal(lambda: conversation.participants.create(identity="carl")) == (400, 50417)
    assert len(await asyncio.to_thread(conversation.participants.list)) == 2


async def test_a_conversation_holds_so_many_telephones(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participants, "BINDINGS_MAX", 1)
    conversation = await talk(own)
    shop = await asyncio.to_thread(own.number)

    def add() -> None:
        conversation.participants.create(messaging_binding_address=own.phone(), messaging_binding_proxy_address=shop)

    await asyncio.to_thread(add)
    assert await refusal(add) == (400, 50418)


async def test_an_identity_is_in_so_many_open_conversations(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participants, "CONVERSATIONS_MAX", 1)
    first, second = await talk(own), await talk(own)
    await asyncio.to_thread(first.participants.create, identity="dora")
    assert await refusal(lambda: second.participants.create(identity="dora")) == (400, 50214)
    await asyncio.to_thread(first.update, state="closed")
    assert (await asyncio.to_thread(second.participants.create, identity="dora")).identity == "dora"


async def test_empty_names_are_refused(own: World) -> None:
    api = own.client.conversations.v1
    assert await refusal(lambda: api.services.create(friendly_name="")) == (400, 50000)
    assert await refusal(lambda: api.users.create(identity=" ")) == (400, 50204)
    role = {"type": "service", "permission": ["joinConversation"]}
    assert await refusal(lambda: api.roles.create(friendly_name="", **role)) == (400, 50000)


async def test_another_identity_is_not_taken_by_a_participant_that_has_one(own: World) -> None:
    conversation = await talk(own)
    made = await asyncio.to_thread(conversation.participants.create, identity="emma")
    assert await refusal(lambda: made.update(identity="frida")) == (400, 50444)


async def test_of_two_changes_of_one_binding_at_the_same_time_one_is_refused(own: World) -> None:
    conversation = await talk(own)
    proxies = [await asyncio.to_thread(own.number) for _ in range(3)]
    made = await asyncio.to_thread(
        lambda: conversation.participants.create(
            messaging_binding_address=own.phone(), messaging_binding_proxy_address=proxies[0]
        )
    )
    path = f"/v1/Conversations/{conversation.sid}/Participants/{made.sid}"
    async with held(own, conversation.sid) as waiting:
        both = asyncio.gather(*(answered(own, change(path, proxy)) for proxy in proxies[1:]))
        await waiting(2)
    (_, good), (status, refused) = sorted(await both, key=lambda each: each[0])
    assert (status, refused["code"]) == (409, 50419)
    assert good["messaging_binding"]["proxy_address"] in proxies[1:]


@contextlib.asynccontextmanager
async def held(world: World, conversation_sid: str) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Keep a conversation locked until the block ends, which can wait until so many wait for the lock."""
    dsn = world.stage.program.database.dsn
    holder, looker = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    async def waiting(count: int) -> None:
        async with asyncio.timeout(20):
            while await looker.fetchval(sql) < count:
                await asyncio.sleep(0.01)

    try:
        async with holder.transaction():
            await holder.execute(
                "SELECT 1 FROM conversation WHERE account_sid = $1 AND sid = $2 FOR UPDATE",
                world.account_sid,
                conversation_sid,
            )
            yield waiting
    finally:
        await holder.close()
        await looker.close()


def change(path: str, proxy: str) -> Request:
    """Return the request that gives a participant another proxy address."""
    return Request("POST", "conversations.twilio.com", path).with_form("MessagingBinding.ProxyAddress", proxy)


async def test_a_request_has_so_many_parameters(own: World) -> None:
    query = tuple((f"X{number}", "1") for number in range(1001))
    status, body = await answered(own, Request("GET", "conversations.twilio.com", "/v1/Conversations", query=query))
    assert (status, body["code"], body["message"]) == (400, 20001, "At most 1000 parameters")


async def test_an_error_of_ours_is_told_with_the_request_that_met_it(
    own: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(conversation_store, "page", broken)
    status, body = await answered(own, Request("GET", "conversations.twilio.com", "/v1/Conversations"))
    assert (status, body["code"]) == (500, 20500)
    assert re.search(r"RQ[0-9a-f]{32}", body["message"])


def test_a_caller_who_leaves_while_sending_is_given_up(server: LiveServer) -> None:
    known = server.credentials
    credentials = base64.b64encode(f"{known.account_sid}:{known.auth_token}".encode()).decode()
    head = f"POST /conversations/v1/Conversations HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {credentials}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nFriendlyName=Half"
    names = {each.friendly_name for each in server.client().conversations.v1.conversations.list()}
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as line:
        line.sendall(head.encode())
    eventually(lambda: "The caller left" in server.log.read_text(), what="the log to tell of it")
    assert {each.friendly_name for each in server.client().conversations.v1.conversations.list()} == names


async def test_an_operator_asks_for_the_credentials_of_an_account_that_is_there(own: World) -> None:
    unknown = "AC" + "0" * 32
    assert f"There is no account {unknown}" in await parlour(own, "credentials", unknown)


async def test_a_path_is_not_served_in_every_way(own: World) -> None:
    path = "/v1/Conversations/CH" + "0" * 32
    status, body = await answered(own, Request("PATCH", "conversations.twilio.com", path))
    assert (status, body["code"]) == (405, 20004)
