"""send-message and send-and-wait-for-reply (studio.md §2.3.2, §2.3.3)."""

from __future__ import annotations

import re
from typing import Final

from parlour.kit.wire import json_text
from parlour.studio.definition import as_text, pairs
from parlour.studio.execution import Event, NotSent, Replied, SendMessage, Sent, TimedOut
from parlour.studio.widgets.visit import Ask, AwaitReply, Leave, Outcome, Stay, Visit

PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")
"""A key of content_variables as some definitions write it: `{{1}}` for `1` (studio.md §2.3.2)."""
CONVERSATION: Final = re.compile(r"CH[0-9a-f]{32}")
DEFAULT_TIMEOUT: Final = 3600
"""Seconds a reply is waited for when the widget does not say (studio.md §2.3.3)."""
MAX_TIMEOUT: Final = 30 * 24 * 3600
"""Seconds an execution may live at most (studio.md §5.4)."""


def _ask(visit: Visit, failure: str) -> Outcome:
    """Ask for the message, unless agents have the conversation that the flow began (studio.md §2.3.10)."""
    if visit.state.handed_off:
        visit.fail(81011, "message not sent: the conversation was handed to agents")
        return Leave(failure)
    if visit.widget.properties.get("shorten_urls") is True:
        visit.warn(0, "shorten_urls: links are sent as they are")
    return Ask(_message(visit), "send")


def _message(visit: Visit) -> SendMessage:
    """Where it goes: the execution's conversation, else a conversation that `channel` names, else `to`."""
    conversation_sid = visit.state.conversation_sid or _named(visit.text("channel").strip())
    of_template = visit.widget.text("message_type") == "content_template"
    return SendMessage(
        conversation_sid=conversation_sid,
        author=visit.text("from"),
        to=_to(visit) if conversation_sid is None else "",
        body=visit.text("body"),
        attributes=visit.text("attributes").strip(),
        media_url="" if of_template else visit.text("media_url").strip(),
        content_sid=visit.text("content_sid").strip() if of_template else None,
        content_variables=_variables(visit) if of_template else "",
    )


def _variables(visit: Visit) -> str:
    """Give the values of a content template as a JSON object; keys stand with or without braces."""
    values = {}
    for each in pairs(visit.widget.properties.get("content_variables")):
        key = as_text(each.get("key")).strip()
        braced = PLACEHOLDER.fullmatch(key)
        values[braced[1] if braced else key] = visit.render(as_text(each.get("value")), "content_variables")
    return json_text(values) if values else ""


def _named(channel: str) -> str | None:
    return channel if CONVERSATION.fullmatch(channel) else None


def _to(visit: Visit) -> str:
    """`to`, by default the contact's address."""
    contact = visit.state.context.get("contact")
    channel = contact.get("channel") if isinstance(contact, dict) else None
    address = channel.get("address") if isinstance(channel, dict) else None
    return visit.text("to").strip() or str(address or "")


class SendMessageWidget:
    """Sends one message and goes on."""

    def enter(self, visit: Visit) -> Outcome:
        """Ask for the message to be sent."""
        return _ask(visit, "failed")

    def resume(self, visit: Visit, event: Event) -> Outcome:
        """Leave by `sent` or `failed`."""
        if isinstance(event, Sent):
            return Leave("sent", {"outbound": event.output})
        if isinstance(event, NotSent):
            visit.fail(81011, f"message not sent: {event.message}")
            return Leave("failed", {"outbound": event.output} if event.output else None)
        return Stay()


class SendAndWaitWidget:
    """Sends one message and waits for the reply."""

    def enter(self, visit: Visit) -> Outcome:
        """Ask for the message to be sent."""
        return _ask(visit, "deliveryFailure")

    def resume(self, visit: Visit, event: Event) -> Outcome:
        """Wait once the message is sent; leave by the reply, the time-out or the failure."""
        if isinstance(event, Sent):
            seconds = visit.whole_number("timeout")
            limited = DEFAULT_TIMEOUT if seconds is None else min(max(seconds, 0), MAX_TIMEOUT)
            return AwaitReply(limited, event.sid, {"outbound": event.output})
        if isinstance(event, NotSent):
            visit.fail(81011, f"message not sent: {event.message}")
            return Leave("deliveryFailure", {"outbound": event.output} if event.output else None)
        if isinstance(event, Replied):
            return Leave("incomingMessage", {"inbound": event.inbound})
        if isinstance(event, TimedOut):
            return Leave("timeout")
        return Stay()
