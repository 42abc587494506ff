"""What receivers' own books say after each has had its own kind of trouble (DESIGN 2.5, invariant 9, ACCEPTANCE 4)."""

import threading
from collections import defaultdict
from contextlib import ExitStack
from functools import partial

from twilio.rest import Client

from tests.carrier import eventually
from tests.webhooks.receiver import Heard, Receiver, running_receiver

CONVERSATIONS = 3
MESSAGES = 120  # of each
LATE = 6.0  # seconds, one more than a receiver has
DUPLICATES = 0.01


def late(receiver: Receiver) -> None:
    """Have a receiver take the first event of each conversation and say so when nobody listens any more."""
    never = threading.Event()

    def slow(heard: Heard) -> int:
        if heard.parameters["RetryCount"] == "0" and heard.parameters["Index"] == "0":
            never.wait(LATE)
        return 200

    receiver.fault = slow


def trouble(receivers: dict[str, Receiver]) -> None:
    """Give each receiver its own trouble."""
    receivers["hangs"].fault = receivers["hangs"].hang
    receivers["answers 500"].fault = lambda _: 500
    receivers["closes"].fault = lambda _: None
    late(receivers["answers late"])


def first_occurrences(receiver: Receiver) -> dict[str, list[int]]:
    """Return the indexes that a receiver took, in the order in which it first took them, by conversation."""
    books: dict[str, dict[int, None]] = defaultdict(dict)
    for heard in list(receiver.answered):
        parameters = heard.parameters
        books[parameters["ConversationSid"]].setdefault(int(parameters["Index"]))
    return {sid: list(book) for sid, book in books.items()}


def has(receiver: Receiver, whole: dict[str, list[int]]) -> bool:
    """Say whether a receiver took all indexes of all conversations, in order."""
    return first_occurrences(receiver) == whole


def test_every_ledger_is_whole_and_in_order_when_the_receivers_are_well_again(twilio: Client) -> None:
    kinds = ("healthy", "hangs", "answers 500", "answers late", "closes")
    with ExitStack() as stack:
        receivers = {kind: stack.enter_context(running_receiver()) for kind in kinds}
        trouble(receivers)
        talks = [twilio.conversations.v1.conversations.create() for _ in range(CONVERSATIONS)]
        for talk in talks:
            for receiver in receivers.values():
                talk.webhooks.create(
                    target="webhook", configuration_url=receiver.url, configuration_filters=["onMessageAdded"]
                )
        for number in range(MESSAGES):
            for talk in talks:
                talk.messages.create(author="bob", body=f"text {number}", x_twilio_webhook_enabled="true")
        whole = {talk.sid: list(range(MESSAGES)) for talk in talks}
        count = CONVERSATIONS * MESSAGES
        receivers["healthy"].wait_for("onMessageAdded", count, seconds=60)
        assert first_occurrences(receivers["healthy"]) == whole
        for kind in ("hangs", "answers 500", "closes"):
            assert receivers[kind].book
            assert not receivers[kind].answered
        for receiver in receivers.values():
            receiver.heal()
        for kind, receiver in receivers.items():
            eventually(
                partial(has, receiver, whole),
                seconds=120,
                what=f"the ledger of the one that {kind} is whole",
            )
            doubled = len(receiver.answered) - count
            assert doubled <= count * DUPLICATES, f"{kind}: {doubled} of {count} twice"
