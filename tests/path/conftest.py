"""A server, a carrier in another process, and a customer with a telephone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from twilio.rest import Client

from parlour.demo import DEMO_NUMBER
from tests.carrier import Carrier, running_carrier
from tests.conftest import LiveServer, running_server


@dataclass
class World:
    """Everything the path needs, reached as the outside reaches it."""

    server: LiveServer
    carrier: Carrier
    client: Client
    data: Path
    number: str = DEMO_NUMBER

    @property
    def workspace_sid(self) -> str:
        """The Flex workspace."""
        return str(self.client.taskrouter.v1.workspaces.list(friendly_name="Flex Task Assignment")[0].sid)

    def activity(self, name: str) -> str:
        """SID of an activity."""
        (activity,) = self.client.taskrouter.v1.workspaces(self.workspace_sid).activities.list(friendly_name=name)
        return str(activity.sid)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("path")
    data = folder / "data"
    with (
        running_carrier(folder / "ledger.sqlite") as carrier,
        running_server(
            folder, "start", "--demo", "--data", str(data), "--simulator-url", carrier.url_with_credentials
        ) as server,
    ):
        yield World(server, carrier, server.client(), data)
