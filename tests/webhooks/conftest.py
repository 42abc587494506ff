"""A receiver for each test, and a conversation that it listens to."""

from collections.abc import Iterator
from typing import Any

import pytest
from twilio.rest import Client

from tests.webhooks.receiver import Receiver, running_receiver

EVENTS = (
    "onMessageAdded",
    "onMessageUpdated",
    "onMessageRemoved",
    "onConversationUpdated",
    "onConversationStateUpdated",
    "onConversationRemoved",
    "onParticipantAdded",
    "onParticipantUpdated",
    "onParticipantRemoved",
    "onDeliveryUpdated",
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A healthy receiver."""
    with running_receiver() as running:
        yield running


def conversation_told_to(twilio: Client, receiver: Receiver, *, method: str = "POST", path: str = "/hook?a=b") -> Any:
    """Return a new conversation whose every event a receiver is told."""
    made = twilio.conversations.v1.conversations.create(friendly_name="Hooked")
    made.webhooks.create(
        target="webhook",
        configuration_url=receiver.url + path,
        configuration_method=method,
        configuration_filters=list(EVENTS),
    )
    return made
