"""Operations of workers and their channels (taskrouter.md §5)."""

from typing import Annotated

from parlour.rest.forms import Form, JsonObject, Limit, param, ref
from parlour.rest.operations import Answer, Call, Operations, Page
from parlour.store.unit import Reader
from parlour.taskrouter import membership, queues, schemas, store, workers
from parlour.taskrouter import task_store as sql
from parlour.taskrouter.expression import Expression, compile_expression
from parlour.taskrouter.paging import answer, etag, filtered, if_match, ordering, page_of
from parlour.taskrouter.routes import WORKSPACE, ActivityRef, Name, under
from parlour.taskrouter.rows import Worker, WorkerChannel
from parlour.taskrouter.schemas import ATTRIBUTES_LIMIT, PRODUCT

operations = Operations(PRODUCT)
WORKERS = f"{WORKSPACE}/Workers"
CHANNELS = f"{WORKERS}/{{WorkerSid}}/Channels"

Attributes = Annotated[str, Limit(max=ATTRIBUTES_LIMIT), JsonObject()]


class CreateWorker(Form):
    friendly_name: Name
    activity_sid: ActivityRef | None = None
    attributes: Attributes = "{}"


class UpdateWorker(Form):
    friendly_name: Name | None = None
    activity_sid: ActivityRef | None = None
    attributes: Attributes | None = None
    reject_pending_reservations: bool = False


class ListWorkers(Form):
    activity_name: str | None = None
    activity_sid: ActivityRef | None = None
    available: str | None = None
    friendly_name: str | None = None
    target_workers_expression: str | None = None
    task_queue_name: str | None = None
    task_queue_sid: Annotated[str, ref("WQ")] | None = None
    order: str | None = param("Ordering")


class UpdateWorkerChannel(Form):
    capacity: Annotated[int, Limit(min=0, max=workers.MAX_CAPACITY)] | None = None
    available: bool | None = None


def _answer(call: Call, status: int, worker: Worker) -> Answer:
    return Answer(status, schemas.worker(call.urls, worker), etag(worker.version))


@operations.post(WORKERS, form=CreateWorker)
async def create_worker(call: Call, form: CreateWorker) -> Answer:
    """Make a worker."""
    made = await call.step(
        lambda uow: workers.create(
            uow,
            call.path["WorkspaceSid"],
            friendly_name=form.friendly_name,
            attributes=form.attributes or "{}",
            activity_sid=form.activity_sid or None,
        )
    )
    return _answer(call, 201, made)


@operations.get(WORKERS, form=ListWorkers)
async def list_workers(call: Call, form: ListWorkers) -> Answer:
    """List workers; expressions and queues filter by what the workers are (§1.1)."""
    page = page_of(call)

    async def read(reader: Reader) -> list[Worker]:
        return await find_workers(reader, await under(call, reader), form, page)

    return answer(call, "workers", await call.read(read), page, lambda each: schemas.worker(call.urls, each))


async def find_workers(reader: Reader, workspace_sid: str, form: ListWorkers, page: Page) -> list[Worker]:
    """The workers of a page that the form asks for, and one more when there is a next one.

    :raises ContractError: 400/20001 for an ordering or expression that cannot be read.
    """
    order = ordering(form.order, {"DateStatusChanged": "w.date_status_changed"})
    available = None if form.available is None else form.available.lower() in ("true", "1", "yes")
    if form.target_workers_expression is not None:
        queues.check_expression("TargetWorkersExpression", form.target_workers_expression)
    tests = await _expressions(reader, workspace_sid, form)

    async def fetch(after: str | None, limit: int) -> list[Worker]:
        return await sql.workers(
            reader,
            workspace_sid,
            activity_sid=form.activity_sid or None,
            friendly_name=form.friendly_name,
            available=available,
            activity_name=form.activity_name,
            order=order,
            after=after,
            limit=limit,
        )

    def keep(worker: Worker) -> bool:
        context = membership.context_of(worker)
        return all(any(test.matches(context) for test in each) for each in tests)

    return await filtered(fetch, keep, page)


async def _expressions(reader: Reader, workspace_sid: str, form: ListWorkers) -> list[list[Expression]]:
    """For each filter by expression or queue the expressions of which one must hold."""
    tests: list[list[Expression]] = []
    if form.target_workers_expression is not None:
        tests.append([compile_expression(form.target_workers_expression)])
    if form.task_queue_sid:
        queue = await store.task_queue(reader, workspace_sid, form.task_queue_sid)
        tests.append([compile_expression(queue.target_workers)] if queue else [])
    if form.task_queue_name is not None:
        named = await store.task_queues(reader, workspace_sid, friendly_name=form.task_queue_name)
        tests.append([compile_expression(queue.target_workers) for queue in named])
    return tests


@operations.get(f"{WORKERS}/{{Sid}}")
async def fetch_worker(call: Call, _form: Form) -> Answer:
    """Answer with a worker."""
    found = await call.read(lambda reader: workers.fetch(reader, call.path["WorkspaceSid"], call.path["Sid"]))
    return _answer(call, 200, found)


@operations.post(f"{WORKERS}/{{Sid}}", form=UpdateWorker)
async def update_worker(call: Call, form: UpdateWorker) -> Answer:
    """Change a worker."""
    version = if_match(call, call.path["Sid"])
    changed = await call.step(
        lambda uow: workers.update(
            uow,
            call.path["WorkspaceSid"],
            call.path["Sid"],
            friendly_name=form.friendly_name,
            attributes=form.attributes,
            activity_sid=form.activity_sid or None,
            reject_pending_reservations=form.reject_pending_reservations,
            version=version,
        )
    )
    return _answer(call, 200, changed)


@operations.delete(f"{WORKERS}/{{Sid}}")
async def delete_worker(call: Call, _form: Form) -> Answer:
    """Delete a worker."""
    version = if_match(call, call.path["Sid"])
    await call.step(lambda uow: workers.delete(uow, call.path["WorkspaceSid"], call.path["Sid"], version=version))
    return Answer(204)


@operations.get(CHANNELS)
async def list_worker_channels(call: Call, _form: Form) -> Answer:
    """List a worker's channels."""
    page = page_of(call)

    async def read(reader: Reader) -> list[WorkerChannel]:
        found = await workers.fetch(reader, call.path["WorkspaceSid"], call.path["WorkerSid"])
        return await sql.worker_channels(reader, found.sid, after=page.token, limit=page.size + 1)

    return answer(call, "channels", await call.read(read), page, lambda each: schemas.worker_channel(call.urls, each))


@operations.get(f"{CHANNELS}/{{Sid}}")
async def fetch_worker_channel(call: Call, _form: Form) -> Answer:
    """Answer with a worker channel, by SID or unique name of the task channel."""
    found = await call.read(
        lambda reader: workers.fetch_channel(
            reader, call.path["WorkspaceSid"], call.path["WorkerSid"], call.path["Sid"]
        )
    )
    return Answer(200, schemas.worker_channel(call.urls, found))


@operations.post(f"{CHANNELS}/{{Sid}}", form=UpdateWorkerChannel)
async def update_worker_channel(call: Call, form: UpdateWorkerChannel) -> Answer:
    """Change a worker's capacity or availability on a channel."""
    changed = await call.step(
        lambda uow: workers.update_channel(
            uow,
            call.path["WorkspaceSid"],
            call.path["WorkerSid"],
            call.path["Sid"],
            capacity=form.capacity,
            available=form.available,
        )
    )
    return Answer(200, schemas.worker_channel(call.urls, changed))
