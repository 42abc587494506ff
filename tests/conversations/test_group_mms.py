"""Group MMS as a caller of the REST API sees it (conversations.md §3.4, §12.3)."""

import json
from typing import Any

import pytest
from twilio.rest import Client

from tests.conversations.calls import number, own_number, refusal


def talk(twilio: Client) -> Any:
    """Return the context of a new conversation."""
    return twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)


def group(twilio: Client, *people: dict[str, Any]) -> Any:
    """Make a conversation with these participants."""
    return twilio.conversations.v1.conversation_with_participants.create(
        participant=[json.dumps(person) for person in people]
    )


def native(address: str) -> dict[str, Any]:
    return {"messaging_binding": {"address": address}}


def agent(identity: str, projected: str) -> dict[str, Any]:
    return {"identity": identity, "messaging_binding": {"projected_address": projected}}


def gateway(projected: str) -> dict[str, Any]:
    return {"messaging_binding": {"projected_address": projected}}


def test_each_kind_of_member_shows_its_binding(twilio: Client) -> None:
    shop, customer, second = own_number(twilio), number(), own_number(twilio)
    made = group(twilio, agent("ana", shop), native(customer), gateway(second))
    people = twilio.conversations.v1.conversations(made.sid).participants.list()
    assert [(one.identity, one.messaging_binding) for one in people] == [
        ("ana", {"type": "sms", "projected_address": shop}),
        (None, {"type": "sms", "address": customer}),
        (None, {"type": "sms", "projected_address": second}),
    ]
    [found] = twilio.conversations.v1.participant_conversations.list(identity="ana", limit=1)
    assert found.participant_messaging_binding["projected_address"] == shop


def test_a_set_of_numbers_is_in_one_open_conversation(twilio: Client) -> None:
    shop, first, second = own_number(twilio), number(), number()
    made = group(twilio, agent("ana", shop), native(first), native(second))
    error = refusal(group, twilio, native(second), gateway(shop), native(first))
    assert (error.status, error.code) == (409, 50438)
    assert error.msg.endswith(f"Group MMS with given participant list already exists as Conversation {made.sid}")
    assert group(twilio, agent("ana", shop), native(first), native(number())).sid
    twilio.conversations.v1.conversations(made.sid).update(state="closed")
    assert group(twilio, native(second), gateway(shop), native(first)).sid


def test_a_group_of_two_is_an_ordinary_pair(twilio: Client) -> None:
    shop, customer = own_number(twilio), number()
    conversation = talk(twilio)
    conversation.participants.create(identity="ana", messaging_binding_projected_address=shop)
    conversation.participants.create(messaging_binding_address=customer)
    pair = {"messaging_binding_address": customer, "messaging_binding_proxy_address": shop}
    error = refusal(talk(twilio).participants.create, **pair)
    assert (error.status, error.code) == (409, 50416)
    assert error.msg.endswith(conversation.fetch().sid)
    third = conversation.participants.create(messaging_binding_address=number())
    other = talk(twilio)
    made = other.participants.create(**pair)
    error = refusal(conversation.participants(third.sid).delete)
    assert (error.status, error.code) == (409, 50416), "without the third they would be that pair again"
    other.participants(made.sid).delete()
    assert conversation.participants(third.sid).delete()


def test_a_member_that_cannot_be_in_a_group_is_refused_with_its_code(twilio: Client) -> None:
    shop, customer = own_number(twilio), number()
    conversation = talk(twilio)
    create = conversation.participants.create
    assert refusal(create, messaging_binding_address="+447700900123").code == 50407
    assert refusal(create, messaging_binding_address="+18005550100").code == 50407
    assert refusal(create, messaging_binding_projected_address=number()).code == 50439
    assert refusal(create, messaging_binding_projected_address=shop, messaging_binding_address=customer).code == 50443
    create(identity="ana", messaging_binding_projected_address=shop)
    create(messaging_binding_address=customer)
    assert refusal(create, messaging_binding_address=customer).code == 50437
    assert refusal(create, identity="ben").code == 50434
    pair = {"messaging_binding_address": number(), "messaging_binding_proxy_address": own_number(twilio)}
    assert refusal(create, **pair).code == 50435
    for _ in range(8):
        create(messaging_binding_address=number())
    assert refusal(create, messaging_binding_address=number()).code == 50436


@pytest.mark.parametrize("side", ["native", "gateway"])
def test_a_group_needs_both_sides(twilio: Client, side: str) -> None:
    people = [native(number()), native(number())] if side == "native" else [gateway(own_number(twilio))]
    assert refusal(group, twilio, *people).code == 50435


def test_only_members_write(twilio: Client) -> None:
    shop, desk, first, second = own_number(twilio), own_number(twilio), number(), number()
    made = group(twilio, agent("ana", shop), gateway(desk), native(first), native(second))
    conversation = twilio.conversations.v1.conversations(made.sid)
    for author in ("system", "somebody", number()):
        assert refusal(conversation.messages.create, author=author, body="hi").code == 50513
    by_agent = conversation.messages.create(author="ana", body="hi")
    assert by_agent.delivery["total"] == 2
    by_gateway = conversation.messages.create(author=desk, body="hi")
    people = {one.sid: one for one in conversation.participants.list()}
    assert people[by_gateway.participant_sid].messaging_binding == {"type": "sms", "projected_address": desk}
    assert conversation.messages.create(author=first, body="hi").delivery is None
    assert [one.index for one in conversation.messages.list()] == [0, 1, 2]


def test_a_number_passes_from_agent_to_agent(twilio: Client) -> None:
    shop, first, second = own_number(twilio), number(), number()
    made = group(twilio, gateway(shop), native(first), native(second))
    conversation = twilio.conversations.v1.conversations(made.sid)
    [held] = [one for one in conversation.participants.list() if "projected_address" in one.messaging_binding]
    changed = conversation.participants(held.sid).update(identity="ana")
    assert (changed.identity, changed.messaging_binding) == ("ana", {"type": "sms", "projected_address": shop})
    assert twilio.conversations.v1.users("ana").fetch().identity == "ana"
    found = twilio.conversations.v1.users("ana").user_conversations(made.sid).fetch()
    assert found.participant_sid == held.sid
    assert conversation.messages.create(author="ana", body="hi").delivery["total"] == 2
    assert refusal(conversation.participants(held.sid).update, identity="ben").code == 50444
    assert refusal(group, twilio, gateway(shop), native(first), native(second)).code == 50438


def test_a_projected_address_is_set_changed_and_removed(twilio: Client) -> None:
    shop, other, first, second = own_number(twilio), own_number(twilio), number(), number()
    conversation = talk(twilio)
    ana = conversation.participants(conversation.participants.create(identity="ana").sid)
    assert refusal(ana.update, messaging_binding_projected_address="null").code == 50442
    assert refusal(ana.update, messaging_binding_projected_address=number()).code == 50439
    assert ana.update(messaging_binding_projected_address=shop).messaging_binding["projected_address"] == shop
    _, customer = (conversation.participants.create(messaging_binding_address=each) for each in (first, second))
    assert (
        refusal(conversation.participants(customer.sid).update, messaging_binding_projected_address=other).code == 50443
    )
    ana.update(messaging_binding_projected_address=other)
    assert group(twilio, gateway(shop), native(first), native(second)).sid, "the set with the old number is free"
    assert refusal(group, twilio, gateway(other), native(first), native(second)).code == 50438
    assert refusal(ana.update, messaging_binding_projected_address="null").code == 50434
