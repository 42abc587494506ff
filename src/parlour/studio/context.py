"""The execution context: its first shape, and messages as it shows them (studio.md §4.1, §4.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from parlour.studio.execution import Json, NotSent, SendMessage
from parlour.studio.json_data import read_json

MAX_BODY: Final = 16 * 1024
"""Characters of a body that the context keeps."""


class ConversationFacts(Struct, frozen=True):
    """What the context needs of a conversation."""

    sid: str
    chat_service_sid: str
    messaging_service_sid: str
    attributes: str


class MessageFacts(Struct, frozen=True):
    """What the context needs of a conversation's message; `media` as the message's resource lists it."""

    sid: str
    index: int
    author: str
    body: str
    attributes: str
    source: str
    participant_sid: str
    client_identity: str
    date_created: datetime
    media: Sequence[Mapping[str, object]] = ()


class TextFacts(Struct, frozen=True):
    """What the context needs of a text that came in from the street."""

    sid: str
    from_address: str
    to_address: str
    body: str
    messaging_service_sid: str = ""
    num_media: int = 0


def parsed(text: str) -> object:
    """Give JSON text as data; text that is none stays text."""
    try:
        return read_json(text)
    except ValueError:
        return text


def initial(
    *,
    execution_sid: str,
    flow_sid: str,
    ours: str,
    theirs: str,
    trigger: str,
    payload: Json,
    data: Json | None = None,
) -> Json:
    """Give the context of a new execution.

    Params: `ours` and `theirs`, the channel addresses of both sides; `trigger`, the subtree's name
    (`conversation`, `request`, …) with its `payload`; `data`, the REST Parameters. Reference: studio.md §4.1.
    """
    return {
        "flow": {
            "flow_sid": flow_sid,
            "sid": execution_sid,
            "channel": {"address": ours},
            "variables": {},
            "data": data or {},
        },
        "contact": {"channel": {"address": theirs}},
        "trigger": {trigger: payload},
        "widgets": {},
    }


def conversation_payload(
    account_sid: str, conversation: ConversationFacts, message: MessageFacts, *, webhook_sid: str = ""
) -> Json:
    """Give a conversation message as `trigger.conversation`, under the Chat and the Conversations names.

    Reference: studio.md §4.2.
    """
    return {
        "EventType": "onMessageAdded",
        "AccountSid": account_sid,
        "ConversationSid": conversation.sid,
        "ChannelSid": conversation.sid,
        "ChatServiceSid": conversation.chat_service_sid,
        "InstanceSid": conversation.chat_service_sid,
        "MessagingServiceSid": conversation.messaging_service_sid,
        "ChannelAttributes": parsed(conversation.attributes),
        "MessageSid": message.sid,
        "Index": str(message.index),
        "Author": message.author,
        "From": message.author,
        "Body": message.body[:MAX_BODY],
        "Attributes": message.attributes,
        "Source": message.source,
        "ParticipantSid": message.participant_sid,
        "ClientIdentity": message.client_identity,
        "DateCreated": wire_time(message.date_created),
        "Media": json.dumps(list(message.media)) if message.media else "",
        "WebhookSid": webhook_sid,
        "RetryCount": "0",
        **_media(message.media),
    }


def text_payload(parameters: Mapping[str, str]) -> Json:
    """Give what a webhook is told of a text, as `trigger.message` and as a reply show it (studio.md §4.2)."""
    return {**parameters, "Body": parameters.get("Body", "")[:MAX_BODY]}


def message_payload(account_sid: str, text: TextFacts) -> Json:
    """Give a text as `trigger.message` and as a reply, as far as a rehearsal knows it (studio.md §4.2)."""
    return {
        "AccountSid": account_sid,
        "MessageSid": text.sid,
        "SmsSid": text.sid,
        "SmsMessageSid": text.sid,
        "MessagingServiceSid": text.messaging_service_sid,
        "From": text.from_address,
        "To": text.to_address,
        "Body": text.body[:MAX_BODY],
        "NumMedia": str(text.num_media),
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
    }


def inbound_payload(account_sid: str, conversation: ConversationFacts, message: MessageFacts) -> Json:
    """Give a reply as `widgets.<name>.inbound`, under both name sets (studio.md §2.3.3)."""
    payload = conversation_payload(account_sid, conversation, message)
    return {**payload, "To": conversation.sid}


def outbound_payload(account_sid: str, conversation_sid: str, message: MessageFacts) -> Json:
    """Give a message the flow sent as `widgets.<name>.outbound` (studio.md §2.3.2)."""
    return {
        "Sid": message.sid,
        "AccountSid": account_sid,
        "ConversationSid": conversation_sid,
        "Author": message.author,
        "Body": message.body,
        "Index": str(message.index),
        "Attributes": message.attributes,
        "Media": list(message.media),
        "ParticipantSid": message.participant_sid or None,
        "DateCreated": wire_time(message.date_created),
    }


def not_sent(command: SendMessage, code: int, why: str) -> NotSent:
    """Give a refusal as the widget shows it."""
    output: Json = {"ErrorCode": code, "ErrorMessage": why, "Body": command.body}
    return NotSent(code, f"{why} ({code})", output)


def _media(media: Sequence[Mapping[str, object]]) -> Json:
    payload: Json = {"NumMedia": str(len(media))}
    for index, each in enumerate(media):
        payload[f"MediaSid{index}"] = each.get("sid") or each.get("Sid")
        payload[f"MediaContentType{index}"] = each.get("content_type") or each.get("ContentType")
    return payload


def wire_time(value: datetime) -> str:
    """Write a time as the conversation events do."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"


def request_payload(*, to: str, from_: str, parameters: Json) -> Json:
    """Give a REST request as `trigger.request` (studio.md §4.2)."""
    return {"to": to, "from": from_, "parameters": parameters}
