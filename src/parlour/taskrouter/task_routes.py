"""Operations of tasks and reservations (taskrouter.md §2, §6)."""

from datetime import datetime
from typing import Annotated, Final

from parlour.rest.errors import invalid_parameter, missing_parameter, not_found
from parlour.rest.forms import Form, Limit, choice, param, ref
from parlour.rest.operations import Answer, Call, Operations
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import queues, reservations, schemas, tasks, workers
from parlour.taskrouter import task_store as sql
from parlour.taskrouter.errors import refused
from parlour.taskrouter.expression import compile_expression
from parlour.taskrouter.paging import answer, etag, filtered, if_match, ordering, page_of
from parlour.taskrouter.routes import WORKSPACE, ActivityRef, under
from parlour.taskrouter.rows import Reservation, Task, attributes_of
from parlour.taskrouter.schemas import (
    PRIORITY_LIMIT,
    PRODUCT,
    RESERVATION_STATUSES,
    TASK_STATUSES,
    TTL_LIMIT,
)
from parlour.taskrouter.worker_routes import Attributes

operations = Operations(PRODUCT)
TASKS = f"{WORKSPACE}/Tasks"
TASK_RESERVATIONS = f"{TASKS}/{{TaskSid}}/Reservations"
WORKER_RESERVATIONS = f"{WORKSPACE}/Workers/{{WorkerSid}}/Reservations"

Priority = Annotated[int, Limit(min=0, max=PRIORITY_LIMIT)]
_VOICE: Final = "voice instructions are out of scope"
VOICE: Final = dict.fromkeys(
    (
        *(f"Dequeue{name}" for name in ("PostWorkActivitySid", "From", "Record", "Timeout", "To")),
        *("DequeueStatusCallbackUrl", "DequeueStatusCallbackEvent"),
        *(f"Call{name}" for name in ("From", "Record", "Timeout", "To", "Url", "StatusCallbackUrl", "Accept")),
        *("RedirectCallSid", "RedirectAccept", "RedirectUrl", "To", "From", "StatusCallback"),
        *("StatusCallbackMethod", "StatusCallbackEvent", "Timeout", "Record", "Muted", "Beep"),
        *("StartConferenceOnEnter", "EndConferenceOnExit", "WaitUrl", "WaitMethod", "EarlyMedia"),
        *("MaxParticipants", "ConferenceStatusCallback", "ConferenceStatusCallbackMethod"),
        *("ConferenceStatusCallbackEvent", "ConferenceRecord", "ConferenceTrim", "RecordingChannels"),
        *("RecordingStatusCallback", "RecordingStatusCallbackMethod", "ConferenceRecordingStatusCallback"),
        *("ConferenceRecordingStatusCallbackMethod", "Region", "SipAuthUsername", "SipAuthPassword"),
        *("PostWorkActivitySid", "EndConferenceOnCustomerExit", "BeepOnCustomerEntrance", "JitterBufferSize"),
        *("SupervisorMode", "Supervisor"),
    ),
    _VOICE,
)


class CreateTask(Form):
    workflow_sid: Annotated[str, ref("WW")] | None = None
    attributes: Attributes = "{}"
    priority: Priority | None = None
    timeout: Annotated[int, Limit(min=1, max=TTL_LIMIT)] = tasks.DEFAULT_TIMEOUT
    task_channel: str = "default"
    virtual_start_time: datetime | None = None
    routing_target: str | None = None
    ignore_capacity: str | None = None
    task_queue_sid: Annotated[str, ref("WQ")] | None = None


class UpdateTask(Form):
    attributes: Attributes | None = None
    assignment_status: Annotated[str, choice(*TASK_STATUSES)] | None = None
    reason: str | None = None
    priority: Priority | None = None
    task_channel: str | None = None
    virtual_start_time: datetime | None = None


class ListTasks(Form):
    priority: int | None = None
    assignment_status: list[str] = param("AssignmentStatus", default_factory=list)
    workflow_sid: Annotated[str, ref("WW")] | None = None
    workflow_name: str | None = None
    task_queue_sid: Annotated[str, ref("WQ")] | None = None
    task_queue_name: str | None = None
    evaluate_task_attributes: str | None = None
    routing_target: str | None = None
    order: str | None = param("Ordering")
    has_addons: bool | None = None


class UpdateReservation(Form):
    reservation_status: Annotated[str, choice(*RESERVATION_STATUSES)] | None = None
    worker_activity_sid: ActivityRef | None = None
    instruction: str | None = None


class ListReservations(Form):
    reservation_status: Annotated[str, choice(*RESERVATION_STATUSES)] | None = None
    worker_sid: Annotated[str, ref("WK")] | None = None


class ListWorkerReservations(Form):
    reservation_status: Annotated[str, choice(*RESERVATION_STATUSES)] | None = None


def _answer(call: Call, status: int, task: Task) -> Answer:
    return Answer(status, schemas.task(call.urls, task, call.database.clock.now()), etag(task.version))


@operations.post(TASKS, form=CreateTask)
async def create_task(call: Call, form: CreateTask) -> Answer:
    """Make a task."""
    target = form.routing_target or None
    if target is not None and target[:2] not in ("WK", "WQ", "WW"):
        raise refused(
            f"Value '{target}' provided for WorkflowSid as RoutingTarget has an invalid format. "
            f"WorkspaceSid: {call.path['WorkspaceSid']}, AccountSid: {call.account_sid}"
        )
    if form.ignore_capacity is not None and (target is None or not target.startswith("WK")):
        raise invalid_parameter("IgnoreCapacity", "goes with a worker as RoutingTarget only")
    ignore = None if form.ignore_capacity is None else form.ignore_capacity.lower() in ("true", "1", "yes")
    made = await call.step(
        lambda uow: tasks.create(
            uow,
            call.path["WorkspaceSid"],
            workflow_sid=form.workflow_sid or None,
            attributes=form.attributes or "{}",
            priority=form.priority,
            timeout=form.timeout,
            task_channel=form.task_channel or "default",
            routing_target=target,
            task_queue_sid=form.task_queue_sid or None,
            ignore_capacity=ignore,
            virtual_start_time=form.virtual_start_time,
        )
    )
    return _answer(call, 201, made)


ORDERS: Final = {
    "DateCreated": "t.date_created",
    "Priority": "t.priority",
    "VirtualStartTime": "t.virtual_start_time",
}


@operations.get(TASKS, form=ListTasks)
async def list_tasks(call: Call, form: ListTasks) -> Answer:
    """List tasks, the oldest first unless ordered otherwise (§1.1)."""
    page = page_of(call)
    order = ordering(form.order, ORDERS, several=True)
    statuses = [each.strip() for value in form.assignment_status for each in value.split(",") if each.strip()]
    for status in statuses:
        if status not in TASK_STATUSES:
            raise invalid_parameter("AssignmentStatus", f"'{status[:64]}' is not one of {', '.join(TASK_STATUSES)}")
    if form.evaluate_task_attributes is not None:
        queues.check_expression("EvaluateTaskAttributes", form.evaluate_task_attributes)
    test = compile_expression(form.evaluate_task_attributes or "1==1")

    async def read(reader: Reader) -> list[Task]:
        sid = await under(call, reader)

        async def fetch(after: str | None, limit: int) -> list[Task]:
            return await sql.tasks(
                reader,
                sid,
                priority=form.priority,
                assignment_statuses=statuses,
                workflow_sid=form.workflow_sid or None,
                workflow_name=form.workflow_name,
                task_queue_sid=form.task_queue_sid or None,
                task_queue_name=form.task_queue_name,
                routing_target=form.routing_target,
                has_addons=form.has_addons,
                order=order,
                after=after,
                limit=limit,
            )

        return await filtered(fetch, lambda each: test.matches(attributes_of(each.attributes)), page)

    now = call.database.clock.now()
    return answer(call, "tasks", await call.read(read), page, lambda each: schemas.task(call.urls, each, now))


@operations.get(f"{TASKS}/{{Sid}}")
async def fetch_task(call: Call, _form: Form) -> Answer:
    """Answer with a task."""
    found = await call.read(lambda reader: tasks.fetch(reader, call.path["WorkspaceSid"], call.path["Sid"]))
    return _answer(call, 200, found)


@operations.post(f"{TASKS}/{{Sid}}", form=UpdateTask)
async def update_task(call: Call, form: UpdateTask) -> Answer:
    """Change a task's attributes, place or status; only canceled, wrapping and completed can be asked for (§2.2)."""
    status = form.assignment_status
    if status is not None and status not in ("canceled", "wrapping", "completed"):
        raise invalid_parameter("AssignmentStatus", f"a task cannot be moved to {status} by the API")
    version = if_match(call, call.path["Sid"])
    changed = await call.step(
        lambda uow: tasks.update(
            uow,
            call.path["WorkspaceSid"],
            call.path["Sid"],
            attributes=form.attributes,
            assignment_status=status,
            reason=form.reason,
            priority=form.priority,
            task_channel=form.task_channel or None,
            virtual_start_time=form.virtual_start_time,
            version=version,
        )
    )
    return _answer(call, 200, changed)


@operations.delete(f"{TASKS}/{{Sid}}")
async def delete_task(call: Call, _form: Form) -> Answer:
    """Delete a task."""
    version = if_match(call, call.path["Sid"])
    await call.step(lambda uow: tasks.delete(uow, call.path["WorkspaceSid"], call.path["Sid"], version=version))
    return Answer(204)


@operations.get(TASK_RESERVATIONS, form=ListReservations)
async def list_task_reservations(call: Call, form: ListReservations) -> Answer:
    """List a task's reservations."""
    page = page_of(call)

    async def read(reader: Reader) -> list[Reservation]:
        task = await tasks.fetch(reader, call.path["WorkspaceSid"], call.path["TaskSid"])
        return await sql.reservations(
            reader,
            task.workspace_sid,
            task_sid=task.sid,
            worker_sid=form.worker_sid or None,
            status=form.reservation_status,
            after=page.token,
            limit=page.size + 1,
        )

    rows = await call.read(read)
    return answer(call, "reservations", rows, page, lambda each: schemas.reservation(call.urls, each, of_worker=False))


@operations.get(WORKER_RESERVATIONS, form=ListWorkerReservations)
async def list_worker_reservations(call: Call, form: ListWorkerReservations) -> Answer:
    """List a worker's reservations."""
    page = page_of(call)

    async def read(reader: Reader) -> list[Reservation]:
        worker = await workers.fetch(reader, call.path["WorkspaceSid"], call.path["WorkerSid"])
        return await sql.reservations(
            reader,
            worker.workspace_sid,
            worker_sid=worker.sid,
            status=form.reservation_status,
            after=page.token,
            limit=page.size + 1,
        )

    rows = await call.read(read)
    return answer(call, "reservations", rows, page, lambda each: schemas.reservation(call.urls, each, of_worker=True))


@operations.get(f"{TASK_RESERVATIONS}/{{Sid}}", f"{WORKER_RESERVATIONS}/{{Sid}}")
async def fetch_reservation(call: Call, _form: Form) -> Answer:
    """Answer with a reservation."""
    found = await call.read(lambda reader: _of_path(call, reader))
    return _reservation_answer(call, found)


@operations.post(
    f"{TASK_RESERVATIONS}/{{Sid}}", f"{WORKER_RESERVATIONS}/{{Sid}}", form=UpdateReservation, refused=VOICE
)
async def update_reservation(call: Call, form: UpdateReservation) -> Answer:
    """Accept, reject, wrap up or complete a reservation, by ReservationStatus or by the instructions for it (§3.5)."""
    version = if_match(call, call.path["Sid"])
    status = wanted_status(form)

    async def work(uow: UnitOfWork) -> Reservation:
        known = await _of_path(call, uow)
        return await reservations.update(
            uow,
            known.workspace_sid,
            known.sid,
            status=status,
            worker_activity_sid=form.worker_activity_sid or None,
            version=version,
            known=known,
        )

    return _reservation_answer(call, await call.step(work))


def wanted_status(form: UpdateReservation) -> str:
    """The status that the form asks for, by its name or by an instruction.

    :raises ContractError: 400/20001, it asks for none or for one that the API cannot set.
    """
    instruction = (form.instruction or "").lower()
    if instruction:
        if instruction not in ("accept", "reject"):
            raise invalid_parameter("Instruction", f"'{instruction[:64]}' is not supported here ({_VOICE})")
        return "accepted" if instruction == "accept" else "rejected"
    if form.reservation_status is None:
        raise missing_parameter("ReservationStatus")
    if form.reservation_status not in ("accepted", "rejected", "wrapping", "completed"):
        raise invalid_parameter(
            "ReservationStatus", f"a reservation cannot be moved to {form.reservation_status} by the API"
        )
    return form.reservation_status


async def _of_path(call: Call, reader: Reader) -> Reservation:
    """The reservation of the path, below its task or its worker."""
    found = await reservations.fetch(reader, call.path["WorkspaceSid"], call.path["Sid"])
    if call.path.get("TaskSid", found.task_sid) != found.task_sid:
        raise not_found(found.sid)
    if call.path.get("WorkerSid", found.worker_sid) != found.worker_sid:
        raise not_found(found.sid)
    return found


def _reservation_answer(call: Call, found: Reservation) -> Answer:
    body = schemas.reservation(call.urls, found, of_worker="WorkerSid" in call.path)
    return Answer(200, body, etag(found.version))
