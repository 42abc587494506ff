"""Calls about tasks, and looks at single queues (taskrouter.md §9.4)."""

from datetime import datetime
from typing import Annotated, Final

from parlour.realtime.event_bridge.calls.operations import WORKER, WORKSPACE, calls
from parlour.realtime.event_bridge.calls.reservations import BY_TELEPHONE
from parlour.realtime.event_bridge.calls.worker_call import WorkerCall
from parlour.rest.errors import invalid_parameter
from parlour.rest.forms import Form, choice, ref
from parlour.rest.operations import Answer
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import queues, snapshots, tasks
from parlour.taskrouter.paging import if_match
from parlour.taskrouter.rows import Task
from parlour.taskrouter.worker_routes import Attributes

TASK: Final = f"{WORKSPACE}/Tasks/{{Sid}}"


class CreateTask(Form):
    workflow_sid: Annotated[str, ref("WW")] | None = None
    task_queue_sid: Annotated[str, ref("WQ")] | None = None
    routing_target: Annotated[str, ref("WK")] | None = None
    attributes: Attributes = "{}"
    task_channel_unique_name: str | None = None
    task_channel_sid: Annotated[str, ref("TC")] | None = None
    virtual_start_time: datetime | None = None


class UpdateTask(Form):
    assignment_status: Annotated[str, choice("completed", "wrapping")] | None = None
    reason: str | None = None
    attributes: Attributes | None = None
    virtual_start_time: datetime | None = None


@calls.post(f"{WORKSPACE}/Tasks", form=CreateTask)
async def create_task(call: WorkerCall, form: CreateTask) -> Answer:
    """Make a task for the bearer, such as one for a conversation that they begin."""
    workspace_sid = call.workspace_sid
    target = form.routing_target or call.bearer.worker_sid
    if target is not None:
        call.bearer.as_worker(target)
    made = await call.step(
        lambda uow: tasks.create(
            uow,
            workspace_sid,
            workflow_sid=form.workflow_sid or None,
            attributes=form.attributes,
            task_channel=form.task_channel_sid or form.task_channel_unique_name or "default",
            routing_target=target,
            task_queue_sid=form.task_queue_sid or None,
            virtual_start_time=form.virtual_start_time,
        )
    )
    return Answer(200, snapshots.bridge_task(made, call.database.clock.now()))


@calls.get(TASK)
async def fetch_task(call: WorkerCall, _form: Form) -> Answer:
    """Answer with a task that was offered to the bearer."""
    workspace_sid = call.workspace_sid

    async def read(reader: Reader) -> Task:
        await call.bearer.with_task(reader, call.path["Sid"])
        return await tasks.fetch(reader, workspace_sid, call.path["Sid"])

    return Answer(200, snapshots.bridge_task(await call.read(read), call.database.clock.now()))


@calls.post(TASK, form=UpdateTask)
async def update_task(call: WorkerCall, form: UpdateTask) -> Answer:
    """Wrap up or complete a task, or change what it says."""
    workspace_sid, sid = call.workspace_sid, call.path["Sid"]
    version = if_match(call, sid)

    async def work(uow: UnitOfWork) -> Task:
        await call.bearer.with_task(uow, sid)
        return await tasks.update(
            uow,
            workspace_sid,
            sid,
            attributes=form.attributes,
            assignment_status=form.assignment_status,
            reason=form.reason,
            virtual_start_time=form.virtual_start_time,
            version=version,
        )

    return Answer(200, snapshots.bridge_task(await call.step(work), call.database.clock.now()))


@calls.get(f"{WORKSPACE}/TaskQueues/{{Sid}}")
async def fetch_task_queue(call: WorkerCall, _form: Form) -> Answer:
    """Answer with a queue."""
    found = await call.read(lambda reader: queues.fetch(reader, call.workspace_sid, call.path["Sid"]))
    return Answer(200, snapshots.bridge_task_queue(found))


@calls.post(
    f"{WORKER}/CustomerParticipant",
    f"{WORKER}/WorkerParticipant",
    f"{WORKER}/HoldWorkerParticipant",
    f"{WORKER}/KickWorkerParticipant",
)
async def take_part_in_call(call: WorkerCall, _form: Form) -> Answer:
    """Refuse to change who takes part in a telephone call, and how."""
    raise _not_served(call, call.route.rpartition("/")[2], BY_TELEPHONE)


def _not_served(call: WorkerCall, name: str, why: str) -> Exception:
    call.bearer.in_workspace(call.path["WorkspaceSid"])
    return invalid_parameter("url", f"{name} is not supported ({why})")
