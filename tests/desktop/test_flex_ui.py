"""The unmodified Flex UI in Chromium, with every other host out of reach (issue B, must show)."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.carrier import eventually
from tests.channels.test_street import png
from tests.conftest import LiveServer
from tests.desktop.colleague import colleague
from tests.desktop.window import (
    LIVE,
    READY,
    Watch,
    Window,
    activity_of,
    begin_chat,
    bubble,
    complete,
    customer_of,
    go,
    sign_in,
    write,
)
from tests.requirements import requirement


@pytest.fixture(scope="module")
def window(browser: Browser, desktop_server: LiveServer) -> Iterator[Window]:
    """Carla's window: she signs in once for all of these tests."""
    one = Window(browser, desktop_server, "carla")
    yield one
    one.close()


@pytest.fixture
def page(window: Window, desktop_server: LiveServer) -> Iterator[Page]:
    """Carla's desktop, which must stay with this server and complain about nothing new."""
    opened = window.opened()
    watch = window.watch
    yield opened
    if not window.idle():
        window.close()  # the next test begins with a window of its own
    assert watch is not None
    hosts, errors = watch.hosts, watch.errors[:]
    watch.errors.clear()
    assert hosts <= {urlsplit(desktop_server.url).netloc, ""}
    assert errors == []


@requirement("S1", "S35")
def test_an_agent_takes_a_customer_from_the_card_to_the_end(
    page: Page, desktop_server: LiveServer, tmp_path: Path
) -> None:
    twilio = desktop_server.client()
    customer = customer_of(desktop_server)
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
    go(page, "Available")
    begin_chat(page, customer, "Anybody there?")
    [row] = twilio.conversations.v1.participant_conversations.list(address=customer.number)
    conversation = twilio.conversations.v1.conversations(row.conversation_sid)

    def read_by_the_agent() -> int | None:
        [agent] = [each for each in conversation.participants.list() if each.identity == "carla"]
        mark: int | None = agent.last_read_message_index
        return mark

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
    complete(page)


@requirement("S5")
def test_pictures_go_both_ways(page: Page, desktop_server: LiveServer, tmp_path: Path) -> None:
    customer = customer_of(desktop_server)
    picture = tmp_path / "cat.png"
    picture.write_bytes(png(60, 40))
    page.once("filechooser", lambda chooser: chooser.set_files(picture))  # from the start: intercepting takes a moment
    go(page, "Available")
    begin_chat(page, customer, "A picture, please")
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
    complete(page)


def test_a_task_is_rejected(page: Page, desktop_server: LiveServer) -> None:
    twilio = desktop_server.client()
    customer = customer_of(desktop_server)
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


def test_a_supervisor_signs_in_and_finds_the_teams_view(context: BrowserContext, desktop_server: LiveServer) -> None:
    page = context.new_page()
    watch = Watch(page)
    sign_in(page, desktop_server, "sam")
    expect(page.get_by_role("link", name="Teams")).to_be_visible()
    assert watch.errors == []


def test_a_customer_at_the_handset_page_and_an_agent_in_flex_ui_talk_to_each_other(
    page: Page, context: BrowserContext, desktop_server: LiveServer, tmp_path: Path
) -> None:
    street, desk = context.new_page(), page
    street.goto(f"{desktop_server.url}/handset")
    phone = street.get_by_role("region", name="First phone")
    expect(phone.get_by_text("Connected")).to_be_visible(timeout=READY)
    go(desk, "Available")

    phone.get_by_label("Text message").fill("Good morning")
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_text("Answer 1 for sales or 2 for support.")).to_be_visible(timeout=LIVE)
    phone.get_by_label("Text message").fill("2")
    phone.get_by_role("button", name="Send").click()

    desk.get_by_role("button", name="Accept incoming chat task").click(timeout=LIVE)
    expect(bubble(desk, "Somebody from support will be with you")).to_be_visible(timeout=LIVE)
    write(desk, "Your order is on its way")
    answer = phone.get_by_role("listitem").filter(has_text="Your order is on its way")
    expect(answer.get_by_role("img", name="delivered")).to_be_visible(timeout=LIVE)
    street.screenshot(path=tmp_path / "handset.png", full_page=True)
    desk.screenshot(path=tmp_path / "desk.png")

    complete(desk)
    [row] = desktop_server.client().conversations.v1.participant_conversations.list(address=number_of(phone))
    assert row.conversation_state == "closed"


def number_of(phone: Locator) -> str:
    """Return the telephone's number, as its page shows it."""
    return phone.get_by_label("This phone").input_value()
