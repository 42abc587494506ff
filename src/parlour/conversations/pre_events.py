"""Pre-events: the webhook of the service or the account may change or refuse what is about to happen (§6.2, §6.6).

A unit of work that finds nobody asked yet is undone; the webhook is asked outside of any transaction, and the unit
runs again with the answer, checking everything anew (DESIGN 2.3).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from parlour.conversations import errors
from parlour.conversations.events import Origin
from parlour.conversations.store import webhook_configurations as configurations
from parlour.conversations.webhooks_parameters import parameters
from parlour.rest.errors import invalid_parameter
from parlour.store.unit import Unanswered, UnitOfWork
from parlour.webhooks.asking import PreEvent, Verdict
from parlour.webhooks.delivery import Told

# What an answer may change; anything else in it has no effect (conversations.md §6.6).
CHANGEABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "onConversationAdd": ("friendly_name",),
    "onConversationUpdate": ("friendly_name",),
    "onMessageAdd": ("body", "author", "attributes"),
    "onMessageUpdate": ("body", "author", "attributes"),
}
_WANTED: Final[Any] = object()


def asks(configured: Mapping[str, Any] | None, event_type: str, origin: Origin) -> bool:
    """Tell whether somebody is asked before an action of this origin.

    `configured`: the listener of the service or account.
    """
    return configured is not None and origin.asks and event_type in configured.get("asks", ())


async def ask(
    uow: UnitOfWork,
    event_type: str,
    origin: Origin,
    *,
    chat_service_sid: str,
    stream: str,
    snapshot: Callable[[], Mapping[str, Any]],
    subject: str | None = None,
    configured: Mapping[str, Any] | None = _WANTED,
) -> dict[str, str]:
    """Have the webhook asked before an action, and return what it changes; nothing where nobody is asked.

    `stream`: SID of the row whose log the question joins; `snapshot`: what is about to be; `subject`: what the action
    is about where that is not the stream, the same whenever the unit runs; `configured`: the listener of the service or
    account where the caller has read it. Errors: 50056 the webhook refused, 20001 a change that is no text.
    """
    if not origin.asks:
        return {}
    if configured is _WANTED:
        configured = await configurations.listener(uow, chat_service_sid)
    if configured is None or not asks(configured, event_type, origin):
        return {}
    subject = subject or stream
    verdict = uow.answers.get((event_type, subject))
    if verdict is None:
        told = await _told(uow, event_type, origin, str(configured["sid"]), stream, snapshot())
        raise Unanswered(PreEvent(subject=subject, told=told, rest=origin.source == "API"))
    if not isinstance(verdict, Verdict):
        raise TypeError(f"not an answer of a webhook: {verdict!r}")
    if not verdict.accepted:
        raise errors.WEBHOOK_REFUSED.error(event=event_type)
    return _changes(event_type, verdict.changes)


async def _told(
    uow: UnitOfWork, event_type: str, origin: Origin, webhook_sid: str, stream: str, snapshot: Mapping[str, Any]
) -> Told:
    owner = configurations.ACCOUNT if webhook_sid == uow.account_sid else webhook_sid
    row = await configurations.fetch(uow, owner)
    if row is None or row.pre_webhook_url is None:
        raise AssertionError("unreachable: its listener says that it is asked")
    snapshot = {**snapshot, "source": origin.source, "client_identity": origin.client_identity}
    return Told(
        webhook_sid=webhook_sid,
        stream=stream,
        key="",  # made of the request, when it is asked
        event_sid=None,
        event_type=event_type,
        method=row.method.lower(),
        url=row.pre_webhook_url,
        pairs=parameters(event_type, uow.account_sid, snapshot, webhook_sid=None),
    )


def _changes(event_type: str, given: Mapping[str, Any]) -> dict[str, str]:
    changes = {name: given[name] for name in CHANGEABLE.get(event_type, ()) if given.get(name) is not None}
    for name, value in changes.items():
        if not isinstance(value, str):
            raise invalid_parameter(name, f"the webhook of {event_type} must answer it as a text")
    return changes


def refused(uow: UnitOfWork) -> bool:
    """Tell whether a webhook refused what this unit is to do."""
    return any(isinstance(answer, Verdict) and not answer.accepted for answer in uow.answers.values())
