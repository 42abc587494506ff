"""What customers and carriers do is told without anybody's asking (conversations.md §6.3, §8.2, §12.9)."""

from collections.abc import Iterator

import pytest

from tests.carrier import eventually
from tests.channels.street import Street, street
from tests.webhooks.receiver import Receiver

EVENTS = ["onConversationAdded", "onParticipantAdded", "onMessageAdded", "onDeliveryUpdated"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """A server and a carrier."""
    with street(tmp_path_factory.mktemp("street")) as one:
        yield one


@pytest.fixture(autouse=True)
def listening(world: Street, receiver: Receiver) -> None:
    """Have the receiver hear of the whole account."""
    hooks = world.client.conversations.v1.configuration.webhooks()
    hooks.update(post_webhook_url=receiver.url, filters=EVENTS)


def test_a_first_text_is_told_from_the_conversation_to_the_message(world: Street, receiver: Receiver) -> None:
    handset, number = world.fresh_address()
    world.carrier.text(handset, number, "hello shop")
    receiver.wait_for("onMessageAdded")
    assert [heard.event for heard in receiver.book] == ["onConversationAdded", "onParticipantAdded", "onMessageAdded"]
    added, joined, said = (heard.parameters for heard in receiver.book)
    assert {added["Source"], joined["Source"], said["Source"]} == {"SMS"}
    assert (added["MessagingBinding.Address"], added["MessagingBinding.ProxyAddress"]) == (handset, number)
    assert joined["MessagingBinding.Address"] == handset
    assert (said["Author"], said["Body"]) == (handset, "hello shop")
    assert said["ParticipantSid"] == joined["ParticipantSid"]
    assert all(heard.signed_by(world.server.credentials.auth_token) for heard in receiver.book)


def up_to_delivered(receiver: Receiver) -> list[dict[str, str]]:
    """Return what was told of deliveries, once the last was."""
    told = [heard.parameters for heard in receiver.answered if heard.event == "onDeliveryUpdated"]
    return told if told and told[-1]["Status"] == "delivered" else []


def test_receipts_are_told_although_the_message_was_not(world: Street, receiver: Receiver) -> None:
    handset, number = world.fresh_address()
    world.carrier.text(handset, number, "hello")
    sid = receiver.one("onMessageAdded").parameters["ConversationSid"]
    sent = world.client.conversations.v1.conversations(sid).messages.create(author="agent", body="good day")
    told = eventually(lambda: up_to_delivered(receiver), what="the delivery of the message")
    assert [each["Status"] for each in told] in (["sent", "delivered"], ["delivered"])  # receipts may overtake
    (receipt,) = sent.delivery_receipts.list()
    for each in told:
        assert each["MessageSid"] == sent.sid
        assert each["DeliveryReceiptSid"] == receipt.sid
        assert each["ChannelMessageSid"] == receipt.channel_message_sid
        assert each["ParticipantSid"] == receipt.participant_sid
        assert each["ConversationSid"] == sid
        assert {"AccountSid", "ChatServiceSid", "DateCreated", "DateUpdated"} <= set(each)
    assert [heard.event for heard in receiver.book].count("onMessageAdded") == 1
