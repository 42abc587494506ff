"""The attributes that an interaction writes on its task (flex.md §1.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

REPORTED_CHANNEL: Final = {"sms": "SMS", "whatsapp": "Whatsapp", "web": "Web", "chat": "Chat", "email": "Email"}
REPORTED_INITIATOR: Final = {"api": "API", "agent": "Agent", "customer": "customer"}


@dataclass(frozen=True)
class Sids:
    """SIDs that the desktop finds the interaction by."""

    interaction_sid: str
    channel_sid: str
    invite_sid: str
    conversation_sid: str


@dataclass(frozen=True)
class Customer:
    """Who is talked to: channel type, address and name."""

    channel_type: str
    address: str
    name: str


def task_attributes(sids: Sids, customer: Customer, initiated_by: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's attributes: the caller's own win, but for the SIDs and what says how the task came about.

    :param given: attributes of the caller, copied as they are.
    """
    defaults: dict[str, Any] = {
        "channelType": customer.channel_type,
        "customerAddress": customer.address,
        "customerName": customer.name,
        "from": customer.name,
    }
    # A template of a flow that found nothing renders as blank; that says nothing about the customer.
    joined = {**defaults, **{name: value for name, value in given.items() if name not in defaults or value}}
    joined["customers"] = _customers(joined, customer, given)
    joined["conversations"] = {
        "initiated_by": REPORTED_INITIATOR[initiated_by],
        "communication_channel": REPORTED_CHANNEL.get(customer.channel_type, customer.channel_type.capitalize()),
        **_mapping(given.get("conversations")),
        "conversation_id": sids.interaction_sid,
        "media": [{"type": "ChatTranscript", "sid": sids.conversation_sid}],
    }
    joined |= {
        "flexInteractionSid": sids.interaction_sid,
        "flexInteractionChannelSid": sids.channel_sid,
        "flexChannelInviteSid": sids.invite_sid,
        "conversationSid": sids.conversation_sid,
        "initiatedBy": initiated_by,
        "direction": "outbound" if initiated_by == "agent" else "inbound",
        "taskCreateSource": "interaction",
    }
    return joined


def _customers(joined: Mapping[str, Any], customer: Customer, given: Mapping[str, Any]) -> dict[str, Any]:
    address = str(joined["customerAddress"])
    kind = "email" if customer.channel_type == "email" else "phone"
    return {"name": joined["customerName"], kind: address, **_mapping(given.get("customers"))}


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
