"""Places for the tests of the embedded PostgreSQL: empty, with a database, with a killed one."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from parlour.store.postgres.binaries import Binaries, copy_binaries, locate_binaries
from tests.store.postgres_world import OTHER, World, copy, eventually, kill_postgres, short_folder

AS_ROOT = os.geteuid() == 0
ACTORS = ["root", "user"] if AS_ROOT else ["user"]
"""Run by root, each test runs twice: by root, and by an ordinary user."""


@pytest.fixture(scope="session")
def programs() -> Iterator[Binaries]:
    """PostgreSQL where every user may run it, wherever the wheel is installed."""
    place = short_folder()
    yield copy_binaries(locate_binaries(), place, "test")
    shutil.rmtree(place)


@asynccontextmanager
async def a_world(actor: str, programs: Binaries) -> AsyncIterator[World]:
    place = short_folder()
    place.chmod(0o777)
    world = World(place, OTHER if AS_ROOT and actor == "user" else None, programs)
    yield world
    await world.close()


@pytest.fixture(scope="session", params=ACTORS)
async def actor(request: pytest.FixtureRequest) -> str:
    """Who acts: `root`, or the ordinary `user`."""
    return str(request.param)


@pytest.fixture(scope="session")
async def models(actor: str, programs: Binaries) -> AsyncIterator[Path]:
    """Data folders to copy, each with one row: `made`, stopped in order, and `killed`, with its server."""
    async with a_world(actor, programs) as world:
        running = await world.run()
        await world.execute(running.url, "CREATE TABLE kept (value int); INSERT INTO kept VALUES (42)")
        await world.stop(running)
        copy(world.data, world.place / "made")
        running = await world.run()
        await world.execute(running.url, "UPDATE kept SET value = value")
        running.process.kill()
        await world.wait(running)
        kill_postgres(world.server())
        await eventually(lambda: not world.servers(), "the server's children ended")
        copy(world.data, world.place / "killed")
        yield world.place


@pytest.fixture
async def empty(actor: str, programs: Binaries) -> AsyncIterator[World]:
    """Nothing yet."""
    async with a_world(actor, programs) as world:
        yield world


@pytest.fixture
async def world(empty: World, models: Path) -> World:
    """A stopped database with one row."""
    copy(models / "made", empty.data)
    return empty


@pytest.fixture
async def killed(empty: World, models: Path) -> World:
    """A database with one row whose owner and server were both killed."""
    copy(models / "killed", empty.data)
    return empty
