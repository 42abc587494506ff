"""The way of a text by hand: a customer's telephone in one window, the agent's desktop in the other (issue B)."""

from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, expect

from tests.conftest import LiveServer
from tests.desktop.test_flex_ui import LIVE, READY, bubble, go, sign_in, write


def test_a_customer_at_the_handset_page_and_an_agent_in_flex_ui_talk_to_each_other(
    context: BrowserContext, desktop_server: LiveServer, tmp_path: Path
) -> None:
    street, desk = context.new_page(), context.new_page()
    street.goto(f"{desktop_server.url}/handset")
    phone = street.get_by_role("region", name="First phone")
    expect(phone.get_by_text("Connected")).to_be_visible(timeout=READY)
    sign_in(desk, desktop_server, "carla")
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

    desk.get_by_role("button", name="End", exact=True).click()
    desk.get_by_role("button", name="Complete", exact=True).click(timeout=LIVE)
    expect(desk.get_by_text("No active tasks")).to_be_visible(timeout=LIVE)
    [row] = desktop_server.client().conversations.v1.participant_conversations.list(address=number_of(phone))
    assert row.conversation_state == "closed"


def number_of(phone: Locator) -> str:
    """Return the telephone's number, as its page shows it."""
    return phone.get_by_label("This phone").input_value()
