"""What a worker is, and what a task and a message say, read from the wire: shared by terminal and robots."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

WORKSPACE: Final = "Flex Task Assignment"
AVAILABLE: Final = "Available"
OFFLINE: Final = "Offline"


class NoDesk(Exception):
    """This agent cannot work here; the message says what is missing."""


def read_object(text: str | None) -> dict[str, Any]:
    """Read an Attributes parameter; what is no JSON object is an empty one."""
    try:
        held = json.loads(text or "{}")
    except ValueError:
        return {}
    return held if isinstance(held, dict) else {}


def worker_attributes(name: str) -> dict[str, Any]:
    """Return the attributes of a new worker, as Flex gives them at the first sign-in."""
    return {"contact_uri": f"client:{name}", "full_name": name, "roles": ["agent"]}


def identity_of(attributes: Mapping[str, Any], name: str) -> str:
    """Return the chat identity of a worker: its contact_uri without ``client:`` (flex.md §1.5)."""
    return str(attributes.get("contact_uri") or name).removeprefix("client:")


def choose_activity(activities: list[tuple[str, str, bool]], name: str, *, available: bool) -> str:
    """Return the SID of the activity called ``name``, else of the first that is (un)available.

    :param activities: SID, friendly name, available.
    :raises NoDesk: there is none.
    """
    for sid, friendly_name, _ in activities:
        if friendly_name.lower() == name.lower():
            return sid
    for sid, _, is_available in activities:
        if is_available == available:
            return sid
    raise NoDesk(f"The workspace has no activity {name}; make one in TaskRouter.")


@dataclass(frozen=True)
class Work:
    """What a task asks an agent to do.

    :ivar conversation_sid: None for a task without a conversation.
    :ivar customer: address or identity of the customer; also the author of the customer's messages.
    """

    task_sid: str
    conversation_sid: str | None
    interaction_sid: str | None
    channel_sid: str | None
    customer: str
    name: str
    channel_type: str

    @classmethod
    def of(cls, task_sid: str, attributes: str | None, task_channel: str) -> "Work":
        """Read a task's attributes (flex.md §1.4)."""
        held = read_object(attributes)
        customer = str(held.get("customerAddress") or held.get("from") or "")
        return cls(
            task_sid,
            held.get("conversationSid"),
            held.get("flexInteractionSid"),
            held.get("flexInteractionChannelSid"),
            customer,
            str(held.get("customerName") or held.get("name") or customer or "somebody"),
            str(held.get("channelType") or task_channel),
        )
