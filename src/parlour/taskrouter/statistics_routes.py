"""Operations of statistics (taskrouter.md §8)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from parlour.kit.sids import is_sid
from parlour.rest.errors import invalid_parameter, missing_parameter
from parlour.rest.forms import Form, ref
from parlour.rest.operations import Answer, Call, Operations
from parlour.store.unit import Reader
from parlour.taskrouter import queues, roster, statistics, store, workers, workflows
from parlour.taskrouter.expression import compile_expression
from parlour.taskrouter.interval import Interval, interval
from parlour.taskrouter.paging import answer, page_of
from parlour.taskrouter.routes import TASK_QUEUES, WORKSPACE, under
from parlour.taskrouter.rows import TaskQueue
from parlour.taskrouter.schemas import PRODUCT
from parlour.taskrouter.statistics import Figures
from parlour.taskrouter.statistics_store import Scope
from parlour.taskrouter.worker_routes import WORKERS
from parlour.taskrouter.workflow_routes import WORKFLOWS

operations = Operations(PRODUCT)
MOST_THRESHOLDS: Final = 10
LONGEST_WAIT: Final = 31 * 86_400  # seconds
BULK_RATE: Final = 5  # bulk questions a second (§8)
MOST_QUEUES: Final = 50  # of one bulk question
FULL, NOW, PAST = "Statistics", "RealTimeStatistics", "CumulativeStatistics"


class OfNow(Form):
    task_channel: str | None = None


class OfPast(Form):
    end_date: datetime | None = None
    minutes: int | None = None
    start_date: datetime | None = None
    task_channel: str | None = None


class Split(OfPast):
    split_by_wait_time: str | None = None


class OfQueues(Split):
    friendly_name: str | None = None


class OfWorkers(OfPast):
    task_queue_sid: Annotated[str, ref("WQ")] | None = None
    task_queue_name: str | None = None
    friendly_name: str | None = None


def _asked(call: Call, form: OfPast) -> Interval:
    now = call.database.clock.now()
    return interval(now, minutes=form.minutes, start=form.start_date, end=form.end_date)


def thresholds(text: str | None) -> list[int]:
    """Read ``SplitByWaitTime``, a comma list of seconds such as ``5,30``.

    :raises ContractError: 400/20001.
    """
    found: list[int] = []
    for part in (text or "").split(",") if text else []:
        if not part.strip().isascii() or not part.strip().isdigit() or len(part) > 9:
            raise invalid_parameter("SplitByWaitTime", f"'{part[:32]}' is not a number of seconds")
        found.append(int(part))
    if len(found) > MOST_THRESHOLDS or any(each > LONGEST_WAIT for each in found):
        raise invalid_parameter("SplitByWaitTime", f"at most {MOST_THRESHOLDS} thresholds, of {LONGEST_WAIT} s at most")
    return sorted(set(found))


async def _scope(call: Call, reader: Reader, task_channel: str | None, **more: Any) -> Scope:
    """What is counted; the workspace and the task channel must be there."""
    sid = await under(call, reader)
    channel = task_channel or None
    if channel is not None and await store.task_channel(reader, sid, channel) is None:
        raise invalid_parameter("TaskChannel", f"'{channel[:64]}' is no task channel of the workspace")
    return Scope(workspace_sid=sid, task_channel=channel, **more)


def _head(call: Call, *, own_url: bool = True) -> Figures:
    head: Figures = {"account_sid": call.account_sid, "workspace_sid": call.path["WorkspaceSid"]}
    return {**head, "url": call.urls.of(PRODUCT, call.own_path)} if own_url else head


@operations.get(f"{WORKSPACE}/{PAST}", form=Split)
async def workspace_past(call: Call, form: Split) -> Answer:
    """What happened in a workspace."""
    asked, parts = _asked(call, form), thresholds(form.split_by_wait_time)

    async def read(reader: Reader) -> Figures:
        return await statistics.cumulative(reader, await _scope(call, reader, form.task_channel), asked, parts)

    return Answer(200, {**_head(call), **await call.read(read)})


@operations.get(f"{WORKSPACE}/{NOW}", form=OfNow)
async def workspace_now(call: Call, form: OfNow) -> Answer:
    """How a workspace is now."""

    async def read(reader: Reader) -> Figures:
        return await statistics.real_time_of_workspace(reader, await _scope(call, reader, form.task_channel))

    return Answer(200, {**_head(call), **await call.read(read)})


@operations.get(f"{WORKSPACE}/{FULL}", form=Split)
async def workspace_statistics(call: Call, form: Split) -> Answer:
    """What happened in a workspace, and how it is now."""
    asked, parts = _asked(call, form), thresholds(form.split_by_wait_time)

    async def read(reader: Reader) -> Figures:
        scope = await _scope(call, reader, form.task_channel)
        past = await statistics.cumulative(reader, scope, asked, parts)
        return {"realtime": await statistics.real_time_of_workspace(reader, scope), "cumulative": past}

    return Answer(200, {**_head(call), **await call.read(read)})


QUEUE: Final = f"{TASK_QUEUES}/{{TaskQueueSid}}"


async def _queue(call: Call, reader: Reader, form: OfNow | OfPast) -> tuple[Scope, TaskQueue]:
    found = await queues.fetch(reader, call.path["WorkspaceSid"], call.path["TaskQueueSid"])
    return await _scope(call, reader, form.task_channel, task_queue_sid=found.sid), found


@operations.get(f"{QUEUE}/{PAST}", form=Split)
async def queue_past(call: Call, form: Split) -> Answer:
    """What happened in a queue."""
    asked, parts = _asked(call, form), thresholds(form.split_by_wait_time)

    async def read(reader: Reader) -> Figures:
        scope, queue = await _queue(call, reader, form)
        return {"task_queue_sid": queue.sid, **await statistics.cumulative(reader, scope, asked, parts)}

    return Answer(200, {**_head(call), **await call.read(read)})


@operations.get(f"{QUEUE}/{NOW}", form=OfNow)
async def queue_now(call: Call, form: OfNow) -> Answer:
    """How a queue is now."""

    async def read(reader: Reader) -> Figures:
        scope, queue = await _queue(call, reader, form)
        now = await statistics.real_time_of_queue(reader, scope, queue)
        return {"task_queue_sid": queue.sid, **now, **await statistics.relative_of_queue(reader, scope)}

    return Answer(200, {**_head(call), **await call.read(read)})


@operations.get(f"{QUEUE}/{FULL}", form=Split)
async def queue_statistics(call: Call, form: Split) -> Answer:
    """What happened in a queue, and how it is now."""
    asked, parts = _asked(call, form), thresholds(form.split_by_wait_time)

    async def read(reader: Reader) -> Figures:
        scope, queue = await _queue(call, reader, form)
        return {"task_queue_sid": queue.sid, **await _both(reader, scope, queue, asked, parts)}

    return Answer(200, {**_head(call), **await call.read(read)})


async def _both(reader: Reader, scope: Scope, queue: TaskQueue, asked: Interval, parts: Sequence[int]) -> Figures:
    past = await statistics.cumulative(reader, scope, asked, parts)
    return {"realtime": await statistics.real_time_of_queue(reader, scope, queue), "cumulative": past}


@operations.get(f"{TASK_QUEUES}/{FULL}", form=OfQueues)
async def list_queue_statistics(call: Call, form: OfQueues) -> Answer:
    """What happened in each queue, and how it is now."""
    page, asked, parts = page_of(call), _asked(call, form), thresholds(form.split_by_wait_time)

    async def read(reader: Reader) -> tuple[list[TaskQueue], dict[str, Figures]]:
        scope = await _scope(call, reader, form.task_channel)
        found = await store.task_queues(
            reader, scope.workspace_sid, friendly_name=form.friendly_name, after=page.token, limit=page.size + 1
        )
        figures = {}
        for queue in found[: page.size]:
            narrow = msgspec.structs.replace(scope, task_queue_sid=queue.sid)
            figures[queue.sid] = await _both(reader, narrow, queue, asked, parts)
        return found, figures

    rows, figures = await call.read(read)
    head = _head(call, own_url=False)
    return answer(
        call,
        "task_queues_statistics",
        rows,
        page,
        lambda each: {**head, "task_queue_sid": each.sid, **figures[each.sid]},
    )


@operations.post(f"{TASK_QUEUES}/{NOW}", body="json", rate=BULK_RATE)
async def bulk_queues_now(call: Call, _form: Form) -> Answer:
    """How several queues are now; a queue that is not the workspace's has nothing but zeros."""
    sids = _queue_sids(call.json())

    async def read(reader: Reader) -> list[Figures]:
        scope = await _scope(call, reader, None)
        members = await roster.everybody(reader, scope.workspace_sid)
        found = []
        for sid in sids:
            narrow = msgspec.structs.replace(scope, task_queue_sid=sid)
            queue = await store.task_queue(reader, scope.workspace_sid, sid)
            if queue is None:
                queue = _nobody(scope.workspace_sid, reader, sid)
            now = await statistics.real_time_of_queue(reader, narrow, queue, members=members)
            found.append({"task_queue_sid": sid, **now})
        return found

    data = await call.read(read)
    return Answer(200, {**_head(call), "task_queue_data": data, "task_queue_response_count": len(data)})


def _queue_sids(body: Any) -> list[str]:
    """Read the body; both spellings of its one key are taken (§8).

    :raises ContractError: 400/20001.
    """
    sids = (body.get("queueSids") or body.get("QueueSids")) if isinstance(body, dict) else None
    if sids is None:
        raise missing_parameter("QueueSids")
    if not isinstance(sids, list) or not 1 <= len(sids) <= MOST_QUEUES:
        raise invalid_parameter("QueueSids", f"must be a list of 1 to {MOST_QUEUES} SIDs")
    for sid in sids:
        if not isinstance(sid, str) or not is_sid(sid, "WQ"):
            raise invalid_parameter("QueueSids", f"'{str(sid)[:64]}' is not a SID of WQ")
    return list(dict.fromkeys(sids))


def _nobody(workspace_sid: str, reader: Reader, sid: str) -> TaskQueue:
    """A queue that nobody is in."""
    return TaskQueue(
        account_sid=reader.account_sid,
        sid=sid,
        workspace_sid=workspace_sid,
        friendly_name="",
        target_workers="",
        max_reserved_workers=1,
        task_order="FIFO",
        reservation_activity_sid=None,
        reservation_activity_name=None,
        assignment_activity_sid=None,
        assignment_activity_name=None,
        date_created=reader.now,
        date_updated=reader.now,
    )


WORKFLOW: Final = f"{WORKFLOWS}/{{WorkflowSid}}"


async def _workflow(call: Call, reader: Reader, form: OfNow | OfPast) -> Scope:
    found = await workflows.fetch(reader, call.path["WorkspaceSid"], call.path["WorkflowSid"])
    return await _scope(call, reader, form.task_channel, workflow_sid=found.sid)


@operations.get(f"{WORKFLOW}/{PAST}", form=Split)
async def workflow_past(call: Call, form: Split) -> Answer:
    """What happened in a workflow."""
    asked, parts = _asked(call, form), thresholds(form.split_by_wait_time)

    async def read(reader: Reader) -> Figures:
        return await statistics.cumulative(reader, await _workflow(call, reader, form), asked, parts)

    return Answer(200, {**_head(call), "workflow_sid": call.path["WorkflowSid"], **await call.read(read)})


@operations.get(f"{WORKFLOW}/{NOW}", form=OfNow)
async def workflow_now(call: Call, form: OfNow) -> Answer:
    """How a workflow is now."""

    async def read(reader: Reader) -> Figures:
        return await statistics.real_time_of_tasks(reader, await _workflow(call, reader, form))

    return Answer(200, {**_head(call), "workflow_sid": call.path["WorkflowSid"], **await call.read(read)})


@operations.get(f"{WORKFLOW}/{FULL}", form=Split)
async def workflow_statistics(call: Call, form: Split) -> Answer:
    """What happened in a workflow, and how it is now."""
    asked, parts = _asked(call, form), thresholds(form.split_by_wait_time)

    async def read(reader: Reader) -> Figures:
        scope = await _workflow(call, reader, form)
        past = await statistics.cumulative(reader, scope, asked, parts)
        return {"realtime": await statistics.real_time_of_tasks(reader, scope), "cumulative": past}

    return Answer(200, {**_head(call), "workflow_sid": call.path["WorkflowSid"], **await call.read(read)})


@operations.get(f"{WORKERS}/{PAST}", form=OfPast)
async def workers_past(call: Call, form: OfPast) -> Answer:
    """What the workers of a workspace did."""
    asked = _asked(call, form)

    async def read(reader: Reader) -> Figures:
        return await statistics.cumulative_of_workers(reader, await _scope(call, reader, form.task_channel), asked)

    return Answer(200, {**_head(call), **await call.read(read)})


@operations.get(f"{WORKERS}/{NOW}", form=OfNow)
async def workers_now(call: Call, form: OfNow) -> Answer:
    """How the workers of a workspace are now."""

    async def read(reader: Reader) -> Figures:
        return await statistics.real_time_of_workers(reader, await _scope(call, reader, form.task_channel))

    return Answer(200, {**_head(call), **await call.read(read)})


@operations.get(f"{WORKERS}/{FULL}", form=OfWorkers)
async def workers_statistics(call: Call, form: OfWorkers) -> Answer:
    """What the workers of a workspace, of a queue or of a name did, and how they are now."""
    asked = _asked(call, form)

    async def read(reader: Reader) -> Figures:
        scope = await _scope(call, reader, form.task_channel)
        scope = msgspec.structs.replace(scope, workers=await _chosen(reader, scope.workspace_sid, form))
        past = await statistics.cumulative_of_workers(reader, scope, asked)
        return {"realtime": await statistics.real_time_of_workers(reader, scope), "cumulative": past}

    return Answer(200, {**_head(call), **await call.read(read)})


async def _chosen(reader: Reader, workspace_sid: str, form: OfWorkers) -> list[str] | None:
    """SIDs of the workers whom the form means, None for all."""
    if not form.task_queue_sid and form.task_queue_name is None and form.friendly_name is None:
        return None
    members = await roster.everybody(reader, workspace_sid)
    for queue in await store.task_queues(reader, workspace_sid):
        if queue.sid == form.task_queue_sid or queue.friendly_name == form.task_queue_name:
            members = await roster.matching_of(compile_expression(queue.target_workers), members)
    if form.task_queue_name is not None:
        named = await store.task_queues(reader, workspace_sid, friendly_name=form.task_queue_name)
        members = members if named else []
    return [each.sid for each in members if form.friendly_name in (None, each.friendly_name)]


@operations.get(f"{WORKERS}/{{WorkerSid}}/{FULL}", form=OfPast)
async def worker_statistics(call: Call, form: OfPast) -> Answer:
    """What a worker did."""
    asked = _asked(call, form)

    async def read(reader: Reader) -> Figures:
        found = await workers.fetch(reader, call.path["WorkspaceSid"], call.path["WorkerSid"])
        scope = await _scope(call, reader, form.task_channel, workers=[found.sid])
        return {"worker_sid": found.sid, "cumulative": await statistics.cumulative_of_workers(reader, scope, asked)}

    return Answer(200, {**_head(call), **await call.read(read)})
