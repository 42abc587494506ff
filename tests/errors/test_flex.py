"""Refusals of interactions and of web chat keys that no other test comes to (flex.md §3, §6)."""

import asyncio
from typing import Any

import pytest

from parlour.flex.web_chats import keys
from tests.contract.calls.engagements import worked_on, worker
from tests.contract.calls.flex import channel, options, routing
from tests.contract.world import World
from tests.errors.asking import parlour, refusal


async def test_a_conversation_has_one_open_channel(own: World) -> None:
    values = await asyncio.to_thread(options, own)
    create = own.client.flex_api.v1.interaction.create
    await asyncio.to_thread(create, **values)
    assert await refusal(lambda: create(**values), values["channel"]["properties"]["media_channel_sid"]) == (409, 45353)


async def test_nobody_is_invited_into_a_closed_channel(own: World) -> None:
    known = await asyncio.to_thread(channel, own)
    await asyncio.to_thread(known.update, status="closed", routing={"status": "closed"})
    values = await asyncio.to_thread(routing, own)
    assert await refusal(lambda: known.invites.create(routing=values)) == (400, 45376)


async def test_an_outbound_interaction_needs_somebody(own: World) -> None:
    values: dict[str, Any] = {"channel": {"type": "sms", "initiated_by": "agent", "participants": []}}
    values["routing"] = await asyncio.to_thread(lambda: directed(own))
    assert await refusal(lambda: own.client.flex_api.v1.interaction.create(**values)) == (400, 45355)


async def test_who_left_a_channel_does_not_leave_again(own: World) -> None:
    known, agent = await asyncio.to_thread(worked_on, own)
    await asyncio.to_thread(known.participants(agent).update, status="closed")
    await asyncio.to_thread(own.stage.settle)
    assert await refusal(lambda: known.participants(agent).update(status="closed"), agent) == (400, 45362)


async def test_nobody_leaves_a_closed_channel(own: World) -> None:
    known = await asyncio.to_thread(channel, own)
    await asyncio.to_thread(known.update, status="closed", routing={"status": "closed"})
    assert await refusal(lambda: known.update(status="inactive", routing={"status": "closed"})) == (400, 45354)


def directed(world: World) -> dict[str, Any]:
    """Return the routing to one worker, as an agent's own conversation has it."""
    values = routing(world)
    properties = values["properties"]
    workspace = world.client.taskrouter.v1.workspaces(properties["workspace_sid"])
    properties |= {"worker_sid": worker(world), "queue_sid": workspace.task_queues.list(limit=1)[0].sid}
    return values


async def test_keys_of_web_chats_are_named_and_counted(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = own.client.conversations.v1.address_configurations
    address = await asyncio.to_thread(lambda: addresses.create(type="chat", address="shop").sid)
    create = ("webchat", "keys", "create", address, "--account", own.account_sid)
    assert "1 to 64 characters" in await parlour(own, *create, "--name", "x" * 65)
    monkeypatch.setattr(keys, "KEYS_MAX", 0)
    assert "At most 0 deployment keys" in await parlour(own, *create)
