"""Agents on servers and workspaces of their own."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.bridge.agents import Agent, Tokens, addresses, running_agent, tokens_of
from tests.conftest import LiveServer
from tests.taskrouter.conftest import Centre, open_centre

__all__ = ["Bridge", "Open"]


@dataclass
class Bridge:
    """A workspace with one queue that suits everybody, and agents in it."""

    centre: Centre
    tokens: Tokens
    queue: str
    workflow: str
    stack: contextlib.ExitStack

    def token(self, worker: str | None, **options: Any) -> str:
        """Return a token of a worker."""
        return self.tokens.of(self.centre.sid, worker, **options)

    def agent(
        self,
        worker: str,
        *,
        url: str | None = None,
        role: str = "worker",
        seconds: int = 3600,
        token: str | None = None,
        ready: bool = True,
        **options: Any,
    ) -> Agent:
        """Return an agent whose client is ready."""
        agent = self.stack.enter_context(running_agent())
        agent.do(
            "open",
            token=token or self.token(worker, role=role, seconds=seconds),
            supervisor=role == "supervisor",
            options={**addresses(url or self.centre.server.url), **options},
        )
        if ready:
            agent.wait("ready")
        return agent

    def task(self, attributes: dict[str, Any] | None = None, **fields: Any) -> str:
        """Make a task for the queue."""
        return str(self.centre.task(self.workflow, attributes, **fields).sid)

    def offered(self, agent: Agent, **fields: Any) -> str:
        """Make a task and return the SID of the reservation that the agent hears of."""
        task = self.task(**fields)
        return str(agent.wait("reservationCreated", lambda data: data["task"]["sid"] == task).data["sid"])


Open = Callable[[LiveServer], Bridge]


@pytest.fixture
def open_bridge() -> Iterator[Open]:
    """Makes such a workspace on a server; all agents end with the test."""
    with contextlib.ExitStack() as stack:

        def make(server: LiveServer) -> Bridge:
            centre = open_centre(server)
            queue = centre.queue(target_workers="1==1")
            return Bridge(centre, tokens_of(server), queue, centre.workflow(default=queue), stack)

        yield make


@pytest.fixture
def open_flex_bridge() -> Iterator[Open]:
    """Makes a place in the workspace of Flex of a server's account."""
    with contextlib.ExitStack() as stack:

        def make(server: LiveServer) -> Bridge:
            client = server.client()
            (workspace,) = client.taskrouter.v1.workspaces.list(friendly_name="Flex Task Assignment")
            centre = Centre(client, str(workspace.sid), server)
            centre.activities = {each.friendly_name: str(each.sid) for each in centre.api.activities.list()}
            (queue,) = centre.api.task_queues.list(friendly_name="Everyone")
            (workflow,) = centre.api.workflows.list(friendly_name="Assign To Anyone")
            return Bridge(centre, tokens_of(server), str(queue.sid), str(workflow.sid), stack)

        yield make


@pytest.fixture
def flex(server: LiveServer, open_flex_bridge: Open) -> Iterator[Bridge]:
    """A place in the workspace of Flex; workers made there leave with the test."""
    bridge = open_flex_bridge(server)
    before = {str(each.sid) for each in bridge.centre.api.workers.list()}
    yield bridge
    for worker in bridge.centre.api.workers.list():
        if str(worker.sid) not in before:
            worker.update(activity_sid=bridge.centre.activities["Offline"])


@pytest.fixture
def bridge(server: LiveServer, open_bridge: Open) -> Bridge:
    """A workspace on the server with real time."""
    return open_bridge(server)
