"""start-conversation and resume-conversation (studio.md §2.3.10)."""

from __future__ import annotations

from collections.abc import Mapping

from parlour.studio.definition import as_text
from parlour.studio.execution import Event, Joined, Json, NotJoined, ResumeConversation, StartConversation
from parlour.studio.widgets.visit import Ask, Leave, Outcome, Stay, Visit

CLOSE_ON_END = "close_conversation_on_execution_end"


class StartConversationWidget:
    """Begins the conversation of an execution that REST started."""

    def enter(self, visit: Visit) -> Outcome:
        """Ask for the conversation."""
        if _refused(visit):
            return Leave("failed")
        return Ask(
            StartConversation(
                chat_service_sid=visit.text("conversation_service_sid").strip(),
                messaging_service_sid=visit.text("messaging_service_sid").strip(),
                friendly_name=visit.text("friendly_name"),
                attributes=visit.text("attributes").strip(),
                timers_inactive=visit.text("timers_inactive").strip(),
                timers_closed=visit.text("timers_closed").strip(),
                participants=_participants(visit),
            ),
            "conversation",
        )

    def resume(self, visit: Visit, event: Event) -> Outcome:
        """Leave by `created` or `failed`."""
        return _joined(visit, event, "created")


class ResumeConversationWidget:
    """Takes up a conversation in an execution that REST started."""

    def enter(self, visit: Visit) -> Outcome:
        """Ask for the conversation."""
        if _refused(visit):
            return Leave("failed")
        filters = visit.widget.properties.get("webhook_filters")
        if filters and filters not in (["onMessageAdded"], "onMessageAdded"):
            visit.warn(0, "webhook_filters: only onMessageAdded is heard")
        return Ask(
            ResumeConversation(
                chat_service_sid=visit.text("conversation_service_sid").strip(),
                conversation_sid=visit.text("conversation_sid").strip(),
                attributes=visit.text("attributes").strip(),
            ),
            "conversation",
        )

    def resume(self, visit: Visit, event: Event) -> Outcome:
        """Leave by `resumed` or `failed`."""
        return _joined(visit, event, "resumed")


def _refused(visit: Visit) -> bool:
    kind = visit.widget.type
    if visit.state.trigger != "incomingRequest":
        visit.warn(81020, f"{kind} needs an execution started by REST; this one began with {visit.state.trigger}")
        return True
    if visit.state.webhook_sid or visit.state.conversation_sid:
        visit.fail(81020, f"{kind}: the execution has a conversation already")
        return True
    return False


def _participants(visit: Visit) -> list[dict[str, str]]:
    raw = visit.widget.properties.get("participants")
    return [
        {str(name): visit.render(as_text(value), "participants").strip() for name, value in each.items()}
        for each in (raw if isinstance(raw, list) else ())
        if isinstance(each, Mapping)
    ]


def _joined(visit: Visit, event: Event, exit_: str) -> Outcome:
    if isinstance(event, NotJoined):
        visit.fail(event.code, f"no conversation: {event.message}")
        return Leave("failed")
    if not isinstance(event, Joined):
        return Stay()
    state = visit.state
    close = visit.widget.properties.get(CLOSE_ON_END)
    state.close_on_end = close is True or close == "true"
    state.conversation_sid, state.webhook_sid = event.conversation_sid, event.webhook_sid
    state.channel_type = event.channel_type
    flow = state.context.get("flow")
    channel = flow.get("channel") if isinstance(flow, dict) else None
    if isinstance(channel, dict):
        channel.update(sid=event.conversation_sid, type="conversation", status="active", details=event.details)
    output: Json = {
        "conversation": event.output,
        "webhook_sid": event.webhook_sid,
        "close_channel_on_execution_end": state.close_on_end,
    }
    return Leave(exit_, output)
