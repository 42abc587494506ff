"""One open socket of a worker: what it is told, and when (DESIGN 2.7)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from parlour.kit.clock import real_now
from parlour.kit.wire import json_text
from parlour.realtime.event_bridge import store
from parlour.realtime.event_bridge.answers import Answers
from parlour.store.database import Database, DatabaseUnavailable
from parlour.store.unit import UnitOfWork

BEAT: Final = 10.0  # seconds without a word before a heartbeat; clients give up after 30 (agent-clients.md §1.3)
SETTLE: Final = 0.5  # seconds at least for the last list's answer to arrive and the client to attach its listeners
LONGEST_SETTLE: Final = 10.0  # seconds, however slow the client is
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
        self._listed_at: float | None = None
        self._unsure: set[str] = set()  # reservations that were told while the client may not have listened
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
            return await self._deliver(tell, self.position), self._make_sure()
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
        if self._listed_at is None and not found.complete and waited < LISTING:
            return LISTING - waited
        if found.position is None:
            self.end(RECONNECT, "The reservations were not asked for")
            return 0
        if self._listed_at is None:
            self._listed_at = loop.time()
        settled = self._listed_at + self._settle(self._listing_since)
        if loop.time() < settled:
            return settled - loop.time()
        await self._begin(found.position)
        return 0

    def _settle(self, listing_since: float) -> float:
        """Seconds for the client to take the last answer: as long as it took for two round trips to its first list."""
        return min(max(SETTLE, listing_since - self._opened), LONGEST_SETTLE)

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
            self._doubt(event)
        return bool(events)

    @property
    def _sure_at(self) -> float:
        """From when on a client that is still there has had its lists: it gives up on an answer after that time."""
        return (self._listed_at or 0.0) + LISTING

    def _doubt(self, event: store.WorkerEvent) -> None:
        """Remember an offer that is told early, until something further is told of it."""
        sid = str(event.payload.get("sid", ""))
        if event.event_type == "reservation.created" and asyncio.get_running_loop().time() < self._sure_at:
            self._unsure.add(sid)
        else:
            self._unsure.discard(sid)

    def _make_sure(self) -> float:
        """Have a client list again that may have missed an offer which still waits; seconds until the next look."""
        if not self._unsure:
            return BEAT
        left = self._sure_at - asyncio.get_running_loop().time()
        if left <= 0:
            self.end(RECONNECT, "A reservation was made while the lists were on their way; please list again")
        return max(left, 0.0)

    async def _say(self, tell: Tell, text: str) -> None:
        async with asyncio.timeout(SLOW):
            await tell(text)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._wake.wait()
        except TimeoutError:
            pass
