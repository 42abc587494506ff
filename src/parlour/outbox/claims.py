"""The lanes that this process holds: claimed when they are due, given back when their jobs ran (DESIGN 2.5)."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from parlour.kit.clock import Clock, real_now
from parlour.outbox import lanes as sql
from parlour.outbox.facts import Event
from parlour.outbox.jobs import Job
from parlour.store.database import REPEATABLE, STEP_ATTEMPTS, Database, DatabaseUnavailable

T = TypeVar("T")

LEASE: Final = timedelta(seconds=120)  # real time; renewed while the process lives
JOBS_PER_LANE: Final = 50
FEW_LANES: Final = 8  # below which their jobs and events are read by one statement
LANES_PER_RELEASE: Final = 32
RELEASES_IN_VAIN: Final = 5  # times a lane's row may be busy before we wait for it

LaneKey = tuple[str, str]


class Claims:
    """Claims lanes in the name of a process and gives them back.

    :param process_number: this process in the table ``process``.
    :ivar finished: lanes whose jobs ran and that are still ours, each with the domain time of its next try, if any.
    :ivar done: jobs of our lanes that ran and left nothing to write; they are removed before their lane is given back.
    """

    def __init__(self, database: Database, clock: Clock, process_number: int) -> None:
        self._database = database
        self._clock = clock
        self._number = process_number
        self._not_yet: Counter[LaneKey] = Counter()
        self._in_doubt = False
        self.finished: dict[LaneKey, datetime | None] = {}
        self.done: defaultdict[LaneKey, list[int]] = defaultdict(list)

    async def claim(self, room: int, crowded: list[str] | None) -> dict[LaneKey, list[Job]]:
        """Take at most ``room`` due lanes, each with the first of its jobs.

        :param crowded: subscribers whose lanes have to wait.
        """
        now = self._clock.now()

        async def take(connection: Any) -> tuple[list[LaneKey], list[Job]]:
            rows = await connection.fetch(sql.CLAIM, now, real_now(), room, real_now() + LEASE, self._number, crowded)
            keys = [(row["account_sid"], row["name"]) for row in rows]
            return keys, await _jobs_of(connection, keys, now) if keys else []

        try:
            keys, jobs = await self.book(take)
        except BaseException:
            self._in_doubt = True  # the claim may have been stored although we never heard of it
            raise
        claimed: dict[LaneKey, list[Job]] = {key: [] for key in keys}
        for job in jobs:
            claimed[job.account_sid, job.lane].append(job)
        return claimed

    async def further_jobs(self, key: LaneKey) -> list[Job]:
        """Return the next jobs of a lane that is ours."""
        now = self._clock.now()

        async def take(connection: Any) -> list[Job]:
            await self._remove_done(connection, [key])
            return await _jobs_of(connection, [key], now)

        return await self.book(take)

    async def settle(self, running: Iterable[LaneKey]) -> bool:
        """After a claim of which nobody heard: give back what is ours by the table and not known; True: there was one.

        :param running: the lanes whose jobs run.
        """
        if not self._in_doubt:
            return False
        known = [*running, *self.finished]
        accounts, names = [key[0] for key in known], [key[1] for key in known]
        await self.book(lambda connection: connection.execute(sql.DISOWN, self._number, accounts, names))
        self._in_doubt = False
        return True

    async def release(self) -> bool:
        """Give finished lanes back; True: jobs are left in some. One whose row is locked has its turn next time."""
        more = False
        while self.finished:
            keys = sorted(self.finished)[:LANES_PER_RELEASE]
            patient = any(self._not_yet[key] >= RELEASES_IN_VAIN for key in keys)
            finished = {key: self.finished.pop(key) for key in keys}
            try:
                given = await self._give(finished, patient)
            except BaseException:
                self.finished = {**finished, **self.finished}
                raise
            more = more or any(given.values())
            kept = {} if patient else {key: retry for key, retry in finished.items() if key not in given}
            for key in finished:
                if key in kept:
                    self._not_yet[key] += 1
                else:
                    self._not_yet.pop(key, None)
            if kept:
                self.finished = {**kept, **self.finished}
                break
        return more

    async def _give(self, finished: dict[LaneKey, datetime | None], patient: bool) -> dict[LaneKey, bool]:
        accounts, names = [key[0] for key in finished], [key[1] for key in finished]
        values = (accounts, names, list(finished.values()), self._number, self._clock.now(), patient)

        async def give(connection: Any) -> list[Any]:
            await self._remove_done(connection, finished)
            rows: list[Any] = await connection.fetch(sql.RELEASE_LANES, *values)
            return rows

        return {(row["account_sid"], row["name"]): row["more"] for row in await self.book(give)}

    async def _remove_done(self, connection: Any, keys: Iterable[LaneKey]) -> None:
        done = [(key, id_) for key in keys for id_ in self.done.get(key, ())]
        if done:
            await connection.execute(sql.REMOVE_JOBS, [key[0] for key, _ in done], [id_ for _, id_ in done])
        for key, _ in done:
            self.done.pop(key, None)

    async def next_due(self) -> datetime | None:
        """Return the domain time at which a lane that nobody holds is due, None where there is none."""
        due: datetime | None = await self.book(lambda connection: connection.fetchval(sql.NEXT_DUE))
        return due

    async def book(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Run statements of the outbox, again after a deadlock with a unit of work that touched the same lanes.

        :raises DatabaseUnavailable: PostgreSQL is away, or the deadlocks do not end.
        """
        for attempt in range(STEP_ATTEMPTS):
            try:
                return await self._database.bookkeep(work)
            except REPEATABLE:
                await asyncio.sleep(random.uniform(0, 0.005 * 2**attempt))
        raise DatabaseUnavailable


async def _jobs_of(connection: Any, keys: list[LaneKey], now: datetime) -> list[Job]:
    accounts, names = [key[0] for key in keys], [key[1] for key in keys]
    if len(keys) < FEW_LANES:
        rows = await connection.fetch(sql.JOBS_OF_LANES, accounts, names, now, JOBS_PER_LANE)
        return [_job(row, None if row["event_sid"] is None else _event(row)) for row in rows]
    rows = await connection.fetch(sql.JOBS_ALONE, accounts, names, now, JOBS_PER_LANE)
    wanted = {(row["account_sid"], row["event_sid"], row["event_at"]) for row in rows if row["event_sid"] is not None}
    found = await connection.fetch(sql.EVENTS_OF_JOBS, *map(list, zip(*wanted, strict=True))) if wanted else []
    events = {row["event_sid"]: _event(row) for row in found}
    return [_job(row, events.get(row["event_sid"])) for row in rows]


def _event(row: Any) -> Event:
    return Event(
        row["event_sid"],
        row["account_sid"],
        row["kind"],
        row["stream"],
        row["object_sid"],
        row["at"],
        row["request_id"],
        row["cause"],
        row["snapshot"],
        {},
    )


def _job(row: Any, event: Event | None) -> Job:
    return Job(
        row["id"],
        row["account_sid"],
        row["lane"],
        row["handler"],
        row["attempt"],
        row["request_id"],
        row["payload"],
        event,
    )
