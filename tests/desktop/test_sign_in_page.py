"""The sign-in page as a person sees it in Chromium, with the keyboard alone (ACCEPTANCE 9)."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import LiveServer
from tests.desktop.conftest import ROOT
from tests.flex.signing_in import PASSWORD, Desktop

AXE = ROOT / "web" / "pages" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(params=[1400, 390])
def page(request: pytest.FixtureRequest, browser: Browser, desktop_server: LiveServer) -> Iterator[Page]:
    """The page at two widths."""
    context = browser.new_context(viewport={"width": request.param, "height": 844}, bypass_csp=True)
    opened = context.new_page()
    hosts: set[str] = set()
    opened.on("request", lambda one: hosts.add(urlsplit(one.url).netloc))
    instance_sid = desktop_server.client().flex_api.v1.configuration().fetch().flex_instance_sid
    opened.goto(desktop_server.url + Desktop(desktop_server, instance_sid).authorize_path())
    expect(opened.get_by_role("heading", name="Sign in")).to_be_visible()
    yield opened
    assert hosts <= {urlsplit(desktop_server.url).netloc, ""}
    assert opened.evaluate("document.documentElement.scrollWidth") <= request.param
    context.close()


def test_one_signs_in_with_the_keyboard_alone(page: Page, desktop_server: LiveServer, tmp_path: Path) -> None:
    page.goto(f"{desktop_server.url}/desktop/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=30_000)
    expect(page.get_by_label("User name")).to_be_focused()
    page.screenshot(path=tmp_path / "sign-in.png", full_page=True)
    page.keyboard.type("carla")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_function("localStorage.TWILIO_FLEX_SSO !== undefined", timeout=30_000)  # the desktop has a session
    assert "code=" not in page.url


def test_a_wrong_password_is_said_and_the_name_is_kept(page: Page, tmp_path: Path) -> None:
    page.keyboard.type("carla")
    page.keyboard.press("Tab")
    page.keyboard.type("not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("User name and password do not go together.")
    expect(page.get_by_label("User name")).to_have_value("carla")
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("Password")).to_have_value("")
    page.screenshot(path=tmp_path / "wrong.png", full_page=True)


def test_nothing_is_wrong_for_those_who_do_not_see_it(page: Page) -> None:
    page.keyboard.type("carla")
    page.keyboard.press("Enter")
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run().then(result => result.violations.map(one => one.id + ': ' + one.help))")
    assert found == []


def test_the_page_runs_no_script_and_cannot_be_framed(desktop_server: LiveServer, page: Page) -> None:
    answer = page.context.request.get(page.url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert "<script" not in answer.text()
