"""Calls by which a worker gives a task to a colleague or a queue (taskrouter.md §9.4, §9.6)."""

from typing import Annotated, Final

from parlour.flex import store as flex
from parlour.realtime.event_bridge.calls.operations import WORKER, calls
from parlour.realtime.event_bridge.calls.worker_call import WorkerCall
from parlour.rest.errors import invalid_parameter, not_found
from parlour.rest.forms import Form, choice, ref
from parlour.rest.operations import Answer
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import reservations, snapshots, transfers
from parlour.taskrouter.errors import refused
from parlour.taskrouter.rows import Transfer
from parlour.taskrouter.task_routes import Priority
from parlour.taskrouter.worker_routes import Attributes

TRANSFERS: Final = f"{WORKER}/Transfers"


class CreateTransfer(Form):
    """Which task goes to whom."""

    reservation_sid: Annotated[str, ref("WR")]
    task_sid: Annotated[str, ref("WT")]
    to: Annotated[str, ref("WK", "WQ")]
    mode: Annotated[str, choice("WARM", "COLD")] = "WARM"
    attributes: Attributes | None = None
    priority: Priority | None = None


class UpdateTransfer(Form):
    """The end of a transfer."""

    task_sid: Annotated[str, ref("WT")]
    transfer_status: Annotated[str, choice("canceled")]


@calls.post(TRANSFERS, form=CreateTransfer)
async def transfer_task(call: WorkerCall, form: CreateTransfer) -> Answer:
    """Give a task of the bearer away; the event follows."""
    workspace_sid, worker_sid = call.workspace_sid, call.worker_sid

    async def work(uow: UnitOfWork) -> Transfer:
        reservation = await reservations.fetch(uow, workspace_sid, form.reservation_sid)
        if reservation.worker_sid != worker_sid:
            raise invalid_parameter("ReservationSid", f"{reservation.sid} is not a reservation of worker {worker_sid}")
        if reservation.task_sid != form.task_sid:
            raise invalid_parameter("TaskSid", f"reservation {reservation.sid} is of task {reservation.task_sid}")
        invite = await flex.invite_of_task(uow, form.task_sid)
        if invite is not None:
            raise refused(
                f"Task {form.task_sid} cannot be transferred: its conversation changes hands by the Transfers of "
                f"interaction channel {invite.channel_sid}"
            )
        return await transfers.initiate(
            uow,
            workspace_sid,
            reservation_sid=reservation.sid,
            to=form.to,
            mode=form.mode,
            attributes=form.attributes,
            priority=form.priority,
        )

    return Answer(200, snapshots.bridge_transfer(await call.step(work)))


@calls.post(f"{TRANSFERS}/{{Sid}}", form=UpdateTransfer)
async def update_transfer(call: WorkerCall, form: UpdateTransfer) -> Answer:
    """Call a transfer of the bearer off; the event follows."""
    workspace_sid, worker_sid, sid = call.workspace_sid, call.worker_sid, call.path["Sid"]

    async def work(uow: UnitOfWork) -> Transfer:
        known = await transfers.fetch(uow, workspace_sid, sid)
        if known.initiating_worker_sid != worker_sid:
            raise not_found(sid)
        if known.task_sid != form.task_sid:
            raise invalid_parameter("TaskSid", f"transfer {sid} is of task {known.task_sid}")
        return await transfers.cancel(uow, workspace_sid, sid)

    return Answer(200, snapshots.bridge_transfer(await call.step(work)))
