"""The data of documents and items, under the names that clients read (realtime-protocol.md §9)."""

from typing import Any

from parlour.conversations.store.changes import LastMessage
from parlour.conversations.store.conversations import Conversation
from parlour.conversations.store.messages import Message
from parlour.conversations.store.participants import Participant
from parlour.conversations.store.users import User
from parlour.kit.wire import iso_millis
from parlour.realtime.sync.objects import View, name

Data = dict[str, Any]


def conversation(row: Conversation, last: LastMessage | None) -> Data:
    """Return the conversation document (§9.2); attributes stay the text that was sent."""
    data: Data = {
        "messages": name(row.sid, View.MESSAGES),
        "roster": name(row.sid, View.ROSTER),
        "friendlyName": row.friendly_name,
        "uniqueName": row.unique_name,
        "attributes": row.attributes,
        "createdBy": row.created_by,
        "dateCreated": iso_millis(row.date_created),
        "dateUpdated": iso_millis(row.date_updated),
        "state": {"current": row.state, "dateUpdated": iso_millis(row.state_at)},
    }
    if last is not None:
        data["lastMessage"] = {"index": last.index, "timestamp": iso_millis(last.date_created)}
    return data


def message(row: Message) -> Data:
    """Return an item of the messages list (§9.4)."""
    data: Data = {
        "sid": row.sid,
        "text": row.body,
        "type": "media" if row.media else "text",
        "author": row.author,
        "subject": row.subject,
        "contentSid": None,
        "lastUpdatedBy": row.last_updated_by,
        "attributes": row.attributes,
        "timestamp": iso_millis(row.date_created),
        "dateUpdated": iso_millis(row.date_updated),
        "memberSid": row.participant_sid,
        "channelMetadata": False,
    }
    if row.media:
        medias = [_media(entry) for entry in row.media]
        data["medias"], data["media"] = medias, medias[0]
    if row.delivery:
        data["delivery"] = row.delivery
    return data


def _media(entry: Data) -> Data:
    return {
        "sid": entry["sid"],
        "category": entry["category"],
        "filename": entry["filename"],
        "contentType": entry["content_type"],
        "size": entry["size"],
    }


def participant(row: Participant) -> Data:
    """Return an item of the roster (§9.3)."""
    data: Data = {
        "identity": row.identity,
        "type": row.type,
        "roleSid": row.role_sid,
        "attributes": row.attributes,
        "dateCreated": iso_millis(row.date_created),
        "dateUpdated": iso_millis(row.date_updated),
        "lastConsumedMessageIndex": row.last_read_message_index,
        "lastConsumptionTimestamp": None if row.last_read_timestamp is None else iso_millis(row.last_read_timestamp),
    }
    if row.user_sid is not None:
        data["userInfo"] = name(row.user_sid, View.USER)
    if row.address is not None:
        data["bindings"] = {row.type: {"address": row.address, "proxy_address": row.proxy_address}}
    elif row.projected_address is not None:
        data["bindings"] = {"sms": {"projected_address": row.projected_address}}
    return data


def own_conversation(row: Participant) -> Data:
    """Return an item of a user's conversations (§9.1)."""
    return {
        "sid": row.conversation_sid,
        "status": "joined",
        "channel": name(row.conversation_sid, View.CONVERSATION),
        "messages": name(row.conversation_sid, View.MESSAGES),
        "roster": name(row.conversation_sid, View.ROSTER),
        "lastConsumedMessageIndex": row.last_read_message_index,
        "notificationLevel": row.notification_level,
        "memberSid": row.sid,
    }


def user(row: User) -> dict[str, Data]:
    """Return the items of a user by key (§9.5).

    A client does not start without the first two. ``reachability`` is there where it is known: clients take it for
    news even while it is off.
    """
    items: dict[str, Data] = {"attributes": {"value": row.attributes}, "friendlyName": {"value": row.friendly_name}}
    if row.is_online is not None or row.is_notifiable is not None:
        items["reachability"] = {"online": bool(row.is_online), "notifiable": bool(row.is_notifiable)}
    return items
