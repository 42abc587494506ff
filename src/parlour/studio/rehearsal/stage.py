"""The stage: one execution of a flow without a server; the engine, the templates and the limits are production's.

Time is virtual, the customer is scripted, and what would ask another host is answered from a list (issue "flows as
software"; docs/test-your-flows.md).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from parlour.conversations import checks
from parlour.conversations import errors as conversation_errors
from parlour.kit.errors import ContractError
from parlour.kit.wire import json_text
from parlour.messaging import orders
from parlour.studio import context
from parlour.studio.definition import Definition
from parlour.studio.engine import advance
from parlour.studio.execution import (
    Answered,
    CallHttp,
    CancelTimer,
    Continued,
    Enqueued,
    Event,
    ExecutionState,
    Joined,
    Json,
    NotAnswered,
    NotEnqueued,
    NotJoined,
    NotSent,
    OpenSubflow,
    RecordStep,
    Replied,
    ResumeConversation,
    SendMessage,
    SendToFlex,
    Sent,
    SetTimer,
    StartConversation,
    Started,
    SubflowOpened,
    SubflowRefused,
    TimedOut,
    Turn,
)

ACCOUNT: Final = "AC" + "0" * 32
CONVERSATION: Final = "CH" + "0" * 31 + "1"
SERVICE: Final = "IS" + "0" * 31 + "1"
FLOW: Final = "FW" + "0" * 31 + "1"
EXECUTION: Final = "FN" + "0" * 31 + "1"
BEGINNING: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
EVENTS: Final = {
    "conversation": "incomingConversationMessage",
    "message": "incomingMessage",
    "request": "incomingRequest",
}


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """What a URL answers; `error` instead is a call that brings no answer."""

    status: int = 200
    json: object = None
    body: str | None = None
    content_type: str = ""
    headers: dict[str, str] = {}
    error: str = ""


class Opening(Struct, frozen=True, kw_only=True):
    """How the execution begins.

    `trigger`: `conversation`, `message` or `request`; `contact` and `number`, the addresses of the two sides;
    `attributes`, the conversation's, as JSON text.
    """

    trigger: str = "conversation"
    contact: str = "+15550001111"
    number: str = "+15559990000"
    body: str = ""
    attributes: str = "{}"
    channel_type: str = "sms"
    parameters: Json = {}
    at: datetime = BEGINNING


def words_of(command: SendMessage) -> str:
    """Give a message as a line: its words, or the content template that has them, and its file."""
    said = command.body
    if command.content_sid is not None:
        said = f"[content {command.content_sid or 'none'} {command.content_variables or '{}'}]"
    return f"{said} [file {command.media_url}]".lstrip() if command.media_url else said


def _check(command: SendMessage) -> None:
    """Refuse what a server would refuse whatever it has: numbers, templates and files are not looked for."""
    templated = bool(command.content_sid)
    if command.conversation_sid is None:
        files = [command.media_url] if command.media_url else []
        body = command.content_sid or "" if templated else command.body
        orders.check(orders.Order(to=command.to, sender=command.author or "nobody", body=body, media_urls=files))
        return
    checks.attributes(command.attributes, maximum=checks.SHORT_ATTRIBUTES_MAX)
    if checks.body(command.body) is None and not command.media_url and not templated:
        raise conversation_errors.BODY_MISSING.error()


@dataclass(frozen=True)
class Said:
    """A message of the flow: the step that sent it (its number, from 1, and widget) and how long a reply is awaited."""

    step: int
    widget: str
    command: SendMessage
    waits: int | None = None


@dataclass(frozen=True)
class Handed:
    """A conversation that a step sent to agents."""

    step: int
    widget: str
    command: SendToFlex


@dataclass(frozen=True)
class Requested:
    """A request that a step sent."""

    step: int
    widget: str
    command: CallHttp


@dataclass
class Stage:
    """One execution with its books.

    `answers` are by widget, the last of each repeats; `refused` are the widgets whose message or task is refused;
    `subflows` are by flow SID.
    """

    definition: Definition
    opening: Opening = field(default_factory=Opening)
    answers: Mapping[str, Sequence[Answer]] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    subflows: Mapping[str, Definition] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    tasks: list[Handed] = field(default_factory=list)
    calls: list[Requested] = field(default_factory=list)
    steps: list[RecordStep] = field(default_factory=list)
    problems: list[tuple[int, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = self.opening.at
        self.deadline: datetime | None = None
        self._numbers = itertools.count(1)
        self._index = itertools.count(0)
        self._answered: dict[str, int] = {}
        self.state = self._first_state()

    @property
    def step(self) -> int:
        """Number of the step that runs, from 1."""
        return self.state.steps + 1

    @property
    def widget(self) -> str:
        """The widget that runs, under the one that runs the subflow."""
        frame = self.state.frame
        return self.state.widget if frame is None else f"{frame.widget}/{self.state.widget}"

    @property
    def ended(self) -> bool:
        """Whether the execution is over."""
        return bool(self.state.ended)

    def start(self) -> None:
        """Fire the trigger."""
        self._feed(Started())

    def customer(self, body: str) -> None:
        """Have the customer write."""
        if self.ended:
            self.problems.append((self.state.steps, self.widget, f'the customer wrote "{body}" after the flow ended'))
            return
        if self.state.pending != "reply":
            said = f'the customer wrote "{body}" while the flow waits for no reply'
            self.problems.append((self.step, self.widget, said))
        self._feed(Replied(self._payload(body)))

    def wait(self, seconds: int) -> None:
        """Let time pass; a wait that is over by then ends at its own time."""
        until = self.now + timedelta(seconds=seconds)
        while self.deadline is not None and self.deadline <= until:
            self.now, self.deadline = self.deadline, None
            self._feed(TimedOut(self.state.step_sid))
        self.now = until

    def undelivered(self, code: int = 30003) -> None:
        """Have the message whose reply is awaited fail on its way."""
        if self.state.pending != "reply":
            self.problems.append((self.step, self.widget, "no message whose reply is awaited can fail"))
        self._feed(NotSent(code, "the message was not delivered"))

    def _first_state(self) -> ExecutionState:
        opening = self.opening
        talks = opening.trigger == "conversation"
        ours = CONVERSATION if talks else opening.number
        payload = (
            context.request_payload(to=opening.contact, from_=opening.number, parameters=opening.parameters)
            if opening.trigger == "request"
            else self._payload(opening.body)
        )
        return ExecutionState(
            sid=EXECUTION,
            flow_sid=FLOW,
            trigger=EVENTS[opening.trigger],
            conversation_sid=CONVERSATION if talks else None,
            channel_type=opening.channel_type if talks else "",
            context=context.initial(
                execution_sid=EXECUTION,
                flow_sid=FLOW,
                ours=ours,
                theirs=opening.contact,
                trigger=opening.trigger,
                payload=payload,
                data=opening.parameters,
            ),
        )

    def _payload(self, body: str) -> Json:
        opening = self.opening
        if opening.trigger != "conversation" and not self._joined():
            text = context.TextFacts(self._sid("SM"), opening.contact, opening.number, body)
            return context.message_payload(ACCOUNT, text)
        facts = context.ConversationFacts(CONVERSATION, SERVICE, "", opening.attributes)
        message = context.MessageFacts(
            sid=self._sid("IM"),
            index=next(self._index),
            author=opening.contact,
            body=body,
            attributes="{}",
            source=opening.channel_type.upper() if opening.channel_type in ("sms", "whatsapp", "messenger") else "SDK",
            participant_sid="MB" + "0" * 31 + "1",
            client_identity="",
            date_created=self.now,
        )
        if hasattr(self, "state"):
            return context.inbound_payload(ACCOUNT, facts, message)
        return context.conversation_payload(ACCOUNT, facts, message)

    def _joined(self) -> bool:
        return hasattr(self, "state") and self.state.conversation_sid is not None

    def _sid(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers):032x}"

    def _feed(self, first: Event) -> None:
        event: Event | None = first
        while event is not None:
            turn = advance(
                self.definition,
                self.state,
                event,
                now=self.now,
                new_sid=lambda: self._sid("FT"),
                subflow=self._subflow(event),
            )
            self.state = turn.state
            event = self._perform(turn)

    def _subflow(self, event: Event) -> Definition | None:
        opened = event.flow_sid if isinstance(event, SubflowOpened) else None
        frame = self.state.frame
        return self.subflows.get(opened or (frame.flow_sid if frame else ""))

    def _perform(self, turn: Turn) -> Event | None:
        for effect in turn.effects:
            if isinstance(effect, RecordStep):
                self.steps.append(effect)
            elif isinstance(effect, SetTimer):
                self.deadline = self.now + timedelta(seconds=effect.seconds)
                self.said[-1] = Said(self.said[-1].step, self.said[-1].widget, self.said[-1].command, effect.seconds)
            elif isinstance(effect, CancelTimer):
                self.deadline = None
        if turn.paused:
            return Continued()
        match turn.command:
            case SendMessage():
                return self._send(turn.command)
            case SendToFlex():
                return self._enqueue(turn.command)
            case CallHttp():
                return self._call(turn.command)
            case OpenSubflow():
                return self._open(turn.command)
            case StartConversation() | ResumeConversation():
                return self._join(turn.command)
        return None

    def _send(self, command: SendMessage) -> Event:
        if self.state.widget in self.refused:
            return NotSent(30008, "refused by the test")
        try:
            _check(command)
        except ContractError as error:
            return context.not_sent(command, error.code, error.message)
        self.said.append(Said(self.step, self.widget, command))
        sid = self._sid("IM" if command.conversation_sid else "SM")
        facts = context.MessageFacts(
            sid, next(self._index), command.author, command.body, command.attributes or "{}", "API", "", "", self.now
        )
        return Sent(sid, context.outbound_payload(ACCOUNT, command.conversation_sid or "", facts))

    def _enqueue(self, command: SendToFlex) -> Event:
        self.tasks.append(Handed(self.step, self.widget, command))
        if self.state.widget in self.refused:
            return NotEnqueued(81015, "refused by the test")
        task, interaction = self._sid("WT"), self._sid("KD")
        properties: Json = {
            "sid": task,
            "workflow_sid": command.workflow_sid,
            "task_channel_unique_name": command.task_channel,
            "attributes": json_text(command.attributes),
        }
        return Enqueued(
            {
                "sid": interaction,
                "channel": {"type": command.channel_type, "sid": self._sid("UO")},
                "routing": {"reservation": None, "properties": properties},
                "TaskSid": task,
                "Attributes": json_text(command.attributes),
            }
        )

    def _call(self, command: CallHttp) -> Event:
        self.calls.append(Requested(self.step, self.widget, command))
        listed = self.answers.get(self.state.widget)
        step_sid = self.state.step_sid
        if not listed:
            said = f"{command.method} {command.url}: the test has no answer for this widget"
            self.problems.append((self.step, self.widget, said))
            return NotAnswered(step_sid, "the test has no answer for this widget")
        turn = self._answered.get(self.state.widget, 0)
        self._answered[self.state.widget] = turn + 1
        answer = listed[min(turn, len(listed) - 1)]
        if answer.error:
            return NotAnswered(step_sid, answer.error)
        body = answer.body if answer.body is not None else ("" if answer.json is None else json_text(answer.json))
        kind = answer.content_type or ("application/json" if answer.json is not None else "text/plain")
        return Answered(step_sid, answer.status, kind, body, answer.headers)

    def _open(self, command: OpenSubflow) -> Event:
        if command.flow_sid not in self.subflows:
            self.problems.append(
                (self.step, self.widget, f"{command.flow_sid}: the test names no file of this subflow")
            )
            return SubflowRefused(81024, f"{command.flow_sid} is not there")
        return SubflowOpened(command.flow_sid, 1, command.parameters)

    def _join(self, command: StartConversation | ResumeConversation) -> Event:
        if self.state.widget in self.refused:
            return NotJoined(50000, "refused by the test")
        sid = command.conversation_sid if isinstance(command, ResumeConversation) else CONVERSATION
        name = command.friendly_name if isinstance(command, StartConversation) else ""
        shown: Json = {"sid": sid, "friendly_name": name, "attributes": command.attributes, "state": "active"}
        self.opening = replace(self.opening, attributes=command.attributes or "{}")
        return Joined(sid, self._sid("WH"), self.opening.channel_type, shown, {"friendly_name": name})
