"""Transfers: a worker gives a task to another worker or to a queue, as the event bridge asks (taskrouter.md §9.6)."""

from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import placing, reservations, store, transfer_store, transferring
from parlour.taskrouter.desk import Desk, open_desk
from parlour.taskrouter.errors import refused, transfer_is_over
from parlour.taskrouter.rows import Reservation, Task, Transfer


async def initiate(
    uow: UnitOfWork,
    workspace_sid: str,
    *,
    reservation_sid: str,
    to: str,
    mode: str = "WARM",
    attributes: str | None = None,
    priority: int | None = None,
) -> Transfer:
    """Offer an assigned task to a worker at once, or put it into a queue.

    :param reservation_sid: the initiator's accepted reservation.
    :param to: SID of the worker or queue.
    :param mode: ``WARM``, the initiator keeps the task until somebody accepts and after; ``COLD``, they wrap up.
    :param attributes: the task's attributes from now on, None for those it has.
    :param priority: the task's priority from now on, None for the one it has.
    :raises ContractError: 404; 400/20001, the task is not assigned, the reservation not accepted, or nobody there.
    """
    known = await reservations.fetch(uow, workspace_sid, reservation_sid)
    offers = [(known.task_sid, to)] if to.startswith("WK") else []
    desk = await open_desk(uow, workspace_sid, [known.task_sid], offers=offers)
    reservation, task = desk.reservations.get(reservation_sid), desk.tasks[known.task_sid]
    if reservation is None or reservation.reservation_status != "accepted":
        status = known.reservation_status if reservation is None else reservation.reservation_status
        raise refused(f"Cannot transfer task {task.sid}: reservation {reservation_sid} is not accepted but {status}.")
    if task.assignment_status != "assigned":
        raise refused(f"Cannot transfer task {task.sid}: it is not assigned but {task.assignment_status}.")
    await _edit(desk, task, attributes, priority)
    transfer = _new(desk, task, reservation, to, mode)
    desk.begin_transfer(task, transfer)
    if mode == "COLD":
        desk.set_reservation(reservation, "wrapping")
    elif transfer.transfer_type == "QUEUE":
        task.held_by = reservation.worker_sid
    await (_to_worker(desk, task, to) if offers else _to_queue(desk, task, to))
    desk.state_transfer("initiated", task, transfer)
    await desk.write()
    return transfer


async def _edit(desk: Desk, task: Task, attributes: str | None, priority: int | None) -> None:
    edited = (attributes or task.attributes, task.priority if priority is None else priority)
    if edited != (task.attributes, task.priority):
        task.attributes, task.priority = edited
        desk.change_task(task)
        placing.rank(task)
        desk.fact("task.updated", task)


def _new(desk: Desk, task: Task, reservation: Reservation, to: str, mode: str) -> Transfer:
    return Transfer(
        account_sid=task.account_sid,
        sid=desk.uow.new_sid("TT"),
        workspace_sid=task.workspace_sid,
        task_sid=task.sid,
        initiating_reservation_sid=reservation.sid,
        initiating_worker_sid=reservation.worker_sid,
        initiating_queue_sid=task.task_queue_sid,
        initiating_workflow_sid=task.workflow_sid,
        transfer_mode=mode,
        transfer_to=to,
        transfer_type="WORKER" if to.startswith("WK") else "QUEUE",
        transfer_status="initiated",
        transfer_failed_reason=None,
        date_created=desk.now,
        date_updated=desk.now,
    )


async def _to_worker(desk: Desk, task: Task, to: str) -> None:
    """Reserve the worker, who must be there and have capacity left.

    :raises ContractError: 400/20001.
    """
    worker, channel = desk.workers.get(to), desk.channels.get((to, task.task_channel_sid))
    if worker is None or channel is None:
        raise invalid_parameter("To", f"'{to}' is no worker of the workspace")
    if desk.held(task) and to in {each.worker_sid for each in desk.held(task)}:
        raise invalid_parameter("To", f"worker {to} has the task already")
    if not worker.available:
        raise invalid_parameter("To", f"worker {to} is not available but {worker.activity_name}")
    if not channel.free:
        name = channel.task_channel_unique_name
        raise invalid_parameter("To", f"worker {to} has no capacity left for tasks of the channel {name}")
    task.assignment_status, task.rejected_by = "pending", []
    placing.regroup(task, placing.target_of(task, await placing.workflow_of(desk.uow, task)))
    desk.offer(task, worker, channel)


async def _to_queue(desk: Desk, task: Task, to: str) -> None:
    """Have the task wait in the queue, past all filters.

    :raises ContractError: 400/20001.
    """
    queue = await store.task_queue(desk.uow, desk.workspace_sid, to)
    if queue is None:
        raise invalid_parameter("To", f"'{to}' is no task queue of the workspace")
    if task.task_queue_sid != queue.sid:
        desk.fact("task-queue.moved", task)
    task.filter = task.target = task.target_deadline = None
    task.entering, task.rejected_by = False, []
    moved = placing.enter_queue(task, queue, desk.now)
    placing.regroup(task, placing.target_of(task, None))
    desk.set_task(task, "pending")
    if moved:
        desk.fact("task-queue.entered", task)
    desk.look_at(task.sid)


async def fetch(reader: Reader, workspace_sid: str, sid: str) -> Transfer:
    """The transfer.

    :raises ContractError: 404/20404.
    """
    found = await transfer_store.transfer(reader, workspace_sid, sid)
    if found is None:
        raise not_found(sid)
    return found


async def cancel(uow: UnitOfWork, workspace_sid: str, sid: str) -> Transfer:
    """Call a transfer off: its offers are canceled, and the task is the initiator's again.

    Where the initiator of a cold transfer is wrapping up, the task does; where they have completed, it waits.

    :raises ContractError: 404; 400/20001, it is over.
    """
    known = await fetch(uow, workspace_sid, sid)
    desk = await open_desk(uow, workspace_sid, [known.task_sid])
    task = desk.tasks.get(known.task_sid)
    transfer = None if task is None else desk.under_way(task)
    if task is None or transfer is None or transfer.sid != sid:
        raise transfer_is_over(sid, (await fetch(uow, workspace_sid, sid)).transfer_status)
    desk.set_transfer(task, transfer, "canceled")
    desk.state_transfer("canceled", task, transfer)
    for reservation in desk.held(task, "pending"):
        desk.set_reservation(reservation, "canceled")
    if not transferring.give_back(desk, task):
        desk.set_task(task, "pending")
        desk.look_at(task.sid)
    await desk.write()
    return transfer
