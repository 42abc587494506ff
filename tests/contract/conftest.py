"""Records the traffic of the whole run, and checks it when everything else is done."""

import atexit
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parlour.rest.recorder import VARIABLE
from tests.contract.world import Stage, World, open_stage

LAST = "test_recorded_answers.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the check of the recorded traffic behind every other test, and start recording."""
    items.sort(key=lambda item: item.path.name == LAST)
    if any(item.path.name == LAST for item in items) and not os.environ.get(VARIABLE):
        folder = Path(tempfile.mkdtemp(prefix="parlour-record-"))
        os.environ[VARIABLE] = str(folder / "traffic.jsonl")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened


@pytest.fixture(scope="session")
async def own(stage: Stage) -> World:
    return await stage.account("Own")


@pytest.fixture(scope="session")
async def other(stage: Stage) -> World:
    return await stage.account("Other")
