"""How long ended executions are kept, with their steps and contexts (studio.md §5.4)."""

from datetime import timedelta
from typing import Final

from parlour.outbox.timers import schedule
from parlour.store.unit import UnitOfWork
from parlour.studio import execution_store as store
from parlour.studio.limits import Limits

SWEEP_STEP: Final = "studio.sweep"
SWEEP_LANE: Final = "timer:studio:sweep"
EVERY: Final = timedelta(days=1)
AT_ONCE: Final = 50
"""Executions removed in one transaction; each may have 1,000 steps."""


def begin(uow: UnitOfWork) -> None:
    """Have the ended executions of a new account removed in time."""
    schedule(uow, SWEEP_STEP, lane=SWEEP_LANE, at=uow.now + EVERY, payload={})


async def sweep(uow: UnitOfWork) -> None:
    """Remove executions that ended longer ago than they are kept, some at a time, and look again tomorrow."""
    kept = uow.extension(Limits).ended_kept
    full = bool(kept) and await store.remove_ended(uow, uow.now - kept, AT_ONCE) == AT_ONCE
    schedule(uow, SWEEP_STEP, lane=SWEEP_LANE, at=uow.now if full else uow.now + EVERY, payload={})
