"""Items of lists and maps, and the order in which they changed (realtime-protocol.md §8)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from parlour.conversations.store import changes
from parlour.conversations.store import messages as message_store
from parlour.conversations.store.messages import Message
from parlour.conversations.store.participants import Participant
from parlour.conversations.store.users import User
from parlour.realtime.sync import data
from parlour.realtime.sync.data import Data
from parlour.realtime.sync.objects import SyncObject, View
from parlour.store.unit import Reader

Key = int | str


@dataclass(frozen=True, slots=True)
class Item:
    """An item, or what is left of a removed one.

    :ivar key: a list's index or a map's key.
    :ivar created_change: number of the change that made it.
    :ivar change: number of its last change, its ``last_event_id``.
    """

    key: Key
    data: Data
    created_change: int
    change: int
    date_created: datetime
    date_updated: datetime
    removed: bool = False


# Reads up to `limit` items of an object in an order: (reader, object, descending, start, inclusive, limit).
Fetch = Callable[[Reader, SyncObject, bool, Key | None, bool, int], Awaitable[list[Item]]]
# Reads up to `limit` items changed after a number, in the order of their changes.
Since = Callable[[Reader, SyncObject, int, int], Awaitable[list[Item]]]


async def fetch(
    reader: Reader, shown: SyncObject, descending: bool, start: Key | None, inclusive: bool, limit: int
) -> list[Item]:
    """Return items from a key on; ``start`` None means the end of the collection where the order begins."""
    return await _FETCH[shown.view](reader, shown, descending, start, inclusive, limit)


async def since(reader: Reader, shown: SyncObject, change: int, limit: int) -> list[Item]:
    """Return items changed after ``change``, removed ones too."""
    return await _SINCE[shown.view](reader, shown, change, limit)


def of_message(row: Message) -> Item:
    """Return a message as an item."""
    return Item(
        key=row.index,
        data=data.message(row),
        created_change=row.created_change,
        change=row.change,
        date_created=row.date_created,
        date_updated=row.date_updated,
        removed=row.removed_at is not None,
    )


def of_participant(row: Participant) -> Item:
    """Return a participant as an item of the roster."""
    return Item(
        key=row.sid,
        data=data.participant(row),
        created_change=row.created_change,
        change=row.change,
        date_created=row.date_created,
        date_updated=row.date_updated,
        removed=row.removed_at is not None,
    )


def of_own_conversation(row: Participant) -> Item:
    """Return a participant as an item of the user's conversations."""
    return Item(
        key=row.conversation_sid,
        data=data.own_conversation(row),
        created_change=row.user_created_change or 0,
        change=row.user_change or 0,
        date_created=row.date_created,
        date_updated=row.date_updated,
        removed=row.removed_at is not None,
    )


def of_user(row: User) -> list[Item]:
    """Return the items of a user, which change together."""
    return [
        Item(
            key=key,
            data=value,
            created_change=1,
            change=row.change,
            date_created=row.date_created,
            date_updated=row.date_updated,
        )
        for key, value in data.user(row).items()
    ]


async def _messages(
    reader: Reader, shown: SyncObject, descending: bool, start: Key | None, inclusive: bool, limit: int
) -> list[Item]:
    after = None
    if start is not None:
        before = 1 if descending else -1
        after = int(start) + (before if inclusive else 0)
    rows = await message_store.page(reader, shown.owner_sid, descending=descending, after=after, limit=limit)
    return [of_message(row) for row in rows]


async def _messages_since(reader: Reader, shown: SyncObject, change: int, limit: int) -> list[Item]:
    return [of_message(row) for row in await changes.messages_since(reader, shown.owner_sid, change, limit)]


async def _roster(
    reader: Reader, shown: SyncObject, descending: bool, start: Key | None, inclusive: bool, limit: int
) -> list[Item]:
    rows = await changes.page_of_roster(
        reader,
        shown.owner_sid,
        descending=descending,
        start=None if start is None else str(start),
        inclusive=inclusive,
        limit=limit,
    )
    return [of_participant(row) for row in rows]


async def _roster_since(reader: Reader, shown: SyncObject, change: int, limit: int) -> list[Item]:
    return [of_participant(row) for row in await changes.roster_since(reader, shown.owner_sid, change, limit)]


async def _conversations(
    reader: Reader, shown: SyncObject, descending: bool, start: Key | None, inclusive: bool, limit: int
) -> list[Item]:
    rows = await changes.page_of_conversations(
        reader,
        shown.owner_sid,
        descending=descending,
        start=None if start is None else str(start),
        inclusive=inclusive,
        limit=limit,
    )
    return [of_own_conversation(row) for row in rows]


async def _conversations_since(reader: Reader, shown: SyncObject, change: int, limit: int) -> list[Item]:
    rows = await changes.conversations_since(reader, shown.owner_sid, change, limit)
    return [of_own_conversation(row) for row in rows]


async def _user(
    _reader: Reader, shown: SyncObject, descending: bool, start: Key | None, inclusive: bool, limit: int
) -> list[Item]:
    found = of_user(shown.user) if shown.user is not None else []
    return _slice(found, descending=descending, start=start, inclusive=inclusive, limit=limit)


async def _user_since(_reader: Reader, shown: SyncObject, change: int, _limit: int) -> list[Item]:
    return [item for item in (of_user(shown.user) if shown.user is not None else []) if item.change > change]


def _slice(found: Sequence[Item], *, descending: bool, start: Key | None, inclusive: bool, limit: int) -> list[Item]:
    """Do in memory what the statements do."""
    ordered = sorted(found, key=lambda item: item.key, reverse=descending)

    def belongs(key: Key) -> bool:
        if start is None or (inclusive and key == start):
            return True
        return key < start if descending else key > start  # type: ignore[operator]

    return [item for item in ordered if belongs(item.key)][:limit]


_FETCH: dict[View, Fetch] = {
    View.MESSAGES: _messages,
    View.ROSTER: _roster,
    View.CONVERSATIONS: _conversations,
    View.USER: _user,
}
_SINCE: dict[View, Since] = {
    View.MESSAGES: _messages_since,
    View.ROSTER: _roster_since,
    View.CONVERSATIONS: _conversations_since,
    View.USER: _user_since,
}
