"""Driving an execution: the engine's effects and commands performed in one unit of work (studio.md §5.2, DESIGN 2.3).

What must ask another host is not performed here: the request is kept in the execution's state and a job sends it.
"""

import asyncio
from datetime import timedelta
from typing import Final

from parlour.outbox.timers import cancel, schedule
from parlour.store.unit import UnitOfWork
from parlour.studio import execution_store as store
from parlour.studio import facts, flows, outside
from parlour.studio.definition import Definition
from parlour.studio.engine import advance
from parlour.studio.execution import (
    CallHttp,
    CancelTimer,
    Continued,
    Event,
    ExecutionState,
    OpenSubflow,
    RecordStep,
    SendMessage,
    SetTimer,
    SubflowOpened,
    SubflowRefused,
    Turn,
)
from parlour.studio.execution_store import Execution
from parlour.studio.performing import perform

LIFETIME: Final = timedelta(days=30)
WAIT_STEP: Final = "studio.wait"
EXPIRE_STEP: Final = "studio.expire"
CALL_JOB: Final = "studio.call"
FETCH_JOB: Final = "studio.fetch"


def wait_lane(sid: str) -> str:
    """Return the lane of an execution's wait."""
    return f"studio-wait:{sid}"


def call_lane(sid: str) -> str:
    """Return the lane in which an execution asks other hosts."""
    return f"studio-call:{sid}"


def life_lane(sid: str) -> str:
    """Return the lane that begins and, after 30 days, ends an execution."""
    return f"studio-life:{sid}"


class _Drive:
    """One run of the engine inside a unit of work, and what it asked for."""

    def __init__(self, uow: UnitOfWork, row: Execution, main: Definition, state: ExecutionState) -> None:
        self.uow = uow
        self.row = row
        self.main = main
        self.state = state
        self.subflow: Definition | None = None
        self.steps: list[RecordStep] = []
        self.timer: SetTimer | None = None
        self.cancelled = False
        self.asks: str | None = None

    async def feed(self, first: Event) -> None:
        """Feed the engine until it waits or ends."""
        uow = self.uow
        if self.state.frame is not None:
            self.subflow = await flows.definition_of(uow, self.state.frame.flow_sid, self.state.frame.revision)
        following: Event | None = first
        while following is not None:
            turn = advance(
                self.main,
                self.state,
                following,
                now=uow.now,
                new_sid=lambda: uow.new_sid("FT"),
                subflow=self.subflow,
            )
            self.state = turn.state
            self._collect(turn)
            following = await self._perform(turn)

    def _collect(self, turn: Turn) -> None:
        for effect in turn.effects:
            if isinstance(effect, RecordStep):
                self.steps.append(effect)
            elif isinstance(effect, SetTimer):
                self.timer = effect
            elif isinstance(effect, CancelTimer):
                self.cancelled = True

    async def _perform(self, turn: Turn) -> Event | None:
        if isinstance(turn.command, CallHttp):
            self.asks = CALL_JOB
            return None
        if isinstance(turn.command, SendMessage) and turn.command.fetches:
            self.asks = FETCH_JOB
            return None
        if isinstance(turn.command, OpenSubflow):
            return await self._open(turn.command)
        if turn.command is not None:
            return await perform(self.uow, turn.state, turn.command)
        if turn.paused:
            await asyncio.sleep(0)  # a long chain of widgets must not hold the event loop
            return Continued()
        return None

    async def _open(self, command: OpenSubflow) -> Event:
        found = await flows.subflow(self.uow, self.row.flow_sid, self.row.contact_channel_address, command)
        if found is None:
            message = f"{command.flow_sid} has no revision {command.revision} that could run"
            return SubflowRefused(81024, message)
        total = await flows.widgets_in_all(self.uow, self.main)
        if total > flows.MAX_WIDGETS:
            return SubflowRefused(81026, f"flow and subflows have {total} widgets, more than {flows.MAX_WIDGETS}")
        self.subflow = await flows.definition_of(self.uow, command.flow_sid, found)
        return SubflowOpened(command.flow_sid, found, command.parameters)


async def drive(uow: UnitOfWork, row: Execution, first: Event) -> Execution:
    """Feed the engine an event and perform what it asks for, until it waits or ends.

    The execution's row is locked by this unit; its steps, contexts, timers and state are written with it.
    """
    before = row.decoded()
    run = _Drive(uow, row, await flows.definition_of(uow, row.flow_sid, row.flow_revision), before)
    await run.feed(first)
    if run.state.ended and run.state.webhook_sid:
        await outside.leave_conversation(uow, run.state)
    saved = store.save(uow, row, run.state)
    if run.steps:
        store.insert_steps(uow, run.state, run.steps)
        await facts.record(uow, row, run.steps)
    await _keep_time(uow, saved, run, new=not before.widget)
    if saved.status == "ended":
        if before.pending in ("call", "send"):
            await cancel(uow, call_lane(row.sid))
        await facts.announce(uow, "execution.ended/1", saved)
    elif run.asks is not None:
        payload = {"sid": row.sid, "step_sid": run.state.step_sid}
        schedule(uow, run.asks, lane=call_lane(row.sid), payload=payload)
    return saved


async def _keep_time(uow: UnitOfWork, row: Execution, run: _Drive, *, new: bool) -> None:
    if run.cancelled:
        await cancel(uow, wait_lane(row.sid))
    if run.timer is not None and row.status == "active":
        at = uow.now + timedelta(seconds=run.timer.seconds)
        payload = {"sid": row.sid, "step_sid": run.timer.step_sid}
        schedule(uow, WAIT_STEP, lane=wait_lane(row.sid), at=at, payload=payload)
    if row.status == "ended" and not new:
        await cancel(uow, life_lane(row.sid))
    elif row.status == "active" and new:
        schedule(uow, EXPIRE_STEP, lane=life_lane(row.sid), at=row.date_created + LIFETIME, payload={"sid": row.sid})
