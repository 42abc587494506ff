"""Events of Sync objects in the two versions of their envelope (realtime-protocol.md §8.3, §8.4)."""

from dataclasses import dataclass
from typing import Any, Final

from parlour.conversations.store.changes import LastMessage
from parlour.kit.errors import ContractError
from parlour.kit.wire import iso_millis
from parlour.realtime.sync import data, render
from parlour.realtime.sync.items import Item
from parlour.realtime.sync.objects import SyncObject
from parlour.rest.operations import Urls

MESSAGE_TYPE: Final = "twilio.sync.event"
SINGULAR: Final = 3  # the version whose notifications hold one `event`; later ones hold `events`
VERSIONS: Final = (3, 4)


@dataclass(frozen=True, slots=True)
class Event:
    """A change of an object, as clients hear of it.

    :ivar id: its number among the changes of the object.
    """

    kind: str
    id: int
    body: dict[str, Any]


def envelope(version: int, kind: str, body: dict[str, Any], **further: Any) -> dict[str, Any]:
    """Return the payload of a notification in a version of the protocol."""
    held = {"event": body} if version <= SINGULAR else {"events": [body]}
    return {"event_type": kind, "event_protocol_version": version, **further, **held}


def of_change(event: Event, version: int) -> dict[str, Any]:
    """Return the payload that tells of a change."""
    return envelope(version, event.kind, event.body, strictly_ordered=True)


def document_updated(shown: SyncObject, last: LastMessage | None) -> Event:
    """Return the event of a conversation's document as it is now."""
    if shown.conversation is None:
        raise ValueError(f"{shown.unique_name} is no document")
    body = {
        "id": shown.last_event_id,
        "date_created": iso_millis(shown.date_updated),
        "document_sid": shown.sid,
        "document_unique_name": shown.unique_name,
        "document_revision": render.revision(shown.last_event_id),
        "document_data": data.conversation(shown.conversation, last),
        "date_expires": None,
    }
    return Event("document_updated", shown.last_event_id, body)


def item_changed(urls: Urls, shown: SyncObject, row: Item, known: int) -> Event:
    """Return the event of an item for a client that knows the changes up to ``known``."""
    action = "removed" if row.removed else "added" if row.created_change > known else "updated"
    body: dict[str, Any] = {
        "id": row.change,
        "date_created": iso_millis(row.date_updated),
        f"{shown.type}_sid": shown.sid,
        "item_index" if shown.type == "list" else "item_key": row.key,
        "item_data": row.data,
    }
    if not row.removed:
        body |= {
            f"{shown.type}_revision": render.revision(row.change),
            "item_revision": render.revision(row.change),
            "item_url": render.item_url(urls, shown, row),
            "date_expires": None,
        }
    return Event(f"{shown.type}_item_{action}", row.change, body)


def removed(shown: SyncObject) -> Event:
    """Return the event of an object that is gone."""
    number = shown.last_event_id + 1
    body = {"id": number, "date_created": iso_millis(shown.date_updated), f"{shown.type}_sid": shown.sid}
    return Event(f"{shown.type}_removed", number, body)


def established(version: int, correlation: object, shown: SyncObject, last_event_id: int) -> dict[str, Any]:
    """Return the payload that confirms a subscription."""
    body = {
        "object_sid": shown.sid,
        "object_type": shown.type,
        "replay_status": "completed",
        "last_event_id": last_event_id,
    }
    return envelope(version, "subscription_established", body, correlation_id=correlation)


def canceled(version: int, correlation: object, sid: str, object_type: str) -> dict[str, Any]:
    """Return the payload that confirms the end of a subscription."""
    body = {"object_sid": sid, "object_type": object_type}
    return envelope(version, "subscription_canceled", body, correlation_id=correlation)


def failed(version: int, correlation: object, sid: str, object_type: str, error: ContractError) -> dict[str, Any]:
    """Return the payload that refuses a subscription; with 404 clients take the object for removed."""
    body = {
        "object_sid": sid,
        "object_type": object_type,
        "error": {"status": error.status, "code": error.code, "message": error.message},
    }
    return envelope(version, "subscription_failed", body, correlation_id=correlation)
