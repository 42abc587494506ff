"""An agent's desktop in a browser window, as tests use it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, ViewportSize, expect
from twilio.rest import Client

from tests.conftest import LiveServer
from tests.desktop import known_errors
from tests.flex.signing_in import PASSWORD
from tests.tools.street import Handset, handset

READY = 30_000  # milliseconds until the desktop stands, on a busy machine
LIVE = 15_000  # milliseconds until something that happened elsewhere is shown
SIZE: ViewportSize = {"width": 1400, "height": 900}


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


@dataclass
class Window:
    """An agent's window, which stays open from one test to the next as long as each leaves it as it was.

    :ivar page: the desktop; None until somebody signed in, and after a test that went wrong.
    """

    browser: Browser
    server: LiveServer
    identity: str
    page: Page | None = None
    watch: Watch | None = None

    def opened(self) -> Page:
        """Return the desktop with no tasks in it; the agent signs in where they are not."""
        if self.page is None:
            context = self.browser.new_context(viewport=SIZE, permissions=["notifications"])
            self.page = context.new_page()
            self.watch = Watch(self.page)
            sign_in(self.page, self.server, self.identity)
        expect(self.page.get_by_text("No active tasks")).to_be_visible(timeout=LIVE)
        return self.page

    def idle(self) -> bool:
        """Say whether the agent has nothing to do, as it was when the test began."""
        return self.page is not None and self.page.get_by_text("No active tasks").is_visible()

    def close(self) -> None:
        """Close it; the agent goes offline."""
        if self.page is not None:
            self.page.context.close()
            self.page = None


def sign_in(page: Page, server: LiveServer, identity: str) -> None:
    """Sign in as far as the desktop."""
    page.goto(f"{server.url}/desktop/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=READY)
    page.get_by_label("User name").fill(identity)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Menu to change activity")).to_be_visible(timeout=READY)


def go(page: Page, activity: str) -> None:
    """Change the activity, where it is another."""
    if page.get_by_role("button", name=f"Currently {activity} since").is_visible():
        return
    page.get_by_role("button", name="Menu to change activity").click()
    page.get_by_role("menuitem", name=activity, exact=True).click()
    expect(page.get_by_role("button", name=f"Currently {activity} since")).to_be_visible()


def write(page: Page, text: str) -> None:
    """Send a message of the agent."""
    page.get_by_role("textbox", name="Type message").click()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def begin_chat(page: Page, customer: Handset, text: str = "Hello") -> None:
    """Have a customer write, and accept."""
    customer.text(text)
    page.get_by_role("button", name="Accept incoming chat task").click(timeout=LIVE)
    expect(bubble(page, text)).to_be_visible(timeout=LIVE)


def complete(page: Page) -> None:
    """End the chat and complete the task."""
    page.get_by_role("button", name="End", exact=True).click()
    page.get_by_role("button", name="Complete", exact=True).click(timeout=LIVE)
    expect(page.get_by_text("No active tasks")).to_be_visible(timeout=LIVE)


def bubble(page: Page, text: str) -> Locator:
    """Return a message of the conversation, not its line in the list of tasks."""
    return page.get_by_role("listitem").filter(has_text=text)


def activity_of(twilio: Client, name: str) -> str:
    """Return a worker's activity."""
    workspace = twilio.taskrouter.v1.workspaces.list()[0]
    return str(workspace.workers.list(friendly_name=name)[0].activity_name)


def customer_of(server: LiveServer) -> Handset:
    """Return a customer's telephone, which writes to the number without questions."""
    return handset(server.url)
