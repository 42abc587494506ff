"""The event log: facts are stated in the transaction that makes them true (DESIGN 2.4)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from parlour.kit.wire import json_text
from parlour.outbox.wake import CHANGED
from parlour.store.unit import UnitOfWork

if TYPE_CHECKING:
    from parlour.outbox.reactions import Inside, Registry
    from parlour.outbox.wake import Wake

_NOTHING: Final[dict[str, Any]] = {}

# One statement for any number of events, lanes and jobs. Lanes are touched in the order of their names, so that
# two writers never wait for each other in a circle here.
WRITE_FACTS: Final = """
WITH stated AS (
    INSERT INTO event (account_sid, sid, at, kind, stream, object_sid, request_id, cause, snapshot)
    SELECT $1, e.sid, $2, e.kind, e.stream, e.object_sid, $3, e.cause, e.snapshot::jsonb
    FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
        AS e (sid, kind, stream, object_sid, cause, snapshot)
), woken AS (
    INSERT INTO lane (account_sid, name, due)
    SELECT $1, l.name, l.due FROM unnest($10::text[], $11::timestamptz[]) AS l (name, due) ORDER BY l.name
    ON CONFLICT (account_sid, name)
        DO UPDATE SET due = greatest(least(lane.due, excluded.due), lane.retry)
)
INSERT INTO job (account_sid, lane, handler, due, request_id, event_sid, event_at, payload)
SELECT $1, j.lane, j.handler, coalesce(j.due, '-infinity'), $3, j.event_sid,
       CASE WHEN j.event_sid IS NULL THEN NULL ELSE $2::timestamptz END, j.payload::jsonb
FROM unnest($12::text[], $13::text[], $14::timestamptz[], $15::text[], $16::text[])
    WITH ORDINALITY AS j (lane, handler, due, event_sid, payload, position)
ORDER BY j.position"""


class Event(msgspec.Struct, frozen=True):
    """A fact and what was true at that moment.

    :ivar kind: name and version of the snapshot, such as ``message.added/1``.
    :ivar stream: SID of the row whose writers lock it; order is promised per stream.
    :ivar at: domain time.
    :ivar cause: SID of the event whose reaction this is, or None.
    :ivar listeners: hints for choosing lanes, not stored.
    """

    sid: str
    account_sid: str
    kind: str
    stream: str
    object_sid: str
    at: datetime
    request_id: str
    cause: str | None
    snapshot: dict[str, Any]
    listeners: Mapping[str, Any]


class NewFact(msgspec.Struct, frozen=True):
    """A fact to be stated; the row of ``stream`` is locked by the unit already.

    :ivar snapshot: all that was true, in values that JSON has; trace, replay and statistics read nothing else.
    """

    kind: str
    stream: str
    object_sid: str
    snapshot: dict[str, Any]
    listeners: Mapping[str, Any] = msgspec.field(default_factory=dict)


class NewJob(msgspec.Struct, frozen=True):
    """A job to be written with the unit. due None: at once, after the jobs already in the lane."""

    lane: str
    handler: str
    due: datetime | None
    event_sid: str | None
    payload: Mapping[str, Any] | None


class Outbox:
    """What a unit of work has stated and scheduled so far."""

    def __init__(self, registry: "Registry", wake: "Wake") -> None:
        self._registry = registry
        self._wake = wake
        self._events: list[Event] = []
        self._jobs: list[NewJob] = []
        self._wrote_jobs = False
        self._touched: dict[str, None] = {}

    @property
    def registry(self) -> "Registry":
        """Return all floors' reactions."""
        return self._registry

    def add_event(self, event: Event) -> None:
        """Keep a fact and the jobs of those who react to it afterwards."""
        self._events.append(event)
        self.touch(event.stream)
        for subscription in self._registry.after_of.get(event.kind, ()):
            for lane in subscription.lanes(event):
                self._jobs.append(NewJob(lane, subscription.handler, None, event.sid, None))

    def add_job(self, job: NewJob) -> None:
        """Keep a job or timer."""
        self._jobs.append(job)

    def touch(self, sid: str) -> None:
        """Keep the SID of a row whose readers are to look again."""
        self._touched[sid] = None

    def take_following(self) -> tuple[list[str], list[str]]:
        """Return lanes and handlers of the jobs kept so far, and forget them."""
        jobs, self._jobs = self._jobs, []
        self._events = []
        self._wrote_jobs = bool(jobs)
        return [job.lane for job in jobs], [job.handler for job in jobs]

    def statements(self, unit: UnitOfWork) -> list[tuple[str, tuple[object, ...]]]:
        """Return the statement that writes all of it."""
        events, self._events = self._events, []
        jobs, self._jobs = self._jobs, []
        if not events and not jobs:
            return []
        self._wrote_jobs = self._wrote_jobs or bool(jobs)
        lanes: dict[str, datetime] = {}
        for job in jobs:
            due = job.due or unit.now
            lanes[job.lane] = min(due, lanes.get(job.lane, due))
        return [
            (
                WRITE_FACTS,
                (
                    unit.account_sid,
                    unit.now,
                    unit.request_id,
                    [event.sid for event in events],
                    [event.kind for event in events],
                    [event.stream for event in events],
                    [event.object_sid for event in events],
                    [event.cause for event in events],
                    [json_text(event.snapshot) for event in events],
                    list(lanes),
                    list(lanes.values()),
                    [job.lane for job in jobs],
                    [job.handler for job in jobs],
                    [job.due for job in jobs],
                    [job.event_sid for job in jobs],
                    [None if job.payload is None else json_text(job.payload) for job in jobs],
                ),
            )
        ]

    def committed(self) -> None:
        """Start the new jobs at once in this process, and hurry those who watch the changed rows."""
        if self._wrote_jobs:
            self._wake.jobs()
        for sid in self._touched:
            self._wake.say(CHANGED, sid)


def touch(uow: UnitOfWork, sid: str) -> None:
    """Hurry those who watch a row once the unit is committed; the stream of a stated fact is touched already."""
    uow.extension(Outbox).touch(sid)


async def state(
    uow: UnitOfWork,
    kind: str,
    *,
    stream: str,
    object_sid: str,
    snapshot: dict[str, Any],
    listeners: Mapping[str, Any] = _NOTHING,
) -> Event:
    """State a fact: inside reactions run now, those after it become jobs of this unit.

    The row of ``stream`` must be locked by this unit already.

    :param snapshot: all that was true, in values that JSON has; trace, replay and statistics read nothing else.
    :raises ContractError: an inside reaction refused; the step must be undone.
    """
    return (await state_all(uow, [NewFact(kind, stream, object_sid, snapshot, listeners)]))[0]


async def state_all(uow: UnitOfWork, facts: Iterable[NewFact]) -> list[Event]:
    """State several facts in their order, each as ``state`` does.

    :raises ContractError: an inside reaction refused; the step must be undone.
    """
    outbox = uow.extension(Outbox)
    events = []
    for fact in facts:
        sid = uow.new_sid("EV")
        event = Event(
            sid,
            uow.account_sid,
            fact.kind,
            fact.stream,
            fact.object_sid,
            uow.now,
            uow.request_id,
            uow.cause,
            fact.snapshot,
            fact.listeners,
        )
        outbox.add_event(event)
        events.append(event)
        await _react(uow, event, outbox.registry.inside_of.get(fact.kind, ()))
    for kind, reactions in outbox.registry.together_of.items():
        concerned = [event for event in events if event.kind == kind]
        for reaction in reactions if concerned else ():
            await _write_rows(uow)
            await reaction(uow, concerned)
    return events


async def _react(uow: UnitOfWork, event: Event, reactions: "Sequence[Inside]") -> None:
    if not reactions:
        return
    await _write_rows(uow)
    outer, uow.cause = uow.cause, event.sid
    try:
        for reaction in reactions:
            await reaction(uow, event)
    finally:
        uow.cause = outer


async def _write_rows(uow: UnitOfWork) -> None:
    """Write the rows that a reaction may read; facts and jobs wait for those that follow."""
    if uow.keeps_statements:
        await uow.flush()
