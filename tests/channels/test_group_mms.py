"""Group MMS between handsets and a conversation (conversations.md §3.4, §8.2, §12.3)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from tests.carrier import eventually
from tests.channels.street import FAST, Street, parlour, post, street

GATEWAY = "+12025550177"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("groups")) as one:
        parlour(
            "carriers", "add", "street", "--url", one.carrier.url, "--carrier-account", one.carrier.account_sid,
            "--carrier-token", one.carrier.auth_token, "--lists-at-once", "--takes-groups", "--data", str(one.data),
        )  # fmt: skip
        one.attach(GATEWAY)
        one.carrier.faults(**FAST)
        yield one


def receive(world: Street, sid: str, sender: str, to: str, body: str, *others: str) -> None:
    """Have a group's text come in as the carrier posts it."""
    form = {"MessageSid": sid, "AccountSid": world.carrier.account_sid, "From": sender, "To": to, "Body": body}
    form |= {"NumMedia": "0", **{f"OtherRecipients{n}": number for n, number in enumerate(others)}}
    signature = RequestValidator(world.carrier.auth_token).compute_signature(world.inbound_url, form)
    assert post(world.inbound_url, form, signature) == 200


def handsets(world: Street) -> tuple[str, str]:
    world.used += 2
    return f"+1202555{world.used:04}", f"+1202555{world.used + 1000:04}"


def people(world: Street, conversation: str) -> list[tuple[str | None, Any]]:
    shown = world.client.conversations.v1.conversations(conversation).participants.list()
    return [(one.identity, one.messaging_binding) for one in shown]


def test_a_members_text_finds_its_group_and_goes_to_nobody_else(world: Street) -> None:
    first, second = handsets(world)
    made = world.client.conversations.v1.conversation_with_participants.create(
        participant=[
            json.dumps({"identity": "ana", "messaging_binding": {"projected_address": GATEWAY}}),
            json.dumps({"messaging_binding": {"address": first}}),
            json.dumps({"messaging_binding": {"address": second}}),
        ]
    )
    receive(world, "MM" + "1" * 32, second, GATEWAY, "all of you", first)
    conversation = world.client.conversations.v1.conversations(made.sid)
    [message] = eventually(conversation.messages.list)
    assert (message.body, message.author, message.delivery) == ("all of you", second, None)
    answer = conversation.messages.create(author="ana", body="hello both")
    for handset, other in ((first, second), (second, first)):
        world.carrier.wait_for(handset, "hello both", state="delivered")
        [line] = [one for one in world.carrier.ledger("send.accepted") if one["to"] == handset]
        assert (line["sender"], line["others"]) == (GATEWAY, [other])

    def delivered() -> bool:
        shown = conversation.messages(answer.sid).fetch().delivery
        return (shown["total"], shown["delivered"]) == (2, "all")

    assert eventually(delivered)


def test_a_first_text_to_a_group_makes_one_conversation_with_all(world: Street) -> None:
    first, second = handsets(world)
    world.client.conversations.v1.address_configurations.create(
        type="sms", address=GATEWAY, auto_creation_enabled=True, auto_creation_type="default"
    )
    receive(world, "MM" + "2" * 32, first, GATEWAY, "dinner?", second)
    sid = eventually(lambda: world.conversation_of(first))
    assert sid == world.conversation_of(second)
    assert sorted(people(world, sid), key=str) == sorted(
        [(None, {"type": "sms", "address": number}) for number in (first, second)]
        + [(None, {"type": "sms", "projected_address": GATEWAY})],
        key=str,
    )
    assert world.client.conversations.v1.conversations(sid).fetch().state == "active"
    receive(world, "MM" + "3" * 32, second, GATEWAY, "yes", first)
    assert eventually(lambda: world.texts(sid) == ["dinner?", "yes"])
    receive(world, "MM" + "4" * 32, first, GATEWAY, "only you")
    alone = eventually(lambda: next((one for one in [world.conversation_of(first)] if one != sid), None))
    assert world.texts(alone) == ["only you"], "a text to the number alone is another conversation"


def test_the_text_of_a_group_is_refused_where_the_carrier_has_no_groups(world: Street) -> None:
    first, second = handsets(world)
    made = world.client.conversations.v1.conversation_with_participants.create(
        participant=[
            json.dumps({"identity": "ben", "messaging_binding": {"projected_address": GATEWAY}}),
            json.dumps({"messaging_binding": {"address": first}}),
            json.dumps({"messaging_binding": {"address": second}}),
        ]
    )
    common = ("carriers", "add", "street", "--url", world.carrier.url, "--carrier-account", world.carrier.account_sid)
    token = ("--carrier-token", world.carrier.auth_token, "--lists-at-once", "--data", str(world.data))
    parlour(*common, *token)
    try:
        messages = world.client.conversations.v1.conversations(made.sid).messages
        answer = messages.create(author="ben", body="hello?")

        def failed() -> list[Any]:
            return [one for one in messages(answer.sid).delivery_receipts.list() if one.status == "failed"]

        assert [one.error_code for one in eventually(lambda: failed() if len(failed()) == 2 else None)] == [
            30011,
            30011,
        ]
        assert world.carrier.received(first) == []
    finally:
        parlour(*common, *token, "--takes-groups")
