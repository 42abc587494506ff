"""A street of this test's own: conversations and interactions that are only books.

Studio's rows, jobs and timers are real; what it asks of other floors is written down here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from parlour.app import Program
from parlour.kit.errors import ContractError
from parlour.outbox.facts import Event, state
from parlour.store.unit import Reader, UnitOfWork
from parlour.studio import outside
from parlour.studio.context import ConversationFacts, MessageFacts
from parlour.studio.execution import Json, SendMessage, SendToFlex

CUSTOMER = "+15550001111"
CONVERSATION = "CH" + "c" * 32


@dataclass
class Street:
    """The books of one test."""

    program: Program
    account_sid: str
    flow_sid: str = ""
    webhooks: list[outside.StudioWebhook] = field(default_factory=list)
    sent: list[SendMessage] = field(default_factory=list)
    tasks: list[SendToFlex] = field(default_factory=list)
    index: int = 0

    def attach(self, flow_sid: str) -> None:
        self.flow_sid = flow_sid
        self.webhooks = [outside.StudioWebhook("WH" + "a" * 32, flow_sid)]

    async def say(self, body: str) -> Event:
        """State what the floor of conversations states when the customer writes."""
        number = self.index
        self.index += 1

        async def work(uow: UnitOfWork) -> Event:
            return await state(
                uow,
                "message.added/1",
                stream=CONVERSATION,
                object_sid=f"IM{number:032x}",
                snapshot={"index": number, "author": CUSTOMER, "body": body, "source": "SMS", "attributes": "{}"},
                listeners={"webhooks": [{"sid": h.sid, "target": "studio"} for h in self.webhooks]},
            )

        return await self.program.database.step(self.account_sid, work, request_id="RQ" + "0" * 32)

    async def close(self) -> None:
        async def work(uow: UnitOfWork) -> None:
            await state(
                uow,
                "conversation.state_updated/1",
                stream=CONVERSATION,
                object_sid=CONVERSATION,
                snapshot={"state_from": "active", "state_to": "closed", "reason": "API"},
            )

        await self.program.database.step(self.account_sid, work, request_id="RQ" + "0" * 32)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("studio_webhooks", "remove_webhooks", "conversation", "channel_type", "post", "enqueue"):
            monkeypatch.setattr(outside, name, getattr(self, name))

    async def studio_webhooks(self, _reader: Reader, _sid: str) -> list[outside.StudioWebhook]:
        return list(self.webhooks)

    async def remove_webhooks(self, _uow: UnitOfWork, _sid: str, flow_sid: str) -> None:
        self.webhooks = [hook for hook in self.webhooks if hook.flow_sid != flow_sid]

    async def conversation(self, _reader: Reader, sid: str) -> ConversationFacts:
        return ConversationFacts(sid, "IS" + "1" * 32, "", "{}")

    async def channel_type(self, _reader: Reader, _facts: ConversationFacts, _author: str) -> str:
        return "sms"

    async def post(self, uow: UnitOfWork, command: SendMessage, _file: object = None) -> MessageFacts:
        try:
            json.loads(command.attributes or "{}")
        except ValueError as error:
            raise ContractError(50304, 400, "attributes are not valid JSON") from error
        self.sent.append(command)
        self.index += 1
        return MessageFacts(
            uow.new_sid("IM"), self.index - 1, command.author, command.body, "{}", "API", "", "", uow.now
        )

    async def enqueue(self, uow: UnitOfWork, command: SendToFlex) -> Json:
        self.tasks.append(command)
        return {
            "sid": "KD" + "4" * 32,
            "channel": {"type": "sms", "sid": "UO" + "4" * 32},
            "routing": {"reservation": None, "properties": {"sid": "WT" + "4" * 32}},
            "TaskSid": "WT" + "4" * 32,
        }

    @property
    def texts(self) -> list[str]:
        return [each.body for each in self.sent]


def kinds(rows: list[Any]) -> list[str]:
    return [row.kind for row in rows]
