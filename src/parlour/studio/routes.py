"""Operations of Studio v2."""

from parlour.kit.wire import decode_json
from parlour.rest.errors import invalid_parameter, missing_parameter
from parlour.rest.forms import Form
from parlour.rest.operations import Answer, Call, Operations
from parlour.store.unit import Reader, UnitOfWork
from parlour.studio import execution_store, executions, flows, render, store
from parlour.studio.paging import position
from parlour.studio.schemas import (
    CreateExecution,
    CreateFlow,
    ListExecutions,
    TestUsers,
    UpdateExecution,
    UpdateFlow,
)

operations = Operations("studio")

FLOW = "/v2/Flows/{Sid}"
EXECUTIONS = "/v2/Flows/{FlowSid}/Executions"
NO_AUTHORS = {"AuthorSid": "authors are users of the vendor's console, and there is none here"}
LENIENT = "parlour-lenient"
STEPS = f"{EXECUTIONS}/{{ExecutionSid}}/Steps"


@operations.post("/v2/Flows", form=CreateFlow, refused=NO_AUTHORS)
async def create_flow(call: Call, form: CreateFlow) -> Answer:
    """Make a flow."""

    async def work(uow: UnitOfWork) -> flows.Flow:
        return await flows.create(
            uow,
            friendly_name=form.friendly_name,
            status=form.status,
            definition=form.definition,
            commit_message=form.commit_message,
            lenient=_lenient(call),
        )

    return Answer(201, render.flow(call.urls, await call.step(work)))


@operations.post("/v2/Flows/Validate", form=CreateFlow)
async def validate_flow(call: Call, form: CreateFlow) -> Answer:
    """Check a definition without storing it."""
    raw = flows.parsed_definition(form.definition)

    async def work(reader: Reader) -> None:
        await flows.validate(reader, raw, status=form.status, lenient=_lenient(call))

    await call.read(work)
    return Answer(200, {"valid": True})


@operations.get("/v2/Flows")
async def list_flows(call: Call, _form: Form) -> Answer:
    """List flows, newest first."""
    page = call.page()
    rows = await call.read(lambda reader: store.list_flows(reader, page.token, page.size + 1))
    shown = rows[: page.size]
    token = shown[-1].sid if len(rows) > page.size else None
    return call.listing("flows", [render.flow(call.urls, row, listed=True) for row in shown], page, next_token=token)


@operations.get(FLOW)
async def fetch_flow(call: Call, _form: Form) -> Answer:
    """Fetch a flow with its newest revision."""
    row = await call.read(lambda reader: flows.fetch(reader, call.path["Sid"]))
    return Answer(200, render.flow(call.urls, row))


@operations.post(FLOW, form=UpdateFlow, refused=NO_AUTHORS)
async def update_flow(call: Call, form: UpdateFlow) -> Answer:
    """Save a new revision."""

    async def work(uow: UnitOfWork) -> flows.Flow:
        return await flows.update(
            uow,
            call.path["Sid"],
            status=form.status,
            friendly_name=form.friendly_name,
            definition=form.definition,
            commit_message=form.commit_message,
            lenient=_lenient(call),
        )

    return Answer(200, render.flow(call.urls, await call.step(work)))


@operations.delete(FLOW)
async def delete_flow(call: Call, _form: Form) -> Answer:
    """Remove a flow; its executions end."""
    await call.step(lambda uow: executions.delete_flow(uow, call.path["Sid"]))
    return Answer(204)


@operations.get(f"{FLOW}/Revisions")
async def list_revisions(call: Call, _form: Form) -> Answer:
    """List revisions, newest first."""
    page = call.page()
    sid = call.path["Sid"]

    async def work(reader: Reader) -> list[flows.Revision]:
        await flows.fetch(reader, sid)
        return await store.list_revisions(reader, sid, position(page), page.size + 1)

    rows = await call.read(work)
    shown = rows[: page.size]
    token = str(shown[-1].revision) if len(rows) > page.size else None
    records = [render.revision(call.urls, row, listed=True) for row in shown]
    return call.listing("revisions", records, page, next_token=token)


@operations.get(f"{FLOW}/Revisions/{{Revision}}")
async def fetch_revision(call: Call, _form: Form) -> Answer:
    """Fetch a revision by number or name."""
    row = await call.read(lambda reader: flows.fetch_revision(reader, call.path["Sid"], call.path["Revision"]))
    return Answer(200, render.revision(call.urls, row))


@operations.get(f"{FLOW}/TestUsers")
async def fetch_test_users(call: Call, _form: Form) -> Answer:
    """Fetch the test users."""
    row = await call.read(lambda reader: flows.fetch(reader, call.path["Sid"]))
    return Answer(200, render.test_users(call.urls, row.sid, row.test_users))


@operations.post(f"{FLOW}/TestUsers", form=TestUsers)
async def update_test_users(call: Call, form: TestUsers) -> Answer:
    """Replace the test users."""
    sid = call.path["Sid"]
    users = await call.step(lambda uow: flows.set_test_users(uow, sid, form.test_users))
    return Answer(200, render.test_users(call.urls, sid, users))


@operations.post(EXECUTIONS, form=CreateExecution)
async def create_execution(call: Call, form: CreateExecution) -> Answer:
    """Start an execution."""
    if not form.from_:
        raise missing_parameter("From")
    parameters = decode_json(form.parameters)
    row = await call.step(
        lambda uow: executions.create(uow, call.path["FlowSid"], to=form.to, from_=form.from_, parameters=parameters)
    )
    return Answer(201, render.execution(call.urls, row))


@operations.get(EXECUTIONS, form=ListExecutions)
async def list_executions(call: Call, form: ListExecutions) -> Answer:
    """List executions of a flow, newest first."""
    page = call.page()
    flow_sid = call.path["FlowSid"]

    async def work(reader: Reader) -> list[execution_store.Execution]:
        await flows.fetch(reader, flow_sid)
        return await execution_store.list_of_flow(
            reader,
            flow_sid,
            after=page.token,
            status=form.status or form.upper_status,
            created_from=form.date_created_from,
            created_to=form.date_created_to,
            limit=page.size + 1,
        )

    rows = await call.read(work)
    shown = rows[: page.size]
    token = shown[-1].sid if len(rows) > page.size else None
    return call.listing("executions", [render.execution(call.urls, row) for row in shown], page, next_token=token)


@operations.get(f"{EXECUTIONS}/{{Sid}}")
async def fetch_execution(call: Call, _form: Form) -> Answer:
    """Fetch an execution."""
    row = await call.read(lambda reader: executions.fetch(reader, call.path["FlowSid"], call.path["Sid"]))
    return Answer(200, render.execution(call.urls, row))


@operations.post(f"{EXECUTIONS}/{{Sid}}", form=UpdateExecution)
async def update_execution(call: Call, form: UpdateExecution) -> Answer:
    """End an execution; `active` leaves an active one as it is."""
    flow_sid, sid = call.path["FlowSid"], call.path["Sid"]
    if form.status == "ended":
        row = await call.step(lambda uow: executions.stop(uow, flow_sid, sid, reason="ended by request"))
    else:
        row = await call.read(lambda reader: executions.fetch(reader, flow_sid, sid))
        if row.status == "ended":
            raise invalid_parameter("Status", "an ended Execution cannot become active again")
    return Answer(200, render.execution(call.urls, row))


@operations.delete(f"{EXECUTIONS}/{{Sid}}")
async def delete_execution(call: Call, _form: Form) -> Answer:
    """Remove an execution with its steps."""
    await call.step(lambda uow: executions.delete(uow, call.path["FlowSid"], call.path["Sid"]))
    return Answer(204)


@operations.get(f"{EXECUTIONS}/{{ExecutionSid}}/Context")
async def fetch_execution_context(call: Call, _form: Form) -> Answer:
    """Fetch the context of an execution."""
    flow_sid, sid = call.path["FlowSid"], call.path["ExecutionSid"]
    row = await call.read(lambda reader: executions.fetch(reader, flow_sid, sid))
    return Answer(200, render.execution_context(call.urls, row))


@operations.get(STEPS)
async def list_steps(call: Call, _form: Form) -> Answer:
    """List steps of an execution, newest first."""
    page = call.page()
    flow_sid, execution_sid = call.path["FlowSid"], call.path["ExecutionSid"]

    async def work(reader: Reader) -> list[execution_store.Step]:
        await executions.fetch(reader, flow_sid, execution_sid)
        return await execution_store.list_steps(reader, flow_sid, execution_sid, position(page), page.size + 1)

    rows = await call.read(work)
    shown = rows[: page.size]
    token = str(shown[-1].position) if len(rows) > page.size else None
    return call.listing("steps", [render.step(call.urls, row) for row in shown], page, next_token=token)


@operations.get(f"{STEPS}/{{Sid}}")
async def fetch_step(call: Call, _form: Form) -> Answer:
    """Fetch a step."""
    return Answer(200, render.step(call.urls, await _step(call, call.path["Sid"])))


@operations.get(f"{STEPS}/{{StepSid}}/Context")
async def fetch_step_context(call: Call, _form: Form) -> Answer:
    """Fetch the context at the end of a step."""
    return Answer(200, render.step_context(call.urls, await _step(call, call.path["StepSid"])))


async def _step(call: Call, sid: str) -> execution_store.Step:
    flow_sid, execution_sid = call.path["FlowSid"], call.path["ExecutionSid"]
    return await call.read(lambda reader: executions.fetch_step(reader, flow_sid, execution_sid, sid))


def _lenient(call: Call) -> bool:
    """Say whether the caller publishes what only this installation cannot do (docs/decisions/studio.md)."""
    return call.headers.get(LENIENT, "").lower() == "true"
