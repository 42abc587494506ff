"""What the database knows of this process's sockets, for users who show whether they are online (§10).

A socket is written before its client hears that it is logged in, and removed after it ended. What is missed by that,
since the database was away or a process died, a sweep makes up for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from parlour.accounts import grants
from parlour.conversations import reachability
from parlour.conversations.store_system import system_sessions
from parlour.kit.clock import real_now
from parlour.outbox.process import Process
from parlour.rest.operations import Caller
from parlour.store.database import Database, DatabaseUnavailable
from parlour.store.unit import UnitOfWork

SWEEP: Final = 5.0  # seconds of real time

log = structlog.get_logger("parlour.realtime")


@dataclass(frozen=True, slots=True)
class Session:
    """An open socket of a client of Conversations."""

    sid: str
    account_sid: str
    chat_service_sid: str
    identity: str


class Presence:
    """The open sockets of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: dict[str, Session] = {}
        self._busy: set[str] = set()  # being written or removed
        self._process = 0

    async def opened(self, caller: Caller) -> Session | None:
        """Write the socket of a client that logs in; None where its token is for no chat service.

        :raises ContractError: 503, the database is away.
        """
        service = grants.chat_service_or_none(caller)
        if service is None:
            return None
        sid = self._database.sids.new("TS", self._database.clock.now())
        session = Session(sid, caller.account_sid, service, grants.identity(caller))
        self._open[sid] = session
        try:
            await self._write(session)
        except BaseException:
            self._open.pop(sid, None)
            raise
        return session

    async def closed(self, session: Session, *, gone: bool) -> None:
        """Remove a socket that ended; where the database is away a later sweep does it.

        :param gone: whether the client said goodbye.
        """
        self._open.pop(session.sid, None)
        try:
            await self._remove(session, gone=gone)
        except DatabaseUnavailable:
            log.warning("a socket ended while the database was away", identity=session.identity)

    async def run(self, process: Process) -> None:
        """Sweep for as long as the server serves."""
        self._process = process.number
        while True:
            try:
                await self.sweep()
            except DatabaseUnavailable as away:
                log.warning("the database is away; waiting for it", why=repr(away.__cause__))
            except Exception:
                log.exception("a sweep failed")  # the next one may go well
            await asyncio.sleep(SWEEP)

    async def sweep(self) -> None:
        """Write the sockets that are not known, and remove those that are no more, also of processes that died."""
        before = set(self._open)
        found = await self._database.system(lambda connection: system_sessions(connection, self._process))
        known = {each.sid for each in found}
        for sid in before - known - self._busy:
            session = self._open.get(sid)
            if session is not None:
                await self._write(session)
        for each in found:
            if each.sid not in self._open and each.sid not in self._busy:
                lost = Session(each.sid, each.account_sid, each.chat_service_sid, each.identity)
                await self._remove(lost, gone=False)

    async def _write(self, session: Session) -> None:
        await self._step(
            session,
            lambda uow: reachability.opened(
                uow,
                session.sid,
                chat_service_sid=session.chat_service_sid,
                identity=session.identity,
                process=self._process,
                at=real_now(),
            ),
        )

    async def _remove(self, session: Session, *, gone: bool) -> None:
        await self._step(
            session,
            lambda uow: reachability.closed(
                uow, session.sid, chat_service_sid=session.chat_service_sid, identity=session.identity, gone=gone
            ),
        )

    async def _step(self, session: Session, work: Callable[[UnitOfWork], Awaitable[None]]) -> None:
        """Do what concerns a session, which the sweep leaves alone meanwhile."""
        self._busy.add(session.sid)
        try:
            await self._database.step(session.account_sid, work)
        finally:
            self._busy.discard(session.sid)
