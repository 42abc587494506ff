"""Plugins of one's own in the unmodified Flex UI: deployed, released, and what they may change of the agent's work."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from twilio.rest import Client

from tests.carrier import eventually
from tests.conftest import LiveServer
from tests.desktop.window import LIVE, READY, Watch, Window, bubble, customer_of, go, write
from tests.messaging.pages import Site, running_site
from tests.requirements import requirement
from tests.run.programs import account, clean_environment, node, parlour_run

PLUGINS = Path(__file__).with_name("plugins")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site() as one:
        yield one


@pytest.fixture(scope="module")
def functions(
    desktop_server: LiveServer, functions_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of the functions behind plugins, served by a program that knows nothing of this server."""
    cwd, command = node("functions_host.js", "twilio-6", str(functions_port))
    ran = [*parlour_run(desktop_server.url, tmp_path_factory.mktemp("functions")), *command]
    environment = clean_environment(**account(desktop_server))
    with subprocess.Popen(ran, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"listening": functions_port}
        yield f"http://127.0.0.1:{functions_port}"
        process.terminate()


@pytest.fixture(scope="module")
def released(desktop_server: LiveServer, site: Site, functions: str) -> Iterator[None]:
    """Released plugins, whose bundles lie on another host than the page, and the configuration that they read."""
    twilio = desktop_server.client()
    flex = twilio.flex_api.v1
    workspace = twilio.taskrouter.v1.workspaces(twilio.taskrouter.v1.workspaces.list()[0].sid)
    workspace.task_channels.create(friendly_name="Custom", unique_name="custom1")
    channels = [{"name": name, "availability": True, "capacity": 2} for name in ("chat", "sms", "custom1")]
    configure(
        desktop_server,
        {
            "ui_attributes": {"custom_data": {"functions_domain": functions}},
            "taskrouter_worker_channels": {"agent": channels, "supervisor": channels},
        },
    )
    chosen = []
    for file in sorted(PLUGINS.glob("*.js")):
        url = site.says(f"/{file.stem}/bundle.js", file.read_text(), kind="application/javascript")
        plugin = flex.plugins.create(unique_name=file.stem, friendly_name=file.stem)
        version = flex.plugins(plugin.sid).plugin_versions.create(
            resource_version="1.0.0", plugin_url=url, private=True
        )
        chosen.append(json.dumps({"plugin_version": version.sid, "phase": 3}))
    configuration = flex.plugin_configurations.create(name="with", plugins=chosen)
    flex.plugin_releases.create(configuration_id=configuration.sid)
    yield
    nothing = flex.plugin_configurations.create(name="without")
    flex.plugin_releases.create(configuration_id=nothing.sid)
    configure(desktop_server, {"ui_attributes": {}})


def configure(server: LiveServer, changes: dict[str, Any]) -> None:
    """Change the Flex configuration, as no official package does."""
    known = server.credentials
    server_client = server.client()
    answer = server_client.http_client.request(
        "POST",
        f"{server.url}/flex-api/v1/Configuration",
        auth=(known.account_sid, known.auth_token),
        headers={"Content-Type": "application/json"},
        data={"account_sid": known.account_sid, **changes},
    )
    assert answer.status_code < 300, answer.text


@dataclass
class Desk:
    """Petra's desktop with the plugins, and the workspace behind it."""

    window: Window
    twilio: Client
    functions: str

    @property
    def page(self) -> Page:
        return self.window.opened()

    @property
    def workspace(self) -> Any:
        return self.twilio.taskrouter.v1.workspaces(self.twilio.taskrouter.v1.workspaces.list()[0].sid)

    def chat(self, name: str, *, channel: str = "chat", **attributes: str) -> "Chat":
        """Make a chat task without an interaction, for a conversation with a customer who said something."""
        made = self.twilio.conversations.v1.conversations.create(friendly_name=name)
        talk = self.twilio.conversations.v1.conversations(made.sid)
        talk.participants.create(identity=f"customer {name}")
        talk.messages.create(author=f"customer {name}", body=f"Here is {name}")
        task = self.workspace.tasks.create(
            workflow_sid=self.workspace.workflows.list()[0].sid,
            task_channel=channel,
            attributes=json.dumps({"name": name, "conversationSid": made.sid, **attributes}),
        )
        return Chat(talk, self.workspace.tasks(task.sid), f"customer {name}")


@dataclass
class Chat:
    """A conversation and its task."""

    talk: Any
    task: Any
    customer: str

    @property
    def members(self) -> set[str]:
        return {each.identity for each in self.talk.participants.list()}

    @property
    def attributes(self) -> Any:
        return json.loads(self.talk.fetch().attributes)

    def is_now(self, status: str) -> None:
        """Wait for a status of the task."""
        eventually(lambda: self.task.fetch().assignment_status == status, what=f"a task that is {status}")


@pytest.fixture(scope="module")
def window(browser: Browser, desktop_server: LiveServer, released: None) -> Iterator[Window]:
    """Petra's window: she signs in once, when the plugins are released."""
    one = Window(browser, desktop_server, "petra")
    yield one
    one.close()


@pytest.fixture
def desk(window: Window, desktop_server: LiveServer, functions: str) -> Iterator[Desk]:
    """Petra is available; her page complains about nothing new and asks nobody but the server and the functions."""
    go(window.opened(), "Available")
    watch = window.watch
    yield Desk(window, desktop_server.client(), functions)
    if not window.idle():
        window.close()
    assert isinstance(watch, Watch)
    hosts, errors = watch.hosts, watch.errors[:]
    watch.errors.clear()
    assert hosts <= {urlsplit(desktop_server.url).netloc, urlsplit(functions).netloc, ""}
    assert errors == []


def end(page: Page) -> None:
    """Press what wraps up, then what completes."""
    page.get_by_role("button", name="End", exact=True).click(timeout=LIVE)
    page.get_by_role("button", name="Complete", exact=True).click(timeout=LIVE)
    expect(page.get_by_text("No active tasks")).to_be_visible(timeout=LIVE)


def test_the_desktop_runs_the_plugins_that_are_released(desk: Desk, site: Site) -> None:
    expect(desk.page.get_by_text("Good day, Petra Pless")).to_be_visible(timeout=READY)
    assert desk.window.watch is not None
    assert site.url.removeprefix("http://") not in desk.window.watch.hosts
    assert len(site.book) == len(list(PLUGINS.glob("*.js")))


@requirement("S16", "S20", "S21", "S22")
def test_work_of_a_channel_of_ones_own_is_accepted_talked_in_and_ended_as_the_plugin_says(
    desk: Desk, tmp_path: Path
) -> None:
    page = desk.page
    chat = desk.chat("robin", channel="custom1", channelType="custom", autoAnswer="true")

    expect(page.get_by_text("Our own channel: robin")).to_be_visible(timeout=LIVE)
    expect(bubble(page, "Here is robin")).to_be_visible(timeout=LIVE)  # nobody clicked: accepted and selected
    chat.is_now("assigned")
    eventually(lambda: "petra" in chat.members, what="the agent in the conversation")
    write(page, "Good to hear from you")
    eventually(lambda: [m for m in chat.talk.messages.list() if m.author == "petra"], what="the agent's answer")
    page.screenshot(path=tmp_path / "own-channel.png")

    end(page)
    chat.is_now("completed")
    noted = json.loads(chat.task.fetch().attributes)
    assert noted["ended"] == ["wrapped up our way", "completed our way"]
    assert chat.members == {chat.customer, "petra"}  # an end of one's own leaves the conversation alone
    assert (chat.talk.fetch().state, chat.attributes) == ("active", {})


@requirement("S12")
def test_what_the_desktop_does_at_wrap_up_and_completion_can_be_another_thing_for_some_tasks(desk: Desk) -> None:
    page = desk.page
    usual = desk.chat("ursula")
    page.get_by_role("button", name="Accept incoming").click(timeout=LIVE)  # nothing in it says that it accepts itself
    expect(bubble(page, "Here is ursula")).to_be_visible(timeout=LIVE)
    eventually(lambda: "petra" in usual.members, what="the agent in the conversation")
    end(page)
    usual.is_now("completed")
    eventually(lambda: usual.members == {usual.customer}, what="a conversation that the agent left")
    assert usual.attributes == {"status": "INACTIVE"}

    open_one = desk.chat("olga", autoAnswer="true", staysOpen="yes")
    expect(bubble(page, "Here is olga")).to_be_visible(timeout=LIVE)
    eventually(lambda: "petra" in open_one.members, what="the agent in the conversation")
    end(page)
    open_one.is_now("completed")
    eventually(lambda: open_one.members == {open_one.customer}, what="a conversation that the agent left")
    assert open_one.attributes == {}


def test_functions_do_what_a_plugin_asks_with_the_agents_token(desk: Desk, desktop_server: LiveServer) -> None:
    page = desk.page
    customer = customer_of(desktop_server)
    customer.text("Hello from the street")
    page.get_by_role("button", name="Accept incoming").click(timeout=LIVE)
    expect(bubble(page, "Hello from the street")).to_be_visible(timeout=LIVE)
    [row] = desk.twilio.conversations.v1.participant_conversations.list(address=customer.number)
    talk = desk.twilio.conversations.v1.conversations(row.conversation_sid)

    def members() -> set[str]:
        return {each.identity or customer.number for each in talk.participants.list()}

    refused = page.evaluate(
        """async url => (await fetch(url, {method: "POST", body: JSON.stringify({Token: "nobody's"})})).status""",
        f"{desk.functions}/park",
    )
    assert refused == 403
    assert desk.window.watch is not None
    desk.window.watch.errors.clear()  # the browser tells of the refusal
    assert members() == {customer.number, "petra"}

    page.get_by_role("button", name="Add a colleague's customer").click()
    expect(page).to_have_title("addParticipant: 200", timeout=LIVE)
    assert members() == {customer.number, "petra", "the neighbour"}

    page.get_by_role("button", name="Park", exact=True).click()
    expect(page.get_by_text("No active tasks")).to_be_visible(timeout=LIVE)
    assert members() == {customer.number, "the neighbour"}
    page.get_by_role("button", name="Bring back").click()
    page.get_by_role("button", name="Accept incoming").click(timeout=LIVE)
    eventually(lambda: "petra" in members(), what="the agent who is back")

    page.get_by_role("button", name="Hand over").click()
    page.get_by_role("button", name="Accept incoming").click(timeout=LIVE)  # nobody else is there
    eventually(lambda: "petra" in members(), what="the agent who got it again")
    end(page)
    assert talk.fetch().state == "closed"
