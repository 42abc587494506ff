"""One open socket of a worker: what it is told, and when (DESIGN 2.7)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from parlour.kit.wire import json_text
from parlour.outbox.runner import real_now
from parlour.realtime.event_bridge import store
from parlour.realtime.event_bridge.answers import Answers
from parlour.store.database import Database, DatabaseUnavailable
from parlour.store.unit import UnitOfWork

BEAT: Final = 10.0  # seconds without a word before a heartbeat; clients give up after 30 (agent-clients.md §1.3)
SETTLE: Final = 0.5  # seconds for the last list's answer to arrive and the client to attach its listeners
UNLISTED: Final = 60.0  # seconds without any list after which a client's start has failed; it shall begin anew
LISTING: Final = 15.0  # seconds that a client waits for the answer to a list
BATCH: Final = 100
SLOW: Final = 30.0  # seconds for a client to take one frame
AGAIN: Final = 1.0  # seconds until the database is asked again when it was away
RECONNECT: Final = 1012

Tell = Callable[[str], Awaitable[None]]


class Session:
    """Tells a client its worker's events in order, once its lists were answered.

    Nothing is kept in memory but the position of the last event sent, so that a slow client costs no more than one
    batch.

    :ivar position: of the last event sent; None until events flow.
    :ivar ended: code and reason, once the session shall end.
    """

    def __init__(
        self, database: Database, answers: Answers, *, account_sid: str, worker_sid: str, sid: str, expires: datetime
    ) -> None:
        self._database = database
        self._answers = answers
        self.account_sid = account_sid
        self.worker_sid = worker_sid
        self.sid = sid
        self.expires = expires
        self.position: int | None = None
        self.ended: tuple[int, str] | None = None
        self._wake = asyncio.Event()
        self._listing_since: float | None = None
        self._opened = asyncio.get_running_loop().time()

    def wake(self) -> None:
        """Have a look at what there is to tell."""
        self._wake.set()

    def end(self, code: int, reason: str) -> None:
        """Have the session end."""
        self.ended = self.ended or (code, reason)
        self._wake.set()

    async def run(self, tell: Tell) -> tuple[int, str]:
        """Tell events and heartbeats until the session shall end; return code and reason.

        :param tell: sends one frame.
        :raises TimeoutError: the client takes no frames.
        """
        loop = asyncio.get_running_loop()
        spoke = loop.time()
        while self.ended is None:
            self._wake.clear()
            told, patience = await self._look(tell)
            now = loop.time()
            if told:
                spoke = now
            elif now - spoke >= BEAT:
                await self._say(tell, " ")
                spoke = now
            if not told:
                await self._rest(min(patience, spoke + BEAT - now))
        return self.ended

    async def _look(self, tell: Tell) -> tuple[bool, float]:
        """Tell what there is; return whether something was told, and the seconds until the next look."""
        try:
            if self.position is None:
                return False, await self._prepare()
            return await self._deliver(tell, self.position), BEAT
        except DatabaseUnavailable:
            return False, AGAIN

    async def _prepare(self) -> float:
        """Let events flow when the client's lists were answered and its listeners can be there (agent-clients.md §1.3).

        Seconds until this is worth another look.
        """
        loop = asyncio.get_running_loop()
        since = real_now() - timedelta(seconds=2 * LISTING)
        found = await self._database.read(self.account_sid, lambda reader: store.progress(reader, self.sid, since))
        if found is None:
            self.end(RECONNECT, "The session is not known any more")
            return 0
        if not (found.activities or found.channels or found.reservations):
            if loop.time() - self._opened > UNLISTED:
                self.end(RECONNECT, "The lists were not asked for")
            return BEAT
        if self._listing_since is None:
            self._listing_since = loop.time()
        waited = loop.time() - self._listing_since
        if not found.complete and waited < LISTING:
            return LISTING - waited
        if found.position is None:
            self.end(RECONNECT, "The reservations were not asked for")
            return 0
        await asyncio.sleep(SETTLE)
        await self._begin(found.position)
        return 0

    async def _begin(self, position: int) -> None:
        async def start(uow: UnitOfWork) -> None:
            await store.start(uow, self.sid)

        await self._database.step(self.account_sid, start)
        self.position = position

    async def _deliver(self, tell: Tell, position: int) -> bool:
        events = await self._database.read(
            self.account_sid, lambda reader: store.events_after(reader, self.worker_sid, position, BATCH)
        )
        for event in events:
            if event.call is not None:
                await self._answers.wait(event.call)
            await self._say(tell, json_text({"event_type": event.event_type, "payload": event.payload}))
            self.position = event.seq
        return bool(events)

    async def _say(self, tell: Tell, text: str) -> None:
        async with asyncio.timeout(SLOW):
            await tell(text)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._wake.wait()
        except TimeoutError:
            pass
