"""Connection overrides behind `#` are honoured, and neither sent nor signed nor kept (channels.md §1.7)."""

import time
from typing import Any

import pytest
from twilio.rest import Client

from parlour.webhooks import overrides
from tests.conftest import LiveServer
from tests.conversations.calls import refusal
from tests.webhooks.receiver import Heard, Receiver
from tests.webhooks.test_faults import Moody, bodies, say
from tests.webhooks.test_pre_events import ana_of, talk_of


def told_to(twilio: Client, receiver: Receiver, fragment: str) -> Any:
    """Return a new conversation whose messages a receiver is told with these overrides."""
    made = twilio.conversations.v1.conversations.create()
    made.webhooks.create(
        target="webhook",
        configuration_url=f"{receiver.url}/hook?a=b#{fragment}",
        configuration_filters=["onMessageAdded"],
    )
    return made


def of(receiver: Receiver, text: str) -> list[Heard]:
    """Return the requests about a text."""
    return [heard for heard in receiver.book if heard.parameters["Body"] == text]


@pytest.mark.parametrize(
    ("fragment", "fault", "tries"),
    [
        ("rc=2&rp=5xx", 500, 3),
        ("rc=2&rp=4xx", 500, 1),
        ("rc=2&rp=4xx,5xx", 404, 3),
        ("rc=2", 503, 1),
        ("rp=all", 500, 2),
        ("rc=1&rp=rt", None, 2),
        ("rc=0", None, 1),
        ("rc=5&rp=ALL&ct=1000&e=ashburn&sni=y", 429, 6),
    ],
)
def test_a_url_that_says_how_often_is_tried_as_often(
    server: LiveServer, receiver: Receiver, fragment: str, fault: int | None, tries: int
) -> None:
    receiver.fault = lambda heard: fault if heard.parameters["Body"] == "failing" else 200
    say(told_to(server.client(), receiver, fragment), "failing", "next")
    assert bodies(receiver.wait_for("onMessageAdded")) == ["next"]
    failed = of(receiver, "failing")
    assert [heard.parameters["RetryCount"] for heard in failed] == [str(number) for number in range(tries)]
    assert len({heard.headers["i-twilio-idempotency-token"] for heard in failed}) == 1
    assert {heard.url for heard in receiver.book} == {f"{receiver.url}/hook?a=b"}
    assert all(heard.signed_by(server.credentials.auth_token) for heard in receiver.book)


def test_a_try_that_is_taken_is_the_last(twilio: Client, receiver: Receiver) -> None:
    receiver.fault = Moody(500, 500)
    say(told_to(twilio, receiver, "rc=5&rp=5xx"), "one", "two")
    assert bodies(receiver.wait_for("onMessageAdded", 2)) == ["one", "two"]
    assert len(receiver.book) == 4


def test_a_receiver_has_as_long_as_the_url_says(twilio: Client, receiver: Receiver) -> None:
    receiver.fault = lambda heard: receiver.hang(heard) if heard.parameters["Body"] == "hangs" else 200
    began = time.monotonic()
    say(told_to(twilio, receiver, "rt=300&rc=1&rp=rt"), "hangs", "next")
    receiver.wait_for("onMessageAdded", seconds=10)
    assert time.monotonic() - began < 4.9  # two tries of 0.3 s, not of five
    assert len(of(receiver, "hangs")) == 2


def test_the_total_ends_the_tries(twilio: Client, receiver: Receiver) -> None:
    receiver.fault = lambda heard: receiver.hang(heard) if heard.parameters["Body"] == "hangs" else 200
    say(told_to(twilio, receiver, "rt=400&tt=600&rc=5&rp=all"), "hangs", "next")
    receiver.wait_for("onMessageAdded", seconds=10)
    assert len(of(receiver, "hangs")) == 2


@pytest.mark.parametrize("fragment", ["rc=6", "rc=x", "ct=99", "ct=10001", "rt=15001", "tt=0", "rp=3xx", "rp="])
def test_an_override_out_of_its_range_is_refused(twilio: Client, fragment: str) -> None:
    made = twilio.conversations.v1.conversations.create()
    refused = refusal(
        made.webhooks.create,
        target="webhook",
        configuration_url=f"https://example.com/#{fragment}",
        configuration_filters=["onMessageAdded"],
    )
    assert refused.code == 50388
    hooks = twilio.conversations.v1.configuration.webhooks()
    assert refusal(hooks.update, pre_webhook_url=f"https://example.com/#{fragment}").code == 50077


@pytest.mark.parametrize(
    ("url", "connect", "read", "total", "retries"),
    [
        ("https://example.com/", 5, 5, 5, None),
        ("https://example.com/#section", 5, 5, 5, None),
        ("https://example.com/#ct=100", 0.1, 5, 15, None),
        ("https://example.com/#rt=12000", 5, 12, 15, None),
        ("https://example.com/#tt=2000&rc=3", 5, 5, 2, 3),
        ("https://example.com/#rc=99999999999&tt=1", 5, 5, 0.1, 5),
    ],
)
def test_what_a_url_says(url: str, connect: float, read: float, total: float, retries: int | None) -> None:
    rules = overrides.of(url)
    assert (rules.connect, rules.read, rules.total, rules.retries) == (connect, read, total, retries)


async def test_a_pre_event_has_overrides_too(server: LiveServer, receiver: Receiver) -> None:
    async with ana_of(server, receiver, "onMessageAdd") as (ana, own):
        sid = await talk_of(ana)
        url = f"{receiver.url}/pre#rt=300&rc=1&rp=5xx"
        own.configuration.webhooks().update(pre_webhook_url=url)
        receiver.fault = Moody(500)
        receiver.says = lambda _: b'{"body": "changed"}'
        _, said = await ana.aim("POST", f"Conversations/{sid}/Messages", {"body": "hello"})
        assert said["body"] == "changed"
        assert [heard.parameters["RetryCount"] for heard in receiver.book] == ["0", "1"]
        receiver.fault = receiver.hang
        began = time.monotonic()
        _, said = await ana.aim("POST", f"Conversations/{sid}/Messages", {"body": "unheard"})
        assert said["body"] == "unheard"
        assert time.monotonic() - began < 4
        assert len(receiver.book) == 3
        receiver.heal()
