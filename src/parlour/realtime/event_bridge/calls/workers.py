"""Calls about workers: themselves, their activities, channels and reservations (taskrouter.md §9.4)."""

from parlour.realtime.event_bridge.calls.operations import WORKER, WORKSPACE, calls
from parlour.realtime.event_bridge.calls.worker_call import WorkerCall
from parlour.rest.errors import invalid_parameter
from parlour.rest.forms import Form
from parlour.rest.operations import Answer
from parlour.store.unit import Reader
from parlour.taskrouter import held, snapshots, store, task_store, worker_routes, workers
from parlour.taskrouter.paging import if_match
from parlour.taskrouter.routes import ActivityRef, ListTaskQueues, find_task_queues
from parlour.taskrouter.rows import HOLDING, Activity, TaskQueue, Worker, WorkerChannel
from parlour.taskrouter.schemas import RESERVATION_STATUSES
from parlour.taskrouter.worker_routes import Attributes, find_workers


class UpdateWorker(Form):
    activity_sid: ActivityRef | None = None
    attributes: Attributes | None = None
    reject_pending_reservations: bool = False


class Listed(Form):
    after_sid: str | None = None


class ListHeld(Listed):
    active: bool = False
    reservation_status: str | None = None


class ListWorkers(worker_routes.ListWorkers):
    after_sid: str | None = None
    next_token: str | None = None


class ListQueues(ListTaskQueues):
    after_sid: str | None = None
    next_token: str | None = None


@calls.get(WORKER)
async def fetch_worker(call: WorkerCall, _form: Form) -> Answer:
    """Answer with a worker; colleagues may be looked up (taskrouter.md §9.1)."""
    found = await call.read(lambda reader: workers.fetch(reader, call.workspace_sid, call.path["WorkerSid"]))
    return Answer(200, snapshots.bridge_worker(found))


@calls.post(WORKER, form=UpdateWorker)
async def update_worker(call: WorkerCall, form: UpdateWorker) -> Answer:
    """Change activity or attributes of the bearer, or of a worker whom they look after."""
    workspace_sid, worker_sid = call.workspace_sid, call.worker_sid
    version = if_match(call, worker_sid)
    changed = await call.step(
        lambda uow: workers.update(
            uow,
            workspace_sid,
            worker_sid,
            activity_sid=form.activity_sid or None,
            attributes=form.attributes,
            reject_pending_reservations=form.reject_pending_reservations,
            version=version,
        )
    )
    return Answer(200, snapshots.bridge_worker(changed))


@calls.get(f"{WORKSPACE}/Workers", form=ListWorkers)
async def list_workers(call: WorkerCall, form: ListWorkers) -> Answer:
    """List the workspace's workers."""
    ordered = form.order is not None
    page = call.bridge_page(await call.after_sid("WK", name="NextToken" if ordered else "AfterSid"))

    async def read(reader: Reader) -> list[Worker]:
        return await find_workers(reader, call.workspace_sid, form, page)

    shown = [snapshots.bridge_worker(each) for each in await call.read(read)]
    return call.contents(shown, page.size, next_token=ordered)


@calls.get(f"{WORKSPACE}/TaskQueues", form=ListQueues)
async def list_task_queues(call: WorkerCall, form: ListQueues) -> Answer:
    """List the workspace's queues, or those of a worker."""
    ordered = form.order is not None
    page = call.bridge_page(await call.after_sid("WQ", name="NextToken" if ordered else "AfterSid"))

    async def read(reader: Reader) -> list[TaskQueue]:
        return await find_task_queues(reader, call.workspace_sid, form, page)

    shown = [snapshots.bridge_task_queue(each) for each in await call.read(read)]
    return call.contents(shown, page.size, next_token=ordered)


@calls.get(f"{WORKSPACE}/Activities", form=Listed)
async def list_activities(call: WorkerCall, _form: Listed) -> Answer:
    """List the workspace's activities."""
    page = call.bridge_page(await call.after_sid("WA"))

    async def read(reader: Reader) -> list[Activity]:
        return await store.activities(reader, call.workspace_sid, after=page.token, limit=page.size + 1)

    shown = [snapshots.bridge_activity(each) for each in await call.read(read)]
    call.answers("activities", page)
    return call.contents(shown, page.size)


@calls.get(f"{WORKER}/WorkerChannels", form=Listed)
async def list_worker_channels(call: WorkerCall, _form: Listed) -> Answer:
    """List a worker's channels."""
    workspace_sid, worker_sid = call.workspace_sid, call.worker_sid
    page = call.bridge_page(await call.after_sid("WC"))

    async def read(reader: Reader) -> list[WorkerChannel]:
        await workers.fetch(reader, workspace_sid, worker_sid)
        return await task_store.worker_channels(reader, worker_sid, after=page.token, limit=page.size + 1)

    shown = [snapshots.bridge_worker_channel(each) for each in await call.read(read)]
    call.answers("channels", page)
    return call.contents(shown, page.size)


@calls.get(f"{WORKER}/Reservations", form=ListHeld)
async def list_reservations(call: WorkerCall, form: ListHeld) -> Answer:
    """List a worker's reservations with their tasks; remember up to which event the answer tells (DESIGN 2.7)."""
    workspace_sid, worker_sid = call.workspace_sid, call.worker_sid
    page = call.bridge_page(await call.after_sid("WR"))
    statuses = _statuses(form)
    found = await call.read(
        lambda reader: held.of_worker(
            reader, workspace_sid, worker_sid, statuses=statuses, after=page.token, limit=page.size + 1
        )
    )
    now = call.database.clock.now()
    shown = [
        snapshots.bridge_reservation(each.reservation, each.task, now, incoming=each.incoming, outgoing=each.outgoing)
        for each in found.rows
    ]
    call.answers("reservations", page, found.position)
    return call.contents(shown, page.size)


def _statuses(form: ListHeld) -> list[str] | None:
    """The statuses that are asked for: by name, or all that are active, or any."""
    if form.reservation_status is None:
        return list(HOLDING) if form.active else None
    names = [name.strip() for name in form.reservation_status.split(",") if name.strip()]
    for name in names:
        if name not in RESERVATION_STATUSES:
            raise invalid_parameter(
                "ReservationStatus", f"'{name[:64]}' is not one of {', '.join(RESERVATION_STATUSES)}"
            )
    return [name for name in names if not form.active or name in HOLDING]
