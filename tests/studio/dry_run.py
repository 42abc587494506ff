"""Drives the pure engine without a database: commands succeed unless they are visibly wrong."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from parlour.studio.context import initial
from parlour.studio.definition import read
from parlour.studio.engine import advance
from parlour.studio.execution import (
    Continued,
    Enqueued,
    Event,
    ExecutionState,
    NotSent,
    RecordStep,
    Replied,
    SendMessage,
    SendToFlex,
    Sent,
    SetTimer,
    Started,
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
            turn = advance(self.parsed, self.state, event, now=NOW, new_sid=lambda: next(self.sids))
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
        return Continued() if turn.paused else None

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
