"""Refusals that no other test comes to: limits too high to fill, and empty values (conversations.md §10, §11)."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from parlour.conversations import participants
from tests.contract.world import World

Refusal = tuple[int, int]


async def refusal(call: Callable[[], Any]) -> Refusal:
    """Return status and code of how a call is refused; it runs in a thread, as the client waits for its answer."""
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(call)
    return refused.value.status, refused.value.code


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
