"""Places for the tests of the embedded PostgreSQL: empty, with a database, with a killed one."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
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
async def all_models(programs: Binaries) -> AsyncIterator[Callable[[str], Awaitable[Path]]]:
    """Data folders to copy, made once per actor, each with one row: `made` and `killed`."""
    async with AsyncExitStack() as stack:
        places: dict[str, Path] = {}

        async def of(actor: str) -> Path:
            if actor not in places:
                world = await stack.enter_async_context(a_world(actor, programs))
                await _make_models(world)
                places[actor] = world.place
            return places[actor]

        yield of


async def _make_models(world: World) -> None:
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


@pytest.fixture
async def models(actor: str, all_models: Callable[[str], Awaitable[Path]]) -> Path:
    """Where the acting user's models are: `made`, stopped in order, and `killed`, with its server."""
    return await all_models(actor)


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
