"""Drives the pure engine without a database: commands succeed unless they are visibly wrong."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from parlour.studio.context import initial
from parlour.studio.definition import read
from parlour.studio.engine import advance
from parlour.studio.execution import (
    Answered,
    CallHttp,
    Continued,
    Enqueued,
    Event,
    ExecutionState,
    NotAnswered,
    NotSent,
    OpenSubflow,
    RecordStep,
    Replied,
    SendMessage,
    SendToFlex,
    Sent,
    SetTimer,
    Started,
    SubflowOpened,
    SubflowRefused,
    TimedOut,
    Turn,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
CONVERSATION = "CH" + "1" * 32
CUSTOMER = "+15550001111"


@dataclass
class DryRun:
    """One execution of a definition, with its books."""

    definition: dict[str, Any]
    trigger: str = "incomingConversationMessage"
    conversation_sid: str | None = CONVERSATION
    first: dict[str, Any] = field(default_factory=lambda: {"Body": "hi", "From": CUSTOMER})
    sent: list[SendMessage] = field(default_factory=list)
    tasks: list[SendToFlex] = field(default_factory=list)
    steps: list[RecordStep] = field(default_factory=list)
    timers: list[SetTimer] = field(default_factory=list)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    subflows: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parsed = read(self.definition)
        self.sids = (f"FT{number:032x}" for number in itertools.count(1))
        subtree = "conversation" if self.conversation_sid else "request"
        self.state = ExecutionState(
            sid="FN" + "2" * 32,
            flow_sid="FW" + "3" * 32,
            trigger=self.trigger,
            conversation_sid=self.conversation_sid,
            channel_type="sms",
            context=initial(
                execution_sid="FN" + "2" * 32,
                flow_sid="FW" + "3" * 32,
                ours=self.conversation_sid or "+15559990000",
                theirs=CUSTOMER,
                trigger=subtree,
                payload=self.first,
            ),
        )

    def start(self) -> DryRun:
        self.feed(Started())
        return self

    def reply(self, body: str) -> DryRun:
        self.feed(Replied({"Body": body, "From": CUSTOMER}))
        return self

    def time_out(self) -> DryRun:
        self.feed(TimedOut(self.state.step_sid))
        return self

    def feed(self, first: Event) -> None:
        event: Event | None = first
        while event is not None:
            opened = event.flow_sid if isinstance(event, SubflowOpened) else None
            if self.state.frame is not None:
                opened = self.state.frame.flow_sid
            subflow = read(self.subflows[opened]) if opened else None
            turn = advance(self.parsed, self.state, event, now=NOW, new_sid=lambda: next(self.sids), subflow=subflow)
            self.state = turn.state
            event = self._perform(turn)

    def _perform(self, turn: Turn) -> Event | None:
        for effect in turn.effects:
            if isinstance(effect, RecordStep):
                self.steps.append(effect)
            elif isinstance(effect, SetTimer):
                self.timers.append(effect)
        if isinstance(turn.command, SendMessage):
            return self._send(turn.command)
        if isinstance(turn.command, SendToFlex):
            self.tasks.append(turn.command)
            return Enqueued({"sid": "KD" + "4" * 32, "routing": {"properties": {"sid": "WT" + "5" * 32}}})
        if isinstance(turn.command, OpenSubflow):
            if turn.command.flow_sid not in self.subflows:
                return SubflowRefused(81024, "it is not there")
            return SubflowOpened(turn.command.flow_sid, 1, turn.command.parameters)
        if isinstance(turn.command, CallHttp):
            return self._call(turn.command)
        return Continued() if turn.paused else None

    def _call(self, command: CallHttp) -> Event:
        pairs = command.form if command.form is not None else parse_qsl(urlsplit(command.url).query, True)
        self.requests.append(f"{self.state.widget} {dict(pairs).get('p')}")
        planned = self.answers.get(self.state.widget, {"kind": "away", "word": ""})
        sid, body = self.state.step_sid, json.dumps({"word": planned["word"]})
        if planned["kind"] == "away":
            return NotAnswered(sid, "away")
        if planned["kind"] == "malformed":
            return Answered(sid, 200, "application/json", "{", {})
        kind = "text/plain" if planned["kind"] == "text" else "application/json; charset=utf-8"
        return Answered(sid, 500 if planned["kind"] == "sad" else 200, kind, body, {})

    def _send(self, command: SendMessage) -> Event:
        try:
            json.loads(command.attributes or "{}")
        except ValueError:
            return NotSent(50420, "attributes are not valid JSON")
        self.sent.append(command)
        return Sent(f"IM{len(self.sent):032x}", {"Body": command.body})

    @property
    def texts(self) -> list[str]:
        return [each.body for each in self.sent]

    @property
    def path(self) -> list[tuple[str, str, str]]:
        return [(each.transitioned_from, each.name, each.transitioned_to) for each in self.steps]

    @property
    def log(self) -> list[tuple[int, str]]:
        return [(entry.code, entry.widget) for step in self.steps for entry in step.log]
