"""The unmodified Flex UI in Chromium, with every other host out of reach (issue B, must show)."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect
from twilio.rest import Client

from tests.carrier import eventually
from tests.channels.test_street import png
from tests.conftest import LiveServer
from tests.desktop import known_errors
from tests.desktop.colleague import colleague
from tests.flex.signing_in import PASSWORD
from tests.requirements import requirement
from tests.tools.street import Handset, handset

READY = 30_000  # milliseconds until the desktop stands, on a busy machine
LIVE = 15_000  # milliseconds until something that happened elsewhere is shown


class Watch:
    """What a page did beside what it showed.

    :ivar hosts: which hosts it asked.
    :ivar errors: what it complained about, as docs/flex-ui.md does not explain it.
    """

    def __init__(self, page: Page) -> None:
        self.hosts: set[str] = set()
        self.errors: list[str] = []
        page.on("request", lambda one: self.hosts.add(urlsplit(one.url).netloc))
        page.on("websocket", lambda one: self.hosts.add(urlsplit(one.url).netloc))
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not known_errors.explained(message.text):
            self.errors.append(message.text)


@pytest.fixture
def page(context: BrowserContext, desktop_server: LiveServer) -> Iterator[Page]:
    """A page that must stay with this server and complain about nothing new."""
    opened = context.new_page()
    watch = Watch(opened)
    yield opened
    assert watch.hosts <= {urlsplit(desktop_server.url).netloc, ""}
    assert watch.errors == []


def sign_in(page: Page, server: LiveServer, identity: str) -> None:
    """Sign in as far as the desktop."""
    page.goto(f"{server.url}/desktop/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=READY)
    page.get_by_label("User name").fill(identity)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Menu to change activity")).to_be_visible(timeout=READY)


def go(page: Page, activity: str) -> None:
    """Change the activity."""
    page.get_by_role("button", name="Menu to change activity").click()
    page.get_by_role("menuitem", name=activity, exact=True).click()
    expect(page.get_by_role("button", name=f"Currently {activity} since")).to_be_visible()


def write(page: Page, text: str) -> None:
    """Send a message of the agent."""
    page.get_by_role("textbox", name="Type message").click()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def activity_of(twilio: Client, name: str) -> str:
    """Return a worker's activity."""
    workspace = twilio.taskrouter.v1.workspaces.list()[0]
    return str(workspace.workers.list(friendly_name=name)[0].activity_name)


def customer_of(server: LiveServer) -> Handset:
    """Return a customer's telephone, which writes to the number without questions."""
    return handset(server.url)


@requirement("S1", "S35")
def test_an_agent_takes_a_customer_from_the_card_to_the_end(
    page: Page, desktop_server: LiveServer, tmp_path: Path
) -> None:
    twilio = desktop_server.client()
    customer = customer_of(desktop_server)
    sign_in(page, desktop_server, "carla")
    expect(page.get_by_role("img", name="Parlour")).to_be_visible()
    expect(page.get_by_text("No active tasks")).to_be_visible()
    page.screenshot(path=tmp_path / "ready.png")
    go(page, "Available")
    eventually(lambda: activity_of(twilio, "carla") == "Available", what="an available worker")

    customer.text("Hello from the street")
    expect(page.get_by_role("button", name="Accept incoming chat task")).to_be_visible(timeout=LIVE)
    expect(page.get_by_text("Incoming SMS request")).to_be_visible()
    page.screenshot(path=tmp_path / "offered.png")
    page.get_by_role("button", name="Accept incoming chat task").click()
    expect(page.get_by_role("button", name="End", exact=True)).to_be_visible(timeout=LIVE)

    for number in range(1, 6):
        write(page, f"Answer {number}")
        customer.received(f"Answer {number}")
        customer.text(f"Question {number}")
        expect(bubble(page, f"Question {number}")).to_be_visible(timeout=LIVE)
    page.screenshot(path=tmp_path / "talking.png")

    page.reload()
    expect(bubble(page, "Question 5")).to_be_visible(timeout=READY)
    expect(bubble(page, "Answer 1")).to_have_count(1)
    page.screenshot(path=tmp_path / "reloaded.png")

    page.get_by_role("button", name="End", exact=True).click()
    expect(page.get_by_role("button", name="Complete", exact=True)).to_be_visible(timeout=LIVE)
    page.screenshot(path=tmp_path / "wrapping.png")
    page.get_by_role("button", name="Complete", exact=True).click()
    expect(page.get_by_text("No active tasks")).to_be_visible(timeout=LIVE)
    rows = twilio.conversations.v1.participant_conversations.list(address=customer.number)
    assert [row.conversation_state for row in rows] == ["closed"]


def test_typing_is_seen_both_ways_and_what_was_read_is_marked(
    page: Page, desktop_server: LiveServer, tmp_path: Path
) -> None:
    twilio = desktop_server.client()
    customer = customer_of(desktop_server)
    sign_in(page, desktop_server, "carla")
    go(page, "Available")
    customer.text("Anybody there?")
    page.get_by_role("button", name="Accept incoming chat task").click(timeout=LIVE)
    expect(bubble(page, "Anybody there?")).to_be_visible(timeout=LIVE)
    [row] = twilio.conversations.v1.participant_conversations.list(address=customer.number)
    conversation = twilio.conversations.v1.conversations(row.conversation_sid)

    def read_by_the_agent() -> int | None:
        [agent] = [each for each in conversation.participants.list() if each.identity == "carla"]
        return agent.last_read_message_index

    page.get_by_role("textbox", name="Type message").click()
    eventually(lambda: read_by_the_agent() == 0, what="the agent's read mark at the first message")
    with colleague(desktop_server, row.conversation_sid, "walter", tmp_path) as walter:
        walter.types()
        expect(page.get_by_text("walter is typing")).to_be_visible(timeout=LIVE)
        page.screenshot(path=tmp_path / "typing.png")
        page.keyboard.type("Yes, I am")
        walter.hears("typingStarted", identity="carla")
        page.keyboard.press("Enter")
        walter.hears("messageAdded", body="Yes, I am")
    customer.received("Yes, I am")
    eventually(lambda: read_by_the_agent() == 1, what="the agent's read mark at their own answer")
    page.get_by_role("button", name="End", exact=True).click()
    page.get_by_role("button", name="Complete", exact=True).click(timeout=LIVE)
    expect(page.get_by_text("No active tasks")).to_be_visible(timeout=LIVE)


@requirement("S5")
def test_pictures_go_both_ways(page: Page, desktop_server: LiveServer, tmp_path: Path) -> None:
    customer = customer_of(desktop_server)
    picture = tmp_path / "cat.png"
    picture.write_bytes(png(60, 40))
    page.once("filechooser", lambda chooser: chooser.set_files(picture))  # from the start: intercepting takes a moment
    sign_in(page, desktop_server, "carla")
    go(page, "Available")
    customer.text("A picture, please")
    page.get_by_role("button", name="Accept incoming chat task").click(timeout=LIVE)
    expect(bubble(page, "A picture, please")).to_be_visible(timeout=LIVE)
    page.get_by_role("button", name="Attach file or image").click()
    expect(page.get_by_text("cat.png")).to_be_visible(timeout=LIVE)
    page.get_by_role("button", name="Send Message").click()
    [sent] = eventually(lambda: [m["media"] for m in customer.messages() if m["media"]], what="the agent's picture")
    assert sent[0]["sha256"] == hashlib.sha256(picture.read_bytes()).hexdigest()
    customer.text("And mine", picture=png(80, 30))
    mine = bubble(page, "And mine")
    expect(mine).to_contain_text("cat.png", timeout=LIVE, use_inner_text=False)
    page.screenshot(path=tmp_path / "picture.png")
    with page.context.expect_page() as window:
        mine.get_by_text("cat.png").click()
    shown = page.context.request.get(window.value.url)
    assert shown.body() == png(80, 30)
    window.value.close()
    page.get_by_role("button", name="End", exact=True).click()
    page.get_by_role("button", name="Complete", exact=True).click(timeout=LIVE)
    expect(page.get_by_text("No active tasks")).to_be_visible(timeout=LIVE)


def test_a_task_is_rejected(page: Page, desktop_server: LiveServer) -> None:
    twilio = desktop_server.client()
    customer = customer_of(desktop_server)
    sign_in(page, desktop_server, "carla")
    go(page, "Available")
    customer.text("Nobody wants me")
    page.get_by_role("button", name="Reject incoming chat task").click(timeout=LIVE)
    workspace = twilio.taskrouter.v1.workspaces(twilio.taskrouter.v1.workspaces.list()[0].sid)
    [task] = [each for each in workspace.tasks.list() if customer.number in each.attributes]

    def states() -> list[str]:
        return [each.reservation_status for each in workspace.tasks(task.sid).reservations.list()]

    eventually(lambda: "rejected" in states(), what="a rejected reservation")
    workspace.tasks(task.sid).update(assignment_status="canceled", reason="the test is over")
    expect(page.get_by_text("No active tasks")).to_be_visible(timeout=LIVE)


def test_a_supervisor_signs_in_and_finds_the_teams_view(page: Page, desktop_server: LiveServer) -> None:
    sign_in(page, desktop_server, "sam")
    expect(page.get_by_role("link", name="Teams")).to_be_visible()


def bubble(page: Page, text: str) -> Locator:
    """Return a message of the conversation, not its line in the list of tasks."""
    return page.get_by_role("listitem").filter(has_text=text)
