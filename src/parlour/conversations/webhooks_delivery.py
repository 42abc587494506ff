"""Webhooks of targets `webhook` and `trigger` hear of facts, in order per webhook and conversation (§6.3-6.7)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from parlour.conversations.events import wire
from parlour.conversations.store import messages as message_store
from parlour.conversations.store import webhook_configurations as configurations
from parlour.conversations.store import webhooks as store
from parlour.conversations.store.conversations import Conversation
from parlour.conversations.store.webhooks import ScopedWebhook
from parlour.conversations.webhooks_parameters import EVENT_OF, parameters
from parlour.outbox.facts import Event
from parlour.outbox.jobs import JobRun
from parlour.outbox.reactions import Reactions
from parlour.outbox.timers import schedule
from parlour.store.unit import Reader, UnitOfWork
from parlour.webhooks.delivery import Deliverer, Told

REPLAY: Final = "webhooks.replay_stored"
ADDED: Final = "onMessageAdded"


def lane(webhook_sid: str, stream: str) -> str:
    """Return the lane in which a webhook hears of one conversation."""
    return f"webhook:{webhook_sid}:{stream}"


def contains(body: str | None, triggers: Sequence[str]) -> bool:
    """Tell whether a body contains a keyword, in any case of letters (conversations.md §6.7)."""
    text = (body or "").casefold()
    return any(word.casefold() in text for word in triggers)


def lanes(event: Event) -> list[str]:
    """Return a lane for each listener that wants an event."""
    event_type = EVENT_OF[event.kind]
    hooks = event.listeners.get("webhooks") or ()
    return [lane(hook["sid"], event.stream) for hook in hooks if _wants(hook, event_type, event.snapshot.get("body"))]


def _wants(hook: Mapping[str, Any], event_type: str, body: str | None) -> bool:
    if hook["target"] == "webhook":
        return event_type in (hook.get("filters") or ())
    return hook["target"] == "trigger" and event_type == ADDED and contains(body, hook.get("triggers") or ())


def add_reactions(reactions: Reactions, deliverer: Deliverer) -> None:
    """Have the floor's webhooks told by `deliverer`."""

    @reactions.after_call(*EVENT_OF, lanes=lanes)
    async def tell_webhook(run: JobRun, event: Event) -> None:
        _, webhook_sid, _ = run.lane.split(":", 2)

        async def look(reader: Reader) -> tuple[Told, str] | None:
            told = await _told_of(reader, event, webhook_sid)
            return None if told is None else (told, await deliverer.auth_token(reader))

        found = await run.read(look)
        if found is not None:
            await deliverer.deliver(run, *found)

    @reactions.job(REPLAY)
    async def tell_stored(run: JobRun, payload: dict[str, Any]) -> None:
        conversation_sid, message_sid = payload["conversation_sid"], payload["message_sid"]
        hook = await run.read(lambda reader: store.fetch_listener(reader, conversation_sid, payload["webhook_sid"]))
        message = await run.read(lambda reader: message_store.fetch(reader, conversation_sid, message_sid))
        if hook is not None and message is not None:
            snapshot = wire(message) | {"messaging_service_sid": payload["messaging_service_sid"]}
            await deliverer.deliver(run, _told(hook, ADDED, snapshot, message_sid, None))


async def _told_of(reader: Reader, event: Event, webhook_sid: str) -> Told | None:
    """Return what a webhook is to be told, None if it does not want it any more."""
    event_type = EVENT_OF[event.kind]
    if webhook_sid.startswith("WH"):
        hook = await store.fetch_listener(reader, event.stream, webhook_sid)
        if hook is None or not _wants(wire(hook), event_type, event.snapshot.get("body")):
            return None
        return _told(hook, event_type, event.snapshot, event.sid, event.sid)
    owner = configurations.ACCOUNT if webhook_sid == reader.account_sid else webhook_sid
    row = await configurations.fetch(reader, owner)
    if row is None or row.listener is None or not _wants(row.listener, event_type, None):
        return None
    return Told(
        webhook_sid=webhook_sid,
        stream=event.stream,
        key=event.sid,
        event_sid=event.sid,
        event_type=event_type,
        method=row.method.lower(),
        url=row.post_webhook_url or "",
        pairs=parameters(event_type, event.account_sid, event.snapshot, webhook_sid=None),
    )


def _told(hook: ScopedWebhook, event_type: str, snapshot: Mapping[str, Any], key: str, event_sid: str | None) -> Told:
    return Told(
        webhook_sid=hook.sid,
        stream=hook.conversation_sid,
        key=key,
        event_sid=event_sid,
        event_type=event_type,
        method=hook.method or "post",
        url=hook.url or "",
        pairs=parameters(event_type, hook.account_sid, snapshot, webhook_sid=hook.sid),
    )


async def replay_stored(uow: UnitOfWork, conversation: Conversation, hook: ScopedWebhook, after: int) -> None:
    """Have a new webhook hear of the stored messages from index `after` on, before anything later.

    The caller holds the conversation's lock (conversations.md §6.7).
    """
    for message_sid, body in await message_store.since_index(uow, conversation.sid, after):
        if _wants(wire(hook), ADDED, body):
            schedule(
                uow,
                REPLAY,
                lane=lane(hook.sid, conversation.sid),
                payload={
                    "webhook_sid": hook.sid,
                    "conversation_sid": conversation.sid,
                    "message_sid": message_sid,
                    "messaging_service_sid": conversation.messaging_service_sid,
                },
            )
