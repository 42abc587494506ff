"""Several server processes, one agent: calls here, sockets there, and ends of processes (DESIGN 2.7, 2.8)."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bridge import wire
from tests.bridge.agents import addresses, of_sid
from tests.bridge.conftest import Bridge, Open
from tests.bridge.serving import Deployment, deployment, end
from tests.bridge.test_presence import activity, hire, timers
from tests.conftest import LiveServer
from tests.taskrouter.conftest import eventually


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployment(tmp_path_factory.mktemp("together")) as made:
        yield made


@pytest.fixture(scope="module")
def constant(together: Deployment) -> LiveServer:
    """A server that lives as long as all tests."""
    return together.start()


@pytest.fixture
def one(together: Deployment) -> Iterator[LiveServer]:
    """A server that a test may end."""
    server = together.start()
    yield server
    if server.process.poll() is None:
        end(server, signal.SIGTERM)


@pytest.fixture
def there(constant: LiveServer, open_flex_bridge: Open) -> Bridge:
    return open_flex_bridge(constant)


def test_a_socket_is_told_what_calls_to_another_process_cause(
    one: LiveServer, constant: LiveServer, there: Bridge
) -> None:
    worker = hire(there)
    socket_there: dict[str, Any] = {
        "wsServer": addresses(one.url)["wsServer"],
        "ebServer": addresses(constant.url)["ebServer"],
    }
    agent = there.agent(worker, **socket_there)

    def offered(task: str) -> str:
        heard = agent.wait("reservationCreated", lambda data: data["task"]["sid"] == task)
        return str(heard.data["sid"])

    for _ in range(3):
        task = there.centre.api.tasks.create(
            attributes="{}", task_channel="chat", routing_target=worker, task_queue_sid=there.queue
        )
        sid = offered(task.sid)
        place, accepted = agent.answer(agent.send("accept", sid=sid))
        assert accepted["task"]["status"] == "reserved"
        assert agent.wait("reservation.accepted", of_sid(sid)).number > place
        agent.do("complete", sid=sid)
        agent.wait("reservation.completed", of_sid(sid))
    agent.sound()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_an_agent_stays_available_while_the_server_restarts(
    together: Deployment, constant: LiveServer, there: Bridge, how: signal.Signals
) -> None:
    server = together.start()
    worker = hire(there)
    agent = there.agent(worker, url=server.url)
    held = there.centre.api.tasks.create(
        attributes="{}", task_channel="chat", routing_target=worker, task_queue_sid=there.queue
    )
    sid = agent.wait("reservationCreated", lambda data: data["task"]["sid"] == held.sid).data["sid"]
    agent.do("accept", sid=sid)
    server = together.again(server, how)
    agent.wait("ready", count=2, seconds=30)
    constant.advance(120)
    assert activity(there, worker) == "Available"
    assert [each["status"] for each in agent.do("state")["reservations"]] == ["accepted"]
    agent.do("complete", sid=sid)
    agent.wait("reservation.completed", lambda data: data["sid"] == sid)
    end(server, signal.SIGTERM)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_whoever_does_not_come_back_after_the_end_of_a_server_goes_offline(
    one: LiveServer, constant: LiveServer, there: Bridge, how: signal.Signals
) -> None:
    worker = hire(there)
    before = timers(there)
    with wire.socket(one.url, there.token(worker)) as raw:
        wire.next_event(raw)
        end(one, how)
        eventually(lambda: timers(there) == before + 1, 20)
    constant.advance(59)
    assert activity(there, worker) == "Available"
    constant.advance(2)
    assert activity(there, worker) == "Offline"


def test_closing_a_socket_does_nothing_while_another_process_has_one(
    one: LiveServer, constant: LiveServer, there: Bridge
) -> None:
    worker, other = hire(there), hire(there)
    with wire.socket(one.url, there.token(worker)) as raw:
        wire.next_event(raw)
        for each in (worker, other):
            with wire.socket(constant.url, there.token(each)) as second:
                wire.next_event(second)
        eventually(lambda: activity(there, other) == "Offline")
        assert activity(there, worker) == "Available"
    eventually(lambda: activity(there, worker) == "Offline")
