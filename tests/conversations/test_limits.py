"""How many may take part, and what a closed conversation forbids (conversations.md §2.1, §3.2, §11)."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from twilio.rest import Client

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import conversations, participants
from parlour.kit.errors import ContractError
from parlour.store.unit import UnitOfWork
from tests.conversations.calls import number, own_number, raw, refusal

PEOPLE = """
INSERT INTO participant (account_sid, sid, conversation_sid, chat_service_sid, type, identity, created_change, change,
    date_created, date_updated)
SELECT $1, 'MB' || lpad(to_hex(n), 32, '0'), $2, $3, 'chat', 'member' || n, 1, 1, $4, $4
FROM generate_series(1, $5::int) AS n"""
TALKS = """
INSERT INTO conversation (account_sid, sid, chat_service_sid, state, state_at, created_by, document_sid, messages_sid,
    roster_sid, date_created, date_updated)
SELECT $1, 'CH' || lpad(to_hex(n), 32, '0'), $2, 'active', $3, 'system', 'ET' || n, 'ES' || n, 'MP' || n, $3, $3
FROM generate_series(1, $4::int) AS n"""
PLACES = """
INSERT INTO participant (account_sid, sid, conversation_sid, chat_service_sid, type, identity, created_change, change,
    date_created, date_updated)
SELECT $1, 'MB' || lpad(to_hex(n), 32, '0'), 'CH' || lpad(to_hex(n), 32, '0'), $2, 'chat', 'busy', 1, 1, $3, $3
FROM generate_series(1, $4::int) AS n"""

Step = Callable[[Callable[[UnitOfWork], Any]], Any]


@pytest.fixture
def step(program: Program, account: Credentials) -> Step:
    return lambda work: program.database.step(account.account_sid, work)


async def refused(step: Step, work: Callable[[UnitOfWork], Any]) -> int:
    with pytest.raises(ContractError) as caught:
        await step(work)
    return caught.value.code


async def test_a_conversation_has_a_thousand_participants(step: Step) -> None:
    made = await step(conversations.create)
    await step(lambda uow: uow.execute(PEOPLE, uow.account_sid, made.sid, made.chat_service_sid, uow.now, 999))
    await step(lambda uow: participants.add(uow, made.sid, identity="the thousandth"))
    assert await refused(step, lambda uow: participants.add(uow, made.sid, identity="one more")) == 50417
    await step(lambda uow: participants.remove(uow, made.sid, "member1"))
    await step(lambda uow: participants.add(uow, made.sid, identity="in time"))


async def test_a_conversation_has_fifty_participants_outside_chat(step: Step) -> None:
    made = await step(conversations.create)

    async def add(uow: UnitOfWork, n: int) -> None:
        await participants.add(uow, made.sid, address=f"rcs:customer{n}", proxy_address="rcs:shop")

    for n in range(50):
        await step(partial(add, n=n))
    assert await refused(step, lambda uow: add(uow, 50)) == 50418
    await step(lambda uow: participants.add(uow, made.sid, identity="ana"))


async def test_an_identity_is_in_a_thousand_conversations_that_are_not_closed(step: Step) -> None:
    made = await step(conversations.create)

    async def fill(uow: UnitOfWork) -> None:
        await uow.execute(TALKS, uow.account_sid, made.chat_service_sid, uow.now, 1000)
        await uow.execute(PLACES, uow.account_sid, made.chat_service_sid, uow.now, 1000)

    await step(fill)
    assert await refused(step, lambda uow: participants.add(uow, made.sid, identity="busy")) == 50214
    await step(lambda uow: conversations.set_state(uow, "CH" + "1".zfill(32), "inactive"))
    assert await refused(step, lambda uow: participants.add(uow, made.sid, identity="busy")) == 50214
    await step(lambda uow: conversations.set_state(uow, "CH" + "1".zfill(32), "closed"))
    await step(lambda uow: participants.add(uow, made.sid, identity="busy"))


def test_a_closed_conversation_takes_no_write_of_any_kind(twilio: Client) -> None:
    made = twilio.conversations.v1.conversations.create()
    talk = twilio.conversations.v1.conversations(made.sid)
    person = talk.participants.create(identity="ana")
    handset = {"messaging_binding_address": number(), "messaging_binding_proxy_address": own_number(twilio)}
    customer = talk.participants.create(**handset)
    message = talk.messages.create(body="before")
    hook = talk.webhooks.create(
        target="webhook", configuration_url="https://a.example/h", configuration_filters=["onMessageAdded"]
    )
    mine = twilio.conversations.v1.users("ana").user_conversations(made.sid)
    talk.update(state="closed")
    writes: dict[str, Callable[[], Any]] = {
        "rename": lambda: talk.update(friendly_name="x"),
        "time": lambda: talk.update(timers_closed="PT1H"),
        "reopen": lambda: talk.update(state="inactive"),
        "send": lambda: talk.messages.create(body="after"),
        "edit": lambda: talk.messages(message.sid).update(body="after"),
        "erase": lambda: talk.messages(message.sid).delete(),
        "join": lambda: talk.participants.create(identity="late"),
        "change": lambda: talk.participants(person.sid).update(attributes="{}"),
        "read": lambda: talk.participants(person.sid).update(last_read_message_index=0),
        "move": lambda: talk.participants(customer.sid).update(messaging_binding_proxy_address="null"),
        "leave": lambda: talk.participants(person.sid).delete(),
        "mute": lambda: mine.update(notification_level="muted"),
        "go": mine.delete,
        "hook": lambda: talk.webhooks.create(
            target="webhook", configuration_url="https://a.example/i", configuration_filters=["onMessageAdded"]
        ),
        "rehook": lambda: talk.webhooks(hook.sid).update(configuration_url="https://a.example/j"),
    }
    codes = {name: refusal(write).code for name, write in writes.items()}
    assert codes == dict.fromkeys(writes, 50377)
    assert [one.body for one in talk.messages.list()] == ["before"]
    assert {one.sid for one in talk.participants.list()} == {person.sid, customer.sid}
    assert mine.fetch().conversation_state == "closed"
    assert talk.delete()
    assert refusal(talk.fetch).status == 404


def test_an_inactive_conversation_takes_writes_and_only_a_message_wakes_it(twilio: Client) -> None:
    talk = twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create(state="inactive").sid)
    talk.participants.create(identity="ana")
    talk.update(friendly_name="parked")
    assert talk.fetch().state == "inactive"
    message = talk.messages.create(body="up")
    assert talk.fetch().state == "active"
    talk.update(state="inactive")
    talk.messages(message.sid).update(body="edited")
    talk.messages(message.sid).delete()
    assert talk.fetch().state == "inactive"


def test_the_read_horizon_moves_anywhere_and_counts_what_lies_above(twilio: Client) -> None:
    talk = twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)
    sid = talk.participants.create(identity="reader").conversation_sid
    messages = [talk.messages.create(author="reader", body=str(n)) for n in range(4)]
    mine = twilio.conversations.v1.users("reader").user_conversations(sid)
    assert (mine.fetch().last_read_message_index, mine.fetch().unread_messages_count) == (None, None)
    assert mine.update(last_read_message_index=3).unread_messages_count == 0
    assert mine.update(last_read_message_index=1).unread_messages_count == 2, "back"
    talk.messages(messages[2].sid).delete()
    assert mine.fetch().unread_messages_count == 1, "a deleted message is not unread"
    assert mine.update(last_read_message_index=100).unread_messages_count == 0
    _, cleared = raw(twilio, "POST", f"/v1/Users/reader/Conversations/{sid}", LastReadMessageIndex="null")
    assert (cleared["last_read_message_index"], cleared["unread_messages_count"]) == (None, None)
    assert talk.participants("reader").fetch().last_read_message_index is None


def test_an_author_is_whoever_is_named_and_hears_nothing_of_it(twilio: Client) -> None:
    talk = twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)
    handset, other, shop = number(), number(), own_number(twilio)
    people = {
        address: talk.participants.create(messaging_binding_address=address, messaging_binding_proxy_address=shop).sid
        for address in (handset, other)
    }
    ana = talk.participants.create(identity="ana")
    as_customer = talk.messages.create(author=handset, body="hi")
    assert (as_customer.participant_sid, as_customer.delivery["total"]) == (people[handset], 1)
    as_ana = talk.messages.create(author="ana", body="hi")
    assert (as_ana.participant_sid, as_ana.delivery["total"]) == (ana.sid, 2)
    assert talk.messages.create(body="hi").author == "system"
    stranger = talk.messages.create(author="nobody here", body="hi")
    assert (stranger.participant_sid, stranger.delivery["total"]) == (None, 2)
