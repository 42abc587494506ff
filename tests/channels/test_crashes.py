"""Texts survive the death of the server, and are neither lost nor doubled (channels.md §8.2, §8.3)."""

from collections.abc import Iterator

import pytest

from tests.carrier import eventually
from tests.channels.street import FAST, Street, street

STUBBORN = {"until_2xx": True, "wait_ms": 50, "max_wait_ms": 500}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("crashes")) as one:
        yield one


def begun(world: Street) -> tuple[str, str, str]:
    world.carrier.faults(**FAST, retry=STUBBORN)
    handset, number = world.fresh_address()
    world.carrier.text(handset, number, "Hello")
    return handset, number, eventually(lambda: world.conversation_of(handset))


def say(world: Street, conversation: str, body: str) -> str:
    return str(world.client.conversations.v1.conversations(conversation).messages.create(author="ana", body=body).sid)


def statuses(world: Street, conversation: str, message: str) -> list[str]:
    return [
        one.status
        for one in world.client.conversations.v1.conversations(conversation).messages(message).delivery_receipts.list()
    ]


def test_a_text_stored_but_not_answered_is_there_once_after_the_carrier_tried_again(world: Street) -> None:
    handset, number, conversation = begun(world)
    world.fails_at("carrier.inbound_stored")
    world.carrier.text(handset, number, "did you get this?")
    world.start_again()
    eventually(lambda: world.texts(conversation) == ["Hello", "did you get this?"])
    eventually(lambda: len(world.carrier.ledger("inbound.accepted")) >= 2)
    assert world.texts(conversation) == ["Hello", "did you get this?"]


def test_an_answer_that_the_carrier_took_and_we_did_not_note_is_on_the_handset_once(world: Street) -> None:
    handset, _, conversation = begun(world)
    world.fails_at("carrier.accepted")
    message = say(world, conversation, "exactly once")
    world.start_again()
    second = say(world, conversation, "and then this")
    world.carrier.wait_for(handset, "and then this", state="delivered")
    assert world.carrier.received(handset) == ["exactly once", "and then this"]
    eventually(lambda: statuses(world, conversation, message) == ["delivered"])
    eventually(lambda: statuses(world, conversation, second) == ["delivered"])


def test_a_call_that_the_carrier_answers_to_nobody_is_found_there_later(world: Street) -> None:
    handset, _, conversation = begun(world)
    slow = {"match": {"op": "create", "text_regex": "slow"}, "action": "delay", "ms": 1500}
    world.carrier.faults(**FAST, retry=STUBBORN, rules=[slow])
    message = say(world, conversation, "slow one")
    eventually(lambda: [line for line in world.carrier.ledger("fault") if line["action"] == "delay"])
    world.kill()
    world.start_again()
    world.carrier.wait_for(handset, "slow one", state="delivered")
    eventually(lambda: statuses(world, conversation, message) == ["delivered"])
    assert world.carrier.received(handset) == ["slow one"]


def test_copies_between_and_after_restarts_change_nothing(world: Street) -> None:
    handset, number, conversation = begun(world)
    sid = world.carrier.text(handset, number, "once")
    eventually(lambda: len(world.texts(conversation)) == 2)
    world.kill()
    world.carrier.call("/_sim/repeat", {"sid": sid})
    world.start_again()
    world.carrier.call("/_sim/repeat", {"sid": sid})
    eventually(lambda: len([x for x in world.carrier.ledger("inbound.accepted") if x["message_sid"] == sid]) == 3)
    assert world.texts(conversation) == ["Hello", "once"]
