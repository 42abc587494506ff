"""The page of flows in Chromium: sign-in, list, graph, path, steps and what they made (ACCEPTANCE 9)."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from twilio.rest import Client

from tests.carrier import eventually
from tests.conftest import LiveServer, running_server
from tests.flex.signing_in import PASSWORD, add_user, ask
from tests.studio.building import flow, variables

PAGES = Path(__file__).parents[2] / "web" / "pages"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@dataclass
class Town:
    """A server with a supervisor, and an execution that made a task."""

    server: LiveServer
    client: Client
    flow_sid: str
    execution: Any
    conversation_sid: str


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("flows-page")
    data = folder / "data"
    with running_server(folder, "start", "--demo", "--data", str(data)) as server:
        add_user(data, "sam", "--full-name", "Sam Stone", "--role", "supervisor")
        add_user(data, "carla", "--full-name", "Carla Cruz")
        client = server.client()
        known = next(row for row in client.studio.v2.flows.list() if row.friendly_name == "Demo Flow")
        conversation = client.conversations.v1.conversations.create(friendly_name="Seen from the page")
        conversation.participants.create(identity="ada")
        conversation.webhooks.create(target="studio", configuration_flow_sid=known.sid)
        for body in ("hello there", "1"):
            conversation.messages.create(author="ada", body=body, x_twilio_webhook_enabled="true")
        runs = client.studio.v2.flows(known.sid).executions
        (execution,) = eventually(lambda: runs.list(status="ended"))
        yield Town(server, client, known.sid, execution, conversation.sid)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*ARGUMENTS, ONLY_HERE])
        yield opened
        opened.close()


@pytest.fixture(params=[1400, 390], ids=["wide", "narrow"])
def page(request: pytest.FixtureRequest, browser: Browser, town: Town) -> Iterator[Page]:
    """The page in a window of that width, signed in by keyboard; every request goes to its own origin."""
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    opened = context.new_page()
    hosts: set[str] = set()
    opened.on("request", lambda sent: hosts.add(urlsplit(sent.url).netloc))
    opened.goto(f"{town.server.url}/flows")
    sign_in(opened, "sam")
    expect(opened.get_by_role("heading", name="Flows")).to_be_visible()
    yield opened
    assert hosts == {urlsplit(town.server.url).netloc}
    assert opened.evaluate("document.documentElement.scrollWidth") <= request.param
    context.close()


def sign_in(page: Page, name: str) -> None:
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")


def axe(page: Page) -> None:
    page.evaluate((PAGES / "node_modules/axe-core/axe.min.js").read_text())
    found = page.evaluate("axe.run().then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html)))")
    assert found == []


def test_one_walks_from_the_list_to_a_step_and_what_it_made(page: Page, town: Town, tmp_path: Path) -> None:
    assert "code=" not in page.url
    row = page.get_by_role("row", name=re.compile("Demo Flow"))
    expect(row).to_contain_text("1 published")
    page.screenshot(path=tmp_path / "list.png", full_page=True)

    row.get_by_role("link", name="Demo Flow").press("Enter")
    expect(page.get_by_role("heading", name="Demo Flow", level=1)).to_be_focused()
    expect(page.get_by_role("img", name=re.compile(r"Graph of Demo Flow: \d+ widgets"))).to_be_visible()
    page.screenshot(path=tmp_path / "flow.png", full_page=True)

    page.get_by_role("link", name=re.compile("ended ada")).press("Enter")
    expect(page.get_by_role("heading", name=re.compile(town.execution.sid))).to_be_focused()
    steps = town.client.studio.v2.flows(town.flow_sid).executions(town.execution.sid).steps.list()
    expect(page.get_by_role("heading", name=f"{len(steps)} steps")).to_be_visible()
    last = page.get_by_role("region", name="Steps").get_by_role("button").last
    expect(last).to_contain_text("callComplete")
    expect(last).to_contain_text("→ Ended")
    last.press("Enter")
    expect(last).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("region", name="Output")).to_contain_text('"TaskSid": "WT')
    expect(page.get_by_role("region", name="Input")).to_contain_text('"channel": "chat"')
    expect(page.locator(".visited")).to_have_count(len({step.transitioned_from for step in steps}))
    page.screenshot(path=tmp_path / "execution.png", full_page=True)
    assert is_in_view(page, ".widget.selected"), "the widget of the chosen step is brought into view"
    assert not is_in_view(page, ".widget")
    page.get_by_role("button", name="Show the whole flow").press("Enter")
    assert is_in_view(page, ".widget")
    page.screenshot(path=tmp_path / "whole.png", full_page=True)

    page.get_by_role("button", name=f"conversation {town.conversation_sid}").press("Enter")
    expect(page.get_by_role("region", name="The conversation")).to_contain_text("hello there")
    page.get_by_role("button", name=re.compile("^task WT")).press("Enter")
    expect(page.get_by_role("region", name="The task")).to_contain_text(re.compile("pending|reserved|assigned"))
    page.get_by_role("button", name=re.compile("^interaction KD")).press("Enter")
    expect(page.get_by_role("region", name="The interaction")).to_contain_text("Assign To Anyone")
    page.screenshot(path=tmp_path / "linked.png", full_page=True)
    page.get_by_role("button", name="Close").press("Enter")
    expect(page.get_by_role("region", name="The interaction")).to_have_count(0)


def is_in_view(page: Page, selector: str) -> bool:
    """Say whether all that a selector finds stands within the canvas."""
    found = page.evaluate(
        """(selector) => {
            const box = document.querySelector(".canvas").getBoundingClientRect();
            return [...document.querySelectorAll(selector)].map((each) => {
                const own = each.getBoundingClientRect();
                return own.top >= box.top && own.bottom <= box.bottom && own.left >= box.left && own.right <= box.right;
            });
        }""",
        selector,
    )
    assert found
    return all(found)


def test_axe_finds_nothing(page: Page, town: Town) -> None:
    axe(page)
    page.goto(f"{town.server.url}/flows#/{town.flow_sid}/{town.execution.sid}")
    page.get_by_role("region", name="Steps").get_by_role("button").last.click()
    expect(page.get_by_role("region", name="Output")).to_be_visible()
    axe(page)


def test_a_reload_stays_signed_in_and_where_it_was(page: Page, town: Town) -> None:
    page.goto(f"{town.server.url}/flows#/{town.flow_sid}")
    expect(page.get_by_role("heading", name="Demo Flow", level=1)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Demo Flow", level=1)).to_be_visible()
    page.evaluate("location.hash = '#/FW" + "0" * 32 + "'")
    expect(page.get_by_role("alert")).to_contain_text("was not found")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("User name")).to_be_visible()


def test_a_thousand_steps_open_within_a_second(page: Page, town: Town) -> None:
    definition = flow(variables("a", "b", n="{{flow.variables.n | plus: 1}}"), variables("b", "a", m="x"))
    made = town.client.studio.v2.flows.create(friendly_name="Long", status="published", definition=definition)
    runs = town.client.studio.v2.flows(made.sid).executions
    sid = runs.create(to="+15550001111", from_="+15559990000").sid
    eventually(lambda: runs(sid).fetch().status == "ended", seconds=60)
    page.goto(f"{town.server.url}/flows#/{made.sid}")
    link = page.get_by_role("link", name=re.compile("ended"))
    took: list[float] = []
    while len(took) < 5 and min(took, default=1.0) >= 1.0:  # other suites run beside it, and only ever add to it
        expect(link).to_be_visible()
        began = time.monotonic()
        link.press("Enter")
        expect(page.get_by_role("heading", name="1000 steps")).to_be_visible()
        took.append(time.monotonic() - began)
        if took[-1] >= 1.0:
            page.go_back()
    assert min(took) < 1.0, took
    assert page.get_by_role("region", name="Steps").locator("li").count() == 1000
    expect(page.locator(".code").last).to_have_text("81000")


def test_an_agent_is_told_that_flows_are_for_supervisors(browser: Browser, town: Town) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(f"{town.server.url}/flows")
    sign_in(page, "carla")
    expect(page.get_by_role("alert")).to_have_text("Flows are shown to supervisors and admins")
    context.close()


@pytest.mark.parametrize("path", ["flows", "flows/FW", "flows/FW/executions/FN", "linked/CH"])
def test_the_read_api_asks_who_calls_and_knows_its_account_only(town: Town, path: str) -> None:
    assert ask(town.server.url, "GET", f"/flows/api/{path}").status == 401


def test_the_read_api_takes_the_accounts_credentials(town: Town) -> None:
    import base64

    pair = f"{town.server.credentials.account_sid}:{town.server.credentials.auth_token}"
    basic = "Basic " + base64.b64encode(pair.encode()).decode()
    reply = ask(
        town.server.url, "GET", f"/flows/api/flows/{town.flow_sid}/executions/FN{'0' * 32}", Authorization=basic
    )
    assert (reply.status, reply.json["code"]) == (404, 20404)
    named = ask(town.server.url, "GET", "/flows/api/flows", Authorization=basic).json["flows"]
    assert {"Messaging Flow", "Chat Flow", "Demo Flow"} <= {row["name"] for row in named}
