"""send-to-flex (studio.md §2.3.9, §6.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parlour.studio.execution import Enqueued, Event, Json, NotEnqueued, SendToFlex
from parlour.studio.json_data import read_json
from parlour.studio.widgets.visit import Ask, Leave, Outcome, Stay, Visit

DEFAULT_TIMEOUT: Final = 3600
"""Seconds the task may wait when the widget does not say (studio.md §2.3.9)."""
MAX_TIMEOUT: Final = 1_209_600


class SendToFlexWidget:
    """Makes an interaction of the conversation, which makes the task."""

    def enter(self, visit: Visit) -> Outcome:
        """Render the attributes and ask for the interaction."""
        conversation_sid = visit.state.conversation_sid
        if conversation_sid is None:
            visit.warn(
                81020,
                f"Send to Flex needs a conversation: an execution started by {visit.state.trigger} has none",
            )
            return Leave("failedToEnqueue")
        attributes = _attributes(visit)
        if attributes is None:
            return Leave("failedToEnqueue")
        timeout = visit.whole_number("timeout")
        return Ask(
            SendToFlex(
                conversation_sid=conversation_sid,
                workflow_sid=visit.text("workflow").strip(),
                task_channel=visit.text("channel").strip(),
                attributes={**_added(visit), **attributes},
                channel_type=visit.state.channel_type or "chat",
                priority=visit.whole_number("priority"),
                timeout=DEFAULT_TIMEOUT if timeout is None else min(max(timeout, 1), MAX_TIMEOUT),
            ),
            "enqueue",
        )

    def resume(self, visit: Visit, event: Event) -> Outcome:
        """Leave by `callComplete` once the task exists, else by `failedToEnqueue`."""
        if isinstance(event, Enqueued):
            _hand_over(visit)
            return Leave("callComplete", event.output)
        if isinstance(event, NotEnqueued):
            visit.fail(event.code, f"task not created: {event.message}")
            return Leave("failedToEnqueue")
        return Stay()


def _hand_over(visit: Visit) -> None:
    """A conversation that the flow itself began or resumed is the agents' from now on (studio.md §2.3.10)."""
    if visit.state.webhook_sid:
        visit.state.handed_off = True
        flow = visit.state.context.get("flow")
        channel = flow.get("channel") if isinstance(flow, dict) else None
        if isinstance(channel, dict):
            channel["status"] = "handed off"


def _attributes(visit: Visit) -> Json | None:
    text = visit.text("attributes").strip()
    try:
        value = read_json(text or "{}")
    except ValueError as error:
        visit.fail(81015, f"task not created: attributes are not valid JSON: {error}")
        return None
    if not isinstance(value, Mapping):
        visit.fail(81015, "task not created: attributes are not a JSON object")
        return None
    return dict(value)


def _added(visit: Visit) -> Json:
    """What the widget adds to the attributes of a conversation's task (studio.md §6.3)."""
    contact = visit.state.context.get("contact")
    channel = contact.get("channel") if isinstance(contact, Mapping) else None
    address = str(channel.get("address") or "") if isinstance(channel, Mapping) else ""
    return {
        "channelType": visit.state.channel_type or "chat",
        "customerAddress": address,
        "from": address,
        "name": address,
        "customerName": address,
    }
