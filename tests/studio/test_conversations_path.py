"""Flows on real conversations, through public answers only: message, execution, interaction, task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from twilio.rest import Client

from parlour.cli.main import main
from parlour.studio.defaults import DEMO_QUESTION
from tests import shared_flows
from tests.conftest import LiveServer
from tests.studio.random_flows import ABSENT, CHANNEL, INNER, SITE, SUBFLOW, WORKFLOW, Script, dump, scripts
from tests.studio.site import Site, running_site

JSON = "application/json; charset=utf-8"


@dataclass
class Street:
    """One customer's conversation under one flow."""

    server: LiveServer
    client: Client
    flow_sid: str
    conversation_sid: str

    def say(self, body: str) -> str:
        message = self.client.conversations.v1.conversations(self.conversation_sid).messages.create(
            author="ada", body=body, x_twilio_webhook_enabled="true"
        )
        self.server.settle()
        return str(message.sid)

    def texts(self) -> list[str]:
        messages = self.client.conversations.v1.conversations(self.conversation_sid).messages.list()
        return [message.body for message in messages if message.author != "ada"]

    def executions(self) -> list[Any]:
        return [
            row
            for row in self.client.studio.v2.flows(self.flow_sid).executions.list()
            if self.context(row)["flow"]["channel"]["address"] == self.conversation_sid
        ]

    def context(self, row: Any) -> Any:
        return self.client.studio.v2.flows(self.flow_sid).executions(row.sid).execution_context().fetch().context

    def steps(self, row: Any) -> list[Any]:
        steps = self.client.studio.v2.flows(self.flow_sid).executions(row.sid).steps.list()
        return list(reversed(steps))

    def walked(self, row: Any) -> list[tuple[str, str, str]]:
        return [(step.transitioned_from, step.name, step.transitioned_to) for step in self.steps(row)]

    def step_context(self, row: Any, step: Any) -> Any:
        execution = self.client.studio.v2.flows(self.flow_sid).executions(row.sid)
        return execution.steps(step.sid).step_context().fetch().context

    def webhooks(self) -> list[Any]:
        return list(self.client.conversations.v1.conversations(self.conversation_sid).webhooks.list())

    def task(self, workspace_sid: str, sid: str) -> Any:
        return self.client.taskrouter.v1.workspaces(workspace_sid).tasks(sid).fetch()


@pytest.fixture(scope="module")
def client(frozen_server: LiveServer) -> Client:
    return frozen_server.client()


@pytest.fixture(scope="module")
def routing(client: Client) -> tuple[str, str]:
    """The workspace and the workflow of a new account."""
    (workspace,) = client.taskrouter.v1.workspaces.list(friendly_name="Flex Task Assignment")
    (workflow,) = client.taskrouter.v1.workspaces(workspace.sid).workflows.list()
    return workspace.sid, workflow.sid


def flow_named(client: Client, name: str) -> str:
    return next(str(row.sid) for row in client.studio.v2.flows.list() if row.friendly_name == name)


def converse(server: LiveServer, client: Client, flow_sid: str) -> Street:
    conversation = client.conversations.v1.conversations.create(friendly_name="path")
    conversation.participants.create(identity="ada")
    conversation.webhooks.create(target="studio", configuration_flow_sid=flow_sid)
    return Street(server, client, flow_sid, conversation.sid)


def imported(server: LiveServer, path: Path, mapping: dict[str, str]) -> str:
    """Import a flow as an operator would."""
    arguments = ["flow", "import", str(path)]
    for foreign, ours in mapping.items():
        arguments += ["--map", f"{foreign}={ours}"]
    known = {
        "PARLOUR_URL": server.url,
        "TWILIO_ACCOUNT_SID": server.credentials.account_sid,
        "TWILIO_AUTH_TOKEN": server.credentials.auth_token,
    }
    result = CliRunner(env=known).invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.split()[0]


def test_the_demo_flow_leads_from_a_message_to_a_task(
    frozen_server: LiveServer, client: Client, routing: tuple[str, str]
) -> None:
    path = converse(frozen_server, client, flow_named(client, "Demo Flow"))
    (hook,) = path.webhooks()
    assert (hook.target, hook.configuration["flow_sid"]) == ("studio", path.flow_sid)
    first = path.say("hello")
    assert path.texts() == ["Hello! This is an automatic greeting.", DEMO_QUESTION]
    (row,) = path.executions()
    assert (row.status, row.initiated_by, row.contact_channel_address) == ("active", first, "ada")
    context = path.context(row)
    assert context["trigger"]["conversation"]["Body"] == "hello"
    assert context["trigger"]["conversation"]["MessageSid"] == first
    reply = path.say("support")
    (row,) = path.executions()
    assert row.status == "ended"
    assert path.texts()[2] == "Thank you. Somebody from support will be with you in a moment."
    last = path.steps(row)[-1]
    assert (last.transitioned_from, last.name, last.transitioned_to) == ("send_to_agent", "callComplete", "Ended")
    widgets = path.step_context(row, last)["widgets"]
    assert widgets["ask_topic"]["inbound"]["MessageSid"] == reply
    assert widgets["ask_topic"]["inbound"]["Body"] == "support"
    made = widgets["send_to_agent"]
    interaction = client.flex_api.v1.interaction(made["sid"]).fetch()
    assert interaction.channel["sid"] == made["channel"]["sid"]
    task = path.task(routing[0], made["routing"]["properties"]["sid"])
    attributes = json.loads(task.attributes)
    assert attributes["topic"] == "support"
    assert attributes["conversationSid"] == path.conversation_sid
    assert attributes["customerAddress"] == "ada"
    assert (task.workflow_sid, task.timeout) == (routing[1], 3600)
    assert path.webhooks() == []


@pytest.mark.parametrize("name", ["Messaging Flow", "Chat Flow"])
def test_a_default_flow_makes_one_task_of_a_burst_of_messages(
    frozen_server: LiveServer, client: Client, name: str
) -> None:
    path = converse(frozen_server, client, flow_named(client, name))
    for number in range(5):
        path.say(f"message {number}")
    (row,) = path.executions()
    assert path.walked(row) == [
        ("Trigger", "incomingConversationMessage", "SendConversationToAgent"),
        ("SendConversationToAgent", "callComplete", "Ended"),
    ]
    assert path.texts() == []


def test_a_closed_conversation_ends_its_execution(frozen_server: LiveServer, client: Client) -> None:
    path = converse(frozen_server, client, flow_named(client, "Demo Flow"))
    path.say("hello")
    client.conversations.v1.conversations(path.conversation_sid).update(state="closed")
    frozen_server.settle()
    (row,) = path.executions()
    assert row.status == "ended"


def test_silence_takes_the_time_out_exit(frozen_server: LiveServer, client: Client) -> None:
    path = converse(frozen_server, client, flow_named(client, "Demo Flow"))
    path.say("hello")
    frozen_server.advance(3599)
    assert path.executions()[0].status == "active"
    frozen_server.advance(1)
    (row,) = path.executions()
    assert ("ask_topic", "timeout", "send_to_agent") in path.walked(row)


@pytest.mark.needs_shared
def test_flow_01_is_imported_and_makes_a_task(
    frozen_server: LiveServer, client: Client, routing: tuple[str, str]
) -> None:
    mapping = {"${WORKFLOW_SID}": routing[1], "${CHAT_CHANNEL_SID}": "chat"}
    path = converse(frozen_server, client, imported(frozen_server, shared_flows.path("01"), mapping))
    path.say("hello")
    (row,) = path.executions()
    assert path.walked(row)[-1] == ("SendConversationToAgent", "callComplete", "Ended")


@pytest.mark.needs_shared
def test_flow_04_sends_the_chosen_queue(frozen_server: LiveServer, client: Client, routing: tuple[str, str]) -> None:
    mapping = {"${WORKFLOW_SID_ASSIGN_TO_ANYONE}": routing[1], "${CHAT_CHANNEL_SID}": "chat"}
    path = converse(frozen_server, client, imported(frozen_server, shared_flows.path("04"), mapping))
    path.say("hello")
    assert path.texts() == ["To better assist you please say 1 for Sales and 2 for Support"]
    path.say("1")
    (row,) = path.executions()
    made = path.context(row)["widgets"]["SendConversationToAgent"]
    task = path.task(routing[0], made["routing"]["properties"]["sid"])
    assert json.loads(task.attributes)["ivr_queue"] == "template_example_sales"
    (question,) = [
        m for m in client.conversations.v1.conversations(path.conversation_sid).messages.list() if m.index == 1
    ]
    assert question.author == path.conversation_sid


@pytest.mark.needs_shared
def test_flow_38_asks_its_questions_and_sends_the_answers(
    frozen_server: LiveServer, client: Client, routing: tuple[str, str]
) -> None:
    mapping = {
        "WWd8cd0445d2df474f0744283a8cac96b7": routing[1],
        "TC97cc0cbcd14e9f3a5f7f2b9668ae8cdd": "chat",
    }
    path = converse(frozen_server, client, imported(frozen_server, shared_flows.path("38"), mapping))
    for text in ("hello", "Hours", "New", "Ada", "Lovelace", "1815-12-10"):
        path.say(text)
    assert path.texts()[-1].startswith("Thank you! Please hold on")
    (row,) = path.executions()
    made = path.context(row)["widgets"]["send_to_flex_agent"]
    attributes = json.loads(path.task(routing[0], made["routing"]["properties"]["sid"]).attributes)
    assert (attributes["name"], attributes["dob"]) == ("Ada Lovelace", "1815-12-10")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site() as made:
        yield made


@pytest.fixture(scope="module")
def inner(client: Client) -> tuple[str, str]:
    """The subflow that random flows run, and one that was never published."""
    create = client.studio.v2.flows.create
    known = create(friendly_name="inside", status="published", definition=INNER)
    return known.sid, create(friendly_name="never", status="draft", definition=INNER).sid


def served(script: Script, site: Site, inner: tuple[str, str]) -> str:
    """Have the site answer what the script says, and give the definition that asks it."""
    text = dump(script.definition).replace(SUBFLOW, inner[0]).replace(ABSENT, inner[1])
    for widget, planned in script.answers.items():
        path = f"/{script.seed}/{widget}"
        kind = planned["kind"]
        body = "{" if kind == "malformed" else json.dumps({"word": planned["word"]})
        site.page(path, body, status=500 if kind == "sad" else 200, kind="text/plain" if kind == "text" else JSON)
        nobody = "http://127.0.0.1:9"
        text = text.replace(f'"{SITE}/{widget}"', f'"{nobody if kind == "away" else site.url}{path}"')
    return text


@pytest.mark.parametrize("script", scripts(20), ids=lambda script: f"seed-{script.seed}")
def test_a_random_flow_does_what_a_naive_reading_says(
    frozen_server: LiveServer,
    client: Client,
    routing: tuple[str, str],
    site: Site,
    inner: tuple[str, str],
    tmp_path: Path,
    script: Script,
) -> None:
    file = tmp_path / "random.json"
    file.write_text(served(script, site, inner), "utf-8")
    path = converse(frozen_server, client, imported(frozen_server, file, {WORKFLOW: routing[1], CHANNEL: "chat"}))
    path.say("hi")
    for reply in script.replies:
        if reply is None:
            frozen_server.advance(120)
        else:
            path.say(reply)
    (row,) = path.executions()
    assert row.status == "ended"
    assert path.walked(row) == script.expected.steps
    assert path.texts() == script.expected.texts
    if script.expected.task_attributes:
        enqueued = [step for step in path.steps(row) if step.name == "callComplete"][-1]
        made = path.context(row)["widgets"][enqueued.transitioned_from]
        attributes = json.loads(path.task(routing[0], made["routing"]["properties"]["sid"]).attributes)
        assert attributes["topic"] == script.expected.task_attributes["topic"]
