"""A conversation as one of its users sees it: read position, unread count, notification level (conversations.md §9)."""

from typing import Final

from parlour.conversations import checks, conversations, errors, participants
from parlour.conversations.events import API, Origin, announce
from parlour.conversations.participant_updates import NULL, read_index
from parlour.conversations.store import users as store
from parlour.conversations.store.users import User, UserConversation
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork

LEVELS: Final = ("default", "muted")


async def fetch(reader: Reader, user: User, conversation: str) -> UserConversation:
    """Return a user's view of a conversation named by SID or unique name. Error: 404/20404."""
    rows = await store.page_of_conversations(reader, user.sid, limit=1, only=conversation)
    if not rows:
        raise not_found(conversation)
    return rows[0]


async def update(
    uow: UnitOfWork,
    user: User,
    conversation: str,
    *,
    notification_level: str | None = None,
    last_read_message_index: str | None = None,
    last_read_timestamp: str | None = None,
    origin: Origin = API,
) -> UserConversation:
    """Change a user's view. Errors: 404/20404, 50377 closed, 50210 level, 50421 and 50405 read position."""
    if notification_level is not None and notification_level.lower() not in LEVELS:
        raise errors.NOTIFICATION_LEVEL_INVALID.error(level=notification_level)
    found = await fetch(uow, user, conversation)
    locked = await conversations.locked_open(uow, found.conversation_sid)
    row = await participants.fetch(uow, found.conversation_sid, found.participant_sid)
    if notification_level is not None:
        row.notification_level = notification_level.lower()
    if last_read_message_index is not None:
        row.last_read_message_index = read_index(last_read_message_index)
    if last_read_timestamp is not None:
        cleared = last_read_timestamp == NULL
        row.last_read_timestamp = None if cleared else checks.date(last_read_timestamp, errors.READ_TIMESTAMP_INVALID)
    row.date_updated = uow.now
    await participants.ask(uow, "onParticipantUpdate", locked, row, origin)
    await participants.touch(uow, locked, row, in_map=True)
    await announce(uow, "participant.updated/1", locked, row, origin)
    return await fetch(uow, user, found.conversation_sid)


async def leave(uow: UnitOfWork, user: User, conversation: str, *, origin: Origin = API) -> None:
    """Let a user leave a conversation. Errors: 404/20404, 50377 closed."""
    found = await fetch(uow, user, conversation)
    await participants.remove(uow, found.conversation_sid, found.participant_sid, origin=origin, refuse_closed=True)


async def remove_user(uow: UnitOfWork, user: User, *, origin: Origin = API) -> None:
    """Delete a user, who leaves every conversation (conversations.md §9)."""
    await participants.leave_all(uow, user.sid, origin=origin)
    await store.delete(uow, user.sid)
