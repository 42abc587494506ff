"""What happened to an object after a position (DESIGN 2.6)."""

from dataclasses import dataclass
from typing import Final

from parlour.conversations.store import changes
from parlour.realtime.sync import events, items
from parlour.realtime.sync.events import Event
from parlour.realtime.sync.items import Item
from parlour.realtime.sync.objects import SyncObject, View
from parlour.rest.operations import Urls
from parlour.store.unit import Reader

BATCH: Final = 100  # items read at once


@dataclass(frozen=True, slots=True)
class News:
    """Changes of an object in their order.

    :ivar position: number of the last one.
    :ivar full: there may be more.
    """

    shown: SyncObject
    rows: list[Item]
    document: Event | None
    position: int
    full: bool

    def events(self, urls: Urls, known: int) -> list[Event]:
        """Return what a client must hear that knows the changes up to ``known``."""
        if self.document is not None:
            return [self.document] if self.document.id > known else []
        return [events.item_changed(urls, self.shown, row, known) for row in self.rows if row.change > known]


async def read_news(reader: Reader, shown: SyncObject, position: int) -> News:
    """Read what happened to an object after a position; removed items are told by their tombstones."""
    if shown.view is View.CONVERSATION:
        last = await changes.last_message(reader, shown.owner_sid)
        return News(shown, [], events.document_updated(shown, last), shown.last_event_id, full=False)
    rows = await items.since(reader, shown, position, BATCH)
    full = len(rows) >= BATCH
    reached = max([row.change for row in rows], default=position)
    # The row of the object was read first: what it counts is among the rows, unless there are more of them.
    return News(shown, rows, None, reached if full else max(reached, shown.last_event_id), full)
