"""How a transfer goes on when its offers end, its task ends or somebody accepts (taskrouter.md §9.6)."""

from typing import Final

from parlour.taskrouter.desk import Desk
from parlour.taskrouter.rows import MAX_ASSIGNMENTS, Reservation, Task, Transfer

FAILED: Final = {
    "rejected": "Transfer failed because the reservation was rejected",
    "timeout": "Transfer failed because the reservation timed out",
    "canceled": "Transfer failed because the reservation was canceled",
}
_NOBODY_ELSE: Final = "because there are no more pending reservations"
ATTEMPT_FAILED: Final = {
    "rejected": f"Transfer attempt failed on reservation reject {_NOBODY_ELSE}",
    "timeout": f"Transfer attempt failed on reservation timeout {_NOBODY_ELSE}",
    "canceled": f"Transfer attempt failed on reservation cancel {_NOBODY_ELSE}",
}
TASK_ENDED: Final = "Transfer failed because the task was {}"


def accepted(desk: Desk, task: Task, reservation: Reservation) -> None:
    """Complete the transfer by which a worker took the task."""
    transfer = desk.under_way(task)
    if transfer is not None and transfer.sid == reservation.transfer_sid:
        desk.set_transfer(task, transfer, "complete")
        desk.state_transfer("completed", task, transfer)


def offer_ended(desk: Desk, task: Task, reservation: Reservation) -> bool:
    """Go on with a transfer one of whose offers came to nothing; say whether there is nothing else to be done.

    To a worker: it failed, and the task is the initiator's again, or waits if they have let go of it. To a queue: the
    task waits for the next worker once all offers ended.
    """
    transfer = desk.under_way(task)
    if transfer is None or transfer.sid != reservation.transfer_sid:
        return False
    if desk.held(task, "pending"):
        return True
    if transfer.transfer_type == "WORKER" or task.assignment_count >= MAX_ASSIGNMENTS:
        _fail(desk, task, transfer, FAILED[reservation.reservation_status])
        return bool(desk.held(task, "accepted")) and give_back(desk, task)
    transfer.transfer_failed_reason = ATTEMPT_FAILED[reservation.reservation_status]
    desk.state_transfer("attempt-failed", task, transfer)
    transfer.transfer_failed_reason = None
    desk.set_task(task, "pending")
    desk.fact("task.updated", task)
    desk.look_at(task.sid)
    return True


def task_ended(desk: Desk, task: Task, how: str) -> None:
    """End the transfer of a task that was canceled or deleted, before its reservations end.

    A client forgets a task with its reservation, and would not hear of the transfer after that.
    """
    transfer = desk.under_way(task)
    if transfer is not None:
        _fail(desk, task, transfer, TASK_ENDED.format(how))


def _fail(desk: Desk, task: Task, transfer: Transfer, reason: str) -> None:
    desk.set_transfer(task, transfer, "failed", reason)
    desk.state_transfer("failed", task, transfer)


def let_go(desk: Desk, task: Task, reservation: Reservation) -> None:
    """Have the task offered to its initiator too, who stops working on it before anybody accepted."""
    if task.held_by == reservation.worker_sid:
        task.held_by = None
        desk.touch_task(task)
        desk.look_at(task.sid)


def give_back(desk: Desk, task: Task) -> bool:
    """Have the task stand where its holders do; say whether there are any."""
    status = "assigned" if desk.held(task, "accepted") else "wrapping" if desk.held(task, "wrapping") else None
    if status is None:
        return False
    desk.change_task(task)
    task.assignment_status = status
    desk.fact("task.updated", task)
    return True
