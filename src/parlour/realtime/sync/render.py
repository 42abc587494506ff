"""Sync objects and items on the wire (realtime-protocol.md §8.1)."""

from typing import Any, Final
from urllib.parse import quote

from parlour.kit.wire import iso_millis
from parlour.realtime.sync.items import Item
from parlour.realtime.sync.objects import SyncObject
from parlour.rest.operations import Urls

PRODUCT: Final = "cds"
COLLECTIONS: Final = {"document": "Documents", "list": "Lists", "map": "Maps"}
_SYSTEM: Final = "system"  # who makes items, as far as clients need to know


def url(urls: Urls, shown: SyncObject) -> str:
    """Return where an object is found."""
    return urls.of(PRODUCT, f"/v3/{COLLECTIONS[shown.type]}/{shown.sid}")


def revision(number: int) -> str:
    """Return the opaque text of a change number."""
    return f"{max(number, 0):x}"


def descriptor(urls: Urls, shown: SyncObject, account_sid: str) -> dict[str, Any]:
    """Return what every object has; documents have ``data`` besides, others links to their items."""
    own = url(urls, shown)
    body: dict[str, Any] = {
        "sid": shown.sid,
        "unique_name": shown.unique_name,
        "account_sid": account_sid,
        "service_sid": shown.chat_service_sid,
        "type": shown.type,
        "revision": revision(shown.last_event_id),
        "last_event_id": shown.last_event_id,
        "date_created": iso_millis(shown.date_created),
        "date_updated": iso_millis(shown.date_updated),
        "date_expires": None,
        "created_by": shown.created_by,
        "eventing": "reliable",
        "url": own,
    }
    if shown.type != "document":
        body["links"] = {"items": f"{own}/Items"}
    return body


def item(urls: Urls, shown: SyncObject, row: Item) -> dict[str, Any]:
    """Return an item; the index of a list is a number."""
    return {
        f"{shown.type}_sid": shown.sid,
        "index" if shown.type == "list" else "key": row.key,
        "data": row.data,
        "revision": revision(row.change),
        "last_event_id": row.change,
        "date_created": iso_millis(row.date_created),
        "date_updated": iso_millis(row.date_updated),
        "date_expires": None,
        "created_by": _SYSTEM,
        "url": item_url(urls, shown, row),
    }


def item_url(urls: Urls, shown: SyncObject, row: Item) -> str:
    """Return where an item is found."""
    return f"{url(urls, shown)}/Items/{quote(str(row.key), safe='')}"
