"""The Sync objects that clients read, each a view on a row of Conversations (DESIGN 2.6, realtime-protocol.md §9)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from parlour.conversations.store import changes
from parlour.conversations.store.conversations import Conversation
from parlour.conversations.store.users import User
from parlour.kit.sids import is_sid
from parlour.store.unit import Reader


class View(StrEnum):
    """What an object shows; the value ends its unique name."""

    CONVERSATION = "channel"
    MESSAGES = "messages"
    ROSTER = "roster"
    CONVERSATIONS = "my_conversations"
    USER = "user_info"


TYPES: Final = {
    View.CONVERSATION: "document",
    View.MESSAGES: "list",
    View.ROSTER: "map",
    View.CONVERSATIONS: "map",
    View.USER: "map",
}
# Where the SID of an object stands, by its type.
_CONVERSATION_COLUMNS: Final = {
    "document": {"document_sid": View.CONVERSATION},
    "list": {"messages_sid": View.MESSAGES},
    "map": {"roster_sid": View.ROSTER},
}
_USER_COLUMNS: Final = {"map": {"conversations_sid": View.CONVERSATIONS, "info_sid": View.USER}}
_OF_CONVERSATION: Final = (View.CONVERSATION, View.MESSAGES, View.ROSTER)
_OF_USER: Final = (View.CONVERSATIONS, View.USER)


def name(owner_sid: str, view: View) -> str:
    """Return the unique name of an object; clients build some of these themselves (§7.2)."""
    return f"{owner_sid}.{view.value}"


@dataclass(frozen=True, slots=True)
class SyncObject:
    """A document, list or map as it is now.

    :ivar owner_sid: of the conversation or user whose row it shows.
    :ivar last_event_id: the change number of the row; 0 where nothing has changed yet.
    :ivar conversation: its owner where it shows a conversation.
    :ivar user: its owner where it shows a user.
    """

    sid: str
    view: View
    owner_sid: str
    chat_service_sid: str
    last_event_id: int
    created_by: str
    date_created: datetime
    date_updated: datetime
    conversation: Conversation | None = None
    user: User | None = None

    @property
    def type(self) -> str:
        """Return ``document``, ``list`` or ``map``."""
        return TYPES[self.view]

    @property
    def unique_name(self) -> str:
        """Return the name under which it is found beside its SID."""
        return name(self.owner_sid, self.view)


async def find(reader: Reader, object_type: str, sid_or_name: str) -> SyncObject | None:
    """Return an object of a type by SID or unique name, None where there is none."""
    owner, _, suffix = sid_or_name.partition(".")
    if suffix:
        view = next((v for v, kind in TYPES.items() if kind == object_type and v.value == suffix), None)
        views = None if view is None else await of_owner(reader, owner)
        return None if views is None or view is None else views.get(view)
    if not is_sid(sid_or_name):
        return None
    for column, view in _CONVERSATION_COLUMNS.get(object_type, {}).items():
        conversation = await changes.conversation_by(reader, column, sid_or_name)
        if conversation is not None:
            return of_conversation(conversation, view)
    for column, view in _USER_COLUMNS.get(object_type, {}).items():
        user = await changes.user_by(reader, column, sid_or_name)
        if user is not None:
            return of_user(user, view)
    return None


async def of_owner(reader: Reader, owner_sid: str) -> dict[View, SyncObject] | None:
    """Return all views of a conversation or user, None where it is gone."""
    if owner_sid.startswith("CH"):
        conversation = await changes.conversation_by(reader, "sid", owner_sid)
        return None if conversation is None else {v: of_conversation(conversation, v) for v in _OF_CONVERSATION}
    user = await changes.user_by(reader, "sid", owner_sid)
    return None if user is None else {view: of_user(user, view) for view in _OF_USER}


def of_conversation(row: Conversation, view: View) -> SyncObject:
    """Return a view of a conversation's row."""
    sids = {
        View.CONVERSATION: (row.document_sid, row.change),
        View.MESSAGES: (row.messages_sid, row.messages_change),
        View.ROSTER: (row.roster_sid, row.roster_change),
    }
    sid, number = sids[view]
    return SyncObject(
        sid=sid,
        view=view,
        owner_sid=row.sid,
        chat_service_sid=row.chat_service_sid,
        last_event_id=number,
        created_by=row.created_by,
        date_created=row.date_created,
        date_updated=row.date_updated,
        conversation=row,
    )


def of_user(row: User, view: View) -> SyncObject:
    """Return a view of a user's row."""
    by_view = {
        View.CONVERSATIONS: (row.conversations_sid, row.conversations_change),
        View.USER: (row.info_sid, row.change),
    }
    sid, number = by_view[view]
    return SyncObject(
        sid=sid,
        view=view,
        owner_sid=row.sid,
        chat_service_sid=row.chat_service_sid,
        last_event_id=number,
        created_by="system",
        date_created=row.date_created,
        date_updated=row.date_updated,
        user=row,
    )
