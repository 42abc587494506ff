"""A server whose time stands still, with desktop users."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import LiveServer, running_server
from tests.flex.signing_in import Desktop, add_user


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's data folder, for commands beside it."""
    return tmp_path_factory.mktemp("flex") / "data"


@pytest.fixture(scope="session")
def frozen(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with a test clock and three users: an agent, a supervisor, an administrator."""
    folder = tmp_path_factory.mktemp("flex-server")
    with running_server(folder, "start", "--demo", "--test-clock", "--data", str(data)) as live:
        add_user(data, "carla", "--full-name", "Carla Cruz")
        add_user(data, "sam", "--full-name", "Sam Stone", "--role", "supervisor", "--role", "agent")
        add_user(data, "ada", "--full-name", "Ada Adams", "--role", "admin")
        yield live


@pytest.fixture
def instance_sid(frozen: LiveServer) -> str:
    """The account's Flex instance."""
    return str(frozen.client().flex_api.v1.configuration().fetch().flex_instance_sid)


@pytest.fixture
def desktop(frozen: LiveServer, instance_sid: str) -> Desktop:
    """A browser that wants to sign in."""
    return Desktop(frozen, instance_sid)
