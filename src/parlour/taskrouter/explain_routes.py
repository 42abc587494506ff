"""Why a task went where it went: Parlour's own operations, so their product has a name of its own."""

from parlour.rest.forms import Form
from parlour.rest.operations import Answer, Call, Operations, Urls
from parlour.taskrouter import explaining

operations = Operations("parlour")


@operations.get("/v1/Routing/{TaskSid}")
async def explain_task(call: Call, _form: Form) -> Answer:
    """Tell why a task is where it is; of a waiting one the present state is looked at, and kept.

    Error: 404/20404, nothing of the last 30 days tells of the task.
    """
    sid = call.path["TaskSid"]
    if sid.startswith("WT"):
        await call.step(lambda uow: explaining.explain(uow, sid))
    found = await call.read(lambda reader: explaining.story(reader, sid))
    return Answer(200, {**found, "url": _url(call.urls, sid)})


@operations.get("/v1/RoutingWarnings/{WorkspaceSid}")
async def list_warnings(call: Call, _form: Form) -> Answer:
    """Tell what was saved in a workspace and can hardly be meant. Error: 404/20404, no such workspace."""
    found = await call.read(lambda reader: explaining.warnings(reader, call.path["WorkspaceSid"]))
    return Answer(200, {"workspace_sid": call.path["WorkspaceSid"], "warnings": found})


def _url(urls: Urls, sid: str) -> str:
    return urls.of("parlour", f"/v1/Routing/{sid}")
