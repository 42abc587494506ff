"""The built desktop, a server that serves it, and a browser that reaches nothing else."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from parlour.flex.desktop_folder import Build, DesktopFolder
from tests.conftest import LiveServer, free_port, running_server
from tests.flex.signing_in import add_user

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("PARLOUR_DESKTOP") or ROOT / ".cache" / "desktop")
ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session")
def built() -> Build:
    """The desktop as this checkout builds it; kept between runs."""
    command = [sys.executable, "-m", "parlour.cli.main", "desktop", "build", "--keep", "--folder", str(FOLDER)]
    subprocess.run(command, check=True, timeout=280)
    found = DesktopFolder(FOLDER).current()
    assert found is not None
    return found


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's data folder."""
    return tmp_path_factory.mktemp("desktop") / "data"


@pytest.fixture(scope="session")
def functions_port() -> int:
    """Where functions behind plugins may be called."""
    return free_port()


@pytest.fixture(scope="session")
def desktop_server(
    built: Build, data: Path, functions_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A demo server that serves the built desktop, with two agents and a supervisor."""
    folder = tmp_path_factory.mktemp("desktop-server")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARLOUR_DESKTOP", str(FOLDER))
        patch.setenv("PARLOUR_DESKTOP_CONNECTS", f"http://127.0.0.1:{functions_port}")
        with running_server(folder, "start", "--demo", "--data", str(data)) as live:
            add_user(data, "carla", "--full-name", "Carla Cruz")
            add_user(data, "petra", "--full-name", "Petra Pless")
            add_user(data, "sam", "--full-name", "Sam Stone", "--role", "supervisor")
            yield live


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, for which no host but this machine's exists."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*ARGUMENTS, ONLY_HERE])
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser window of an agent's size."""
    opened = browser.new_context(viewport={"width": 1400, "height": 900}, permissions=["notifications"])
    yield opened
    opened.close()
