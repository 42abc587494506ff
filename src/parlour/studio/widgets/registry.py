"""Which behaviour a widget type has; everything else takes its failure exit (studio.md §2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parlour.studio.catalogue import FAILURE_EVENTS, WIDGET_TYPES
from parlour.studio.definition import Widget
from parlour.studio.execution import Event
from parlour.studio.widgets.calling import FunctionWidget, HttpRequestWidget
from parlour.studio.widgets.conversation import ResumeConversationWidget, StartConversationWidget
from parlour.studio.widgets.flex import SendToFlexWidget
from parlour.studio.widgets.logic import SetVariablesWidget, SplitWidget
from parlour.studio.widgets.messaging import SendAndWaitWidget, SendMessageWidget
from parlour.studio.widgets.subflow import SubflowWidget
from parlour.studio.widgets.visit import Behaviour, Leave, Outcome, Stay, Visit


class UnsupportedWidget:
    """A widget that cannot run here or with this trigger."""

    def enter(self, visit: Visit) -> Outcome:
        """Log why and leave by the failure exit, wired or not."""
        kind = visit.widget.type
        known = WIDGET_TYPES.get(kind)
        if known is not None and known.support == "voice":
            visit.warn(81020, f"{kind} needs a call; this execution was started by {visit.state.trigger}")
        else:
            visit.warn(81020, f"{kind}: widget type not supported by this installation")
        return Leave(failure_event(visit.widget))

    def resume(self, visit: Visit, event: Event) -> Outcome:
        """It never waits."""
        return Stay()


class TwimlRedirectWidget(UnsupportedWidget):
    """A redirect of the pending request: neither a conversation nor REST has one (studio.md §2.3.11)."""

    def enter(self, visit: Visit) -> Outcome:
        """Leave by `fail`."""
        visit.warn(81020, f"{visit.widget.type} needs a request that waits for TwiML; {visit.state.trigger} has none")
        return Leave("fail")


def failure_event(widget: Widget) -> str:
    """Give the failure exit of a widget: a wired one first, else the one its type has, else `failed`."""
    wired = {each.event for each in widget.transitions if each.next}
    known = WIDGET_TYPES.get(widget.type)
    listed = {each.event for each in widget.transitions} | set((known.events if known else None) or ())
    for events in (wired, listed):
        for event in FAILURE_EVENTS:
            if event in events:
                return event
    return "failed"


BEHAVIOURS: Final[Mapping[str, Behaviour]] = {
    "send-message": SendMessageWidget(),
    "send-and-wait-for-reply": SendAndWaitWidget(),
    "split-based-on": SplitWidget(),
    "set-variables": SetVariablesWidget(),
    "send-to-flex": SendToFlexWidget(),
    "make-http-request": HttpRequestWidget(),
    "run-function": FunctionWidget(),
    "run-function-v2": FunctionWidget(),
    "run-subflow": SubflowWidget(),
    "start-conversation": StartConversationWidget(),
    "resume-conversation": ResumeConversationWidget(),
    "add-twiml-redirect": TwimlRedirectWidget(),
}
_UNSUPPORTED: Final = UnsupportedWidget()


def behaviour(kind: str) -> Behaviour:
    """Give the behaviour of a widget type."""
    return BEHAVIOURS.get(kind, _UNSUPPORTED)
