"""Marks: which tasks and workers the next matching pass must look at (DESIGN 2.9)."""

from typing import Final

from parlour.outbox.timers import schedule
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import waiting_store as store

MATCH: Final = "taskrouter.match"


def mark(uow: UnitOfWork, workspace_sid: str, *subjects: str) -> None:
    """Have matching look at tasks (WT), workers (WK), groups of tasks (by key) or all of the workspace (WS).

    It looks once this unit is committed. The job stands in a lane of its subject, not of the workspace: a lane's row
    is locked until the commit, and two units that free two workers must not wait for each other.
    """
    if not subjects:
        return
    uow.defer(store.INSERT_MARKS, uow.account_sid, workspace_sid, list(subjects), uow.now)
    schedule(uow, MATCH, lane=f"match:{subjects[0]}", payload={"workspace_sid": workspace_sid})
