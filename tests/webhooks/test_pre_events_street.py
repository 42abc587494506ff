"""What customers write is asked about before it is stored (conversations.md §6.6, §8.2; invariant 1)."""

import json
from collections.abc import Iterator

import pytest

from tests.carrier import eventually
from tests.channels.street import Street, parlour, street
from tests.tools.test_trace import trace
from tests.webhooks.receiver import Heard, Receiver

EVENTS = ["onConversationAdd", "onParticipantAdd", "onMessageAdd", "onMessageAdded"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """A server and a carrier."""
    with street(tmp_path_factory.mktemp("street")) as one:
        yield one


@pytest.fixture(autouse=True)
def asked(world: Street, receiver: Receiver) -> Iterator[None]:
    """Have the receiver asked and told."""
    hooks = world.client.conversations.v1.configuration.webhooks()
    hooks.update(pre_webhook_url=receiver.url, post_webhook_url=receiver.url, filters=EVENTS)
    yield
    receiver.heal()
    hooks.update(pre_webhook_url="", post_webhook_url="", filters=[""])


def log_of(world: Street, handset: str) -> list[str]:
    """Return the texts of a handset in the account's messaging log."""
    return [one.body for one in world.client.messages.list(from_=handset)]


def test_a_first_text_asks_once_about_its_conversation(world: Street, receiver: Receiver) -> None:
    handset, number = world.fresh_address()
    receiver.says = lambda heard: json.dumps({"friendly_name": "Walk-in", "body": "changed"}).encode()
    world.carrier.text(handset, number, "hello shop")
    told = receiver.one("onMessageAdded").parameters
    assert [heard.event for heard in receiver.book] == ["onConversationAdd", "onMessageAdded"]
    asked = receiver.book[0].parameters
    assert (asked["MessageBody"], asked["Source"]) == ("hello shop", "SMS")
    assert (asked["MessagingBinding.Address"], asked["MessagingBinding.ProxyAddress"]) == (handset, number)
    assert asked["MessagingBinding.AuthorAddress"] == handset
    assert "ConversationSid" not in asked
    made = world.client.conversations.v1.conversations(told["ConversationSid"]).fetch()
    assert made.friendly_name == "Walk-in"
    assert told["Body"] == "hello shop"
    assert all(heard.signed_by(world.server.credentials.auth_token) for heard in receiver.book)


def test_a_later_text_asks_about_itself_and_is_changed(world: Street, receiver: Receiver) -> None:
    handset, number = world.fresh_address()
    world.carrier.text(handset, number, "hello shop")
    receiver.one("onMessageAdded")
    receiver.says = lambda heard: b'{"body": "***"}' if heard.event == "onMessageAdd" else b""
    world.carrier.text(handset, number, "my card is 4111")
    assert receiver.wait_for("onMessageAdded", 2)[1].parameters["Body"] == "***"
    (asked,) = receiver.wait_for("onMessageAdd")
    assert (asked.parameters["Body"], asked.parameters["Author"]) == ("my card is 4111", handset)
    assert "Index" not in asked.parameters
    assert world.texts(world.conversation_of(handset)) == ["hello shop", "***"]


def test_a_refused_text_is_in_the_log_and_in_no_conversation(world: Street, receiver: Receiver) -> None:
    handset, number = world.fresh_address()
    receiver.fault = lambda heard: 403 if heard.event == "onConversationAdd" else 200
    world.carrier.text(handset, number, "spam")
    eventually(lambda: log_of(world, handset), what="the text is logged")
    assert world.conversation_of(handset) == ""
    story = json.dumps(trace(world.server, world.client.messages.list(from_=handset)[0].sid))
    assert "carrier_message.refused" in story
    assert "carrier_message.unclaimed" not in story
    receiver.heal()
    world.carrier.text(handset, number, "hello shop")
    receiver.one("onMessageAdded")
    receiver.fault = lambda heard: 403 if heard.parameters.get("Body") == "a curse" else 200
    world.carrier.text(handset, number, "a curse")
    world.carrier.text(handset, number, "sorry")
    told = receiver.wait_for("onMessageAdded", 2)
    assert [heard.parameters["Index"] for heard in told] == ["0", "1"]
    assert world.texts(world.conversation_of(handset)) == ["hello shop", "sorry"]
    logged = ["a curse", "hello shop", "sorry", "spam"]  # texts may overtake each other on their way
    eventually(lambda: sorted(log_of(world, handset)) == logged, what="each text in the log")
    assert [heard.event for heard in receiver.book].count("onMessageAdd") == 2


def test_silence_keeps_a_text_and_an_answer_out_of_its_limits_too(world: Street, receiver: Receiver) -> None:
    handset, number = world.fresh_address()
    receiver.fault = lambda heard: None if heard.event == "onConversationAdd" else 200
    receiver.says = lambda heard: json.dumps({"body": "x" * 40_000}).encode()
    world.carrier.text(handset, number, "hello shop")
    receiver.one("onMessageAdded")
    world.carrier.text(handset, number, "and again")
    receiver.wait_for("onMessageAdded", 2)
    assert world.texts(world.conversation_of(handset)) == ["hello shop", "and again"]


def test_a_burst_of_first_texts_makes_one_conversation_that_is_asked_for_once(
    world: Street, receiver: Receiver
) -> None:
    handset, number = world.fresh_address()
    texts = [f"text {number_of}" for number_of in range(5)]
    for text in texts:
        world.carrier.text(handset, number, text)
    receiver.wait_for("onMessageAdded", 5)
    assert [heard.event for heard in receiver.book].count("onConversationAdd") == 1
    assert [heard.event for heard in receiver.book].count("onMessageAdd") == 4
    assert sorted(world.texts(world.conversation_of(handset))) == texts


def test_a_hanging_webhook_of_one_sender_does_not_stop_another(world: Street, receiver: Receiver) -> None:
    slow = [world.fresh_address() for _ in range(12)]
    names = {handset for handset, _ in slow}

    def hang_for_some(heard: Heard) -> int:
        return receiver.hang(heard) if heard.parameters.get("MessagingBinding.Address") in names else 200

    receiver.fault = hang_for_some
    for handset, number in slow:
        world.carrier.text(handset, number, "slow")
    eventually(lambda: len(receiver.book) >= 12, what="twelve questions hang")
    handset, number = world.fresh_address()
    world.carrier.text(handset, number, "quick")
    told = receiver.wait_for("onMessageAdded", seconds=4)
    assert told[0].parameters["Body"] == "quick"


@pytest.mark.parametrize("moment", ["while asked", "webhooks.asked", "store.before_commit"])
def test_a_server_killed_between_question_and_action_loses_nothing_and_doubles_nothing(
    world: Street, receiver: Receiver, moment: str
) -> None:
    handset, number = world.fresh_address()
    world.carrier.text(handset, number, "first")
    receiver.one("onMessageAdded")
    if moment == "while asked":
        receiver.fault = receiver.hang
    elif moment == "webhooks.asked":
        world.fails_at(moment)
    else:

        def arm(heard: Heard) -> int:
            if heard.event == "onMessageAdd" and len([h for h in receiver.book if h.event == "onMessageAdd"]) == 1:
                world.fails_at(moment)
            return 200

        receiver.fault = arm
    world.carrier.text(handset, number, "second")
    eventually(lambda: [h for h in receiver.book if h.event == "onMessageAdd"], what="the webhook is asked")
    if moment == "while asked":
        world.kill()
        receiver.heal()
    world.start_again()
    told = receiver.bodies("onMessageAdded", 2, seconds=90)  # the kill may have one of them told again
    asked = [heard for heard in receiver.book if heard.event == "onMessageAdd"]
    assert len({heard.headers["i-twilio-idempotency-token"] for heard in asked}) == 1
    assert told == ["first", "second"]
    assert world.texts(world.conversation_of(handset)) == ["first", "second"]


def test_what_was_asked_is_in_the_log_and_no_part_of_a_replay(world: Street, receiver: Receiver) -> None:
    handset, number = world.fresh_address()
    world.carrier.text(handset, number, "first")
    receiver.one("onMessageAdded")
    receiver.fault = lambda heard: 403 if heard.event == "onMessageAdd" else 200
    world.carrier.text(handset, number, "refused")
    sid = world.conversation_of(handset)
    account = world.server.credentials.account_sid
    arguments = ("--data", str(world.data), "--account", account)
    eventually(lambda: "refused" in parlour("webhooks", "list", "--stream", sid, *arguments))
    (line,) = parlour("webhooks", "list", "--stream", sid, "--outcome", "refused", "--json", *arguments).splitlines()
    row = json.loads(line)
    assert (row["event_type"], row["status"], row["asked"]) == ("onMessageAdd", 403, True)
    asked = len(receiver.book)
    replay = ("webhooks", "replay", "--stream", sid, "--webhook", account, "--to", receiver.url)
    assert parlour(*replay, *arguments) == "1 delivery was sent again."
    assert [heard.event for heard in receiver.book[asked:]] == ["onMessageAdded"]
