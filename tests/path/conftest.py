"""A server, a carrier in another process, and a customer with a telephone."""

import contextlib
import subprocess
import sys
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


@contextlib.contextmanager
def own_database(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL by `parlour db run` and give the address for `parlour serve --database-url`."""
    command = [sys.executable, "-m", "parlour.cli.main", "db", "run", "--data", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        address = next(word for line in process.stdout for word in line.split() if word.startswith("postgresql://"))
        yield address.strip("'\"")
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="module")
def served_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same world, served by `parlour serve` on a database that another process runs."""
    folder = tmp_path_factory.mktemp("served")
    data = folder / "data"
    with (
        own_database(folder / "database") as address,
        running_carrier(folder / "ledger.sqlite") as carrier,
        running_server(
            folder,
            "serve",
            "--demo",
            "--data",
            str(data),
            "--database-url",
            address,
            "--simulator-url",
            carrier.url_with_credentials,
        ) as server,
    ):
        yield World(server, carrier, server.client(), data)


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
