"""The log of deliveries, and sending them again (`parlour webhooks`)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from parlour.cli.main import main
from tests.carrier import eventually
from tests.conftest import LiveServer, running_server
from tests.webhooks.conftest import conversation_told_to
from tests.webhooks.receiver import Receiver, running_receiver
from tests.webhooks.test_faults import Moody, bodies, say


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose data folder commands can name."""
    folder = tmp_path_factory.mktemp("replay")
    with running_server(folder, "start", "--demo", "--data", str(folder / "data")) as server:
        yield server


def parlour(live: LiveServer, *arguments: str) -> Result:
    """Run a command on the server's data folder."""
    data = ["--data", live.arguments[-1], "--account", live.credentials.account_sid]
    return CliRunner().invoke(main, ["webhooks", *arguments, *data])


def log(live: LiveServer, *filters: str) -> list[dict[str, Any]]:
    """Return the lines of the log."""
    return [json.loads(line) for line in parlour(live, "list", "--json", *filters).stdout.splitlines()]


def logged(live: LiveServer, count: int, *filters: str) -> list[dict[str, Any]]:
    """Wait until the log has that many lines: a line is written after the receiver answered."""

    def look() -> list[dict[str, Any]] | None:
        rows = log(live, *filters)
        return rows if len(rows) >= count else None

    return eventually(look, what=f"{count} lines of the log")


def test_each_try_is_in_the_log_with_request_and_answer(live: LiveServer, receiver: Receiver) -> None:
    receiver.fault = Moody(500)
    talk = conversation_told_to(live.client(), receiver)
    say(talk, "logged")
    receiver.one("onMessageAdded")
    first, second = logged(live, 2, "--stream", talk.sid)
    assert [first["outcome"], second["outcome"]] == ["failed", "delivered"]
    assert [first["status"], second["status"]] == [500, 200]
    assert [first["attempt"], second["attempt"]] == [1, 2]
    assert second["parameters"].encode() == receiver.book[1].body
    assert second["url"] == receiver.url + "/hook?a=b"
    assert second["answer"] == "{}"
    assert second["duration_ms"] >= 0
    assert json.loads(parlour(live, "show", second["sid"]).stdout) == second


def test_one_delivery_is_sent_to_another_url_with_the_same_bytes(live: LiveServer, receiver: Receiver) -> None:
    talk = conversation_told_to(live.client(), receiver)
    say(talk, "grüße & more")
    original = receiver.one("onMessageAdded")
    row = logged(live, 1, "--stream", talk.sid)[0]
    with running_receiver() as other:
        done = parlour(live, "replay", row["sid"], "--to", other.url + "/else?x=1")
        assert done.stdout == "1 delivery was sent again.\n", done.stderr
        (heard,) = other.book
    assert heard.body == original.body
    assert heard.url.endswith("/else?x=1")
    assert heard.signed_by(live.credentials.auth_token)
    assert heard.headers["i-twilio-idempotency-token"] == original.headers["i-twilio-idempotency-token"]
    assert logged(live, 2, "--stream", talk.sid)[1]["replay_of"] == row["sid"]


def test_a_get_is_replayed_as_a_get(live: LiveServer, receiver: Receiver) -> None:
    talk = conversation_told_to(live.client(), receiver, method="GET")
    say(talk, "a & b")
    original = receiver.one("onMessageAdded")
    row = logged(live, 1, "--stream", talk.sid)[0]
    with running_receiver() as other:
        parlour(live, "replay", row["sid"], "--to", other.url + "/else")
        (heard,) = other.book
    assert heard.method == "GET"
    assert heard.url.endswith("/else?" + original.url.partition("?a=b&")[2])
    assert heard.signed_by(live.credentials.auth_token)


def test_a_range_is_sent_again_each_event_once_and_in_order(live: LiveServer, receiver: Receiver) -> None:
    receiver.fault = Moody(500, 500)
    talk = conversation_told_to(live.client(), receiver)
    say(talk, "one", "two", "three")
    originals = receiver.wait_for("onMessageAdded", 3)
    logged(live, 5, "--stream", talk.sid)
    with running_receiver() as other:
        done = parlour(live, "replay", "--stream", talk.sid, "--to", other.url)
        assert done.stdout == "3 deliveries were sent again.\n", done.stderr
        assert bodies(other.book) == ["one", "two", "three"]
        assert [heard.body for heard in other.book] == [heard.body for heard in originals]
        assert all(heard.signed_by(live.credentials.auth_token) for heard in other.book)


def test_a_replay_ends_at_the_first_that_is_not_taken(live: LiveServer, receiver: Receiver) -> None:
    talk = conversation_told_to(live.client(), receiver)
    say(talk, "one", "two")
    logged(live, 2, "--stream", talk.sid)
    with running_receiver() as other:
        other.fault = lambda _: 500
        done = parlour(live, "replay", "--stream", talk.sid, "--to", other.url)
        assert len(other.book) == 1
    assert done.exit_code == 1
    assert "was not taken: answered 500; 0 before it were" in done.stderr


def test_nothing_is_replayed_that_was_not_named(live: LiveServer) -> None:
    assert parlour(live, "replay", "--to", "http://127.0.0.1:1/").exit_code == 2


def test_an_unknown_delivery_is_named(live: LiveServer) -> None:
    assert "There is no delivery WD0" in parlour(live, "show", "WD0").stderr


def test_a_refused_delivery_can_be_found_and_sent_again(live: LiveServer, receiver: Receiver) -> None:
    receiver.fault = Moody(403)
    talk = conversation_told_to(live.client(), receiver)
    say(talk, "refused")
    rows = logged(live, 1, "--stream", talk.sid, "--outcome", "dead")
    assert [row["status"] for row in rows] == [403]
    parlour(live, "replay", "--stream", talk.sid, "--outcome", "dead", "--to", receiver.url)
    assert bodies(receiver.answered) == ["refused"]
