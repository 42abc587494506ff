"""All open sockets of this process: hints wake them, a sweep finds what hints lost (DESIGN 2.7, 2.8)."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import structlog

from parlour.accounts.access_tokens import AccessTokens
from parlour.kit.clock import real_now
from parlour.outbox.process import Process
from parlour.outbox.wake import CHANGED, Wake
from parlour.realtime.event_bridge import presence, store
from parlour.realtime.event_bridge.answers import Answers
from parlour.realtime.event_bridge.bearer import Bearer
from parlour.realtime.event_bridge.calls.worker_call import Listed, WorkerCall
from parlour.realtime.event_bridge.session import RECONNECT, Session
from parlour.realtime.event_bridge.store_system import KnownSession, system_forget, system_looked_after
from parlour.store.database import Database, DatabaseUnavailable
from parlour.store.unit import UnitOfWork

SWEEP: Final = 1.0  # seconds of real time
TRIES: Final = 5  # a second apart, to note that a list was answered; its client is waiting
HOUSEKEEPING: Final = 3600.0  # seconds of real time
KEPT: Final = timedelta(days=1)  # events that sockets were told, or that nobody asked for
LONGEST: Final = timedelta(days=1)  # a socket outlives its token by this, since a fresh one is not said to it
ANSWERED: Final = "worker_calls"  # on the bus, with the request id of a call that was answered

log = structlog.get_logger("parlour.event_bridge")


class Sessions:
    """The sessions of this process."""

    def __init__(self, database: Database, tokens: AccessTokens, wake: Wake) -> None:
        self.database = database
        self.tokens = tokens
        self._hints = wake
        self._answers = Answers()
        self._sessions: dict[str, Session] = {}
        self._of_worker: defaultdict[str, dict[str, Session]] = defaultdict(dict)
        self._busy: set[str] = set()  # sessions that are being opened or ended
        self._process = 0
        wake.hear(CHANGED, self._wake)
        wake.hear(ANSWERED, self._answers.sent)

    async def open(self, bearer: Bearer, worker_sid: str, *, alone: bool, offline: bool | None) -> Session:
        """Begin a session.

        :param alone: whether the worker's other sessions are to end.
        :param offline: whether the worker goes offline with it; None is the default of their workspace.
        :raises ContractError: 404, no such worker.
        """
        now = self.database.clock.now()
        sid = self.database.sids.new("EB", now)
        at = real_now()
        session = Session(
            self.database,
            self._answers,
            account_sid=bearer.account_sid,
            worker_sid=worker_sid,
            sid=sid,
            expires=bearer.expires,
        )
        with self._being_changed(sid):
            await self.database.step(
                bearer.account_sid,
                lambda uow: presence.opened(
                    uow,
                    bearer,
                    worker_sid,
                    sid,
                    process=self._process,
                    at=at,
                    alone=alone,
                    offline_if_disconnected=offline,
                ),
            )
            self._sessions[sid] = self._of_worker[worker_sid][sid] = session
        return session

    async def ended(self, session: Session, workspace_sid: str, *, closed: bool) -> None:
        """Forget a session whose socket is gone; where the database is away a later sweep does it."""
        self._sessions.pop(session.sid, None)
        of_worker = self._of_worker[session.worker_sid]
        of_worker.pop(session.sid, None)
        if not of_worker:
            del self._of_worker[session.worker_sid]
        with self._being_changed(session.sid):
            await self.database.step(
                session.account_sid,
                lambda uow: presence.ended(uow, workspace_sid, session.worker_sid, session.sid, closed=closed),
            )

    @contextlib.contextmanager
    def _being_changed(self, sid: str) -> Iterator[None]:
        """Keep a session from being buried while its row is written."""
        self._busy.add(sid)
        try:
            yield
        finally:
            self._busy.discard(sid)

    async def answered(self, call: WorkerCall) -> None:
        """Let follow what waits for the answer of a call, which went out."""
        worker_sid, listed = call.bearer.worker_sid, call.listed
        if call.holds:
            self._hints.say(ANSWERED, call.request_id)
        if listed is not None and worker_sid is not None:
            await self._note(call.account_sid, worker_sid, listed)

    async def _note(self, account_sid: str, worker_sid: str, listed: Listed) -> None:
        async def work(uow: UnitOfWork) -> None:
            await store.answered(uow, worker_sid, listed.which, listed.position)

        for attempt in range(1, TRIES + 1):
            try:
                await self.database.step(account_sid, work)
                break
            except DatabaseUnavailable:
                if attempt == TRIES:
                    raise
                await asyncio.sleep(SWEEP)
        self._hints.say(CHANGED, worker_sid)

    def _wake(self, worker_sid: str) -> None:
        for session in self._of_worker.get(worker_sid, {}).values():
            session.wake()

    async def run(self, process: Process) -> None:
        """Sweep for as long as the server serves."""
        self._process = process.number
        loop = asyncio.get_running_loop()
        next_housekeeping = 0.0
        while True:
            try:
                await self._sweep()
                if loop.time() >= next_housekeeping:
                    await self._keep_house()
                    next_housekeeping = loop.time() + HOUSEKEEPING
            except DatabaseUnavailable as away:
                log.warning("the database is away; waiting for it", why=repr(away.__cause__))
            except Exception:
                log.exception("a sweep failed")  # without sweeps a lost hint would lose an event
            await asyncio.sleep(SWEEP)

    async def _sweep(self) -> None:
        """Wake the sessions that are behind, end those that shall not go on, and bury those of dead processes."""
        before = list(self._sessions.values())
        found = await self.database.system(lambda connection: system_looked_after(connection, self._process))
        known = {each.sid: each for each in found}
        for session in before:
            if session.sid not in known:
                session.end(RECONNECT, "The session is not known any more")
            elif known[session.sid].dismissed:
                session.end(1000, "Another session of the worker closed this one")
            elif session.expires + LONGEST <= self.database.clock.now():
                session.end(RECONNECT, "The token expired long ago")
        await self._wake_those_behind(before)
        for each in found:
            if each.sid not in self._sessions and each.sid not in self._busy:
                await self._bury(each)

    async def _wake_those_behind(self, sessions: list[Session]) -> None:
        of_account: defaultdict[str, list[Session]] = defaultdict(list)
        for session in sessions:
            of_account[session.account_sid].append(session)
        for account_sid, theirs in of_account.items():
            workers = sorted({session.worker_sid for session in theirs})
            last = await self._last_seqs(account_sid, workers)
            for session in theirs:
                if session.worker_sid not in last:
                    session.end(1000, "The worker was deleted")
                elif session.position is None or session.position < last[session.worker_sid]:
                    session.wake()

    async def _last_seqs(self, account_sid: str, workers: list[str]) -> dict[str, int]:
        return await self.database.read(account_sid, lambda reader: store.last_seqs(reader, workers))

    async def _bury(self, gone: KnownSession) -> None:
        await self.database.step(
            gone.account_sid,
            lambda uow: presence.ended(uow, gone.workspace_sid, gone.worker_sid, gone.sid, closed=False),
        )

    async def _keep_house(self) -> None:
        now: datetime = self.database.clock.now()
        await self.database.system(lambda connection: system_forget(connection, now - KEPT, now))
