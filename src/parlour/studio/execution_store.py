"""Rows of executions and steps."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork
from parlour.studio.execution import ExecutionState, RecordStep

refs.register("FN", "studio_execution")
refs.register("FT", "studio_step")

INSERT: Final = """
INSERT INTO studio_execution
    (account_sid, sid, flow_sid, flow_revision, status, execution_key, conversation_sid, contact_channel_address,
     flow_channel_address, initiated_by, state, date_created, date_updated)
VALUES ($1, $2, $3, $4, 'active', $5, $6, $7, $8, $9, $10, $11, $11)
ON CONFLICT (account_sid, flow_sid, execution_key) WHERE status = 'active' DO NOTHING RETURNING *"""
SAVE: Final = """
UPDATE studio_execution SET state = $3, status = CASE WHEN $4::text IS NULL THEN 'active' ELSE 'ended' END,
    ended_reason = $4, date_updated = $5, conversation_sid = $6, awaited_sid = $7
WHERE account_sid = $1 AND sid = $2"""
LOCK: Final = "SELECT * FROM studio_execution WHERE account_sid = $1 AND sid = $2 FOR UPDATE"
LOCK_ACTIVE: Final = """
SELECT * FROM studio_execution
WHERE account_sid = $1 AND flow_sid = $2 AND execution_key = $3 AND status = 'active' FOR UPDATE"""
LOCK_FED_BY: Final = """
SELECT * FROM studio_execution
WHERE account_sid = $1 AND flow_sid = $2 AND conversation_sid = $3 AND status = 'active' ORDER BY sid LIMIT 1
FOR UPDATE"""
LOCK_AWAITING: Final = """
SELECT * FROM studio_execution WHERE account_sid = $1 AND awaited_sid = $2 AND status = 'active' FOR UPDATE"""
LOCK_OF_CONVERSATION: Final = """
SELECT * FROM studio_execution
WHERE account_sid = $1 AND conversation_sid = $2 AND status = 'active' ORDER BY sid FOR UPDATE"""
ACTIVE_OF_FLOW: Final = """
SELECT sid FROM studio_execution WHERE account_sid = $1 AND flow_sid = $2 AND status = 'active' ORDER BY sid"""
PEEK: Final = "SELECT * FROM studio_execution WHERE account_sid = $1 AND sid = $2"
FETCH: Final = "SELECT * FROM studio_execution WHERE account_sid = $1 AND flow_sid = $2 AND sid = $3"
LIST: Final = """
SELECT * FROM studio_execution
WHERE account_sid = $1 AND flow_sid = $2 AND ($3::text IS NULL OR sid < $3) AND ($4::text IS NULL OR status = $4)
    AND ($5::timestamptz IS NULL OR date_created >= $5) AND ($6::timestamptz IS NULL OR date_created < $6)
ORDER BY sid DESC LIMIT $7"""
DELETE: Final = "DELETE FROM studio_execution WHERE account_sid = $1 AND sid = $2"
HEAR: Final = """
INSERT INTO studio_text (account_sid, flow_sid, message_sid, date_created) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING message_sid"""
REMOVE_ENDED: Final = """
DELETE FROM studio_execution WHERE account_sid = $1 AND sid = ANY(ARRAY(
    SELECT sid FROM studio_execution WHERE account_sid = $1 AND status = 'ended' AND date_updated < $2
    ORDER BY date_updated LIMIT $3 FOR UPDATE SKIP LOCKED))
RETURNING sid"""
INSERT_STEPS: Final = """
INSERT INTO studio_step
    (account_sid, sid, flow_sid, execution_sid, position, name, transitioned_from, transitioned_to, type, context, log,
     date_created, parent_step_sid)
SELECT $1, s.sid, $2, $3, s.position, s.name, s.origin, s.target, s.type, s.context, s.log::jsonb, $4, s.parent
FROM unnest($5::text[], $6::integer[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
            $13::text[]) AS s (sid, position, name, origin, target, type, context, log, parent)"""
FETCH_STEP: Final = """
SELECT * FROM studio_step WHERE account_sid = $1 AND flow_sid = $2 AND execution_sid = $3 AND sid = $4"""
LIST_STEPS: Final = """
SELECT * FROM studio_step
WHERE account_sid = $1 AND flow_sid = $2 AND execution_sid = $3 AND ($4::integer IS NULL OR position < $4)
ORDER BY position DESC LIMIT $5"""


COUNT_OF_FLOWS: Final = """
SELECT flow_sid, count(*) FILTER (WHERE status = 'active') AS active, count(*) AS total FROM studio_execution
WHERE account_sid = $1 AND flow_sid = ANY($2) GROUP BY flow_sid"""
STEP_LINES: Final = """
SELECT sid, position, name, transitioned_from, transitioned_to, type, parent_step_sid, log, date_created
FROM studio_step WHERE account_sid = $1 AND flow_sid = $2 AND execution_sid = $3 ORDER BY position LIMIT $4"""
STEP_BEFORE: Final = """
SELECT * FROM studio_step WHERE account_sid = $1 AND execution_sid = $2 AND position = $3"""


class Execution(msgspec.Struct, frozen=True):
    """An execution; `state` is the engine's, as JSON text."""

    account_sid: str
    sid: str
    flow_sid: str
    flow_revision: int
    status: str
    execution_key: str
    conversation_sid: str | None
    contact_channel_address: str
    flow_channel_address: str
    initiated_by: str
    state: str
    ended_reason: str | None
    date_created: datetime
    date_updated: datetime
    awaited_sid: str | None = None

    def decoded(self) -> ExecutionState:
        """Return the engine's state."""
        return msgspec.json.decode(self.state, type=ExecutionState)


class Step(msgspec.Struct, frozen=True):
    """A step: one run of one widget; `context` is JSON text."""

    account_sid: str
    sid: str
    flow_sid: str
    execution_sid: str
    parent_step_sid: str | None
    position: int
    name: str
    transitioned_from: str
    transitioned_to: str
    type: str
    context: str
    log: list[Any]
    date_created: datetime


class StepLine(msgspec.Struct, frozen=True):
    """A step as a line of its execution's path, without its context."""

    sid: str
    position: int
    name: str
    transitioned_from: str
    transitioned_to: str
    type: str
    parent_step_sid: str | None
    log: list[Any]
    date_created: datetime


def encoded(state: ExecutionState) -> str:
    """Write the engine's state as JSON text."""
    return msgspec.json.encode(state).decode()


async def insert(
    uow: UnitOfWork,
    state: ExecutionState,
    *,
    revision: int,
    key: str,
    contact: str,
    ours: str,
    initiated_by: str,
) -> Execution | None:
    """Write an execution; None when the flow has an active one of this key."""
    row = await uow.fetchrow(
        INSERT,
        uow.account_sid,
        state.sid,
        state.flow_sid,
        revision,
        key,
        state.conversation_sid,
        contact,
        ours,
        initiated_by,
        encoded(state),
        uow.now,
    )
    return None if row is None else Execution(**row)


def save(uow: UnitOfWork, row: Execution, state: ExecutionState) -> Execution:
    """Write the engine's state of a locked execution back, with the last statement of the unit."""
    saved = msgspec.structs.replace(
        row,
        state=encoded(state),
        status="ended" if state.ended else "active",
        ended_reason=state.ended or None,
        date_updated=uow.now,
        conversation_sid=state.conversation_sid,
        awaited_sid=state.message_sid or None if state.pending == "reply" else None,
    )
    uow.defer(
        SAVE,
        uow.account_sid,
        row.sid,
        saved.state,
        saved.ended_reason,
        uow.now,
        saved.conversation_sid,
        saved.awaited_sid,
    )
    return saved


async def lock(uow: UnitOfWork, sid: str) -> Execution | None:
    """Lock an execution. Like its siblings it first writes what the unit deferred, which may be this very row."""
    await uow.flush()
    row = await uow.fetchrow(LOCK, uow.account_sid, sid)
    return None if row is None else Execution(**row)


async def lock_active(uow: UnitOfWork, flow_sid: str, key: str) -> Execution | None:
    """Lock the active execution of a flow with this key."""
    await uow.flush()
    row = await uow.fetchrow(LOCK_ACTIVE, uow.account_sid, flow_sid, key)
    return None if row is None else Execution(**row)


async def lock_fed_by(uow: UnitOfWork, flow_sid: str, conversation_sid: str) -> Execution | None:
    """Lock the active execution of a flow that a conversation feeds: one it began, or one that began or resumed it."""
    await uow.flush()
    row = await uow.fetchrow(LOCK_FED_BY, uow.account_sid, flow_sid, conversation_sid)
    return None if row is None else Execution(**row)


async def lock_awaiting(uow: UnitOfWork, message_sid: str) -> Execution | None:
    """Lock the active execution that waits for the reply to a message it sent."""
    await uow.flush()
    row = await uow.fetchrow(LOCK_AWAITING, uow.account_sid, message_sid)
    return None if row is None else Execution(**row)


async def lock_of_conversation(uow: UnitOfWork, conversation_sid: str) -> list[Execution]:
    """Lock the active executions of a conversation."""
    await uow.flush()
    rows = await uow.fetch(LOCK_OF_CONVERSATION, uow.account_sid, conversation_sid)
    return [Execution(**row) for row in rows]


async def active_of_flow(reader: Reader, flow_sid: str) -> list[str]:
    """Return the SIDs of a flow's active executions."""
    return [str(row["sid"]) for row in await reader.fetch(ACTIVE_OF_FLOW, reader.account_sid, flow_sid)]


async def fetch(reader: Reader, flow_sid: str, sid: str) -> Execution | None:
    """Return an execution of a flow."""
    row = await reader.fetchrow(FETCH, reader.account_sid, flow_sid, sid)
    return None if row is None else Execution(**row)


async def peek(reader: Reader, sid: str) -> Execution | None:
    """Return an execution of any flow."""
    row = await reader.fetchrow(PEEK, reader.account_sid, sid)
    return None if row is None else Execution(**row)


async def list_of_flow(
    reader: Reader,
    flow_sid: str,
    *,
    after: str | None,
    status: str | None,
    created_from: datetime | None,
    created_to: datetime | None,
    limit: int,
) -> list[Execution]:
    """Return executions of a flow, newest first."""
    rows = await reader.fetch(LIST, reader.account_sid, flow_sid, after, status, created_from, created_to, limit)
    return [Execution(**row) for row in rows]


async def delete(uow: UnitOfWork, sid: str) -> None:
    """Remove an execution with its steps."""
    await uow.execute(DELETE, uow.account_sid, sid)


async def hear(uow: UnitOfWork, flow_sid: str, message_sid: str) -> bool:
    """Remember that a flow got a text at its own address; False: it had it already."""
    return await uow.fetchval(HEAR, uow.account_sid, flow_sid, message_sid, uow.now) is not None


async def remove_ended(uow: UnitOfWork, before: datetime, limit: int) -> int:
    """Remove the executions that ended first, before an instant, with their steps; return how many."""
    return len(await uow.fetch(REMOVE_ENDED, uow.account_sid, before, limit))


def insert_steps(uow: UnitOfWork, state: ExecutionState, steps: Sequence[RecordStep]) -> None:
    """Write steps with their contexts and logs, with the last statement of the unit."""
    uow.defer(
        INSERT_STEPS,
        uow.account_sid,
        state.flow_sid,
        state.sid,
        uow.now,
        [step.sid for step in steps],
        [step.position for step in steps],
        [step.name for step in steps],
        [step.transitioned_from for step in steps],
        [step.transitioned_to for step in steps],
        [step.type for step in steps],
        [msgspec.json.encode(step.context).decode() for step in steps],
        [msgspec.json.encode(step.log).decode().replace("\\u0000", "") for step in steps],
        [step.parent_step_sid for step in steps],
    )


async def fetch_step(reader: Reader, flow_sid: str, execution_sid: str, sid: str) -> Step | None:
    """Return a step."""
    row = await reader.fetchrow(FETCH_STEP, reader.account_sid, flow_sid, execution_sid, sid)
    return None if row is None else Step(**row)


async def list_steps(reader: Reader, flow_sid: str, execution_sid: str, before: int | None, limit: int) -> list[Step]:
    """Return steps of an execution, newest first."""
    rows = await reader.fetch(LIST_STEPS, reader.account_sid, flow_sid, execution_sid, before, limit)
    return [Step(**row) for row in rows]


async def count_of_flows(reader: Reader, sids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return how many executions of each flow are active, and how many there are."""
    rows = await reader.fetch(COUNT_OF_FLOWS, reader.account_sid, list(sids))
    return {row["flow_sid"]: (row["active"], row["total"]) for row in rows}


async def step_lines(reader: Reader, flow_sid: str, execution_sid: str, limit: int) -> list[StepLine]:
    """Return the steps of an execution in order, without their contexts."""
    rows = await reader.fetch(STEP_LINES, reader.account_sid, flow_sid, execution_sid, limit)
    return [StepLine(**row) for row in rows]


async def step_before(reader: Reader, execution_sid: str, position: int) -> Step | None:
    """Return the step before a position."""
    row = await reader.fetchrow(STEP_BEFORE, reader.account_sid, execution_sid, position - 1)
    return None if row is None else Step(**row)
