"""What a service would say in push notifications; disabled until somebody enables it (conversations.md §8.3)."""

from typing import Any

from parlour.conversations import services
from parlour.conversations.push import store
from parlour.conversations.push.schemas import UpdateNotifications
from parlour.conversations.push.store import Notifications
from parlour.store.unit import Reader, UnitOfWork


def _default(account_sid: str, chat_service_sid: str) -> Notifications:
    said: dict[str, Any] = {"enabled": False, "template": "", "sound": ""}
    return Notifications(
        account_sid=account_sid,
        chat_service_sid=chat_service_sid,
        log_enabled=False,
        new_message={**said, "badge_count_enabled": False, "with_media": {"enabled": False, "template": ""}},
        added_to_conversation=dict(said),
        removed_from_conversation=dict(said),
    )


async def fetch(reader: Reader, chat_service_sid: str) -> Notifications:
    """Return a service's settings. Error: 404/20404, no such service."""
    service = await services.fetch(reader, chat_service_sid)
    return await store.fetch_notifications(reader, service.sid) or _default(service.account_sid, service.sid)


async def update(uow: UnitOfWork, chat_service_sid: str, form: UpdateNotifications) -> Notifications:
    """Change what is given of a service's settings. Error: 404/20404, no such service."""
    row = await fetch(uow, chat_service_sid)
    row.log_enabled = row.log_enabled if form.log_enabled is None else form.log_enabled
    _take(row.new_message, form, "new_message", ("enabled", "template", "sound", "badge_count_enabled"))
    _take(row.new_message["with_media"], form, "new_message_with_media", ("enabled", "template"))
    _take(row.added_to_conversation, form, "added", ("enabled", "template", "sound"))
    _take(row.removed_from_conversation, form, "removed", ("enabled", "template", "sound"))
    await store.put_notifications(uow, row)
    return row


def _take(settings: dict[str, Any], form: UpdateNotifications, prefix: str, names: tuple[str, ...]) -> None:
    for name in names:
        given = getattr(form, f"{prefix}_{name}")
        if given is not None:
            settings[name] = given
