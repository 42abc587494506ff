"""Operations of workflows (taskrouter.md §3)."""

from parlour.rest.forms import Form
from parlour.rest.operations import Answer, Call, Operations
from parlour.store.unit import Reader
from parlour.taskrouter import advice, schemas, store, workflows
from parlour.taskrouter.paging import answer, page_of
from parlour.taskrouter.routes import WORKSPACE, ByName, LongName, ReservationTimeout, under
from parlour.taskrouter.rows import Workflow
from parlour.taskrouter.schemas import PRODUCT

operations = Operations(PRODUCT)
WORKFLOWS = f"{WORKSPACE}/Workflows"


class CreateWorkflow(Form):
    friendly_name: LongName
    configuration: str
    task_reservation_timeout: ReservationTimeout = 120
    assignment_callback_url: str | None = None
    fallback_assignment_callback_url: str | None = None


class UpdateWorkflow(Form):
    friendly_name: LongName | None = None
    configuration: str | None = None
    task_reservation_timeout: ReservationTimeout | None = None
    assignment_callback_url: str | None = None
    fallback_assignment_callback_url: str | None = None
    re_evaluate_tasks: bool = False


@operations.post(WORKFLOWS, form=CreateWorkflow)
async def create_workflow(call: Call, form: CreateWorkflow) -> Answer:
    """Make a workflow."""
    made = await call.step(
        lambda uow: workflows.create(
            uow,
            call.path["WorkspaceSid"],
            friendly_name=form.friendly_name,
            configuration=form.configuration,
            task_reservation_timeout=form.task_reservation_timeout,
            assignment_callback_url=form.assignment_callback_url,
            fallback_assignment_callback_url=form.fallback_assignment_callback_url,
        )
    )
    warnings = await call.read(lambda reader: advice.of_workflow(reader, made))
    return Answer(201, schemas.workflow(call.urls, made), advice.headers(warnings))


@operations.get(WORKFLOWS, form=ByName)
async def list_workflows(call: Call, form: ByName) -> Answer:
    """List workflows."""
    page = page_of(call)

    async def read(reader: Reader) -> list[Workflow]:
        sid = await under(call, reader)
        return await store.workflows(
            reader, sid, friendly_name=form.friendly_name, after=page.token, limit=page.size + 1
        )

    return answer(call, "workflows", await call.read(read), page, lambda each: schemas.workflow(call.urls, each))


@operations.get(f"{WORKFLOWS}/{{Sid}}")
async def fetch_workflow(call: Call, _form: Form) -> Answer:
    """Answer with a workflow."""
    row = await call.read(lambda reader: workflows.fetch(reader, call.path["WorkspaceSid"], call.path["Sid"]))
    return Answer(200, schemas.workflow(call.urls, row))


@operations.post(f"{WORKFLOWS}/{{Sid}}", form=UpdateWorkflow)
async def update_workflow(call: Call, form: UpdateWorkflow) -> Answer:
    """Change a workflow."""
    row = await call.step(
        lambda uow: workflows.update(
            uow,
            call.path["WorkspaceSid"],
            call.path["Sid"],
            friendly_name=form.friendly_name,
            configuration=form.configuration,
            task_reservation_timeout=form.task_reservation_timeout,
            assignment_callback_url=form.assignment_callback_url,
            fallback_assignment_callback_url=form.fallback_assignment_callback_url,
            re_evaluate_tasks=form.re_evaluate_tasks,
        )
    )
    warnings = await call.read(lambda reader: advice.of_workflow(reader, row))
    return Answer(200, schemas.workflow(call.urls, row), advice.headers(warnings))


@operations.delete(f"{WORKFLOWS}/{{Sid}}")
async def delete_workflow(call: Call, _form: Form) -> Answer:
    """Delete a workflow."""
    await call.step(lambda uow: workflows.delete(uow, call.path["WorkspaceSid"], call.path["Sid"]))
    return Answer(204)
