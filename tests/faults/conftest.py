"""Worlds that several modules of the fault tests share."""

from collections.abc import Iterator

import pytest

from tests.faults.world import World, running_world


@pytest.fixture(scope="package")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two servers on one database, whose domain clock stands."""
    with running_world(tmp_path_factory.mktemp("pair"), "--test-clock", servers=2) as world:
        yield world
