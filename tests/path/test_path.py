"""The main job, end to end: a text message reaches an agent and is answered (flex-conversations-faq; flex.md §9).

Only public answers are read, through the official package, and compared with what the test itself typed.
"""

import base64
import hashlib
import itertools
import json
import struct
import subprocess
import sys
import urllib.request
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from click.testing import CliRunner

from parlour.cli.main import main
from parlour.studio.defaults import DEMO_QUESTION
from tests import shared_flows
from tests.carrier import eventually
from tests.path.conftest import World
from tests.requirements import requirement

SEVEN = {
    "sendMessage",
    "sendMediaMessage",
    "leaveConversation",
    "editConversationAttributes",
    "editOwnMessage",
    "editOwnMessageAttributes",
    "deleteOwnMessage",
}
customers = (f"+120255{number:05d}" for number in itertools.count(50200))


def picture(color: tuple[int, int, int]) -> bytes:
    """Return a small PNG of one color."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\x00" + bytes(color) * 16 for _ in range(16))
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@dataclass
class Script:
    """What a customer says to a flow, what it answers to each turn, and what the task must know of it."""

    flow: Callable[[World], str]
    turns: list[tuple[str, list[str]]]
    attributes: dict[str, Any] = field(default_factory=dict)
    enqueued_by: str = "SendConversationToAgent"


def flow_named(world: World, name: str) -> str:
    """Return the SID of a provisioned flow."""
    return next(str(flow.sid) for flow in world.client.studio.v2.flows.list() if flow.friendly_name == name)


def imported(number: str, foreign_workflow: str, foreign_channel: str) -> Callable[[World], str]:
    """Return how to import a real flow by `parlour flow import`."""

    def run(world: World) -> str:
        workspace = world.client.taskrouter.v1.workspaces(world.workspace_sid)
        workflow_sid = workspace.workflows.list()[0].sid
        pairs = ["--map", f"{foreign_workflow}={workflow_sid}", "--map", f"{foreign_channel}=chat"]
        known = {
            "PARLOUR_URL": world.server.url,
            "TWILIO_ACCOUNT_SID": world.server.credentials.account_sid,
            "TWILIO_AUTH_TOKEN": world.server.credentials.auth_token,
        }
        result = CliRunner(env=known).invoke(main, ["flow", "import", str(shared_flows.path(number)), *pairs])
        assert result.exit_code == 0, result.output
        return str(result.stdout.split()[0])

    return run


DEMO = Script(
    lambda world: flow_named(world, "Demo Flow"),
    [
        ("Hello, is anybody there?", ["Hello! This is an automatic greeting.", DEMO_QUESTION]),
        ("support", ["Thank you. Somebody from support will be with you in a moment."]),
    ],
    {"topic": "support"},
    "send_to_agent",
)
STRAIGHT = Script(lambda world: flow_named(world, "Messaging Flow"), [("Hello", [])])
FLOW_01 = Script(imported("01", "${WORKFLOW_SID}", "${CHAT_CHANNEL_SID}"), [("Hello", [])])
FLOW_04 = Script(
    imported("04", "${WORKFLOW_SID_ASSIGN_TO_ANYONE}", "${CHAT_CHANNEL_SID}"),
    [("Hello", ["To better assist you please say 1 for Sales and 2 for Support"]), ("1", [])],
    {"ivr_queue": "template_example_sales"},
)
FLOW_38 = Script(
    imported("38", "WWd8cd0445d2df474f0744283a8cac96b7", "TC97cc0cbcd14e9f3a5f7f2b9668ae8cdd"),
    [(text, []) for text in ("Hello", "Hours", "New", "Ada", "Lovelace", "1815-12-10")],
    {"name": "Ada Lovelace", "dob": "1815-12-10"},
    "send_to_flex_agent",
)
shared = pytest.mark.needs_shared


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(DEMO, id="demo-flow"),
        pytest.param(STRAIGHT, id="messaging-flow"),
        pytest.param(FLOW_01, id="flow-01", marks=shared),
        pytest.param(FLOW_04, id="flow-04", marks=shared),
        pytest.param(FLOW_38, id="flow-38", marks=shared),
    ],
)
@requirement("S2", "S33", "S11", "S52")
def test_a_text_message_reaches_an_agent_and_is_answered(world: World, script: Script) -> None:
    walk_all(world, script)


def test_the_same_way_leads_through_a_server_on_a_database_of_its_own(served_world: World) -> None:
    walk_all(served_world, DEMO)


def walk_all(world: World, script: Script) -> None:
    """Walk the whole way of one customer."""
    walk = Walk(world, script, next(customers))
    walk.address_uses_the_flow()
    walk.customer_talks_to_the_flow()
    walk.work_waits_for_an_agent()
    walk.agent_accepts()
    walk.they_talk()
    walk.they_exchange_pictures()
    walk.the_trace_tells_it_all()
    walk.agent_completes()
    walk.a_second_text_starts_anew()


class Walk:
    """One customer's way through the system, step by step."""

    def __init__(self, world: World, script: Script, customer: str) -> None:
        self.world = world
        self.client = world.client
        self.script = script
        self.customer = customer
        self.flow_sid = script.flow(world)
        self.workspace = self.client.taskrouter.v1.workspaces(world.workspace_sid)
        (self.ana,) = self.workspace.workers.list(friendly_name="ana")
        self.carrier_sid = ""
        self.conversation_sid = ""

    @property
    def conversation(self) -> Any:
        return self.client.conversations.v1.conversations(self.conversation_sid)

    def address_uses_the_flow(self) -> None:
        self.workspace.workers(self.ana.sid).update(activity_sid=self.world.activity("Offline"))
        addresses = self.client.conversations.v1.address_configurations
        (self.address,) = [row for row in addresses.list(type="sms") if row.address == self.world.number]
        updated = self.client.conversations.v1.address_configurations(self.address.sid).update(
            auto_creation_type="studio", auto_creation_studio_flow_sid=self.flow_sid, auto_creation_enabled=True
        )
        assert updated.auto_creation["studio_flow_sid"] == self.flow_sid

    def customer_talks_to_the_flow(self) -> None:
        answered: list[str] = []
        for number, (text, answers) in enumerate(self.script.turns):
            sid = self.world.carrier.text(self.customer, self.world.number, text)
            if number == 0:
                self.carrier_sid = sid
                self._the_conversation_was_made(text)
            for answer in answers:
                self.world.carrier.wait_for(self.customer, answer, state="delivered")
                answered.append(answer)
            self._the_flow_heard(number + 1)
        if answered:
            assert self.world.carrier.received(self.customer) == answered

    def _the_conversation_was_made(self, text: str) -> None:
        lookup = self.client.conversations.v1.participant_conversations
        (row,) = eventually(lambda: lookup.list(address=self.customer), what="the conversation by address")
        self.conversation_sid = row.conversation_sid
        assert row.conversation_state == "active"
        (inbound,) = self.client.messages.list(from_=self.customer, to=self.world.number)
        assert (inbound.direction, inbound.body, inbound.status) == ("inbound", text, "received")
        self.inbound_sid = inbound.sid
        first = self.conversation.messages.list(order="asc", limit=1)[0]
        assert (first.index, first.author, first.body) == (0, self.customer, text)
        assert first.participant_sid == row.participant_sid
        if len(self.script.turns) > 1:
            # The address's flow listens until Send to Flex takes the webhook away.
            (hook,) = self.conversation.webhooks.list()
            assert (hook.target, hook.configuration["flow_sid"]) == ("studio", self.flow_sid)

    def _the_flow_heard(self, turns: int) -> None:
        """Wait until the flow waits for the next turn, or has ended after the last one."""
        last = turns == len(self.script.turns)

        def ready() -> bool:
            rows = self._executions()
            if not rows:
                return False
            context = self._flow(rows[0]).execution_context().fetch().context
            inbound = [widget for widget in context["widgets"].values() if "inbound" in widget]
            return rows[0].status == "ended" if last else self._asked(rows[0]) >= turns and len(inbound) >= 0

        eventually(ready, what=f"the flow to take turn {turns}")

    def _asked(self, row: Any) -> int:
        """Count the waits that began: replies taken, and one more while the execution is active and waiting."""
        steps = self._flow(row).steps.list()
        replies = [step for step in steps if step.name == "incomingMessage"]
        messages = [m for m in self.conversation.messages.list() if m.author != self.customer]
        return len(replies) + 1 if len(messages) > len(replies) else 0

    def _executions(self) -> list[Any]:
        rows = self.client.studio.v2.flows(self.flow_sid).executions.list()
        return [row for row in rows if row.contact_channel_address == self.customer]

    def _flow(self, row: Any) -> Any:
        return self.client.studio.v2.flows(self.flow_sid).executions(row.sid)

    def work_waits_for_an_agent(self) -> None:
        (row,) = self._executions()
        self.execution_sid = row.sid
        assert row.status == "ended"
        last = self._flow(row).steps.list()[0]
        steps = {step.transitioned_from: step for step in self._flow(row).steps.list()}
        made = self._flow(row).steps(steps[self.script.enqueued_by].sid).step_context().fetch().context
        widget = made["widgets"][self.script.enqueued_by]
        self.interaction_sid, self.channel_sid = widget["sid"], widget["channel"]["sid"]
        self.task_sid = widget["routing"]["properties"]["sid"]
        assert last.transitioned_to == "Ended"
        assert self.conversation.webhooks.list() == []
        interaction = self.client.flex_api.v1.interaction(self.interaction_sid).fetch()
        assert interaction.channel["type"] == "sms"
        task = self.workspace.tasks(self.task_sid).fetch()
        assert task.assignment_status == "pending"
        attributes = json.loads(task.attributes)
        (invite,) = self.client.flex_api.v1.interaction(self.interaction_sid).channels(self.channel_sid).invites.list()
        expected = {
            "flexInteractionSid": self.interaction_sid,
            "flexInteractionChannelSid": self.channel_sid,
            "flexChannelInviteSid": invite.sid,
            "conversationSid": self.conversation_sid,
            "channelType": "sms",
            "customerAddress": self.customer,
            "initiatedBy": "customer",
            "direction": "inbound",
            **self.script.attributes,
        }
        assert {name: attributes.get(name) for name in expected} == expected

    def agent_accepts(self) -> None:
        worker = self.workspace.workers(self.ana.sid)
        worker.update(activity_sid=self.world.activity("Available"))
        (self.reservation,) = eventually(
            lambda: worker.reservations.list(reservation_status="pending"), what="the reservation"
        )
        assert self.reservation.task_sid == self.task_sid
        accepted = worker.reservations(self.reservation.sid).update(reservation_status="accepted")
        assert accepted.reservation_status == "accepted"
        assert self.workspace.tasks(self.task_sid).fetch().assignment_status == "assigned"
        (self.agent,) = [each for each in self.conversation.participants.list() if each.identity == "ana"]
        role = self.client.conversations.v1.roles(self.agent.role_sid).fetch()
        assert (role.friendly_name, role.type, set(role.permissions)) == ("agent", "conversation", SEVEN)

    def they_talk(self) -> None:
        for number in range(3):
            text = f"Line {number} of the agent"
            self.conversation.messages.create(author="ana", body=text)
            self.world.carrier.text(self.customer, self.world.number, f"Line {number} of the customer")
        for number in range(3):
            self.world.carrier.wait_for(self.customer, f"Line {number} of the agent", state="delivered")
        lines = [text for text in self.world.carrier.received(self.customer) if text.endswith("of the agent")]
        assert lines == [f"Line {number} of the agent" for number in range(3)]
        eventually(lambda: len(self._said("Line", self.customer)) == 3, what="the customer's three lines")
        assert sorted(self._said("Line", self.customer)) == [f"Line {number} of the customer" for number in range(3)]
        sent = [m for m in self.client.messages.list(to=self.customer) if m.body.endswith("of the agent")]
        assert {m.direction for m in sent} == {"outbound-api"}
        (line,) = [m for m in self.conversation.messages.list() if m.body == "Line 0 of the agent"]
        self.line_sid = line.sid

        def receipts() -> list[Any]:
            rows = self.conversation.messages(line.sid).delivery_receipts.list()
            return [row for row in rows if row.status == "delivered"]

        (self.receipt,) = eventually(receipts, what="the receipt")
        assert self.receipt.channel_message_sid in [m.sid for m in sent]
        delivery = self.conversation.messages(line.sid).fetch().delivery
        assert (delivery["total"], delivery["delivered"]) == (1, "all")

    def _said(self, start: str, author: str) -> list[str]:
        return [
            m.body for m in self.conversation.messages.list() if m.author == author and (m.body or "").startswith(start)
        ]

    def they_exchange_pictures(self) -> None:
        mine, yours = picture((200, 30, 30)), picture((30, 30, 200))
        self.world.carrier.text(self.customer, self.world.number, "My picture", picture=mine)
        (received,) = eventually(
            lambda: [m for m in self.conversation.messages.list() if m.body == "My picture"],
            what="the customer's picture",
        )
        (media,) = received.media
        assert hashlib.sha256(self._content(media["sid"])).digest() == hashlib.sha256(mine).digest()
        self.conversation.messages.create(author="ana", body="Your picture", media_sid=self._upload(yours))
        shown = self.world.carrier.wait_for(self.customer, "Your picture", state="delivered")
        assert [each["sha256"] for each in shown["media"]] == [hashlib.sha256(yours).hexdigest()]

    def _content(self, media_sid: str) -> bytes:
        service = self.client.conversations.v1.configuration().fetch().default_chat_service_sid
        answer: bytes = self._ask(f"/mcs/v1/Services/{service}/Media/{media_sid}/Content")
        return answer

    def _upload(self, content: bytes) -> str:
        service = self.client.conversations.v1.configuration().fetch().default_chat_service_sid
        return str(json.loads(self._ask(f"/mcs/v1/Services/{service}/Media?Filename=p.png", content))["sid"])

    def _ask(self, path: str, content: bytes | None = None) -> bytes:
        known = self.world.server.credentials
        pair = base64.b64encode(f"{known.account_sid}:{known.auth_token}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        if content is not None:
            headers["Content-Type"] = "image/png"
        request = urllib.request.Request(f"{self.world.server.url}{path}", content, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return bytes(answer.read())

    def the_trace_tells_it_all(self) -> None:
        """From any SID of the chain, the trace names all of them in the order of their making."""
        chain = [
            self.inbound_sid,
            self.address.sid,
            self.conversation_sid,
            self.execution_sid,
            self.interaction_sid,
            self.task_sid,
            self.reservation.sid,
            self.agent.sid,
            self.receipt.sid,
        ]
        for sid in (self.carrier_sid, *chain):
            told = json.loads(self._ask(f"/parlour/v1/Trace/{sid}"))
            named = [each for hop in told["hops"] for each in hop["sids"] if each in chain]
            assert named == chain, f"the trace of {sid} names {named}"
            assert told["missing"] is None

    def agent_completes(self) -> None:
        self.client.flex_api.v1.interaction(self.interaction_sid).channels(self.channel_sid).update(
            status="closed", routing={"status": "closed"}
        )
        assert self.workspace.tasks(self.task_sid).fetch().assignment_status == "completed"
        reservations = self.workspace.tasks(self.task_sid).reservations
        assert [row.reservation_status for row in reservations.list()] == ["completed"]
        assert [each.identity for each in self.conversation.participants.list()] == [None]
        assert self.conversation.fetch().state == "closed"
        channel = self.client.flex_api.v1.interaction(self.interaction_sid).channels(self.channel_sid).fetch()
        assert channel.status == "closed"
        self.workspace.workers(self.ana.sid).update(activity_sid=self.world.activity("Offline"))

    def a_second_text_starts_anew(self) -> None:
        self.world.carrier.text(self.customer, self.world.number, "One more thing")
        rows = self.client.conversations.v1.participant_conversations

        def second() -> list[Any]:
            found = rows.list(address=self.customer)
            return [row for row in found if row.conversation_sid != self.conversation_sid]

        (row,) = eventually(second, what="the second conversation")
        assert row.conversation_state == "active"
        first = self.client.conversations.v1.conversations(row.conversation_sid).messages.list(order="asc")[0]
        assert (first.index, first.body) == (0, "One more thing")
        if len(self.script.turns) == 1:
            self._nobody_is_left_waiting(row.conversation_sid)

    def _nobody_is_left_waiting(self, conversation_sid: str) -> None:
        expression = f'conversationSid == "{conversation_sid}"'
        (task,) = eventually(
            lambda: self.workspace.tasks.list(evaluate_task_attributes=expression), what="the second task"
        )
        attributes = json.loads(task.attributes)
        self.client.flex_api.v1.interaction(attributes["flexInteractionSid"]).channels(
            attributes["flexInteractionChannelSid"]
        ).update(status="closed", routing={"status": "closed"})
        assert self.workspace.tasks(task.sid).fetch().assignment_status == "canceled"
        assert self.client.conversations.v1.conversations(conversation_sid).fetch().state == "closed"


def test_the_doctor_finds_nothing_wrong_afterwards(world: World) -> None:
    command = [sys.executable, "-m", "parlour.cli.main", "doctor", "--data", str(world.data)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
