"""What every test may use: running servers, clients of the official package, and the program in process."""

import asyncio
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from twilio.rest import Client

from parlour.accounts import service
from parlour.accounts.service import Credentials
from parlour.app import Program, compose
from parlour.outbox.process import Process
from parlour.outbox.runner import Runner
from parlour.sdk import client as sdk_client
from parlour.settings import Settings
from parlour.store.postgres.supervisor import Supervisor
from tests import shared_flows
from tests.forking import Forked, start
from tests.requirements import note

NOT_RUN = pytest.StashKey[list[str]]()
UNLIMITED = {f"PARLOUR_{name}": "0" for name in ("RATE_LIMIT", "EXECUTIONS_PER_SECOND", "REST_EXECUTIONS_PER_SECOND")}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def pytest_configure(config: pytest.Config) -> None:
    """Know the checks on real flows, and remember which were not run."""
    config.addinivalue_line("markers", "needs_shared: uses the real flows of ../shared")
    config.addinivalue_line("markers", "requirement(*names): proves requirements of the FAQ (tests/requirements.toml)")
    config.stash[NOT_RUN] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the checks on real flows where these do not stand beside the clone; note what each test proves."""
    for item in items:
        note(item)
    if shared_flows.folder() is not None:
        return
    absent = [item for item in items if item.get_closest_marker("needs_shared")]
    config.stash[NOT_RUN] = [item.nodeid for item in absent]
    items[:] = [item for item in items if item not in absent]
    config.hook.pytest_deselected(items=absent)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Name the checks that were not run."""
    for name in config.stash.get(NOT_RUN, []):
        terminalreporter.write_line(f"not run, ../shared is not there: {name}")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class LiveServer:
    """A server in a process of its own.

    :ivar log: the file its output goes to.
    """

    url: str
    credentials: Credentials
    process: Forked
    log: Path
    arguments: list[str] = field(default_factory=list)

    def client(self, credentials: Credentials | None = None) -> Client:
        """Return the official client with the server's (or other) credentials."""
        known = credentials or self.credentials
        return sdk_client(self.url, known.account_sid, known.auth_token, timeout=30)

    def advance(self, seconds: float) -> Any:
        """Move the domain clock of a server with ``--test-clock``."""
        import json

        request = urllib.request.Request(f"{self.url}/_clock/advance?seconds={seconds}", method="POST")  # noqa: S310
        with urllib.request.urlopen(request, timeout=130) as answer:  # noqa: S310
            return json.load(answer)

    def settle(self) -> None:
        """Wait until nothing is due or running (``--test-clock``)."""
        request = urllib.request.Request(f"{self.url}/_clock/settle", method="POST")  # noqa: S310
        urllib.request.urlopen(request, timeout=130).read()  # noqa: S310


def wait_for_server(url: str, process: Forked, log: Path, seconds: float = 60) -> None:
    """Wait until a server answers that it is ready."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended with {process.returncode}:\n{log.read_text()[-4000:]}")
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.05)  # noqa: TID251 - waiting for another process
    raise AssertionError(f"the server was not ready in {seconds} s:\n{log.read_text()[-4000:]}")


@contextlib.contextmanager
def running_server(folder: Path, *arguments: str) -> Iterator[LiveServer]:
    """Run ``parlour`` with the given arguments on a free port until the block ends."""
    port = free_port()
    credentials = Credentials("AC" + secrets.token_hex(16), secrets.token_hex(16))
    log = folder / f"server-{port}.log"
    command = [*arguments, "--port", str(port)]
    command += ["--account-sid", credentials.account_sid, "--auth-token", credentials.auth_token]
    # Tests look again and again; those of a limit set it themselves.
    environment = {**UNLIMITED, **os.environ, "PYTHONWARNINGS": ""}
    with log.open("wb") as output:
        process = start(*command, output=output, environment=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for_server(url, process, log)
        yield LiveServer(url, credentials, process, log, list(arguments))
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server on an ephemeral data folder, with real time."""
    with running_server(tmp_path_factory.mktemp("server"), "start", "--ephemeral") as live:
        yield live


@pytest.fixture(scope="session")
def frozen_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server on an ephemeral data folder whose domain clock stands until it is moved."""
    with running_server(tmp_path_factory.mktemp("frozen"), "start", "--ephemeral", "--test-clock") as live:
        yield live


@pytest.fixture
def twilio(server: LiveServer) -> Client:
    """The official client with the credentials of ``server``."""
    return server.client()


@pytest.fixture(scope="session")
async def program() -> AsyncIterator[Program]:
    """The composed program in this process, on a database of its own, with its jobs running."""
    with tempfile.TemporaryDirectory(prefix="parlour-test-") as folder:
        async with Supervisor(Path(folder), settings=FAST) as postgres:
            composed = compose(Settings(data=Path(folder), ephemeral=True), postgres.address.dsn)
            await composed.database.open()
            await composed.migrate()
            process = Process(composed.database, composed.wake)
            await process.join()
            runner = Runner(composed.database, composed.registry, composed.wake, composed.clock, process.number)
            tasks = [asyncio.create_task(runner.run()), asyncio.create_task(process.sweep())]
            yield composed
            await runner.stop(5)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await process.leave()
            await composed.outgoing.close()
            await composed.database.close()


@pytest.fixture
async def account(program: Program) -> Credentials:
    """A fresh account of ``program``, provisioned by every floor."""
    return await service.create_account(program.database, program.box, friendly_name="Test")


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Print a figure that belongs to the result, also where the test passes; it is part of the proof."""

    def line(text: str) -> None:
        record_property("said", text)
        with capsys.disabled():
            sys.stdout.write(f"\n{text}")

    return line
