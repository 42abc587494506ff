"""Inbound messages: one conversation per pair, whatever races (conversations.md §8.2, DESIGN 2.9)."""

import asyncio
from typing import Any

import pytest

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import addresses, conversations, inbound, messages, participants, webhooks
from parlour.conversations.addresses import AutoCreation
from parlour.conversations.inbound import Inbound, Received
from parlour.conversations.invariants import INVARIANTS
from parlour.conversations.store import messages as message_store
from parlour.conversations.store import participants as participant_store
from parlour.store.unit import Reader, UnitOfWork
from tests.requirements import requirement


class BrokenUnitError(Exception):
    """A unit that fails after it wrote."""


CUSTOMER, SHOP = "+15550001111", "+15559990000"


async def configure(program: Program, account: Credentials, auto_creation: AutoCreation) -> None:
    """Configure the shop's number."""
    await program.database.step(
        account.account_sid,
        lambda uow: addresses.create(uow, type="sms", address=SHOP, friendly_name="Shop", auto_creation=auto_creation),
    )


async def receive(program: Program, account: Credentials, body: str, address: str = CUSTOMER) -> Received:
    """Receive one text in a unit of its own."""
    return await program.database.step(
        account.account_sid,
        lambda uow: inbound.receive(uow, Inbound(address=address, proxy_address=SHOP, body=body)),
    )


async def broken(program: Program, account: Credentials) -> list[Any]:
    """Return the rows that break an invariant."""

    async def look(reader: Reader) -> list[Any]:
        fetched = [await reader.fetch(each.sql, account.account_sid, reader.now) for each in INVARIANTS]
        return [row for rows in fetched for row in rows]

    return await program.database.read(account.account_sid, look)


@requirement("S36")
async def test_a_burst_of_first_messages_makes_one_conversation(program: Program, account: Credentials) -> None:
    await configure(program, account, AutoCreation(enabled=True))
    results = await asyncio.gather(*(receive(program, account, f"text {n}") for n in range(50)))
    sids = {result.conversation_sid for result in results}
    assert len(sids) == 1
    assert sum(result.created for result in results) == 1
    sid = sids.pop() or ""
    rows = await program.database.read(
        account.account_sid,
        lambda reader: message_store.page(reader, sid, descending=False, after=None, limit=100),
    )
    assert [row.index for row in rows] == list(range(50))
    assert {row.body for row in rows} == {f"text {n}" for n in range(50)}
    assert {row.author for row in rows} == {CUSTOMER}
    people = await program.database.read(account.account_sid, lambda reader: participant_store.all_of(reader, sid))
    assert [(person.address, person.proxy_address) for person in people] == [(CUSTOMER, SHOP)]
    assert {row.participant_sid for row in rows} == {people[0].sid}
    assert await broken(program, account) == []


@requirement("S7")
async def test_an_address_without_auto_creation_leaves_the_message_to_the_messaging_webhook(
    program: Program, account: Credentials
) -> None:
    assert await receive(program, account, "nobody") == Received(None, None, created=False)
    await configure(program, account, AutoCreation(enabled=False))
    assert await receive(program, account, "nobody") == Received(None, None, created=False)


async def test_a_closed_conversation_frees_its_pair_and_the_next_text_makes_another(
    program: Program, account: Credentials
) -> None:
    await configure(program, account, AutoCreation(enabled=True))
    first = await receive(program, account, "one")
    second = await receive(program, account, "two")
    assert (second.conversation_sid, second.created) == (first.conversation_sid, False)
    await program.database.step(
        account.account_sid, lambda uow: conversations.set_state(uow, first.conversation_sid or "", "closed")
    )
    third = await receive(program, account, "three")
    assert third.created
    assert third.conversation_sid != first.conversation_sid
    assert await broken(program, account) == []


async def test_a_burst_while_the_conversation_closes_loses_no_message(program: Program, account: Credentials) -> None:
    await configure(program, account, AutoCreation(enabled=True))
    first = await receive(program, account, "first")
    close = program.database.step(
        account.account_sid, lambda uow: conversations.set_state(uow, first.conversation_sid or "", "closed")
    )
    results = await asyncio.gather(*(receive(program, account, f"n{n}") for n in range(20)), close)
    assert all(isinstance(result, Received) and result.message_sid for result in results[:-1])
    assert len({result.conversation_sid for result in results[:-1] if isinstance(result, Received)}) <= 2
    assert await broken(program, account) == []


@requirement("S7", "S8", "S40")
async def test_the_webhook_of_the_address_is_attached_before_the_first_message(
    program: Program, account: Credentials
) -> None:
    await configure(
        program,
        account,
        AutoCreation(
            enabled=True, type="webhook", webhook_url="https://example.com/hook", webhook_filters=["onMessageAdded"]
        ),
    )
    result = await receive(program, account, "hello")
    sid = result.conversation_sid or ""
    hooks = await program.database.read(account.account_sid, lambda reader: webhooks.list_for(reader, sid))
    assert [(hook.target, hook.url, hook.method) for hook in hooks] == [("webhook", "https://example.com/hook", "post")]


async def test_an_inactive_conversation_takes_the_message_and_is_active_again(
    program: Program, account: Credentials
) -> None:
    await configure(program, account, AutoCreation(enabled=True))
    first = await receive(program, account, "one")
    sid = first.conversation_sid or ""
    await program.database.step(account.account_sid, lambda uow: conversations.set_state(uow, sid, "inactive"))
    again = await receive(program, account, "two")
    assert (again.conversation_sid, again.created) == (sid, False)
    row = await program.database.read(account.account_sid, lambda reader: conversations.fetch(reader, sid))
    assert row.state == "active"


async def test_posting_a_message_takes_two_statements(program: Program, account: Credentials) -> None:
    await configure(program, account, AutoCreation(enabled=True))
    sid = (await receive(program, account, "hello")).conversation_sid or ""
    units: list[UnitOfWork] = []

    async def post(uow: UnitOfWork) -> None:
        units.append(uow)
        message = await messages.create(uow, sid, author="agent", body="hi", alone=True)
        assert message.delivery is not None
        assert message.delivery["total"] == 1

    await program.database.step(account.account_sid, post)
    assert units[-1].statements <= 2

    async def post_beside_others(uow: UnitOfWork) -> None:
        units.append(uow)
        await messages.create(uow, sid, author="agent", body="hi")

    await program.database.step(account.account_sid, post_beside_others)
    assert units[-1].statements <= 2

    async def answer(uow: UnitOfWork) -> None:
        units.append(uow)
        await inbound.receive(uow, Inbound(address=CUSTOMER, proxy_address=SHOP, body="ok"))

    await program.database.step(account.account_sid, answer)
    assert units[-1].statements <= 2


async def test_a_message_and_what_follows_it_are_one_unit(program: Program, account: Credentials) -> None:
    await configure(program, account, AutoCreation(enabled=True))
    sid = (await receive(program, account, "hello")).conversation_sid or ""

    async def post_and_fail(uow: UnitOfWork) -> None:
        await messages.create(uow, sid, author="agent", body="never")
        await conversations.update(uow, sid, conversations.Changes(friendly_name="named"))
        raise BrokenUnitError

    with pytest.raises(BrokenUnitError):
        await program.database.step(account.account_sid, post_and_fail)
    row = await program.database.read(account.account_sid, lambda reader: conversations.fetch(reader, sid))
    assert (row.next_index, row.friendly_name) == (1, None)


async def test_one_person_may_be_removed_while_texts_arrive(program: Program, account: Credentials) -> None:
    await configure(program, account, AutoCreation(enabled=True))
    sid = (await receive(program, account, "hello")).conversation_sid or ""
    person = await program.database.read(
        account.account_sid, lambda reader: participants.find(reader, sid, address=CUSTOMER)
    )
    assert person is not None
    await asyncio.gather(
        program.database.step(account.account_sid, lambda uow: participants.remove(uow, sid, person.sid)),
        *(receive(program, account, f"n{n}") for n in range(8)),
    )
    assert await broken(program, account) == []


@requirement("S15")
async def test_a_removed_address_makes_no_conversation_any_more(program: Program, account: Credentials) -> None:
    await configure(program, account, AutoCreation(enabled=True))
    first = await receive(program, account, "one")
    assert first.created
    await program.database.step(account.account_sid, lambda uow: addresses.remove(uow, SHOP))
    other = await receive(program, account, "anybody?", address="+14155550999")
    assert other == Received(None, None, created=False)
    again = await receive(program, account, "two")
    assert (again.conversation_sid, again.created) == (first.conversation_sid, False)  # what is open goes on
