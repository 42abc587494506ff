"""One run of a job that may call others (DESIGN 2.3, 2.5)."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec

from parlour.outbox.turns import Turns
from parlour.store.database import Database
from parlour.store.unit import Reader, Unanswered, UnitOfWork

T = TypeVar("T")

TAKE_JOBS: Final = "DELETE FROM job WHERE account_sid = $1 AND id = ANY($2) AND dead_at IS NULL RETURNING id"
END_JOBS: Final = "DELETE FROM job WHERE account_sid = $1 AND id = ANY($2) AND dead_at IS NULL"


class Retry(Exception):
    """Try the job again later; its lane waits meanwhile.

    :param after: domain time to wait; None takes the usual back-off.
    :param reason: what went wrong, for the job's row.
    :param failed: False: the job only waits for something, which is no attempt of the twelve that it has.
    """

    def __init__(self, after: timedelta | None = None, reason: str = "", *, failed: bool = True) -> None:
        super().__init__(reason or "the job asked to be tried again")
        self.after = after
        self.failed = failed


class Dead(Exception):
    """Give the job up: it stays visible as dead and its lane goes on."""


class JobGone(Exception):
    """The job was finished, canceled or taken over by another process."""


class Job(msgspec.Struct, frozen=True):
    """A row of the job table with its event, where it has one."""

    id: int
    account_sid: str
    lane: str
    handler: str
    attempt: int
    request_id: str
    payload: dict[str, Any] | None
    event: Any  # parlour.outbox.facts.Event or None; the module there imports this one


class JobRun:
    """What a handler that calls others is given.

    :ivar attempt: 1 at the first try.
    :ivar lane: the lane of the job, for a reaction that stands in several for one event.
    :param turns: one is taken for each use of the database, and never while others are waited for.
    """

    def __init__(self, database: Database, job: Job, turns: Turns | None = None) -> None:
        self._database = database
        self._job = job
        self._turns = turns or Turns(lambda: False)
        self.job_id = job.id
        self.account_sid = job.account_sid
        self.request_id = job.request_id
        self.lane = job.lane
        self.attempt = job.attempt + 1
        self.finished = False

    @property
    def now(self) -> datetime:
        """Return the domain time."""
        return self._database.clock.now()

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T:
        """Read outside any transaction."""
        async with self._turns:
            return await self._database.read(self.account_sid, work)

    async def step(self, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Do one unit of work caused by this job's event."""
        answers: dict[Hashable, object] = {}
        while True:
            try:
                async with self._turns:
                    return await self._database.try_step(
                        self.account_sid, work, request_id=self.request_id, cause=self._cause, answers=answers
                    )
            except Unanswered as unanswered:
                await self._database.answer(self.account_sid, self.request_id, unanswered.question, answers)

    async def finish(
        self, work: Callable[[UnitOfWork], Awaitable[T]], *, anyway: bool = False, also: "Sequence[JobRun]" = ()
    ) -> T:
        """Do the last unit of work; the job is removed in the same transaction.

        :param anyway: what ``work`` defers is true whoever has the job now, so that one statement may be all of it.
        :param also: runs of other jobs of the account whose work is done by it too.
        :raises JobGone: the job is not ours any more; nothing of ``work`` is kept.
        """
        runs = [self, *also]

        async def take_and_work(uow: UnitOfWork) -> T:
            if anyway:
                uow.defer(END_JOBS, self.account_sid, [run.job_id for run in runs])
            else:
                taken = await uow.fetch(TAKE_JOBS, self.account_sid, [run.job_id for run in runs])
                if self.job_id not in {row["id"] for row in taken}:
                    raise JobGone
            return await work(uow)

        result = await self.step(take_and_work)
        for run in runs:
            run.finished = True
        return result

    @property
    def _cause(self) -> str | None:
        return None if self._job.event is None else str(self._job.event.sid)
