"""Why a task went where it went, from the records of its routing, and what was saved that can hardly be meant."""

from typing import Any, Final

from parlour.kit.wire import iso_millis
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import advice, deciding, event_store, existing, explanation, roster, store, task_store
from parlour.taskrouter.workflow import parse_configuration

UNDECIDED: Final = "Nothing was decided about the task yet."


async def explain(uow: UnitOfWork, task_sid: str) -> None:
    """Have the present state of a task that waits recorded."""
    workspace_sid = await task_store.workspace_of(uow, task_sid)
    if workspace_sid is not None:
        await deciding.look(uow, workspace_sid, task_sid)


async def story(reader: Reader, task_sid: str) -> dict[str, Any]:
    """What was recorded of a task's routing, oldest first; it stays readable when task, queue and workers are gone.

    :raises ContractError: 404/20404, nothing of the last 30 days tells of it.
    """
    records = await event_store.story(reader, task_sid)
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
