"""Runs the jobs of due lanes: in order within a lane, lanes beside each other (DESIGN 2.5)."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from typing import Final

import structlog

from parlour.kit import failpoints
from parlour.kit.clock import Clock
from parlour.kit.errors import ContractError
from parlour.kit.who import about
from parlour.outbox import lanes as sql
from parlour.outbox.claims import JOBS_PER_LANE, Claims, LaneKey
from parlour.outbox.jobs import TAKE_JOBS, Dead, Job, JobGone, JobRun, Retry
from parlour.outbox.reactions import Registry
from parlour.outbox.turns import Turns
from parlour.outbox.wake import Wake
from parlour.store.database import Database, DatabaseUnavailable
from parlour.store.unit import Unanswered, UnitOfWork

LANES_AT_ONCE: Final = 512  # a hanging receiver holds one of them, so that it slows nobody
LANES_OF_ONE: Final = 128  # lanes that one subscriber may hold: what hangs with many streams leaves room for others
LANES_PER_CLAIM: Final = 64
CROWDED: Final = 0.25  # seconds between looks without a hint while lanes wait for their own subscriber
MAX_ATTEMPTS: Final = 12
FIRST_BACK_OFF: Final = timedelta(seconds=1)
LONGEST_BACK_OFF: Final = timedelta(minutes=5)
BUSY: Final = 24  # lanes in one claim from which on waiting a moment may save more than it costs
SHARED: Final = 2  # jobs that such lanes have each: then more of them gather in a moment, and are done together
GATHER: Final = 0.1  # seconds of that moment
SWEEP: Final = 1.0  # seconds of real time between looks without a hint
AWAY: Final = 0.2  # seconds of real time between tries while the database is away
STEPS_AT_ONCE: Final = 10  # units of work that jobs may have open, below the size of the pool

log = structlog.get_logger("parlour.outbox")


class Runner:
    """Claims due lanes and runs their jobs until it is stopped.

    :param process_number: this process in the table ``process``.
    """

    def __init__(self, database: Database, registry: Registry, wake: Wake, clock: Clock, process_number: int) -> None:
        self._database = database
        self._registry = registry
        self._wake = wake
        self._clock = clock
        self._claims = Claims(database, clock, process_number)
        self._running: dict[LaneKey, asyncio.Task[None]] = {}
        self._steps = asyncio.Semaphore(STEPS_AT_ONCE)
        self._turns = Turns(lambda: database.crowded)
        self._stopping = False
        self._look = True  # lanes may be due that no hint told of
        self._flooded = False  # the last claim found many jobs in many lanes
        self.fired: list[dict[str, str]] | None = None

    @property
    def idle(self) -> bool:
        """Say whether nothing runs in this process."""
        return not self._running and not self._claims.finished

    @property
    def running(self) -> int:
        """Return how many lanes run in this process."""
        return len(self._running)

    async def run(self) -> None:
        """Work until ``stop``."""
        loop = asyncio.get_running_loop()
        look_at = 0.0
        while not self._stopping:
            try:
                claimed = await self._turn()
                if self._flooded:
                    await asyncio.sleep(GATHER)
                    self._look = True
                elif not self._claims.finished and (claimed is None or not self._look):
                    if claimed is not None:
                        look_at = loop.time() + await self._until_next()
                    # One that still wants to look has no room for lanes.
                    patience = SWEEP if self._look else look_at - loop.time()
                    self._look = not await self._wake.wait(patience) or self._look
            except DatabaseUnavailable:
                self._look = True
                await asyncio.sleep(AWAY)
            except Exception:
                # Nothing may end this loop while the process says that it lives: its lanes would stand for ever.
                log.exception("the runner stumbled and goes on")
                self._look = True
                await asyncio.sleep(AWAY)

    async def stop(self, patience: float) -> None:
        """Claim nothing more, let running jobs finish for ``patience`` seconds, give the lanes back."""
        self._stopping = True
        self._wake.stir()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=patience)
        rest = list(self._running.values())
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        try:
            await self._claims.release()
        except DatabaseUnavailable:
            log.warning("lanes could not be given back; the next process frees them")

    async def _turn(self) -> int | None:
        """Give finished lanes back, and claim due ones where some may be there; return how many, None: not looked."""
        self._flooded = False
        settled = await self._claims.settle(self._running)
        more = await self._claims.release()
        self._look = self._wake.take_jobs() or self._look or settled or more
        room = min(LANES_PER_CLAIM, LANES_AT_ONCE - len(self._running))
        if room <= 0 or self._stopping or not self._look:
            return None
        claimed = await self._claims.claim(room, self._crowded())
        if any(claimed.values()):
            failpoints.passing(failpoints.JOBS_CLAIMED)
        for key, jobs in claimed.items():
            self._running[key] = asyncio.create_task(self._run_lane(key, jobs), name=f"lane {key[1]}")
        self._look = len(claimed) == room  # more may wait behind them
        self._flooded = len(claimed) >= BUSY and sum(map(len, claimed.values())) >= SHARED * len(claimed)
        return len(claimed)

    async def _run_lane(self, key: LaneKey, jobs: list[Job]) -> None:
        retry: datetime | None = None
        try:
            while jobs:
                retry = await self._run_jobs(jobs)
                if retry is not None:
                    return
                if len(jobs) < JOBS_PER_LANE or self._stopping:
                    return
                jobs = await self._claims.further_jobs(key)
        except DatabaseUnavailable:
            await asyncio.sleep(0.2)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            self._claims.finished[key] = retry
            self._running.pop(key, None)
            self._wake.stir()

    async def _run_jobs(self, jobs: list[Job]) -> datetime | None:
        """Run a lane's jobs in order; return the domain time at which the lane should try again, or None."""
        rest = jobs
        while rest:
            batch = list(itertools.takewhile(self._is_step, rest))
            if len(batch) > 1 and await self._run_batch(batch):
                rest = rest[len(batch) :]
                continue
            retry = await self._run_job(rest[0])
            if retry is not None:
                return retry
            rest = rest[1:]
        return None

    def _is_step(self, job: Job) -> bool:
        if job.event is None:
            return job.handler in self._registry.steps
        return job.handler in self._registry.after_steps

    async def _run_batch(self, jobs: list[Job]) -> bool:
        """Run jobs that are one transaction each as one transaction together; False: nothing was done."""
        if self.fired is not None:
            return False  # the test clock tells of each job by itself

        async def work(uow: UnitOfWork) -> None:
            for job in jobs:
                if job.request_id != uow.request_id:
                    await uow.flush()
                    uow.request_id = job.request_id
                uow.cause = None if job.event is None else job.event.sid
                await self._handle(uow, job)

        try:
            await self._steps_of(jobs, work)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one by one they show which of them it was
            log.debug("a batch is run one by one", lane=jobs[0].lane, error=str(error))
            return False
        for _ in jobs:
            failpoints.passing(failpoints.JOB_DONE)
        return True

    async def _handle(self, uow: UnitOfWork, job: Job) -> None:
        after = self._registry.after_steps.get(job.handler)
        if after is not None:
            await after(uow, job.event)
        else:
            await self._registry.steps[job.handler](uow, job.payload or {})

    async def _run_job(self, job: Job) -> datetime | None:
        """Run one job; return the domain time at which its lane should try again, or None to go on."""
        if self.fired is not None:
            self.fired.append({"lane": job.lane, "handler": job.handler})
        try:
            about.set((job.request_id, job.account_sid))  # each lane is a task of its own
            await self._call(job)
            failpoints.passing(failpoints.JOB_DONE)
        except JobGone:
            return None
        except DatabaseUnavailable:
            raise
        except Retry as asked:
            return await self._failed(job, str(asked), asked.after, count=asked.failed)
        except Dead as dead:
            await self._died(job, str(dead))
            return None
        except ContractError as error:
            log.warning("job refused", handler=job.handler, lane=job.lane, code=error.code, error=error.message)
            return await self._failed(job, f"{error.code}: {error.message}", None)
        except Exception as error:
            log.exception("job failed", handler=job.handler, lane=job.lane)
            return await self._failed(job, f"{type(error).__name__}: {error}", None)
        return None

    async def _call(self, job: Job) -> None:
        if job.event is None and (
            job.handler in self._registry.after_steps or job.handler in self._registry.after_calls
        ):
            raise Dead("its event is older than the log")
        if self._is_step(job):
            await self._steps_of([job], lambda uow: self._handle(uow, job))
            return
        run = JobRun(self._database, job, self._turns)
        call = self._registry.after_calls.get(job.handler)
        if call is not None:
            await call(run, job.event)
        else:
            handler = self._registry.jobs.get(job.handler)
            if handler is None:
                raise Dead(f"no handler of the name {job.handler}")
            await handler(run, job.payload or {})
        if not run.finished:
            await self._claims.book(lambda connection: connection.execute(sql.REMOVE_JOB, job.account_sid, job.id))

    async def _steps_of(self, jobs: list[Job], work: Callable[[UnitOfWork], Awaitable[None]]) -> None:
        """Do a unit of work that removes its jobs first of all; where it writes nothing their lane does it later.

        :raises JobGone: a job is not ours any more; nothing of ``work`` is kept.
        """
        ids = [job.id for job in jobs]
        began = False

        async def take(uow: UnitOfWork) -> None:
            nonlocal began
            began = True
            if len(await uow.fetch(TAKE_JOBS, uow.account_sid, ids)) != len(ids):
                raise JobGone

        first = jobs[0]
        cause = None if first.event is None else first.event.sid
        answers: dict[Hashable, object] = {}
        while True:
            try:
                async with self._steps:
                    await self._database.try_step(
                        first.account_sid,
                        work,
                        request_id=first.request_id,
                        cause=cause,
                        on_begin=take,
                        answers=answers,
                    )
                break
            except Unanswered as unanswered:
                if len(jobs) > 1:
                    raise  # one by one, so that each job has the answers to its own questions
                await self._database.answer(first.account_sid, first.request_id, unanswered.question, answers)
        if not began:
            self._claims.done[first.account_sid, first.lane].extend(ids)

    async def _failed(self, job: Job, error: str, after: timedelta | None, *, count: bool = True) -> datetime | None:
        attempt = job.attempt + 1 if count else job.attempt
        if attempt >= MAX_ATTEMPTS:
            await self._died(job, error)
            return None
        await self._claims.book(
            lambda connection: connection.execute(sql.FAILED, job.account_sid, job.id, attempt, error[:2000])
        )
        back_off = min(FIRST_BACK_OFF * 2 ** max(attempt - 1, 0), LONGEST_BACK_OFF)
        return self._clock.now() + (back_off if after is None else after)

    async def _died(self, job: Job, error: str) -> None:
        log.error("job is dead", handler=job.handler, lane=job.lane, job=job.id, error=error)
        await self._claims.book(
            lambda connection: connection.execute(
                sql.DIED, job.account_sid, job.id, job.attempt + 1, error[:2000], self._clock.now()
            )
        )

    def _crowded(self) -> list[str] | None:
        """Return the subscribers that hold as many lanes as one may, None where there are none."""
        if len(self._running) < LANES_OF_ONE:
            return None
        held = Counter(subscriber_of(name) for _, name in self._running)
        return [subscriber for subscriber, count in held.items() if count >= LANES_OF_ONE] or None

    async def _until_next(self) -> float:
        if self._crowded() is not None:
            return CROWDED
        due = await self._claims.next_due()
        if due is None:
            return SWEEP
        seconds: float = (due - self._clock.now()).total_seconds()
        return min(max(seconds, 0.01), SWEEP)


def subscriber_of(lane: str) -> str:
    """Return whose lane it is, such as one webhook or one number: the first two parts of the name."""
    return ":".join(lane.split(":", 2)[:2])
