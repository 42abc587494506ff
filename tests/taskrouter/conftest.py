"""A workspace per test, on the servers that all tests share."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from twilio.rest import Client

from tests.conftest import LiveServer


@dataclass
class Centre:
    """A small contact centre in a workspace of its own.

    :ivar api: the workspace's context in the official client.
    :ivar activities: SIDs by name.
    """

    client: Client
    sid: str
    server: LiveServer
    activities: dict[str, str] = field(default_factory=dict)

    @property
    def api(self) -> Any:
        return self.client.taskrouter.v1.workspaces(self.sid)

    def queue(self, name: str = "Everyone", **fields: Any) -> str:
        return str(self.api.task_queues.create(friendly_name=name, **fields).sid)

    def workflow(self, *filters: dict[str, Any], default: str | None = None, **fields: Any) -> str:
        routing: dict[str, Any] = {"filters": list(filters)}
        if default is not None:
            routing["default_filter"] = {"queue": default}
        configuration = json.dumps({"task_routing": routing})
        return str(self.api.workflows.create(friendly_name="Flow", configuration=configuration, **fields).sid)

    def worker(self, name: str, *, available: bool = True, chat: int | None = None, **attributes: Any) -> str:
        activity = self.activities["Available" if available else "Offline"]
        made = self.api.workers.create(friendly_name=name, activity_sid=activity, attributes=json.dumps(attributes))
        if chat is not None:
            self.api.workers(made.sid).worker_channels("chat").update(capacity=chat)
        return str(made.sid)

    def task(self, workflow: str | None = None, attributes: dict[str, Any] | None = None, **fields: Any) -> Any:
        if workflow is not None:
            fields["workflow_sid"] = workflow
        fields.setdefault("task_channel", "chat")
        return self.api.tasks.create(attributes=json.dumps(attributes or {}), **fields)

    def move(self, worker: str, activity: str) -> None:
        self.api.workers(worker).update(activity_sid=self.activities[activity])

    def status(self, task: str) -> str:
        return str(self.api.tasks(task).fetch().assignment_status)

    def offers(self, worker: str, status: str | None = "pending") -> list[Any]:
        return list(self.api.workers(worker).reservations.list(reservation_status=status))

    def offer(self, worker: str, task: str) -> Any:
        """The pending reservation of a worker for a task, as soon as there is one."""
        return eventually(lambda: next((each for each in self.offers(worker) if each.task_sid == task), None))

    def settle(self) -> None:
        """Wait until matching has seen everything."""
        if "--test-clock" in self.server.arguments:
            self.server.settle()


def eventually(look: Callable[[], Any], seconds: float = 40) -> Any:
    """What ``look`` returns once that is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)  # noqa: TID251 - waiting for another process
    raise AssertionError(f"it did not happen in {seconds} s")


def open_centre(server: LiveServer) -> Centre:
    """Make a workspace."""
    client = server.client()
    made = client.taskrouter.v1.workspaces.create(friendly_name="Test Centre")
    centre = Centre(client, str(made.sid), server)
    centre.activities = {each.friendly_name: str(each.sid) for each in centre.api.activities.list()}
    return centre


@pytest.fixture
def centre(server: LiveServer) -> Centre:
    """A workspace on the server with real time."""
    return open_centre(server)


@pytest.fixture
def frozen(frozen_server: LiveServer) -> Centre:
    """A workspace on the server whose clock stands."""
    return open_centre(frozen_server)
