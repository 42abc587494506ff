"""The facts which Conversations states, and who hears of them (conversations.md §6.3)."""

from typing import Any, Final

import msgspec

from parlour.conversations.store import webhook_configurations
from parlour.conversations.store.conversations import Conversation
from parlour.outbox.facts import Event, state
from parlour.store.unit import UnitOfWork

SDK: Final = "SDK"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where an action comes from.

    `source`: `API`, `SDK` or the channel's name, such as `SMS`; `webhooks`: the REST request asked for events;
    `flow`: the action is a Studio flow's own, which never comes back to scoped webhooks; `decided`: it is part of
    another, before which webhooks were asked; `known`: the hint of the floor that acts and need not hear of itself.
    """

    source: str = "API"
    client_identity: str | None = None
    webhooks: bool = False
    flow: bool = False
    decided: bool = False
    known: str | None = None

    @property
    def asks(self) -> bool:
        """Tell whether webhooks are asked first: clients', customers' and such REST calls as want webhooks (§6.3)."""
        if self.flow or self.decided:
            return False
        if self.source == SDK:
            return self.client_identity is not None  # what orchestration does for agents was decided with the task
        return self.source != "API" or self.webhooks

    @property
    def has_caller(self) -> bool:
        """Tell whether somebody is told when the action fails."""
        return self.source in ("API", SDK)

    @property
    def heard(self) -> bool:
        """Tell whether webhooks hear of the action: REST calls only if they asked for it (conversations.md §6.3)."""
        return not self.flow and (self.source != "API" or self.webhooks)


API = Origin()


def listeners_of(listeners: dict[str, Any], origin: Origin, configured: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the listeners of a conversation which hear of an action of this origin.

    `configured`: the listener of its service or account, if there is one.
    """
    if origin.known in listeners:
        listeners = {name: value for name, value in listeners.items() if name != origin.known}
    if not origin.heard:
        return {**listeners, "webhooks": []}
    return listeners if configured is None else {**listeners, "webhooks": [*listeners["webhooks"], configured]}


def wire(row: msgspec.Struct) -> dict[str, Any]:
    """Return a row in values that JSON has."""
    values: dict[str, Any] = msgspec.to_builtins(row)
    return values


async def announce(
    uow: UnitOfWork, kind: str, conversation: Conversation, row: msgspec.Struct, origin: Origin, **further: object
) -> Event:
    """State a fact about a row of a locked conversation; `further` joins the snapshot."""
    snapshot = wire(row)
    snapshot.update(
        conversation_sid=conversation.sid,
        chat_service_sid=conversation.chat_service_sid,
        messaging_service_sid=conversation.messaging_service_sid,
        source=origin.source,
        client_identity=origin.client_identity,
        webhooks=origin.heard,
        **further,
    )
    configured = await webhook_configurations.listener(uow, conversation.chat_service_sid) if origin.heard else None
    return await state(
        uow,
        kind,
        stream=conversation.sid,
        object_sid=snapshot["sid"],
        snapshot=snapshot,
        listeners=listeners_of(conversation.listeners, origin, configured),
    )
