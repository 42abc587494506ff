"""Scoped webhooks: who listens to one conversation (conversations.md §6.7)."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from parlour.conversations import conversations, errors
from parlour.conversations.store import conversations as conversation_store
from parlour.conversations.store import webhooks as store
from parlour.conversations.store.conversations import Conversation, Scope
from parlour.conversations.store.webhooks import ScopedWebhook
from parlour.conversations.webhooks_delivery import replay_stored
from parlour.kit.sids import is_sid
from parlour.kit.wire import pascal
from parlour.rest.errors import invalid_parameter, not_found
from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork
from parlour.webhooks.overrides import mistake

__all__ = [
    "ScopedWebhook",
    "attach_studio",
    "check_filters",
    "check_url",
    "create",
    "fetch",
    "is_url",
    "list_for",
    "remove",
    "update",
]

WEBHOOKS_MAX: Final = 5  # per conversation
TRIGGERS_MAX: Final = 5  # per webhook
TRIGGER_MAX: Final = 248  # characters
URL_MAX: Final = 512  # characters
EVENTS: Final = (
    "onMessageAdded",
    "onMessageUpdated",
    "onMessageRemoved",
    "onConversationUpdated",
    "onConversationStateUpdated",
    "onConversationRemoved",
    "onParticipantAdded",
    "onParticipantUpdated",
    "onParticipantRemoved",
    "onDeliveryUpdated",
)
TAKES: Final = {
    "webhook": ("url", "method", "filters", "replay_after"),
    "trigger": ("url", "method", "triggers", "replay_after"),
    "studio": ("flow_sid",),
}
_EVENTS_BY_LOWER: Final = {event.lower(): event for event in EVENTS}


def check_url(url: str | None, name: str = "Configuration.Url") -> str:
    """Return an absolute http or https URL of at most 512 characters. Errors: 50369, 50372, 50388."""
    if not url:
        raise errors.WEBHOOK_URL_MISSING.error(name=name)
    if len(url) > URL_MAX:
        raise errors.WEBHOOK_URL_TOO_LONG.error(maximum=URL_MAX, name=name)
    if not is_url(url):
        raise errors.WEBHOOK_URL_INVALID.error(url=url, name=name)
    return url


def is_url(url: str) -> bool:
    """Tell whether a text is an absolute http or https URL, with connection overrides in their ranges if any."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and not any(c.isspace() for c in url)
            and mistake(url) is None
        )
    except ValueError:
        return False


def check_method(method: str | None, name: str = "Configuration.Method") -> str:
    """Return `get` or `post`, the default. Error: 50055."""
    lower = (method or "post").lower()
    if lower not in ("get", "post"):
        raise errors.WEBHOOK_METHOD_INVALID.error(method=method, name=name)
    return lower


def check_filters(filters: Sequence[str], parameter: str = "Configuration.Filters") -> list[str]:
    """Return the events of a webhook in their published spelling. Errors: 50370 none, 50365 unknown."""
    wanted = [event for event in filters if event]
    if not wanted:
        raise errors.WEBHOOK_FILTER_MISSING.error(name=parameter)
    for name in wanted:
        if name.lower() not in _EVENTS_BY_LOWER:
            raise errors.WEBHOOK_FILTER_INVALID.error(filter=name, name=parameter)
    return list(dict.fromkeys(_EVENTS_BY_LOWER[name.lower()] for name in wanted))


def check_triggers(triggers: Sequence[str]) -> list[str]:
    """Return the keywords of a webhook. Errors: 50371 none, 50362 more than five, 50366 length."""
    if not triggers:
        raise errors.WEBHOOK_TRIGGER_MISSING.error()
    if len(triggers) > TRIGGERS_MAX:
        raise errors.TOO_MANY_TRIGGERS.error(maximum=TRIGGERS_MAX)
    if any(not 0 < len(word) <= TRIGGER_MAX for word in triggers):
        raise errors.WEBHOOK_TRIGGER_INVALID.error(maximum=TRIGGER_MAX)
    return list(triggers)


def _check_target(target: str, **given: object) -> None:
    """Refuse a parameter that a webhook of this target does not have (20001)."""
    for name, value in given.items():
        if value not in (None, "", (), []) and name not in TAKES[target]:
            parameter = f"Configuration.{pascal(name)}"
            raise invalid_parameter(parameter, f"a webhook of target {target} does not take it")


async def _check_flow(reader: Reader, flow_sid: str | None) -> str:
    if not flow_sid or not is_sid(flow_sid, "FW") or not await refs.check(reader, flow_sid):
        raise errors.WEBHOOK_FLOW_INVALID.error(sid=flow_sid or "(none)")
    return flow_sid


async def create(
    uow: UnitOfWork,
    conversation_sid: str,
    *,
    target: str,
    url: str | None = None,
    method: str | None = None,
    filters: Sequence[str] = (),
    triggers: Sequence[str] = (),
    flow_sid: str | None = None,
    replay_after: int | None = None,
    retry_count: int = 0,
    scope: Scope = None,
) -> ScopedWebhook:
    """Attach a webhook of target `webhook`, `trigger` or `studio` to a conversation.

    `replay_after`: index of the first stored message that it is to hear of. Errors: 404/20404, 50377 closed, 50361
    more than five, 50362-50372, 50388, 50055 (conversations.md §6.7).
    """
    if not target:
        raise errors.WEBHOOK_TARGET_MISSING.error()
    kind = target.lower()
    if kind not in ("webhook", "trigger", "studio"):
        raise errors.WEBHOOK_TARGET_INVALID.error(target=target)
    _check_target(
        kind,
        url=url,
        method=method,
        filters=filters,
        triggers=triggers,
        flow_sid=flow_sid,
        replay_after=replay_after,
    )
    row = ScopedWebhook(
        account_sid=uow.account_sid,
        sid=uow.new_sid("WH"),
        conversation_sid="",
        chat_service_sid="",
        target=kind,
        url=None if kind == "studio" else check_url(url),
        method=None if kind == "studio" else check_method(method),
        filters=check_filters(filters) if kind == "webhook" else None,
        triggers=check_triggers(triggers) if kind == "trigger" else None,
        flow_sid=await _check_flow(uow, flow_sid) if kind == "studio" else None,
        retry_count=retry_count,
        date_created=uow.now,
        date_updated=uow.now,
    )
    conversation = await conversations.locked_open(uow, await conversations.resolve(uow, conversation_sid, scope))
    if len(conversation.listeners["webhooks"]) >= WEBHOOKS_MAX:
        raise errors.TOO_MANY_WEBHOOKS.error(maximum=WEBHOOKS_MAX)
    row.conversation_sid, row.chat_service_sid = conversation.sid, conversation.chat_service_sid
    await store.insert(uow, row)
    await _listen(uow, conversation, row.sid, row)
    if replay_after is not None:
        await replay_stored(uow, conversation, row, replay_after)
    return row


async def attach_studio(
    uow: UnitOfWork, conversation_sid: str, *, flow_sid: str, retry_count: int = 0
) -> ScopedWebhook:
    """Attach a Studio flow to a conversation. Errors: 404/20404, 50367 no such flow, 50361, 50377."""
    return await create(uow, conversation_sid, target="studio", flow_sid=flow_sid, retry_count=retry_count)


async def _listen(uow: UnitOfWork, conversation: Conversation, sid: str, row: ScopedWebhook | None) -> None:
    """Keep the webhooks of a conversation on its row, where the hot path finds them under the row's lock."""
    entries = [entry for entry in conversation.listeners["webhooks"] if entry["sid"] != sid]
    if row is not None:
        entry: dict[str, object] = {"sid": row.sid, "target": row.target, "flow_sid": row.flow_sid}
        if row.filters is not None:
            entry["filters"] = row.filters
        if row.triggers is not None:
            entry["triggers"] = row.triggers
        entries.append(entry)
    conversation.listeners["webhooks"] = entries
    await conversation_store.set_listeners(uow, conversation)


async def fetch(reader: Reader, conversation_sid: str, sid: str) -> ScopedWebhook:
    """Return a scoped webhook. Error: 404/20404."""
    row = await store.fetch(reader, conversation_sid, sid)
    if row is None:
        raise not_found(sid)
    return row


async def list_for(reader: Reader, conversation_sid: str) -> list[ScopedWebhook]:
    """Return all scoped webhooks of a conversation."""
    return await store.page(reader, conversation_sid)


async def update(
    uow: UnitOfWork,
    conversation_sid: str,
    sid: str,
    *,
    url: str | None = None,
    method: str | None = None,
    filters: Sequence[str] = (),
    triggers: Sequence[str] = (),
    flow_sid: str | None = None,
    scope: Scope = None,
) -> ScopedWebhook:
    """Change a scoped webhook. Errors: 404/20404, 20001 a parameter of another target, as in `create`."""
    conversation = await conversations.locked_open(uow, await conversations.resolve(uow, conversation_sid, scope))
    row = await fetch(uow, conversation.sid, sid)
    _check_target(row.target, url=url, method=method, filters=filters, triggers=triggers, flow_sid=flow_sid)
    if flow_sid is not None:
        row.flow_sid = await _check_flow(uow, flow_sid)
    if url is not None:
        row.url = check_url(url)
    if method is not None:
        row.method = check_method(method)
    if filters:
        row.filters = check_filters(filters)
    if triggers:
        row.triggers = check_triggers(triggers)
    row.date_updated = uow.now
    await store.update(uow, row)
    await _listen(uow, conversation, row.sid, row)
    return row


async def remove(uow: UnitOfWork, conversation_sid: str, webhook_sid: str, *, scope: Scope = None) -> None:
    """Take a webhook off a conversation. Error: 404/20404."""
    conversation = await conversations.lock(uow, await conversations.resolve(uow, conversation_sid, scope))
    if not await store.delete(uow, conversation.sid, webhook_sid):
        raise not_found(webhook_sid)
    await _listen(uow, conversation, webhook_sid, None)
