"""What a webhook is told of a fact: the events and their parameters (conversations.md §6.2, §6.5)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from parlour.kit.wire import iso_millis, json_text, parse_iso, pascal

Snapshot = Mapping[str, Any]
Pairs = list[tuple[str, str]]

EVENT_OF: Final = {
    "conversation.added/1": "onConversationAdded",
    "conversation.updated/1": "onConversationUpdated",
    "conversation.state_updated/1": "onConversationStateUpdated",
    "conversation.removed/1": "onConversationRemoved",
    "message.added/1": "onMessageAdded",
    "message.updated/1": "onMessageUpdated",
    "message.removed/1": "onMessageRemoved",
    "participant.added/1": "onParticipantAdded",
    "participant.updated/1": "onParticipantUpdated",
    "participant.removed/1": "onParticipantRemoved",
    "delivery.updated/1": "onDeliveryUpdated",
    "user.added/1": "onUserAdded",
    "user.updated/1": "onUserUpdated",
}

# Names of the contract, in its order. A field whose snapshot column is named otherwise stands in COLUMNS.
CONVERSATION: Final = ("FriendlyName", "UniqueName", "Attributes", "ChatServiceSid", "MessagingServiceSid", "State")
BINDING: Final = (  # of the text that asked for it
    "MessagingBinding.ProxyAddress",
    "MessagingBinding.Address",
    "MessagingBinding.ProjectedAddress",
    "MessagingBinding.AuthorAddress",
)
PARTICIPANT: Final = (
    "Identity",
    "RoleSid",
    "Attributes",
    "MessagingBinding.ProxyAddress",
    "MessagingBinding.Address",
    "MessagingBinding.ProjectedAddress",
    "MessagingBinding.Type",
)
MESSAGE: Final = ("Body", "Author", "ParticipantSid", "Attributes", "Media")
USER: Final = ("ChatServiceSid", "UserSid", "Identity", "RoleSid", "Attributes", "FriendlyName")
DATES: Final = ("DateCreated", "DateUpdated")
# Consumers look for the service in every event, to fetch media (conversations.md §6.5).
SERVICES: Final = ("ChatServiceSid", "MessagingServiceSid")
PARAMETERS: Final = {
    "onConversationAdd": (*CONVERSATION, *BINDING, "MessageBody", "Media"),
    "onConversationUpdate": ("ConversationSid", *DATES, *CONVERSATION),
    "onConversationRemove": ("ConversationSid", *DATES, *CONVERSATION),
    "onMessageAdd": ("ConversationSid", *SERVICES, *MESSAGE),
    "onMessageUpdate": ("ConversationSid", "MessageSid", *SERVICES, "Index", *DATES, *MESSAGE),
    "onMessageRemove": ("ConversationSid", "MessageSid", *SERVICES, "Index", *DATES, *MESSAGE),
    "onParticipantAdd": ("ConversationSid", *SERVICES, *PARTICIPANT),
    "onParticipantUpdate": ("ConversationSid", "ParticipantSid", *SERVICES, *DATES, *PARTICIPANT),
    "onParticipantRemove": ("ConversationSid", "ParticipantSid", *SERVICES, *DATES, *PARTICIPANT),
    "onUserUpdate": (*USER, "DateUpdated"),
    "onConversationAdded": ("ConversationSid", *DATES, *CONVERSATION, *BINDING),
    "onConversationUpdated": ("ConversationSid", *DATES, *CONVERSATION),
    "onConversationRemoved": ("ConversationSid", *DATES, *CONVERSATION, "DateRemoved"),
    "onConversationStateUpdated": (
        "ConversationSid",
        *SERVICES,
        "StateUpdated",
        "StateFrom",
        "StateTo",
        "Reason",
    ),
    "onMessageAdded": ("ConversationSid", "MessageSid", *SERVICES, "Index", "DateCreated", *MESSAGE),
    "onMessageUpdated": ("ConversationSid", "MessageSid", *SERVICES, "Index", *DATES, *MESSAGE),
    "onMessageRemoved": ("ConversationSid", "MessageSid", *SERVICES, "Index", *DATES, *MESSAGE, "DateRemoved"),
    "onParticipantAdded": ("ConversationSid", "ParticipantSid", *SERVICES, "DateCreated", *PARTICIPANT),
    "onParticipantUpdated": (
        "ConversationSid",
        "ParticipantSid",
        *SERVICES,
        *DATES,
        *PARTICIPANT,
        "LastReadMessageIndex",
    ),
    "onParticipantRemoved": ("ConversationSid", "ParticipantSid", *SERVICES, *DATES, *PARTICIPANT, "DateRemoved"),
    "onDeliveryUpdated": (
        "ConversationSid",
        *SERVICES,
        "MessageSid",
        "DeliveryReceiptSid",
        "ChannelMessageSid",
        "ParticipantSid",
        "Status",
        "ErrorCode",
        *DATES,
    ),
    "onUserAdded": (*USER, "DateCreated"),
    "onUserUpdated": (*USER, *DATES, "isOnline", "isNotifiable"),
}

_OWN_SID: Final = {
    "onMessage": "MessageSid",
    "onParticipant": "ParticipantSid",
    "onDelivery": "DeliveryReceiptSid",
    "onUser": "UserSid",
}


def _date(value: Any) -> str:
    return iso_millis(parse_iso(value))


def _media(value: Any) -> str:
    """Return the files of a message as the JSON text of the contract."""
    names = ("sid", "filename", "content_type", "size")
    return json_text([{pascal(name): item.get(name) for name in names} for item in value])


COLUMNS: Final[dict[str, tuple[str, Callable[[Any], str]]]] = {
    "ConversationSid": ("conversation_sid", str),
    "FriendlyName": ("friendly_name", str),
    "UniqueName": ("unique_name", str),
    "Attributes": ("attributes", str),
    "ChatServiceSid": ("chat_service_sid", str),
    "MessagingServiceSid": ("messaging_service_sid", str),
    "State": ("state", str),
    "StateUpdated": ("state_at", _date),
    "StateFrom": ("state_from", str),
    "StateTo": ("state_to", str),
    "Reason": ("reason", str),
    "MessageSid": ("message_sid", str),
    "Index": ("index", str),
    "Body": ("body", str),
    "MessageBody": ("message_body", str),
    "Author": ("author", str),
    "ParticipantSid": ("participant_sid", str),
    "Media": ("media", _media),
    "Identity": ("identity", str),
    "RoleSid": ("role_sid", str),
    "MessagingBinding.Address": ("address", str),
    "MessagingBinding.ProxyAddress": ("proxy_address", str),
    "MessagingBinding.ProjectedAddress": ("projected_address", str),
    "MessagingBinding.AuthorAddress": ("author_address", str),
    "LastReadMessageIndex": ("last_read_message_index", str),
    "ChannelMessageSid": ("channel_message_sid", str),
    "Status": ("status", str),
    "ErrorCode": ("error_code", str),
    "DateCreated": ("date_created", _date),
    "DateUpdated": ("date_updated", _date),
    "DateRemoved": ("removed_at", _date),
    "isOnline": ("is_online", json_text),
    "isNotifiable": ("is_notifiable", json_text),
}


def parameters(event_type: str, account_sid: str, snapshot: Snapshot, *, webhook_sid: str | None) -> Pairs:
    """Return the parameters of an event, without `RetryCount`; what is not set is left out.

    :param webhook_sid: of a scoped webhook, which is told its own SID.
    """
    pairs = [("AccountSid", account_sid), ("EventType", event_type), ("Source", str(snapshot.get("source") or "API"))]
    if snapshot.get("client_identity"):
        pairs.append(("ClientIdentity", str(snapshot["client_identity"])))
    if webhook_sid is not None:
        pairs.append(("WebhookSid", webhook_sid))
    own = next((name for start, name in _OWN_SID.items() if event_type.startswith(start)), None)
    for name in PARAMETERS[event_type]:
        value = snapshot["sid"] if name == own else _value(name, snapshot)
        if value is not None:
            pairs.append((name, value))
    return pairs


def _value(name: str, snapshot: Snapshot) -> str | None:
    if name == "MessagingBinding.Type":
        return "SMS" if snapshot.get("projected_address") else str(snapshot["type"]).upper()
    column, form = COLUMNS[name]
    value = snapshot.get(column)
    return None if value is None or value == [] else form(value)
