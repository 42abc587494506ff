"""Refusals of messages and messaging services that no other test comes to (channels.md §1)."""

import asyncio

import pytest

from parlour.messaging import services
from tests.contract.calls.messaging_services import number_sid, service
from tests.contract.world import World
from tests.errors.asking import refusal


async def test_a_message_needs_a_sender_other_than_its_recipient(own: World) -> None:
    api = own.client.messages
    shop = await asyncio.to_thread(own.number)
    assert await refusal(lambda: api.create(to=own.phone(), body="hello")) == (400, 21603)
    assert await refusal(lambda: api.create(to=shop, from_=shop, body="hello")) == (400, 63031)


async def test_the_body_of_a_message_can_only_be_emptied(own: World) -> None:
    shop = await asyncio.to_thread(own.number)
    sent = await asyncio.to_thread(own.client.messages.create, to=own.phone(), from_=shop, body="hello")
    assert await refusal(lambda: sent.update(body="goodbye"), "can only be emptied") == (400, 20001)


async def test_a_messaging_service_has_so_many_numbers(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "POOL_MAX", 1)
    made = await asyncio.to_thread(service, own)
    first, second = await asyncio.to_thread(lambda: (number_sid(own), number_sid(own)))
    await asyncio.to_thread(made.phone_numbers.create, phone_number_sid=first)
    assert await refusal(lambda: made.phone_numbers.create(phone_number_sid=second)) == (400, 21714)
