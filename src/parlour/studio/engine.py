"""The engine: a pure step from (state, event) to effects (studio.md §5).

It keeps no state of its own, reads no clock and sends nothing. Whoever drives it performs the effects in
order, answers the command, if any, with its result as the next event, and so on until none is left:

    turn = advance(definition, state, Started(), now=now, new_sid=new_sid)
    while (event := await perform(turn)) is not None:
        turn = advance(definition, turn.state, event, now=now, new_sid=new_sid)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from parlour.studio.definition import Definition, Transition, Widget
from parlour.studio.execution import (
    Answered,
    CallHttp,
    CancelTimer,
    Command,
    Continued,
    Effect,
    End,
    Event,
    ExecutionState,
    Json,
    LogEntry,
    NotAnswered,
    RecordStep,
    Replied,
    SendMessage,
    SetTimer,
    Started,
    Stopped,
    SubflowOpened,
    TimedOut,
    Turn,
)
from parlour.studio.subflows import ENTRY, pop, push
from parlour.studio.templates import Scene
from parlour.studio.widgets.registry import behaviour
from parlour.studio.widgets.visit import Ask, AwaitReply, Leave, LeaveTo, Outcome, Stay, Visit

MAX_STEPS: Final = 1000
"""Steps of one execution, subflows included (studio.md §5.4)."""
MAX_IN_A_ROW: Final = 10
"""Consecutive runs of one widget (studio.md §5.4)."""
STEPS_PER_TURN: Final = 25
"""Widgets run in one turn before the driver may do something else: keeps the event loop free."""
ENDED: Final = "Ended"


@dataclass(slots=True)
class _Run:
    """One turn in the making."""

    main: Definition
    subflow: Definition | None
    state: ExecutionState
    now: datetime
    new_sid: Callable[[], str]
    effects: list[Effect] = field(default_factory=list)
    command: Command | None = None

    @property
    def definition(self) -> Definition:
        """The flow whose widgets run now."""
        return self.subflow if self.state.frame is not None and self.subflow is not None else self.main

    def turn(self) -> Turn:
        return Turn(self.state, tuple(self.effects), self.command, self.state.pending == "next")

    def visit(self, widget: Widget) -> Visit:
        return Visit(widget, self.state, Scene(self.state.context, self.now))


def advance(
    definition: Definition,
    state: ExecutionState,
    event: Event,
    *,
    now: datetime,
    new_sid: Callable[[], str],
    subflow: Definition | None = None,
) -> Turn:
    """Take one event and run until a command needs its answer, a reply is awaited or the execution ends.

    Params: `state` is not changed, the turn holds the next one; `now`, the domain time; `new_sid` gives step
    SIDs; `subflow`, the definition that `state.frame` or a SubflowOpened names. An event the execution does not wait
    for changes nothing but the log (81002).
    Reference: studio.md §5.1, §5.2.
    """
    run = _Run(definition, subflow, _copy(state), now, new_sid)
    if run.state.ended:
        return run.turn()
    if isinstance(event, Stopped):
        _stop(run, event.reason)
        return run.turn()
    target = _start(run, run.state.trigger) if isinstance(event, Started) else _resume(run, event)
    for _ in range(STEPS_PER_TURN):
        if target is None:
            break
        target = _enter(run, target)
    if target is not None:
        run.state.pending, run.state.next = "next", target
    return run.turn()


def _copy(state: ExecutionState) -> ExecutionState:
    return msgspec.structs.replace(state, context=_snapshot(state.context), log=list(state.log))


def _snapshot(context: Json) -> Json:
    copied: Json = msgspec.json.decode(msgspec.json.encode(context))
    return copied


def _start(run: _Run, event: str) -> str | None:
    trigger = run.definition.widgets.get(run.definition.initial_state)
    if trigger is None:
        _end(run, f'the initial state "{run.definition.initial_state}" does not exist')
        return None
    if trigger.type != "trigger":
        return trigger.name
    run.state.widget, run.state.step_sid = trigger.name, run.new_sid()
    transition = trigger.exit(event)
    log = [] if transition and transition.next else [_unwired(event, trigger.name)]
    return _leave(run, trigger, event, transition, log)


def _unwired(event: str, widget: str) -> LogEntry:
    return LogEntry(0, "notice", f"{event} leads nowhere in this flow", widget)


def _resume(run: _Run, event: Event) -> str | None:
    if isinstance(event, Continued):
        return run.state.next if run.state.pending == "next" else None
    if isinstance(event, SubflowOpened):
        push(run.state, event)
        return _start(run, ENTRY)
    widget = run.definition.widgets.get(run.state.widget)
    if isinstance(event, TimedOut) and (run.state.pending != "reply" or event.step_sid != run.state.step_sid):
        return None
    if isinstance(event, (Answered, NotAnswered)) and (
        run.state.pending != "call" or event.step_sid != run.state.step_sid
    ):
        return None
    if widget is None or (isinstance(event, Replied) and run.state.pending != "reply"):
        run.state.log.append(
            LogEntry(81002, "warning", "a message arrived that the widget does not wait for", run.state.widget)
        )
        return None
    visit = run.visit(widget)
    waited = run.state.pending == "reply"
    outcome = behaviour(widget.type).resume(visit, event)
    if isinstance(outcome, Stay):
        return None
    if waited and not isinstance(event, TimedOut):
        run.effects.append(CancelTimer(run.state.step_sid))
    return _follow(run, visit, outcome)


def _enter(run: _Run, name: str) -> str | None:
    """Enter a widget and give the name of the widget it leads to, None when something is awaited."""
    widget = run.definition.widgets[name]
    state = run.state
    state.in_a_row = state.in_a_row + 1 if state.widget == name else 1
    state.widget, state.step_sid, state.pending, state.message_sid = name, run.new_sid(), "", ""
    visit = run.visit(widget)
    return _follow(run, visit, behaviour(widget.type).enter(visit))


def _follow(run: _Run, visit: Visit, outcome: Outcome) -> str | None:
    state = run.state
    if isinstance(outcome, Ask):
        state.pending = outcome.pending
        command = outcome.command
        state.call = command if isinstance(command, CallHttp) else None
        state.sending = command if isinstance(command, SendMessage) and command.fetches else None
        state.log.extend(visit.log)
        run.command = outcome.command
    elif isinstance(outcome, AwaitReply):
        state.pending, state.message_sid, state.sending = "reply", outcome.message_sid, None
        state.log.extend(visit.log)
        _write(run, visit.widget.name, outcome.output)
        run.effects.append(SetTimer(state.step_sid, outcome.seconds))
    elif isinstance(outcome, Leave):
        if outcome.output is not None:
            _write(run, visit.widget.name, outcome.output)
        return _leave(run, visit.widget, outcome.event, visit.widget.exit(outcome.event), visit.log)
    elif isinstance(outcome, LeaveTo):
        return _leave(run, visit.widget, outcome.event, outcome.transition, visit.log)
    return None


def _write(run: _Run, name: str, output: Json) -> None:
    """Write a widget's output: it overwrites its own keys of an earlier run and keeps the others."""
    widgets = run.state.context.setdefault("widgets", {})
    if isinstance(widgets, dict):
        earlier = widgets.get(name)
        widgets[name] = {**(earlier if isinstance(earlier, dict) else {}), **output}


def _leave(run: _Run, widget: Widget, event: str, transition: Transition | None, log: list[LogEntry]) -> str | None:
    state = run.state
    target = transition.next if transition is not None else None
    state.steps += 1
    entries = [*state.log, *log]
    limit = _limit(run, target)
    if limit is not None:
        entries.append(limit)
        target = None
    run.effects.append(
        RecordStep(
            sid=state.step_sid,
            name=event,
            transitioned_from=widget.name,
            transitioned_to=target or ENDED,
            type=widget.type,
            context=_snapshot(state.context),
            log=tuple(entries),
            position=state.steps,
            parent_step_sid=state.frame.step_sid if state.frame else None,
            exit=-1 if transition is None else widget.transitions.index(transition),
        )
    )
    state.log, state.pending, state.message_sid, state.call, state.sending = [], "", "", None, None
    if target is not None:
        return target
    if state.frame is not None and limit is None:
        return _return(run)
    _end(run, limit.message if limit else f"{event} of {widget.name} ends the flow")
    return None


def _return(run: _Run) -> str | None:
    """Leave a subflow for the widget that began it, with the subflow's variables as its output."""
    output = pop(run.state)
    widget = run.definition.widgets[run.state.widget]
    return _follow(run, run.visit(widget), Leave("completed", output))


def _limit(run: _Run, target: str | None) -> LogEntry | None:
    state = run.state
    if target is None and state.frame is None:
        return None
    if target is not None and target not in run.definition.widgets:
        return LogEntry(81022, "error", f'the widget "{target}" does not exist', state.widget)
    if state.steps >= MAX_STEPS:
        return LogEntry(81000, "warning", f"the execution took {MAX_STEPS} steps", state.widget)
    if target is not None and target == state.widget and state.in_a_row >= MAX_IN_A_ROW:
        return LogEntry(81001, "warning", f"{target} ran {MAX_IN_A_ROW} times in a row", state.widget)
    return None


def _stop(run: _Run, reason: str) -> None:
    if run.state.pending == "reply":
        run.effects.append(CancelTimer(run.state.step_sid))
    _end(run, reason)


def _end(run: _Run, reason: str) -> None:
    state = run.state
    state.ended, state.pending, state.step_sid, state.call, state.sending = reason or "ended", "", "", None, None
    run.effects.append(End(state.ended))
