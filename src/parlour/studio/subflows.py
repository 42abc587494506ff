"""Subflows: what of the context is the parent's, and how it is put away and taken back (studio.md §2.3.8)."""

from __future__ import annotations

from typing import Final

from parlour.studio.execution import ExecutionState, Frame, Json, SubflowOpened

ENTRY: Final = "incomingParent"
TRIGGER_TYPES: Final = {
    "incomingMessage": "message",
    "incomingConversationMessage": "conversation",
    "incomingCall": "call",
    "incomingRequest": "request",
}


def push(state: ExecutionState, opened: SubflowOpened) -> None:
    """Put the parent's variables and widgets away and begin the subflow's.

    The subflow sees the parent's trigger, channel and data, and under `trigger.parent` who called it and with what.
    """
    flow, widgets, trigger = (_part(state, name) for name in ("flow", "widgets", "trigger"))
    state.frame = Frame(
        flow_sid=opened.flow_sid,
        revision=opened.revision,
        widget=state.widget,
        step_sid=state.step_sid,
        in_a_row=state.in_a_row,
        flow=flow,
        widgets=widgets,
        log=tuple(state.log),
    )
    state.context["flow"] = {**flow, "flow_sid": opened.flow_sid, "variables": {}}
    state.context["widgets"] = {}
    state.context["trigger"] = {
        **trigger,
        "parent": {
            "parameters": opened.parameters,
            "step_sid": state.step_sid,
            "execution_sid": state.sid,
            "flow_sid": state.flow_sid,
            "trigger_type": TRIGGER_TYPES.get(state.trigger, state.trigger),
        },
    }
    state.log, state.pending, state.in_a_row = [], "", 0


def pop(state: ExecutionState) -> Json:
    """Take the parent's parts of the context back; give the subflow's variables."""
    frame = state.frame
    if frame is None:
        raise AssertionError("no subflow runs")
    flow = _part(state, "flow")
    trigger = {name: value for name, value in _part(state, "trigger").items() if name != "parent"}
    lifted: Json = {name: flow[name] for name in ("channel", "add_ons") if name in flow}
    kept: Json = {**frame.flow, **lifted}
    state.context["flow"] = kept
    state.context["widgets"] = frame.widgets
    state.context["trigger"] = trigger
    state.widget, state.step_sid, state.in_a_row = frame.widget, frame.step_sid, frame.in_a_row
    state.log, state.frame = list(frame.log), None
    variables = flow.get("variables")
    return dict(variables) if isinstance(variables, dict) else {}


def _part(state: ExecutionState, name: str) -> Json:
    part = state.context.get(name)
    return part if isinstance(part, dict) else {}
