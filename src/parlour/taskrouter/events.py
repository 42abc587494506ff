"""Timers and jobs of TaskRouter."""

import asyncio
from collections import defaultdict
from typing import Any

from parlour.kit.shared import Begin, Shared
from parlour.outbox.jobs import JobRun
from parlour.outbox.reactions import Reactions
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import matching, placing, reservations, routing, tasks
from parlour.taskrouter import task_store as sql
from parlour.taskrouter.desk import ASSIGNED_LIMIT, open_desk
from parlour.taskrouter.marks import MATCH

reactions = Reactions("taskrouter")
_turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
_passes: Shared[None] = Shared()
_waiting: defaultdict[tuple[str, str], list[JobRun]] = defaultdict(list)  # jobs for which a pass is coming


@reactions.job(MATCH)
async def match(run: JobRun, payload: dict[str, Any]) -> None:
    """Run matching passes until nothing is left; those of one workspace take turns in the process.

    A pass takes all marks that are stored when it begins, so it does the work of every job that waited for it.
    """
    workspace_sid = str(payload["workspace_sid"])
    key = (run.account_sid, workspace_sid)
    mine = left = False  # whether this job ran the pass, and whether something is left; that is marked again

    async def take_turn(begin: Begin) -> None:
        nonlocal mine, left
        async with _turns[workspace_sid]:  # before it takes a connection
            begin()
            mine = True
            served = _waiting.pop(key, [])
            if served:
                left = await served[0].finish(lambda uow: matching.run_pass(uow, workspace_sid), also=served[1:])
            else:
                left = await run.step(lambda uow: matching.run_pass(uow, workspace_sid))

    _waiting[key].append(run)
    try:
        await _passes.get(key, take_turn)
    finally:
        if run in _waiting.get(key, ()):  # it was ended before its pass began
            _waiting[key].remove(run)
    while mine and left:
        mine = False
        await _passes.get(key, take_turn)


@reactions.step("taskrouter.reservation.timeout")
async def reservation_timed_out(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """End an offer that nobody answered."""
    await reservations.time_out(uow, str(payload["workspace_sid"]), str(payload["sid"]))


@reactions.step("taskrouter.task.deadline")
async def target_timed_out(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Move a task on whose target's time is over; a reserved one is looked at when its offers ended (§3.2)."""
    desk = await open_desk(uow, str(payload["workspace_sid"]), [str(payload["sid"])])
    for task in desk.tasks.values():
        if task.assignment_status == "pending":
            await routing.catch_up(desk, task, await placing.workflow_of(uow, task))
    await desk.write()


@reactions.step("taskrouter.task.ttl")
async def task_expired(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Cancel a task that waited for its whole time to live (§2.3)."""
    desk = await open_desk(uow, str(payload["workspace_sid"]), [str(payload["sid"])])
    for task in desk.tasks.values():
        if task.assignment_status in ("pending", "reserved") and task.expires <= uow.now:
            routing.expire(desk, task)
    await desk.write()


@reactions.step("taskrouter.task.overdue")
async def task_overdue(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Delete a task that was assigned for longer than a day (§2.3)."""
    desk = await open_desk(uow, str(payload["workspace_sid"]), [str(payload["sid"])])
    for task in list(desk.tasks.values()):
        since = [each.date_accepted for each in desk.held(task) if each.date_accepted is not None]
        if task.date_ended is None and all(at + ASSIGNED_LIMIT <= uow.now for at in since):
            await tasks.remove(desk, task, "task.system-deleted")


@reactions.step("taskrouter.task.purge")
async def purge_task(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Forget a finished task; events keep what it was."""
    task = await sql.task(uow, str(payload["workspace_sid"]), str(payload["sid"]))
    if task is not None and task.date_ended is not None:
        await uow.execute(sql.DELETE_TASK, uow.account_sid, task.sid)
