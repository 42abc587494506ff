"""Why a task went where it went: Parlour's own operation, so its product has a name of its own."""

from typing import Any, Final

from parlour.kit.wire import iso_millis
from parlour.rest.errors import not_found
from parlour.rest.forms import Form
from parlour.rest.operations import Answer, Call, Operations, Urls
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import advice, deciding, existing, explanation, roster, store
from parlour.taskrouter.workflow import parse_configuration

operations = Operations("parlour")

STORY: Final = """
SELECT sid, kind, at, snapshot FROM event
WHERE account_sid = $1 AND stream = $2
  AND (kind IN ('workflow.target-matched/1', 'routing.decided/1') OR kind LIKE 'task.%')
ORDER BY sid"""
WORKSPACE_OF: Final = "SELECT workspace_sid FROM task WHERE account_sid = $1 AND sid = $2"
UNDECIDED: Final = "Nothing was decided about the task yet."


async def explain(uow: UnitOfWork, task_sid: str) -> None:
    """Have the present state of a task that waits recorded."""
    workspace_sid = await uow.fetchval(WORKSPACE_OF, uow.account_sid, task_sid)
    if workspace_sid is not None:
        await deciding.look(uow, workspace_sid, task_sid)


async def story(reader: Reader, task_sid: str) -> dict[str, Any]:
    """What was recorded of a task's routing, oldest first; it stays readable when task, queue and workers are gone.

    :raises ContractError: 404/20404, nothing of the last 30 days tells of it.
    """
    records = await reader.fetch(STORY, reader.account_sid, task_sid)
    if not records:
        raise not_found(task_sid)
    decisions = [_decision(each) for each in records if each["kind"] == explanation.DECIDED]
    way = [_step(each) for each in records if each["kind"] == "workflow.target-matched/1"]
    return {
        "account_sid": reader.account_sid,
        "workspace_sid": records[0]["snapshot"]["workspace_sid"],
        "task_sid": task_sid,
        "text": decisions[-1]["text"] if decisions else UNDECIDED,
        "way": way,
        "decisions": decisions,
    }


def _decision(record: Any) -> dict[str, Any]:
    known = record["snapshot"]
    workers = [{**each, "text": f"{each['worker_name']} {explanation.why(each)}"} for each in known["workers"]]
    kept = {name: value for name, value in known.items() if name not in ("workspace_name", "told_to", "workspace_sid")}
    return {
        **kept,
        "sid": record["sid"],
        "date": iso_millis(record["at"]),
        "text": explanation.text(known),
        "sentences": explanation.sentences(known),
        "workers": workers,
    }


def _step(record: Any) -> dict[str, Any]:
    known = record["snapshot"]
    return {
        "date": iso_millis(record["at"]),
        "filter_name": known["workflow_filter_name"],
        "filter_expression": known["workflow_filter_expression"],
        "target_number": (known["target"] or 0) + 1,
        "task_queue_sid": known["task_queue_sid"],
        "task_queue_name": known["task_queue_friendly_name"],
        "passed_filters": known["passed_filters"],
    }


@operations.get("/v1/Routing/{TaskSid}")
async def explain_task(call: Call, _form: Form) -> Answer:
    """Tell why a task is where it is; of a waiting one the present state is looked at, and kept.

    Error: 404/20404, nothing of the last 30 days tells of the task.
    """
    sid = call.path["TaskSid"]
    if sid.startswith("WT"):
        await call.step(lambda uow: explain(uow, sid))
    found = await call.read(lambda reader: story(reader, sid))
    return Answer(200, {**found, "url": _url(call.urls, sid)})


@operations.get("/v1/RoutingWarnings/{WorkspaceSid}")
async def list_warnings(call: Call, _form: Form) -> Answer:
    """Tell what was saved in a workspace and can hardly be meant. Error: 404/20404, no such workspace."""
    found = await call.read(lambda reader: warnings(reader, call.path["WorkspaceSid"]))
    return Answer(200, {"workspace_sid": call.path["WorkspaceSid"], "warnings": found})


async def warnings(reader: Reader, workspace_sid: str) -> list[dict[str, str]]:
    """The warnings about every workflow and queue of a workspace.

    :raises ContractError: 404/20404.
    """
    await existing.workspace(reader, workspace_sid)
    found: list[dict[str, str]] = []
    for workflow in await store.workflows(reader, workspace_sid):
        parsed = parse_configuration(workflow.configuration)
        found += [{"sid": workflow.sid, "text": each} for each in advice.unreachable(parsed)]
    members = await roster.everybody(reader, workspace_sid)
    for queue in await store.task_queues(reader, workspace_sid):
        found += [{"sid": queue.sid, "text": each} for each in await advice.of_queue(reader, queue, members)]
    return found


def _url(urls: Urls, sid: str) -> str:
    return urls.of("parlour", f"/v1/Routing/{sid}")
