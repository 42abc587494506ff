"""Jobs with a time of their own (DESIGN 2.5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from parlour.outbox.facts import NewJob, Outbox
from parlour.store.unit import UnitOfWork

CANCEL: Final = """
WITH gone AS (DELETE FROM lane WHERE account_sid = $1 AND name = ANY($2) AND holder IS NULL)
DELETE FROM job WHERE account_sid = $1 AND lane = ANY($2) AND dead_at IS NULL"""


def schedule(
    uow: UnitOfWork, handler: str, *, lane: str, at: datetime | None = None, payload: Mapping[str, Any]
) -> None:
    """Have the step or job ``handler`` run at domain time ``at`` (None: at once, after the lane's other jobs)."""
    uow.extension(Outbox).add_job(NewJob(lane, handler, at, None, payload))


async def cancel(uow: UnitOfWork, lane: str) -> None:
    """Forget the jobs and timers of a lane that have not begun; one that runs now is not disturbed.

    What was scheduled earlier in the same unit is written first, so that it is forgotten too.
    """
    await cancel_all(uow, [lane])


async def cancel_all(uow: UnitOfWork, lanes: Sequence[str]) -> None:
    """Forget the jobs and timers of several lanes, as ``cancel`` does."""
    await uow.flush()
    await uow.execute(CANCEL, uow.account_sid, list(lanes))
