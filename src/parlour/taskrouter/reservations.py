"""Reservations: what a worker does with an offer (taskrouter.md §6)."""

from typing import Final

from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import routing, store, transferring
from parlour.taskrouter import task_store as sql
from parlour.taskrouter.desk import Desk, open_desk
from parlour.taskrouter.errors import precondition_failed, reservation_rescinded, reservation_state
from parlour.taskrouter.rows import Reservation, Task

_FROM: Final = {
    "accepted": ("pending",),
    "rejected": ("pending",),
    "wrapping": ("accepted",),
    "completed": ("accepted", "wrapping"),
}


async def fetch(reader: Reader, workspace_sid: str, sid: str) -> Reservation:
    """The reservation.

    :raises ContractError: 404/20404.
    """
    found = await sql.reservation(reader, workspace_sid, sid)
    if found is None:
        raise not_found(sid)
    return found


async def accept(uow: UnitOfWork, workspace_sid: str, sid: str) -> Reservation:
    """Take the task: it becomes assigned, other offers of it are rescinded.

    :raises ContractError: 404; 410 when another worker was first; 400/20001 in any other status; whatever an
        inside reaction of a higher floor refuses with.
    """
    return await update(uow, workspace_sid, sid, status="accepted")


async def reject(uow: UnitOfWork, workspace_sid: str, sid: str, *, activity_sid: str | None = None) -> Reservation:
    """Decline the offer, moving the worker to an activity if one is given (§5.2).

    :raises ContractError: 404; 400/20001, it is not pending or the activity is not the workspace's.
    """
    return await update(uow, workspace_sid, sid, status="rejected", worker_activity_sid=activity_sid)


async def wrap_up(uow: UnitOfWork, workspace_sid: str, sid: str) -> Reservation:
    """Move an accepted reservation to wrapping, and the task when nobody else works on it.

    :raises ContractError: 404; 400/20001, it is not accepted.
    """
    return await update(uow, workspace_sid, sid, status="wrapping")


async def complete(uow: UnitOfWork, workspace_sid: str, sid: str) -> Reservation:
    """Complete an accepted or wrapping reservation, and the task when it is the last one.

    :raises ContractError: 404; 400/20001, it is neither.
    """
    return await update(uow, workspace_sid, sid, status="completed")


async def update(
    uow: UnitOfWork,
    workspace_sid: str,
    sid: str,
    *,
    status: str,
    worker_activity_sid: str | None = None,
    version: int | None = None,
    known: Reservation | None = None,
) -> Reservation:
    """Move a reservation to accepted, rejected, wrapping or completed.

    :param version: what If-Match demands, None for anything.
    :param known: the reservation as the caller has just read it.
    :raises ContractError: 404; 410; 412; 400/20001 as the single functions say.
    """
    if worker_activity_sid is not None and status != "rejected":
        raise invalid_parameter("WorkerActivitySid", "goes with ReservationStatus=rejected only")
    known = known or await fetch(uow, workspace_sid, sid)
    desk = await open_desk(uow, workspace_sid, [known.task_sid])
    reservation = desk.reservations.get(sid) or await fetch(uow, workspace_sid, sid)
    if version is not None and version != reservation.version:
        raise precondition_failed(sid, reservation.version)
    if reservation.reservation_status not in _FROM[status]:
        if reservation.reservation_status == "rescinded" and status == "accepted":
            raise reservation_rescinded(sid)
        raise reservation_state(sid, reservation.reservation_status, status)
    task = desk.tasks[known.task_sid]
    if status == "accepted":
        _accept(desk, task, reservation)
    elif status == "rejected":
        await _reject(desk, task, reservation, worker_activity_sid)
    elif status == "wrapping":
        _wrap_up(desk, task, reservation)
    else:
        _complete(desk, task, reservation)
    await desk.write()
    return reservation


def _accept(desk: Desk, task: Task, reservation: Reservation) -> None:
    desk.assign_task(task)
    desk.set_reservation(reservation, "accepted")
    for sibling in desk.held(task, "pending"):
        desk.set_reservation(sibling, "rescinded")
    transferring.accepted(desk, task, reservation)


async def _reject(desk: Desk, task: Task, reservation: Reservation, activity_sid: str | None) -> None:
    desk.set_reservation(reservation, "rejected")
    if activity_sid is not None:
        await move_worker(desk, reservation.worker_sid, activity_sid, "WorkerActivitySid")
    await give_back(desk, task, reservation)


async def move_worker(desk: Desk, worker_sid: str, activity_sid: str, name: str) -> None:
    """Move a worker on the desk to an activity of the workspace.

    :param name: of the parameter that the refusal names.
    :raises ContractError: 400/20001, the activity is not the workspace's.
    """
    activity = await store.activity(desk.uow, desk.workspace_sid, activity_sid)
    if activity is None:
        raise invalid_parameter(name, f"'{activity_sid}' is no activity of the workspace")
    desk.set_activity(desk.workers[worker_sid], activity)


async def give_back(desk: Desk, task: Task, reservation: Reservation) -> None:
    """Go on with the task; whoever declined it comes last for it (§5.5)."""
    earlier = [sid for sid in task.rejected_by if sid != reservation.worker_sid]
    task.rejected_by = [*earlier, reservation.worker_sid]
    desk.touch_task(task)
    if not transferring.offer_ended(desk, task, reservation):
        await routing.reservation_ended(desk, task)


def _wrap_up(desk: Desk, task: Task, reservation: Reservation) -> None:
    desk.set_reservation(reservation, "wrapping")
    transferring.let_go(desk, task, reservation)
    if task.assignment_status == "assigned" and not desk.held(task, "pending", "accepted"):
        desk.set_task(task, "wrapping")


def _complete(desk: Desk, task: Task, reservation: Reservation) -> None:
    desk.set_reservation(reservation, "completed")
    transferring.let_go(desk, task, reservation)
    if task.assignment_status in ("assigned", "wrapping") and not desk.held(task):
        desk.set_task(task, "completed")
    elif task.assignment_status == "assigned" and not desk.held(task, "pending", "accepted"):
        desk.set_task(task, "wrapping")  # all that is left of it is who transferred it and still wraps up


async def reject_pending(uow: UnitOfWork, workspace_sid: str, worker_sid: str) -> Desk:
    """Reject all pending reservations of a worker, and return the desk with the worker, not yet written (§5.2)."""
    held = await uow.fetch(sql.HELD_TASKS, uow.account_sid, worker_sid, ["pending"])
    desk = await open_desk(uow, workspace_sid, [record["task_sid"] for record in held], workers=[worker_sid])
    if worker_sid not in desk.workers:
        raise not_found(worker_sid)
    for reservation in list(desk.reservations.values()):
        if reservation.worker_sid == worker_sid and reservation.reservation_status == "pending":
            desk.set_reservation(reservation, "rejected")
            await give_back(desk, desk.tasks[reservation.task_sid], reservation)
    return desk


async def cancel(uow: UnitOfWork, workspace_sid: str, sid: str) -> None:
    """Take back a pending offer whose assignment callbacks could not be reached; the task goes on (§3.5).

    :raises ContractError: 404.
    """
    known = await fetch(uow, workspace_sid, sid)
    desk = await open_desk(uow, workspace_sid, [known.task_sid])
    reservation = desk.reservations.get(sid)
    if reservation is None or reservation.reservation_status != "pending":
        return
    desk.set_reservation(reservation, "canceled")
    await give_back(desk, desk.tasks[reservation.task_sid], reservation)
    await desk.write()


async def time_out(uow: UnitOfWork, workspace_sid: str, sid: str) -> None:
    """End an offer that nobody answered: the worker goes to the timeout activity, the task on (§5.2, §6)."""
    known = await sql.reservation(uow, workspace_sid, sid)
    if known is None or known.reservation_status != "pending":
        return
    desk = await open_desk(uow, workspace_sid, [known.task_sid])
    reservation = desk.reservations.get(sid)
    if reservation is None or reservation.reservation_status != "pending":
        return
    desk.set_reservation(reservation, "timeout")
    workspace = await store.workspace(uow, workspace_sid)
    if workspace is None:
        raise RuntimeError(f"workspace {workspace_sid} has reservations and is gone")
    await move_worker(desk, reservation.worker_sid, workspace.timeout_activity_sid, "TimeoutActivitySid")
    await give_back(desk, desk.tasks[reservation.task_sid], reservation)
    await desk.write()
