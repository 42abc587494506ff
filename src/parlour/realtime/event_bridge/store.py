"""SQL of worker sessions, and of the events that they are told."""

from datetime import datetime
from typing import Any, Final

import msgspec

from parlour.store.unit import Reader, UnitOfWork

INSERT_SESSION: Final = """
INSERT INTO worker_session (account_sid, sid, workspace_sid, worker_sid, process, goes_offline, opened_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)"""
FIRST_USE: Final = """
INSERT INTO worker_session_token (account_sid, worker_sid, token, expires) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_sid, worker_sid, token) DO NOTHING RETURNING TRUE"""
DISMISS_OTHERS: Final = """
UPDATE worker_session SET dismissed = TRUE WHERE account_sid = $1 AND worker_sid = $2 AND sid <> $3"""
REMOVE_SESSION: Final = """
DELETE FROM worker_session WHERE account_sid = $1 AND sid = $2 RETURNING goes_offline"""
OTHER_SESSIONS: Final = "SELECT count(*) FROM worker_session WHERE account_sid = $1 AND worker_sid = $2"
ANSWERED: Final = """
UPDATE worker_session SET activities = activities + ($3 = 'activities')::int,
       channels = channels + ($3 = 'channels')::int,
       reservations = reservations + ($3 = 'reservations')::int,
       position = CASE WHEN $3 = 'reservations' THEN least(position, $4::bigint) ELSE position END
WHERE account_sid = $1 AND worker_sid = $2 AND NOT started"""
# A client that lists at all does so within a minute; one whose line broke meanwhile must not hold up the others.
PROGRESS: Final = """
SELECT activities, channels, reservations, position, (
    SELECT count(*) FROM worker_session AS other
    WHERE other.account_sid = mine.account_sid AND other.worker_sid = mine.worker_sid
      AND NOT other.started AND NOT other.dismissed AND other.opened_at > $3
) AS waiting
FROM worker_session AS mine WHERE account_sid = $1 AND sid = $2"""
START: Final = "UPDATE worker_session SET started = TRUE WHERE account_sid = $1 AND sid = $2"

EVENTS_AFTER: Final = """
SELECT seq, event_type, payload, call FROM worker_event
WHERE account_sid = $1 AND worker_sid = $2 AND seq > $3 ORDER BY seq LIMIT $4"""
EVENT_SEQ: Final = "SELECT event_seq FROM worker WHERE account_sid = $1 AND sid = $2"
LAST_SEQS: Final = "SELECT sid, event_seq FROM worker WHERE account_sid = $1 AND sid = ANY($2)"
CAUSED_BY_CALL: Final = """
UPDATE worker_event SET call = $4 WHERE account_sid = $1 AND worker_sid = $2 AND seq > $3"""


class Progress(msgspec.Struct, frozen=True):
    """How far a client is with its lists.

    :ivar position: of the earliest reservation list since the session was opened.
    :ivar waiting: sessions of the worker whose events do not flow yet, this one among them.
    """

    activities: int
    channels: int
    reservations: int
    position: int | None
    waiting: int

    @property
    def complete(self) -> bool:
        """Say whether each of them must have heard all three lists, whosever answer was whose."""
        return min(self.activities, self.channels, self.reservations) >= max(self.waiting, 1)


class WorkerEvent(msgspec.Struct, frozen=True):
    """An event for a worker's sockets; ``call`` names the call whose answer goes first, or is None."""

    seq: int
    event_type: str
    payload: dict[str, Any]
    call: str | None


async def insert_session(
    uow: UnitOfWork,
    sid: str,
    *,
    workspace_sid: str,
    worker_sid: str,
    process: int,
    goes_offline: bool,
    opened_at: datetime,
) -> None:
    """Write an open session; ``opened_at`` is real time."""
    await uow.execute(INSERT_SESSION, uow.account_sid, sid, workspace_sid, worker_sid, process, goes_offline, opened_at)


async def first_use(uow: UnitOfWork, worker_sid: str, token: bytes, expires: datetime) -> bool:
    """Remember that a token asked to be the only session; say whether it is the first time."""
    return bool(await uow.fetchval(FIRST_USE, uow.account_sid, worker_sid, token, expires))


async def dismiss_others(uow: UnitOfWork, worker_sid: str, sid: str) -> None:
    """Ask for the end of the worker's other sessions."""
    await uow.execute(DISMISS_OTHERS, uow.account_sid, worker_sid, sid)


async def remove_session(uow: UnitOfWork, sid: str) -> bool | None:
    """Remove a session; say whether its end moves the worker, or None where it was gone."""
    record = await uow.fetchrow(REMOVE_SESSION, uow.account_sid, sid)
    return None if record is None else bool(record["goes_offline"])


async def has_session(reader: Reader, worker_sid: str) -> bool:
    """Say whether a session of the worker is open."""
    return bool(await reader.fetchval(OTHER_SESSIONS, reader.account_sid, worker_sid))


async def answered(uow: UnitOfWork, worker_sid: str, which: str, position: int | None) -> None:
    """Note for the worker's waiting sessions that a list was answered.

    :param which: ``activities``, ``channels`` or ``reservations``.
    :param position: of the reservation list's snapshot.
    """
    await uow.execute(ANSWERED, uow.account_sid, worker_sid, which, position)


async def progress(reader: Reader, sid: str, since: datetime) -> Progress | None:
    """How far the session's client is, or None where the session is gone.

    :param since: real time; sessions opened before it are not waited for.
    """
    record = await reader.fetchrow(PROGRESS, reader.account_sid, sid, since)
    return None if record is None else Progress(**record)


async def start(uow: UnitOfWork, sid: str) -> None:
    """Note that events flow."""
    await uow.execute(START, uow.account_sid, sid)


async def events_after(reader: Reader, worker_sid: str, position: int, limit: int) -> list[WorkerEvent]:
    """The worker's events after a position, in order."""
    records = await reader.fetch(EVENTS_AFTER, reader.account_sid, worker_sid, position, limit)
    return [WorkerEvent(**record) for record in records]


async def last_seqs(reader: Reader, worker_sids: list[str]) -> dict[str, int]:
    """The position of each worker's last event; a worker who is gone is left out."""
    records = await reader.fetch(LAST_SEQS, reader.account_sid, worker_sids)
    return {record["sid"]: record["event_seq"] for record in records}


async def caused_by_call(uow: UnitOfWork, worker_sid: str, position: int, call: str) -> None:
    """Have the worker's events after a position wait for the answer of a call."""
    await uow.flush()
    await uow.execute(CAUSED_BY_CALL, uow.account_sid, worker_sid, position, call)


async def event_seq(uow: UnitOfWork, worker_sid: str) -> int:
    """The position of the worker's last event so far, read without a lock."""
    record = await uow.peek(EVENT_SEQ, uow.account_sid, worker_sid)
    return 0 if record is None else int(record["event_seq"])
