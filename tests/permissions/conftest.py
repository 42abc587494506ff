"""Two accounts of a program in this process, as in tests/contract."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.contract.calls import desktop
from tests.contract.world import Stage, World, open_stage


@pytest.fixture(scope="session")
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened


@pytest.fixture(scope="session")
async def own(stage: Stage) -> World:
    world = await stage.account("Own")
    await asyncio.to_thread(desktop.token, world)  # else good calls would make it when their request is held
    return world


@pytest.fixture(scope="session")
async def other(stage: Stage) -> World:
    return await stage.account("Other")
