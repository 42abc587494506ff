"""Presence: a closed socket takes the agent offline, a lost one after a minute (DESIGN 2.7; taskrouter.md §5.3)."""

import contextlib
import itertools
import urllib.request
from collections.abc import Iterator

import pytest
from websockets.sync.client import ClientConnection

from tests.bridge import wire
from tests.bridge.conftest import Bridge, Open
from tests.conftest import LiveServer
from tests.taskrouter.conftest import eventually

NUMBERS = itertools.count(1)


@pytest.fixture
def frozen_flex(frozen_server: LiveServer, open_flex_bridge: Open) -> Bridge:
    """The workspace of Flex on the server whose clock stands."""
    return open_flex_bridge(frozen_server)


def hire(bridge: Bridge) -> str:
    return bridge.centre.worker(f"Present {next(NUMBERS)}")


def activity(bridge: Bridge, worker: str) -> str:
    return str(bridge.centre.api.workers(worker).fetch().activity_name)


@contextlib.contextmanager
def socket(bridge: Bridge, worker: str, **query: str) -> Iterator[ClientConnection]:
    """Hold a socket open that was let in, and close it."""
    with wire.socket(bridge.centre.server.url, bridge.token(worker), **query) as raw:
        assert wire.next_event(raw)["event_type"] == "init"
        yield raw


def come_and_go(bridge: Bridge, worker: str, **query: str) -> None:
    """Open a socket and close it."""
    with socket(bridge, worker, **query):
        pass


def lose(raw: ClientConnection) -> None:
    """Drop the line without a word."""
    raw.socket.shutdown(2)
    raw.socket.close()


def until(bridge: Bridge, worker: str, wanted: str) -> None:
    eventually(lambda: activity(bridge, worker) == wanted)


def test_a_closed_socket_takes_the_agent_offline_at_once(flex: Bridge) -> None:
    worker = hire(flex)
    agent = flex.agent(worker)
    agent.do("disconnect")
    until(flex, worker, "Offline")


def test_closing_one_of_two_sockets_changes_nothing(flex: Bridge) -> None:
    worker = hire(flex)
    with socket(flex, worker):
        come_and_go(flex, worker)
        other = hire(flex)
        come_and_go(flex, other)
        until(flex, other, "Offline")
        assert activity(flex, worker) == "Available"
    until(flex, worker, "Offline")


def test_a_client_may_ask_to_stay(flex: Bridge) -> None:
    worker, other = hire(flex), hire(flex)
    come_and_go(flex, worker, setWorkerOfflineIfDisconnected="false")
    come_and_go(flex, other, setWorkerOfflineIfDisconnected="true")
    until(flex, other, "Offline")
    assert activity(flex, worker) == "Available"


def test_outside_the_workspace_of_flex_a_client_must_ask_for_it(bridge: Bridge) -> None:
    silent, asking = bridge.centre.worker("Silent"), bridge.centre.worker("Asking")
    come_and_go(bridge, silent)
    come_and_go(bridge, asking, setWorkerOfflineIfDisconnected="true")
    until(bridge, asking, "Offline")
    assert activity(bridge, silent) == "Available"


def timers(bridge: Bridge) -> int:
    """How many timers stand, by the server's figures."""
    with urllib.request.urlopen(f"{bridge.centre.server.url}/metrics") as answer:  # noqa: S310
        lines = answer.read().decode().splitlines()
    return int(float(next(line.split()[-1] for line in lines if line.startswith('parlour_jobs{state="scheduled"}'))))


def test_a_lost_socket_takes_the_agent_offline_after_a_minute(frozen_flex: Bridge) -> None:
    worker = hire(frozen_flex)
    before = timers(frozen_flex)
    with socket(frozen_flex, worker) as raw:
        lose(raw)
        eventually(lambda: timers(frozen_flex) == before + 1)
    frozen_flex.centre.server.advance(59)
    assert activity(frozen_flex, worker) == "Available"
    frozen_flex.centre.server.advance(2)
    assert activity(frozen_flex, worker) == "Offline"


def test_a_client_that_comes_back_stays_available(frozen_flex: Bridge) -> None:
    worker = hire(frozen_flex)
    agent = frozen_flex.agent(worker)
    agent.do("cut")
    agent.wait("ready", count=2)
    frozen_flex.centre.server.advance(120)
    assert activity(frozen_flex, worker) == "Available"
    agent.do("disconnect")
    until(frozen_flex, worker, "Offline")
