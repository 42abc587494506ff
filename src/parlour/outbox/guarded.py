"""A row changed and the fact of it stated by one statement, alone or with other units (docs/decisions/hot-path.md)."""

from collections.abc import Mapping
from typing import Any, Final

import asyncpg
import msgspec

from parlour.kit.wire import encode_json
from parlour.outbox.facts import Event, Outbox
from parlour.store.together import MANY, Part, Statement
from parlour.store.unit import UnitOfWork

# What every fact brings, in this order from $2; what the guard asks for comes behind.
_FACT: Final = {
    "event_sid": "text",
    "at": "timestamptz",
    "stream": "text",
    "object_sid": "text",
    "request_id": "text",
    "cause": "text",
    "snapshot": "text",
    "lanes": "text",
    "handlers": "text",
}
# Lists go as lines, since arrays are slow to encode.
_ALONE: Final = """
WITH guard AS ({guard}), told AS (
    SELECT $8::text::jsonb || guard.addition AS snapshot FROM guard
), changed AS ({row}), stated AS (
    INSERT INTO event (account_sid, sid, at, kind, stream, object_sid, request_id, cause, snapshot)
    SELECT $1, $2, $3, '{kind}', $4, $5, $6, $7, told.snapshot FROM told
), woken AS (
    INSERT INTO lane (account_sid, name, due)
    SELECT $1, l.name, $3
    FROM (SELECT DISTINCT unnest(string_to_array($9, chr(10))) AS name) AS l, guard ORDER BY l.name
    ON CONFLICT (account_sid, name)
        DO UPDATE SET due = greatest(least(lane.due, excluded.due), lane.retry)
), set_going AS (
    INSERT INTO job (account_sid, lane, handler, request_id, event_sid, event_at)
    SELECT $1, j.lane, j.handler, $6, $2, $3
    FROM unnest(string_to_array($9, chr(10)), string_to_array($10, chr(10)))
        WITH ORDINALITY AS j (lane, handler, position), guard
    ORDER BY j.position
)
SELECT {results} FROM guard"""
# A row that somebody else has locked is left out: waiting for it here would keep the others, and could close a circle.
# The limit is for the planner, who takes a list of JSON to be long.
_SEVERAL: Final = """
WITH asked AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($2::text::jsonb) AS asked ({columns}) LIMIT {many}
), held AS MATERIALIZED (
    SELECT asked.* FROM asked CROSS JOIN LATERAL (
        SELECT FROM {table} AS t WHERE t.account_sid = $1 AND t.sid = asked.stream
        FOR NO KEY UPDATE SKIP LOCKED) AS free
), guard AS ({guard}), told AS (
    SELECT guard.*, guard.said || guard.addition AS snapshot FROM guard
), changed AS ({row}), stated AS (
    INSERT INTO event (account_sid, sid, at, kind, stream, object_sid, request_id, cause, snapshot)
    SELECT $1, event_sid, at, '{kind}', stream, object_sid, request_id, cause, snapshot FROM told
), woken AS (
    INSERT INTO lane (account_sid, name, due)
    SELECT $1, l.name, min(told.at) FROM told, unnest(string_to_array(told.lanes, chr(10))) AS l (name)
    GROUP BY l.name ORDER BY l.name
    ON CONFLICT (account_sid, name)
        DO UPDATE SET due = greatest(least(lane.due, excluded.due), lane.retry)
), set_going AS (
    INSERT INTO job (account_sid, lane, handler, request_id, event_sid, event_at)
    SELECT $1, j.lane, j.handler, told.request_id, told.event_sid, told.at
    FROM told, unnest(string_to_array(told.lanes, chr(10)), string_to_array(told.handlers, chr(10)))
        WITH ORDINALITY AS j (lane, handler, position)
    ORDER BY told.event_sid, j.position
)
SELECT event_sid AS key, {results} FROM guard"""


class Guarded:
    """A change of one row under a condition, a row inserted, and the one fact of both.

    :param kind: of the fact; nobody may react to it inside.
    :param table: of the row that is changed, whose SID is the fact's stream.
    :param guard: UPDATE of that row. It has its values as ``{name}``, and ``{stream}`` and ``{at}``; ``{source}``
        stands before WHERE and ``{also}`` at the end of RETURNING. Its column `addition` joins the snapshot.
    :param values: names and types of the guard's values.
    :param results: columns of the guard that the caller wants to know.
    :param row: INSERT that selects FROM told, whose column `snapshot` is the whole; $1 is the account SID.
    """

    def __init__(self, kind: str, *, table: str, guard: str, values: Mapping[str, str], results: str, row: str) -> None:
        self.kind = kind
        self.values = tuple(values)
        numbered = {name: f"${number}::{type_}" for number, (name, type_) in enumerate({**_FACT, **values}.items(), 2)}
        columns = {name: f"{name} {type_}" for name, type_ in {**_FACT, "said": "jsonb", **values}.items()}
        del columns["snapshot"]
        self.statement = Statement(
            alone=_ALONE.format(
                guard=guard.format(source="", also="", **numbered), row=row, kind=kind, results=results
            ),
            several=_SEVERAL.format(
                guard=guard.format(
                    source="FROM held",
                    also=", held.event_sid, held.at, held.stream, held.object_sid, held.request_id, held.cause, "
                    "held.said, held.lanes, held.handlers",
                    **{name: f"held.{name}" for name in numbered},
                ),
                columns=", ".join(columns.values()),
                table=table,
                row=row,
                kind=kind,
                results=results,
                many=MANY,
            ),
        )


def can_conclude(uow: UnitOfWork, kind: str) -> bool:
    """Say whether `conclude` may be used: nothing was done yet and nobody reacts inside."""
    return uow.fresh and not uow.extension_factory(Outbox)().registry.reacts_inside(kind)


async def conclude(
    uow: UnitOfWork,
    guarded: Guarded,
    values: tuple[object, ...],
    *,
    stream: str,
    object_sid: str,
    snapshot: dict[str, Any],
    listeners: Mapping[str, Any],
) -> asyncpg.Record | None:
    """Change rows and state one fact about them in a single statement; return the guard's results or None.

    :param values: of the guard, in their order.
    :returns: None where the guard found its row changed: nothing was written and the unit may go on otherwise.
    """
    outbox = uow.extension_factory(Outbox)()
    sid = uow.new_sid("EV")
    event = Event(
        sid, uow.account_sid, guarded.kind, stream, object_sid, uow.now, uow.request_id, uow.cause, snapshot, listeners
    )
    outbox.add_event(event)
    lanes, handlers = outbox.take_following()
    said = encode_json(snapshot)
    fact = (sid, uow.now, stream, object_sid, uow.request_id, uow.cause)
    following = ("\n".join(lanes), "\n".join(handlers)) if lanes else (None, None)
    part = Part(
        row=stream,
        key=sid,
        arguments=(uow.account_sid, *fact, said.decode(), *following, *values),
        values=dict(
            zip((*_FACT, *guarded.values), (*fact, None, *following, *values), strict=True), said=msgspec.Raw(said)
        ),
    )
    row = await uow.conclude(guarded.statement, part)
    if row is None:
        uow.reopen()
    else:
        uow.after_commit(outbox.committed)
    return row
