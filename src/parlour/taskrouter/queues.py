"""Task queues (taskrouter.md §4.4)."""

from typing import Final

from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import existing, store
from parlour.taskrouter.errors import in_use
from parlour.taskrouter.expression import ExpressionSyntaxError, compile_expression
from parlour.taskrouter.facts import tell
from parlour.taskrouter.marks import mark
from parlour.taskrouter.rows import TaskQueue
from parlour.taskrouter.workflow import parse_configuration

EVERYBODY: Final = "1==1"
FIFO: Final = "FIFO"


async def create(
    uow: UnitOfWork,
    workspace_sid: str,
    *,
    friendly_name: str,
    target_workers: str = EVERYBODY,
    max_reserved_workers: int = 1,
    task_order: str = FIFO,
    reservation_activity_sid: str | None = None,
    assignment_activity_sid: str | None = None,
) -> TaskQueue:
    """Make a queue.

    :raises ContractError: 400/20001 for an expression that does not parse or an activity of another workspace.
    """
    await existing.workspace(uow, workspace_sid)
    check_expression("TargetWorkers", target_workers)
    await _check_activities(uow, workspace_sid, reservation_activity_sid, assignment_activity_sid)
    sid = uow.new_sid("WQ")
    await uow.execute(
        store.INSERT_TASK_QUEUE,
        uow.account_sid,
        sid,
        workspace_sid,
        friendly_name,
        target_workers,
        max_reserved_workers,
        task_order,
        reservation_activity_sid,
        assignment_activity_sid,
        uow.now,
    )
    made = await fetch(uow, workspace_sid, sid)
    await tell(uow, "created", made)
    return made


async def fetch(reader: Reader, workspace_sid: str, sid: str) -> TaskQueue:
    """The queue.

    :raises ContractError: 404/20404.
    """
    found = await store.task_queue(reader, workspace_sid, sid)
    if found is None:
        raise not_found(sid)
    return found


async def update(
    uow: UnitOfWork,
    workspace_sid: str,
    sid: str,
    *,
    friendly_name: str | None = None,
    target_workers: str | None = None,
    max_reserved_workers: int | None = None,
    task_order: str | None = None,
    reservation_activity_sid: str | None = None,
    assignment_activity_sid: str | None = None,
) -> TaskQueue:
    """Change what is given; waiting tasks are looked at again, live reservations stay (§4.4).

    :raises ContractError: 404; 400/20001 as at creation.
    """
    known = await fetch(uow, workspace_sid, sid)
    if target_workers is not None:
        check_expression("TargetWorkers", target_workers)
    await _check_activities(uow, workspace_sid, reservation_activity_sid, assignment_activity_sid)
    order = task_order or known.task_order
    await uow.execute(
        store.UPDATE_TASK_QUEUE,
        uow.account_sid,
        workspace_sid,
        sid,
        known.friendly_name if friendly_name is None else friendly_name,
        known.target_workers if target_workers is None else target_workers,
        known.max_reserved_workers if max_reserved_workers is None else max_reserved_workers,
        order,
        reservation_activity_sid or known.reservation_activity_sid,
        assignment_activity_sid or known.assignment_activity_sid,
        uow.now,
    )
    if order != known.task_order:
        await uow.execute(store.RERANK_QUEUE, uow.account_sid, sid, order)
    mark(uow, workspace_sid, workspace_sid)
    changed = await fetch(uow, workspace_sid, sid)
    if changed.target_workers != known.target_workers:
        await tell(uow, "expression.updated", changed, previous_target_workers=known.target_workers)
    return changed


async def delete(uow: UnitOfWork, workspace_sid: str, sid: str) -> None:
    """Delete a queue that no workflow names and no live task stands in (§1.5).

    :raises ContractError: 404; 400/20001 while it is needed.
    """
    known = await fetch(uow, workspace_sid, sid)
    for workflow in await store.workflows(uow, workspace_sid):
        if sid in parse_configuration(workflow.configuration).queue_sids:
            raise in_use("TaskQueue", sid, f"workflow {workflow.sid} routes to it")
    task = await uow.fetchval(store.QUEUE_LIVE_TASK, uow.account_sid, sid)
    if task is not None:
        raise in_use("TaskQueue", sid, f"task {task} is in it")
    await tell(uow, "deleted", known)
    await uow.execute(store.DELETE_TASK_QUEUE, uow.account_sid, workspace_sid, sid)


def check_expression(name: str, text: str) -> None:
    """Refuse an expression that does not parse, naming the parameter and the position (§1.5).

    :raises ContractError: 400/20001.
    """
    try:
        compile_expression(text)
    except ExpressionSyntaxError as error:
        raise invalid_parameter(name, str(error)) from error


async def _check_activities(
    reader: Reader, workspace_sid: str, reservation: str | None, assignment: str | None
) -> None:
    for name, sid in (("ReservationActivitySid", reservation), ("AssignmentActivitySid", assignment)):
        if sid is not None and await store.activity(reader, workspace_sid, sid) is None:
            raise invalid_parameter(name, f"{sid} is no activity of the workspace")
