"""What the tests of real time share: a world with two servers, lines to it, drivers of the official packages."""

import asyncio
import re
import secrets
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parlour.store.postgres.supervisor import Supervisor
from tests.conftest import FAST
from tests.realtime.driver import VERSIONS, Driver
from tests.realtime.world import Line, World

TROUBLE = re.compile(r"Traceback|failed|could not be delivered|never (?:awaited|retrieved)", re.IGNORECASE)


@pytest.fixture(scope="session")
async def world() -> AsyncIterator[World]:
    """Two servers on one database."""
    with tempfile.TemporaryDirectory(prefix="parlour-realtime-") as folder:
        async with Supervisor(Path(folder) / "data", settings=FAST) as postgres:
            made = World.of(Path(folder), postgres.address.dsn)
            await asyncio.to_thread(made.add_server)
            await asyncio.to_thread(made.add_server)
            yield made
            for port in list(made.processes):
                await asyncio.to_thread(made.end, port)
            for number in range(len(made.ports)):
                assert TROUBLE.search(made.log_of(number)) is None, made.log_of(number)[-4000:]


@pytest.fixture(scope="session", params=VERSIONS)
async def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Driver]:
    """A process with clients of one version of the package."""
    started = await Driver.start(request.param, tmp_path_factory.mktemp("node"))
    yield started
    await started.stop()


@pytest.fixture
async def line(world: World) -> AsyncIterator[Line]:
    """A line to the first server."""
    made = Line(world.ports[0])
    await made.open()
    yield made
    await made.stop()


@pytest.fixture
async def far_line(world: World) -> AsyncIterator[Line]:
    """A line to the second server."""
    made = Line(world.ports[1])
    await made.open()
    yield made
    await made.stop()


@pytest.fixture
def names() -> tuple[str, str]:
    """Two identities that nobody had."""
    salt = secrets.token_hex(4)
    return f"ana-{salt}", f"ben-{salt}"
