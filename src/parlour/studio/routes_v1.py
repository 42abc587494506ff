"""Operations of Studio v1: flows are read and removed, executions have a second, older name (studio.md §5.6)."""

from parlour.kit.wire import decode_json
from parlour.rest.errors import invalid_parameter, missing_parameter
from parlour.rest.forms import Form, NoForm
from parlour.rest.operations import Answer, Call, Operations
from parlour.store.unit import Reader
from parlour.studio import execution_store, executions, flows, store
from parlour.studio import render_v1 as render
from parlour.studio.paging import position
from parlour.studio.render_v1 import ENGAGEMENTS, EXECUTIONS, Kind
from parlour.studio.schemas import CreateExecution, ListExecutionsV1, UpdateExecution

operations = Operations("studio")

FLOW = "/v1/Flows/{Sid}"


@operations.get("/v1/Flows")
async def list_flows(call: Call, _form: Form) -> Answer:
    """List flows, newest first."""
    page = call.page()
    rows = await call.read(lambda reader: store.list_flows(reader, page.token, page.size + 1))
    shown = rows[: page.size]
    token = shown[-1].sid if len(rows) > page.size else None
    return call.listing("flows", [render.flow(call.urls, row) for row in shown], page, next_token=token)


@operations.get(FLOW)
async def fetch_flow(call: Call, _form: Form) -> Answer:
    """Fetch a flow."""
    return Answer(200, render.flow(call.urls, await call.read(lambda reader: flows.fetch(reader, call.path["Sid"]))))


@operations.delete(FLOW)
async def delete_flow(call: Call, _form: Form) -> Answer:
    """Remove a flow; its executions end."""
    await call.step(lambda uow: executions.delete_flow(uow, call.path["Sid"]))
    return Answer(204)


def _add_executions(kind: Kind, form: type[ListExecutionsV1] | type[Form]) -> None:
    """Add what both names have: list, create, fetch, remove, context."""
    base = f"/v1/Flows/{{FlowSid}}/{kind.path}"

    @operations.get(base, form=form)
    async def list_executions(call: Call, given: Form) -> Answer:
        page, flow_sid = call.page(), call.path["FlowSid"]
        filters = given if isinstance(given, ListExecutionsV1) else ListExecutionsV1()

        async def work(reader: Reader) -> list[execution_store.Execution]:
            await flows.fetch(reader, flow_sid)
            return await execution_store.list_of_flow(
                reader,
                flow_sid,
                after=page.token,
                status=None,
                created_from=filters.date_created_from,
                created_to=filters.date_created_to,
                limit=page.size + 1,
            )

        rows = await call.read(work)
        shown = [render.execution(call.urls, kind, row) for row in rows[: page.size]]
        token = rows[page.size - 1].sid if len(rows) > page.size else None
        return call.listing(kind.key, shown, page, next_token=token)

    @operations.post(base, form=CreateExecution)
    async def create_execution(call: Call, given: CreateExecution) -> Answer:
        if not given.from_:
            raise missing_parameter("From")
        parameters = decode_json(given.parameters)
        row, _ = await call.step(
            lambda uow: executions.start_or_find(
                uow, call.path["FlowSid"], to=given.to, from_=given.from_, parameters=parameters
            )
        )
        return Answer(200, render.execution(call.urls, kind, row))

    @operations.get(f"{base}/{{Sid}}")
    async def fetch_execution(call: Call, _form: Form) -> Answer:
        row = await call.read(lambda reader: executions.fetch(reader, call.path["FlowSid"], call.path["Sid"]))
        return Answer(200, render.execution(call.urls, kind, row))

    @operations.delete(f"{base}/{{Sid}}")
    async def delete_execution(call: Call, _form: Form) -> Answer:
        await call.step(lambda uow: executions.delete(uow, call.path["FlowSid"], call.path["Sid"]))
        return Answer(204)

    @operations.get(f"{base}/{{{kind.name.capitalize()}Sid}}/Context")
    async def fetch_context(call: Call, _form: Form) -> Answer:
        row = await call.read(lambda reader: executions.fetch(reader, call.path["FlowSid"], _sid(call, kind)))
        return Answer(200, render.execution_context(call.urls, kind, row))


def _add_steps(kind: Kind) -> None:
    """Add the steps of both names."""
    base = f"/v1/Flows/{{FlowSid}}/{kind.path}/{{{kind.name.capitalize()}Sid}}/Steps"

    @operations.get(base)
    async def list_steps(call: Call, _form: Form) -> Answer:
        page, flow_sid, sid = call.page(), call.path["FlowSid"], _sid(call, kind)

        async def work(reader: Reader) -> list[execution_store.Step]:
            await executions.fetch(reader, flow_sid, sid)
            return await execution_store.list_steps(reader, flow_sid, sid, position(page), page.size + 1)

        rows = await call.read(work)
        shown = [render.step(call.urls, kind, row) for row in rows[: page.size]]
        token = str(rows[page.size - 1].position) if len(rows) > page.size else None
        return call.listing("steps", shown, page, next_token=token)

    @operations.get(f"{base}/{{Sid}}")
    async def fetch_step(call: Call, _form: Form) -> Answer:
        return Answer(200, render.step(call.urls, kind, await _step(call, kind, call.path["Sid"])))

    @operations.get(f"{base}/{{StepSid}}/Context")
    async def fetch_step_context(call: Call, _form: Form) -> Answer:
        return Answer(200, render.step_context(call.urls, kind, await _step(call, kind, call.path["StepSid"])))


@operations.post("/v1/Flows/{FlowSid}/Executions/{Sid}", form=UpdateExecution)
async def update_execution(call: Call, form: UpdateExecution) -> Answer:
    """End an execution; `active` leaves an active one as it is."""
    flow_sid, sid = call.path["FlowSid"], call.path["Sid"]
    if form.status == "ended":
        row = await call.step(lambda uow: executions.stop(uow, flow_sid, sid, reason="ended by request"))
    else:
        row = await call.read(lambda reader: executions.fetch(reader, flow_sid, sid))
        if row.status == "ended":
            raise invalid_parameter("Status", "an ended Execution cannot become active again")
    return Answer(200, render.execution(call.urls, EXECUTIONS, row))


def _sid(call: Call, kind: Kind) -> str:
    return call.path[f"{kind.name.capitalize()}Sid"]


async def _step(call: Call, kind: Kind, sid: str) -> execution_store.Step:
    flow_sid, execution_sid = call.path["FlowSid"], _sid(call, kind)
    return await call.read(lambda reader: executions.fetch_step(reader, flow_sid, execution_sid, sid))


_add_executions(EXECUTIONS, ListExecutionsV1)
_add_executions(ENGAGEMENTS, NoForm)
_add_steps(EXECUTIONS)
_add_steps(ENGAGEMENTS)
