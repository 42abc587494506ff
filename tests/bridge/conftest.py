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
def bridge(server: LiveServer, open_bridge: Open) -> Bridge:
    """A workspace on the server with real time."""
    return open_bridge(server)
