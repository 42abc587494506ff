"""Flex UI goes on by itself: when its token runs out, and when the server is started again (issue B, must show)."""

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from parlour.accounts.service import Credentials
from parlour.flex.desktop_folder import Build
from tests.conftest import LiveServer, free_port, wait_for_server
from tests.desktop.conftest import FOLDER
from tests.desktop.window import LIVE, READY, Watch, begin_chat, bubble, complete, customer_of, go, sign_in, write
from tests.flex.signing_in import add_user
from tests.forking import start

SHORT, LONG = 30, 3600  # seconds of a token
EXPIRES = "JSON.parse(localStorage.TWILIO_FLEX_SSO).expiration"


class Restarting:
    """A demo server that can be ended and started again, at the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._credentials = Credentials("AC" + secrets.token_hex(16), secrets.token_hex(16))
        self.data = folder / "data"
        self.live = self.start(SHORT)

    def start(self, token_life: int = LONG) -> LiveServer:
        """Start it with tokens that live so many seconds, and wait until it answers."""
        log = self._folder / "server.log"
        command = ["start", "--demo", "--data", str(self.data)]
        command += ["--port", str(self._port), "--account-sid", self._credentials.account_sid]
        command += ["--auth-token", self._credentials.auth_token]
        settings = {"PARLOUR_DESKTOP": str(FOLDER), "PARLOUR_TOKEN_LIFE": str(token_life)}
        with log.open("ab") as output:
            process = start(*command, output=output, environment={**os.environ, **settings})
        url = f"http://127.0.0.1:{self._port}"
        self.live = LiveServer(url, self._credentials, process, log)
        wait_for_server(url, process, log)
        return self.live

    def end(self) -> None:
        """End it in good order."""
        self.live.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.live.process.wait(30)
        self.live.process.kill()
        self.live.process.wait(10)


@pytest.fixture(scope="module")
def restarting(built: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restarting]:
    """A server whose tokens live for half a minute until it is started again."""
    server = Restarting(tmp_path_factory.mktemp("restarting"))
    add_user(server.data, "carla", "--full-name", "Carla Cruz")
    yield server
    server.end()


def test_a_token_that_runs_out_is_renewed_without_a_break(
    context: BrowserContext, restarting: Restarting, tmp_path: Path
) -> None:
    page = context.new_page()
    watch = Watch(page)
    customer = customer_of(restarting.live)
    sign_in(page, restarting.live, "carla")
    go(page, "Available")
    begin_chat(page, customer)
    first = page.evaluate(EXPIRES)
    page.wait_for_function("first => Date.now() > new Date(first).getTime() + 2000", arg=first, timeout=90_000)
    assert page.evaluate(EXPIRES) > first
    write(page, "Still here")
    customer.received("Still here")
    customer.text("So am I")
    expect(bubble(page, "So am I")).to_be_visible(timeout=LIVE)
    expect(page.get_by_role("button", name="Currently Available since")).to_be_visible()
    page.screenshot(path=tmp_path / "renewed.png")
    complete(page)
    assert watch.errors == []


def test_the_agent_goes_on_after_a_restart_of_the_server(
    context: BrowserContext, restarting: Restarting, tmp_path: Path
) -> None:
    restarting.end()
    restarting.start()
    page = context.new_page()
    customer = customer_of(restarting.live)
    sign_in(page, restarting.live, "carla")
    go(page, "Available")
    begin_chat(page, customer)
    write(page, "Before")
    customer.received("Before")
    restarting.end()
    live = restarting.start()
    customer.text("While you were gone")
    expect(bubble(page, "While you were gone")).to_be_visible(timeout=READY)
    write(page, "Back again")
    customer.received("Back again")
    expect(bubble(page, "Before")).to_have_count(1)
    expect(bubble(page, "While you were gone")).to_have_count(1)
    expect(page.get_by_role("button", name="Currently Available since")).to_be_visible()
    workspace = live.client().taskrouter.v1.workspaces.list()[0]
    assert [each.activity_name for each in workspace.workers.list(friendly_name="carla")] == ["Available"]
    bodies = [message["body"] for message in customer.messages()]
    assert [body for body in bodies if bodies.count(body) > 1] == []
    page.screenshot(path=tmp_path / "restarted.png")
    complete(page)
