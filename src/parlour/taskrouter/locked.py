"""Rows that a unit of work has locked, by their SIDs."""

from parlour.taskrouter.rows import HOLDING, Reservation, Task, Transfer, Worker, WorkerChannel


class Locked:
    """Tasks, the reservations that hold them, and the transfers, worker channels and workers of those."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.reservations: dict[str, Reservation] = {}
        self.transfers: dict[str, Transfer] = {}
        self.channels: dict[tuple[str, str], WorkerChannel] = {}
        self.workers: dict[str, Worker] = {}

    def held(self, task: Task, *statuses: str) -> list[Reservation]:
        """The task's reservations in one of the statuses, by default all that hold capacity."""
        wanted = statuses or HOLDING
        return [
            each
            for each in self.reservations.values()
            if each.task_sid == task.sid and each.reservation_status in wanted
        ]

    def under_way(self, task: Task) -> Transfer | None:
        """The transfer that the task is on, if it is on one."""
        found = self.transfers.get(task.transfer_sid or "")
        return found if found is not None and found.transfer_status == "initiated" else None

    def incoming(self, reservation: Reservation) -> Transfer | None:
        """The transfer by which the worker was offered the task."""
        return self.transfers.get(reservation.transfer_sid or "")

    def outgoing(self, reservation: Reservation) -> Transfer | None:
        """The transfer under way by which the worker gives the task to somebody else."""
        found = self.transfers.get(self.tasks[reservation.task_sid].transfer_sid or "")
        return found if found is not None and found.active_of(reservation) else None
