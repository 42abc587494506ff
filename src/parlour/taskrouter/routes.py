"""Operations of workspaces, activities, task channels, queues and workflows (taskrouter.md §1.1)."""

from typing import Annotated

from parlour.kit.wire import decode_json
from parlour.rest.forms import Form, JsonObject, Limit, choice, param, ref
from parlour.rest.operations import Answer, Call, Operations, Page
from parlour.store.unit import Reader
from parlour.taskrouter import activities, advice, channels, membership, queues, schemas, store, workers, workspaces
from parlour.taskrouter.errors import refused
from parlour.taskrouter.expression import compile_expression
from parlour.taskrouter.paging import answer, filtered, ordering, page_of
from parlour.taskrouter.rows import Activity, TaskChannel, TaskQueue
from parlour.taskrouter.schemas import NAME_LIMIT, ORDERS, PRODUCT, RESERVATION_TIMEOUT_LIMIT

operations = Operations(PRODUCT)

Name = Annotated[str, Limit(min=1, max=NAME_LIMIT)]
LongName = Annotated[str, Limit(min=1, max=255)]
Order = Annotated[str, choice(*ORDERS)]
ReservationTimeout = Annotated[int, Limit(min=1, max=RESERVATION_TIMEOUT_LIMIT)]
ActivityRef = Annotated[str, ref("WA")]

ROOT = "/v1/Workspaces"
WORKSPACE = f"{ROOT}/{{WorkspaceSid}}"


class CreateWorkspace(Form):
    friendly_name: LongName
    event_callback_url: str = ""
    events_filter: str | None = None
    multi_task_enabled: bool | None = None
    template: Annotated[str, choice("NONE", "FIFO")] = "NONE"
    prioritize_queue_order: Order = "FIFO"


class UpdateWorkspace(Form):
    friendly_name: LongName | None = None
    event_callback_url: str | None = None
    events_filter: str | None = None
    multi_task_enabled: bool | None = None
    prioritize_queue_order: Order | None = None
    default_activity_sid: ActivityRef | None = None
    timeout_activity_sid: ActivityRef | None = None


class ByName(Form):
    friendly_name: str | None = None


@operations.post(ROOT, form=CreateWorkspace)
async def create_workspace(call: Call, form: CreateWorkspace) -> Answer:
    """Make a workspace."""
    if form.multi_task_enabled is False:
        raise refused("Invalid parameter MultiTaskEnabled: single tasking workspaces are not supported here")
    made = await call.step(
        lambda uow: workspaces.create(
            uow,
            friendly_name=form.friendly_name,
            template=form.template,
            event_callback_url=form.event_callback_url,
            events_filter=form.events_filter or None,
            prioritize_queue_order=form.prioritize_queue_order,
        )
    )
    return Answer(201, schemas.workspace(call.urls, made))


@operations.get(ROOT, form=ByName)
async def list_workspaces(call: Call, form: ByName) -> Answer:
    """List workspaces."""
    page = page_of(call)
    rows = await call.read(
        lambda reader: store.workspaces(reader, friendly_name=form.friendly_name, after=page.token, limit=page.size + 1)
    )
    return answer(call, "workspaces", rows, page, lambda each: schemas.workspace(call.urls, each))


@operations.get(WORKSPACE)
async def fetch_workspace(call: Call, _form: Form) -> Answer:
    """Answer with a workspace."""
    row = await call.read(lambda reader: workspaces.fetch(reader, call.path["WorkspaceSid"]))
    return Answer(200, schemas.workspace(call.urls, row))


@operations.post(WORKSPACE, form=UpdateWorkspace)
async def update_workspace(call: Call, form: UpdateWorkspace) -> Answer:
    """Change a workspace."""
    row = await call.step(
        lambda uow: workspaces.update(
            uow,
            call.path["WorkspaceSid"],
            friendly_name=form.friendly_name,
            event_callback_url=form.event_callback_url,
            events_filter=form.events_filter,
            multi_task_enabled=form.multi_task_enabled,
            prioritize_queue_order=form.prioritize_queue_order,
            default_activity_sid=form.default_activity_sid or None,
            timeout_activity_sid=form.timeout_activity_sid or None,
        )
    )
    return Answer(200, schemas.workspace(call.urls, row))


@operations.delete(WORKSPACE)
async def delete_workspace(call: Call, _form: Form) -> Answer:
    """Delete a workspace with all that is in it."""
    await call.step(lambda uow: workspaces.delete(uow, call.path["WorkspaceSid"]))
    return Answer(204)


async def under(call: Call, reader: Reader) -> str:
    """The workspace of the path, which must exist."""
    return (await workspaces.fetch(reader, call.path["WorkspaceSid"])).sid


class CreateActivity(Form):
    friendly_name: Name
    available: bool = False


class UpdateActivity(Form):
    friendly_name: Name | None = None


class ListActivities(Form):
    friendly_name: str | None = None
    available: str | None = None


ACTIVITIES = f"{WORKSPACE}/Activities"


@operations.post(ACTIVITIES, form=CreateActivity)
async def create_activity(call: Call, form: CreateActivity) -> Answer:
    """Make an activity."""
    made = await call.step(
        lambda uow: activities.create(
            uow, call.path["WorkspaceSid"], friendly_name=form.friendly_name, available=form.available
        )
    )
    return Answer(201, schemas.activity(call.urls, made))


@operations.get(ACTIVITIES, form=ListActivities)
async def list_activities(call: Call, form: ListActivities) -> Answer:
    """List activities; any value of Available but true, 1 and yes means unavailable (§1.1)."""
    page = page_of(call)
    available = None if form.available is None else form.available.lower() in ("true", "1", "yes")

    async def read(reader: Reader) -> list[Activity]:
        return await store.activities(
            reader,
            await under(call, reader),
            friendly_name=form.friendly_name,
            available=available,
            after=page.token,
            limit=page.size + 1,
        )

    return answer(call, "activities", await call.read(read), page, lambda each: schemas.activity(call.urls, each))


@operations.get(f"{ACTIVITIES}/{{Sid}}")
async def fetch_activity(call: Call, _form: Form) -> Answer:
    """Answer with an activity."""
    row = await call.read(lambda reader: activities.fetch(reader, call.path["WorkspaceSid"], call.path["Sid"]))
    return Answer(200, schemas.activity(call.urls, row))


@operations.post(f"{ACTIVITIES}/{{Sid}}", form=UpdateActivity, ignored=("Available",))
async def update_activity(call: Call, form: UpdateActivity) -> Answer:
    """Rename an activity; Available is taken and changes nothing (§1.5)."""
    row = await call.step(
        lambda uow: activities.update(
            uow, call.path["WorkspaceSid"], call.path["Sid"], friendly_name=form.friendly_name
        )
    )
    return Answer(200, schemas.activity(call.urls, row))


@operations.delete(f"{ACTIVITIES}/{{Sid}}")
async def delete_activity(call: Call, _form: Form) -> Answer:
    """Delete an activity."""
    await call.step(lambda uow: activities.delete(uow, call.path["WorkspaceSid"], call.path["Sid"]))
    return Answer(204)


class CreateTaskChannel(Form):
    friendly_name: Name
    unique_name: Name
    channel_optimized_routing: bool = False


class UpdateTaskChannel(Form):
    friendly_name: Name | None = None
    channel_optimized_routing: bool | None = None


TASK_CHANNELS = f"{WORKSPACE}/TaskChannels"


@operations.post(TASK_CHANNELS, form=CreateTaskChannel)
async def create_task_channel(call: Call, form: CreateTaskChannel) -> Answer:
    """Make a task channel."""
    made = await call.step(
        lambda uow: channels.create(
            uow,
            call.path["WorkspaceSid"],
            friendly_name=form.friendly_name,
            unique_name=form.unique_name,
            channel_optimized_routing=form.channel_optimized_routing,
        )
    )
    return Answer(201, schemas.task_channel(call.urls, made))


@operations.get(TASK_CHANNELS)
async def list_task_channels(call: Call, _form: Form) -> Answer:
    """List task channels."""
    page = page_of(call)

    async def read(reader: Reader) -> list[TaskChannel]:
        sid = await under(call, reader)
        return await store.task_channels(reader, sid, after=page.token, limit=page.size + 1)

    return answer(call, "channels", await call.read(read), page, lambda each: schemas.task_channel(call.urls, each))


@operations.get(f"{TASK_CHANNELS}/{{Sid}}")
async def fetch_task_channel(call: Call, _form: Form) -> Answer:
    """Answer with a task channel, by SID or unique name."""
    row = await call.read(lambda reader: channels.fetch(reader, call.path["WorkspaceSid"], call.path["Sid"]))
    return Answer(200, schemas.task_channel(call.urls, row))


@operations.post(f"{TASK_CHANNELS}/{{Sid}}", form=UpdateTaskChannel)
async def update_task_channel(call: Call, form: UpdateTaskChannel) -> Answer:
    """Change a task channel."""
    row = await call.step(
        lambda uow: channels.update(
            uow,
            call.path["WorkspaceSid"],
            call.path["Sid"],
            friendly_name=form.friendly_name,
            channel_optimized_routing=form.channel_optimized_routing,
        )
    )
    return Answer(200, schemas.task_channel(call.urls, row))


@operations.delete(f"{TASK_CHANNELS}/{{Sid}}")
async def delete_task_channel(call: Call, _form: Form) -> Answer:
    """Delete a task channel."""
    await call.step(lambda uow: channels.delete(uow, call.path["WorkspaceSid"], call.path["Sid"]))
    return Answer(204)


MaxReserved = Annotated[int, Limit(min=1, max=50)]


class CreateTaskQueue(Form):
    friendly_name: LongName
    target_workers: str = queues.EVERYBODY
    max_reserved_workers: MaxReserved = 1
    task_order: Order = "FIFO"
    reservation_activity_sid: ActivityRef | None = None
    assignment_activity_sid: ActivityRef | None = None


class UpdateTaskQueue(Form):
    friendly_name: LongName | None = None
    target_workers: str | None = None
    max_reserved_workers: MaxReserved | None = None
    task_order: Order | None = None
    reservation_activity_sid: ActivityRef | None = None
    assignment_activity_sid: ActivityRef | None = None


class ListTaskQueues(Form):
    friendly_name: str | None = None
    evaluate_worker_attributes: Annotated[str, JsonObject()] | None = None
    worker_sid: Annotated[str, ref("WK")] | None = None
    order: str | None = param("Ordering")


TASK_QUEUES = f"{WORKSPACE}/TaskQueues"


@operations.post(TASK_QUEUES, form=CreateTaskQueue)
async def create_task_queue(call: Call, form: CreateTaskQueue) -> Answer:
    """Make a queue."""
    made = await call.step(
        lambda uow: queues.create(
            uow,
            call.path["WorkspaceSid"],
            friendly_name=form.friendly_name,
            target_workers=form.target_workers,
            max_reserved_workers=form.max_reserved_workers,
            task_order=form.task_order,
            reservation_activity_sid=form.reservation_activity_sid or None,
            assignment_activity_sid=form.assignment_activity_sid or None,
        )
    )
    warnings = await call.read(lambda reader: advice.of_queue(reader, made))
    return Answer(201, schemas.task_queue(call.urls, made), advice.headers(warnings))


@operations.get(TASK_QUEUES, form=ListTaskQueues)
async def list_task_queues(call: Call, form: ListTaskQueues) -> Answer:
    """List queues: all, those of a worker, or those that match attributes (§1.1)."""
    page = page_of(call)

    async def read(reader: Reader) -> list[TaskQueue]:
        return await find_task_queues(reader, await under(call, reader), form, page)

    return answer(call, "task_queues", await call.read(read), page, lambda each: schemas.task_queue(call.urls, each))


async def find_task_queues(reader: Reader, workspace_sid: str, form: ListTaskQueues, page: Page) -> list[TaskQueue]:
    """The queues of a page that the form asks for, and one more when there is a next one.

    :raises ContractError: 404 of the worker; 400/20001 for an ordering that cannot be read.
    """
    order = ordering(form.order, {"DateUpdated": "q.date_updated"})
    contexts = []
    if form.worker_sid:
        contexts.append(membership.context_of(await workers.fetch(reader, workspace_sid, form.worker_sid)))
    if form.evaluate_worker_attributes is not None:
        contexts.append(decode_json(form.evaluate_worker_attributes))

    async def fetch(after: str | None, limit: int) -> list[TaskQueue]:
        return await store.task_queues(
            reader, workspace_sid, friendly_name=form.friendly_name, order=order, after=after, limit=limit
        )

    def keep(queue: TaskQueue) -> bool:
        return all(compile_expression(queue.target_workers).matches(context) for context in contexts)

    return await filtered(fetch, keep, page)


@operations.get(f"{TASK_QUEUES}/{{Sid}}")
async def fetch_task_queue(call: Call, _form: Form) -> Answer:
    """Answer with a queue."""
    row = await call.read(lambda reader: queues.fetch(reader, call.path["WorkspaceSid"], call.path["Sid"]))
    return Answer(200, schemas.task_queue(call.urls, row))


@operations.post(f"{TASK_QUEUES}/{{Sid}}", form=UpdateTaskQueue)
async def update_task_queue(call: Call, form: UpdateTaskQueue) -> Answer:
    """Change a queue."""
    row = await call.step(
        lambda uow: queues.update(
            uow,
            call.path["WorkspaceSid"],
            call.path["Sid"],
            friendly_name=form.friendly_name,
            target_workers=form.target_workers,
            max_reserved_workers=form.max_reserved_workers,
            task_order=form.task_order,
            reservation_activity_sid=form.reservation_activity_sid or None,
            assignment_activity_sid=form.assignment_activity_sid or None,
        )
    )
    warnings = await call.read(lambda reader: advice.of_queue(reader, row))
    return Answer(200, schemas.task_queue(call.urls, row), advice.headers(warnings))


@operations.delete(f"{TASK_QUEUES}/{{Sid}}")
async def delete_task_queue(call: Call, _form: Form) -> Answer:
    """Delete a queue."""
    await call.step(lambda uow: queues.delete(uow, call.path["WorkspaceSid"], call.path["Sid"]))
    return Answer(204)
