"""Receivers that fail: retries, order, and nobody else is disturbed (DESIGN 2.5, 2.13, invariant 9)."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twilio.rest import Client

from tests.carrier import eventually
from tests.conftest import LiveServer, running_server, wait_for_server
from tests.forking import start
from tests.webhooks.conftest import conversation_told_to
from tests.webhooks.receiver import Heard, Receiver, running_receiver


def say(talk: Any, *bodies: str) -> None:
    """Post messages that webhooks hear of."""
    for body in bodies:
        talk.messages.create(author="bob", body=body, x_twilio_webhook_enabled="true")


def bodies(heard: list[Heard]) -> list[str]:
    """Return the texts that were told."""
    return [each.parameters["Body"] for each in heard]


class Moody:
    """Fails a few times, then is well."""

    def __init__(self, *statuses: int | None) -> None:
        self._statuses = list(statuses)

    def __call__(self, _heard: Heard) -> int | None:
        return self._statuses.pop(0) if self._statuses else 200


def test_a_try_again_has_the_same_token_and_says_how_often(twilio: Client, receiver: Receiver) -> None:
    receiver.fault = Moody(500, None)
    talk = conversation_told_to(twilio, receiver)
    say(talk, "again", "and on")
    assert bodies(receiver.wait_for("onMessageAdded", 2)) == ["again", "and on"]
    first = [heard for heard in receiver.book if heard.parameters["Body"] == "again"]
    assert [heard.parameters["RetryCount"] for heard in first] == ["0", "1", "2"]
    assert len({heard.headers["i-twilio-idempotency-token"] for heard in first}) == 1
    assert len({heard.headers["i-twilio-idempotency-token"] for heard in receiver.book}) == 2


def test_a_refusal_is_not_tried_again_and_the_next_event_comes(twilio: Client, receiver: Receiver) -> None:
    receiver.fault = Moody(403)
    talk = conversation_told_to(twilio, receiver)
    say(talk, "refused", "next")
    assert bodies(receiver.wait_for("onMessageAdded")) == ["next"]
    assert bodies(receiver.book) == ["refused", "next"]


def test_events_come_in_the_order_of_their_conversation(twilio: Client, receiver: Receiver) -> None:
    talks = [conversation_told_to(twilio, receiver) for _ in range(3)]
    texts = [f"text {number}" for number in range(20)]
    for text in texts:
        for talk in talks:
            say(talk, text)
    receiver.wait_for("onMessageAdded", 60)
    for talk in talks:
        own = [heard for heard in receiver.book if heard.parameters["ConversationSid"] == talk.sid]
        assert bodies(own) == texts


@pytest.mark.parametrize("fault", ["hangs", "answers 500", "closes"])
def test_a_bad_receiver_disturbs_nobody_and_gets_all_in_order_when_it_heals(
    twilio: Client, receiver: Receiver, fault: str
) -> None:
    with running_receiver() as bad:
        bad.fault = {"hangs": bad.hang, "answers 500": lambda _: 500, "closes": lambda _: None}[fault]
        talk = conversation_told_to(twilio, receiver)
        talk.webhooks.create(target="webhook", configuration_url=bad.url, configuration_filters=["onMessageAdded"])
        say(talk, "one", "two", "three")
        assert bodies(receiver.wait_for("onMessageAdded", 3, seconds=4)) == ["one", "two", "three"]
        eventually(lambda: bad.book, what="the bad receiver was called")
        assert not bad.answered
        bad.heal()
        assert bodies(bad.wait_for("onMessageAdded", 3, seconds=30)) == ["one", "two", "three"]


def test_what_a_killed_server_had_to_tell_is_told_by_the_next(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        running_receiver() as receiver,
        running_server(tmp_path, "start", "--demo", "--data", str(data)) as live,
    ):
        receiver.fault = receiver.hang
        talk = conversation_told_to(live.client(), receiver)
        say(talk, "one", "two")
        eventually(lambda: receiver.book, what="the first call is under way")
        os.kill(live.process.pid, signal.SIGKILL)
        live.process.wait(10)
        receiver.heal()
        assert not receiver.answered
        with started_again(live):
            heard = receiver.wait_for("onMessageAdded", 2, seconds=60)
        assert bodies(heard)[:1] == ["one"]
        assert set(bodies(heard)) == {"one", "two"}
        assert all(each.signed_by(live.credentials.auth_token) for each in heard)


@contextlib.contextmanager
def started_again(live: LiveServer) -> Iterator[None]:
    """Run a server with the arguments of one that was killed."""
    port = live.url.rpartition(":")[2]
    with live.log.open("ab") as output:
        process = start(*live.arguments, "--port", port, output=output)
    try:
        wait_for_server(live.url, process, live.log)
        yield
    finally:
        process.terminate()
        process.wait(30)


def test_the_guard_refuses_the_own_network_and_names_the_setting(tmp_path: Path, receiver: Receiver) -> None:
    with running_server(tmp_path, "start", "--data", str(tmp_path / "data")) as live:
        say(conversation_told_to(live.client(), receiver), "inside")
        eventually(lambda: "the setting allowed_networks can allow it" in live.log.read_text())
    assert not receiver.book
