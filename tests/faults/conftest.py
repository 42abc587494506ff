"""Worlds that several modules of the fault tests share."""

import sys
from collections.abc import Callable, Iterator

import pytest

from tests.faults.world import World, running_world


@pytest.fixture(scope="package")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two servers on one database, whose domain clock stands."""
    with running_world(tmp_path_factory.mktemp("pair"), "--test-clock", servers=2) as world:
        yield world


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a figure that belongs to the result, also where the test passes."""

    def line(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}")

    return line
