"""Webhooks of the account and of services: what they hear, and which of the two (conversations.md §6.1)."""

from collections.abc import Sequence
from typing import Final

from parlour.conversations import errors
from parlour.conversations.errors import Condition
from parlour.conversations.store import webhook_configurations as store
from parlour.conversations.store.webhook_configurations import ACCOUNT, WebhookConfiguration
from parlour.conversations.webhooks import URL_MAX, check_method, is_url
from parlour.conversations.webhooks_parameters import EVENT_OF
from parlour.store.unit import Reader, UnitOfWork

POST_EVENTS: Final = tuple(EVENT_OF.values())
PRE_EVENTS: Final = tuple(
    f"on{noun}{verb}"
    for noun, verbs in {
        "Message": ("Add", "Update", "Remove"),
        "Conversation": ("Add", "Update", "Remove"),
        "Participant": ("Add", "Update", "Remove"),
        "User": ("Update",),
    }.items()
    for verb in verbs
)
_EVENTS_BY_LOWER: Final = {event.lower(): event for event in (*POST_EVENTS, *PRE_EVENTS)}


async def fetch(reader: Reader, chat_service_sid: str = ACCOUNT) -> WebhookConfiguration:
    """Return the webhooks of a service or the account; what was never set has the defaults."""
    found = await store.fetch(reader, chat_service_sid)
    return found or WebhookConfiguration(account_sid=reader.account_sid, chat_service_sid=chat_service_sid)


async def update(
    uow: UnitOfWork,
    chat_service_sid: str = ACCOUNT,
    *,
    method: str | None = None,
    filters: Sequence[str] = (),
    pre_webhook_url: str | None = None,
    post_webhook_url: str | None = None,
    target: str | None = None,
) -> WebhookConfiguration:
    """Change the webhooks of a service or the account; an empty URL or filter takes it away.

    Errors: 50055 method, 50077 and 50078 URL, 50365 no such event.
    """
    row = await store.lock(uow, chat_service_sid)
    row = row or WebhookConfiguration(account_sid=uow.account_sid, chat_service_sid=chat_service_sid)
    if method is not None:
        row.method = check_method(method, "Method").upper()
    if filters:
        row.filters = _check_filters(filters)
    if pre_webhook_url is not None:
        row.pre_webhook_url = _check_url(pre_webhook_url, errors.PRE_WEBHOOK_URL_INVALID)
    if post_webhook_url is not None:
        row.post_webhook_url = _check_url(post_webhook_url, errors.POST_WEBHOOK_URL_INVALID)
    row.target = target or row.target
    row.configured = row.pre_webhook_url is not None or row.post_webhook_url is not None
    row.listener = _listener(row)
    row.date_updated = uow.now
    await store.put(uow, row)
    return row


def _listener(row: WebhookConfiguration) -> dict[str, object] | None:
    """Return what the hot path must know: of which facts it hears and before which actions it is asked."""
    heard = [event for event in row.filters if event in POST_EVENTS and row.post_webhook_url is not None]
    asked = [event for event in row.filters if event in PRE_EVENTS and row.pre_webhook_url is not None]
    if row.target != "webhook" or not (heard or asked):
        return None
    entry: dict[str, object] = {
        "sid": row.chat_service_sid or row.account_sid,
        "target": "webhook",
        "filters": heard,
    }
    return {**entry, "asks": asked} if asked else entry


def _check_filters(filters: Sequence[str]) -> list[str]:
    wanted = [event for event in filters if event]
    for name in wanted:
        if name.lower() not in _EVENTS_BY_LOWER:
            raise errors.CONFIGURATION_FILTER_INVALID.error(filter=name)
    return list(dict.fromkeys(_EVENTS_BY_LOWER[name.lower()] for name in wanted))


def _check_url(url: str, condition: Condition) -> str | None:
    if not url:
        return None
    if len(url) > URL_MAX or not is_url(url):
        raise condition.error(url=url[:URL_MAX])
    return url
