"""Workflows: stored configurations and the tasks that wait under them (taskrouter.md §3)."""

from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import existing, routing, store, task_store
from parlour.taskrouter.desk import open_desk
from parlour.taskrouter.errors import in_use
from parlour.taskrouter.facts import tell
from parlour.taskrouter.rows import Workflow
from parlour.taskrouter.workflow import ConfigurationError, parse_configuration
from parlour.taskrouter.workflow import Workflow as Parsed


async def create(
    uow: UnitOfWork,
    workspace_sid: str,
    *,
    friendly_name: str,
    configuration: str,
    task_reservation_timeout: int = 120,
    assignment_callback_url: str | None = None,
    fallback_assignment_callback_url: str | None = None,
) -> Workflow:
    """Make a workflow; ``task_reservation_timeout`` in seconds.

    :raises ContractError: 400/20001, the configuration is none or names a queue that is not there (§3.1).
    """
    await existing.workspace(uow, workspace_sid)
    _check_urls(assignment_callback_url, fallback_assignment_callback_url)
    parsed = await _check(uow, workspace_sid, configuration)
    sid = uow.new_sid("WW")
    await uow.execute(
        store.INSERT_WORKFLOW,
        uow.account_sid,
        sid,
        workspace_sid,
        friendly_name,
        configuration,
        task_reservation_timeout,
        assignment_callback_url or None,
        fallback_assignment_callback_url or None,
        uow.now,
        parsed.reads_channels,
    )
    await uow.execute(store.INSERT_REVISION, uow.account_sid, sid, 0, configuration)
    made = await fetch(uow, workspace_sid, sid)
    await tell(uow, "created", made)
    return made


async def fetch(reader: Reader, workspace_sid: str, sid: str) -> Workflow:
    """The workflow.

    :raises ContractError: 404/20404.
    """
    found = await store.workflow(reader, workspace_sid, sid)
    if found is None:
        raise not_found(sid)
    return found


async def workspace_of(reader: Reader, sid: str) -> str | None:
    """The workspace that owns a workflow, or None: a flow names the workflow alone (studio.md §6.4)."""
    found: str | None = await reader.fetchval(store.WORKSPACE_OF_WORKFLOW, reader.account_sid, sid)
    return found


async def update(
    uow: UnitOfWork,
    workspace_sid: str,
    sid: str,
    *,
    friendly_name: str | None = None,
    configuration: str | None = None,
    task_reservation_timeout: int | None = None,
    assignment_callback_url: str | None = None,
    fallback_assignment_callback_url: str | None = None,
    re_evaluate_tasks: bool = False,
) -> Workflow:
    """Change what is given; waiting tasks keep their old place unless ``re_evaluate_tasks`` (§3.4).

    :raises ContractError: 404; 400/20001 as at creation.
    """
    known = await store.workflow(uow, workspace_sid, sid, sql=store.LOCK_WORKFLOW)
    if known is None:
        raise not_found(sid)
    _check_urls(assignment_callback_url, fallback_assignment_callback_url)
    revision, text = known.revision, known.configuration
    if configuration is not None and configuration != text:
        await _check(uow, workspace_sid, configuration)
        revision, text = revision + 1, configuration
        await uow.execute(store.INSERT_REVISION, uow.account_sid, sid, revision, text)
    timeout = known.task_reservation_timeout if task_reservation_timeout is None else task_reservation_timeout
    callback, fallback = assignment_callback_url, fallback_assignment_callback_url
    await uow.execute(
        store.UPDATE_WORKFLOW,
        uow.account_sid,
        workspace_sid,
        sid,
        known.friendly_name if friendly_name is None else friendly_name,
        text,
        revision,
        timeout,
        known.assignment_callback_url if callback is None else callback or None,
        known.fallback_assignment_callback_url if fallback is None else fallback or None,
        uow.now,
        parse_configuration(text).reads_channels,
    )
    changed = await fetch(uow, workspace_sid, sid)
    await tell(uow, "updated", changed)
    if re_evaluate_tasks:
        waiting = await uow.fetch(task_store.WAITING_OF_WORKFLOW, uow.account_sid, sid)
        desk = await open_desk(uow, workspace_sid, [record["sid"] for record in waiting])
        for task in desk.tasks.values():
            if task.assignment_status == "pending" and task.workflow_sid == sid and desk.under_way(task) is None:
                await routing.restart(desk, task, parse_configuration(text), revision)
        await desk.write()
    return changed


async def delete(uow: UnitOfWork, workspace_sid: str, sid: str) -> None:
    """Delete a workflow without live tasks (§1.5).

    :raises ContractError: 404; 400/20001 while tasks follow it.
    """
    known = await store.workflow(uow, workspace_sid, sid, sql=store.LOCK_WORKFLOW)
    if known is None:
        raise not_found(sid)
    task = await uow.fetchval(store.WORKFLOW_LIVE_TASK, uow.account_sid, sid)
    if task is not None:
        raise in_use("Workflow", sid, f"task {task} follows it")
    await tell(uow, "deleted", known)
    await uow.execute(store.DELETE_WORKFLOW, uow.account_sid, workspace_sid, sid)


def _check_urls(callback: str | None, fallback: str | None) -> None:
    existing.check_url("AssignmentCallbackUrl", callback)
    existing.check_url("FallbackAssignmentCallbackUrl", fallback)


async def _check(reader: Reader, workspace_sid: str, configuration: str) -> Parsed:
    try:
        parsed = parse_configuration(configuration)
    except ConfigurationError as error:
        raise invalid_parameter("Configuration", str(error)) from error
    for queue_sid in sorted(parsed.queue_sids):
        if await store.task_queue(reader, workspace_sid, queue_sid) is None:
            raise invalid_parameter("Configuration", f"{queue_sid} is no task queue of the workspace")
    return parsed
