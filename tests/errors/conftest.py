"""An account of a program in this process, as in tests/contract."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.world import Stage, World, open_stage


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened


@pytest.fixture(scope="module")
async def own(stage: Stage) -> World:
    return await stage.account("Own")
