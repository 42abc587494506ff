"""Workers, their activities and their capacity (taskrouter.md §5)."""

from typing import Final

from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import channels, existing, reservations, snapshots, store
from parlour.taskrouter import task_store as sql
from parlour.taskrouter.desk import Desk, open_desk
from parlour.taskrouter.errors import duplicate_worker, in_use, precondition_failed
from parlour.taskrouter.rows import Worker, WorkerChannel

MAX_CAPACITY: Final = 50  # taskrouter.md §10


async def create(
    uow: UnitOfWork,
    workspace_sid: str,
    *,
    friendly_name: str,
    attributes: str = "{}",
    activity_sid: str | None = None,
) -> Worker:
    """Make a worker with a worker channel of capacity 1 for each task channel (§5).

    :raises ContractError: 404 of the workspace; 400/20001 for a name that is taken or a foreign activity.
    """
    workspace = await existing.workspace(uow, workspace_sid)
    activity = await store.activity(uow, workspace_sid, activity_sid or workspace.default_activity_sid)
    if activity is None:
        raise invalid_parameter("ActivitySid", f"'{activity_sid}' is no activity of the workspace")
    sid = uow.new_sid("WK")
    made = await uow.fetchval(
        sql.INSERT_WORKER,
        uow.account_sid,
        sid,
        workspace_sid,
        friendly_name,
        attributes,
        activity.sid,
        activity.available,
        uow.now,
    )
    if made is None:
        raise duplicate_worker()
    kinds = await store.task_channels(uow, workspace_sid)
    await channels.add_worker_channels(uow, workspace_sid, [(sid, each.sid) for each in kinds])
    desk = await open_desk(uow, workspace_sid, [], workers=[sid])
    worker = desk.workers[sid]
    desk.fact("worker.created", worker)
    desk.look_at(sid)
    await desk.write()
    return worker


async def fetch(reader: Reader, workspace_sid: str, sid: str) -> Worker:
    """The worker.

    :raises ContractError: 404/20404.
    """
    found = await sql.worker(reader, workspace_sid, sid)
    if found is None:
        raise not_found(sid)
    return found


async def by_name(reader: Reader, workspace_sid: str, friendly_name: str) -> Worker | None:
    """The worker of a name in any case of letters, or None."""
    record = await reader.fetchrow(sql.FETCH_WORKER_BY_NAME, reader.account_sid, workspace_sid, friendly_name)
    return None if record is None else Worker(**record)


async def update(
    uow: UnitOfWork,
    workspace_sid: str,
    sid: str,
    *,
    friendly_name: str | None = None,
    attributes: str | None = None,
    activity_sid: str | None = None,
    reject_pending_reservations: bool = False,
    version: int | None = None,
) -> Worker:
    """Change what is given.

    :param reject_pending_reservations: only together with an activity that is not available (§5.2).
    :param version: what If-Match demands, None for anything.
    :raises ContractError: 404; 412; 400/20001 for a name that is taken or an activity that does not fit.
    """
    activity = None
    if activity_sid is not None:
        activity = await store.activity(uow, workspace_sid, activity_sid)
        if activity is None:
            await fetch(uow, workspace_sid, sid)
            raise invalid_parameter("ActivitySid", f"'{activity_sid}' is no activity of the workspace")
    if reject_pending_reservations:
        if activity is None or activity.available:
            raise invalid_parameter("RejectPendingReservations", "goes with an activity that is not available only")
        desk = await reservations.reject_pending(uow, workspace_sid, sid)
    else:
        desk = await open_desk(uow, workspace_sid, [], workers=[sid])
    worker = _on(desk, sid, version)
    if friendly_name is not None and friendly_name != worker.friendly_name:
        await _rename(desk, worker, friendly_name)
    if activity is not None and not desk.set_activity(worker, activity):
        desk.tell("worker.activity.update", worker)  # a desktop that asked for it waits for it (agent-clients.md §1.4)
    if attributes is not None and attributes != worker.attributes:
        worker.attributes = attributes
        worker.attributes_version += 1
        desk.change_worker(worker)
        desk.fact("worker.attributes.update", worker)
        desk.look_at(sid)
    await desk.write()
    return worker


def _on(desk: Desk, sid: str, version: int | None) -> Worker:
    worker = desk.workers.get(sid)
    if worker is None:
        raise not_found(sid)
    if version is not None and version != worker.version:
        raise precondition_failed(sid, worker.version)
    return worker


async def _rename(desk: Desk, worker: Worker, friendly_name: str) -> None:
    uow = desk.uow
    taken = await uow.fetchval(sql.WORKER_NAME_TAKEN, uow.account_sid, desk.workspace_sid, friendly_name, worker.sid)
    if taken:
        raise duplicate_worker()
    await uow.execute(sql.RENAME_WORKER, uow.account_sid, desk.workspace_sid, worker.sid, friendly_name)
    worker.friendly_name = friendly_name
    desk.change_worker(worker)
    desk.tell("worker.attributes.update", worker)  # a client counts versions by what it is told
    desk.look_at(worker.sid)


async def set_activity(uow: UnitOfWork, workspace_sid: str, sid: str, activity_sid: str) -> Worker:
    """Move the worker to an activity; pending reservations stay (§5.2).

    :raises ContractError: 404; 400/20001 for a foreign activity.
    """
    return await update(uow, workspace_sid, sid, activity_sid=activity_sid)


async def delete(uow: UnitOfWork, workspace_sid: str, sid: str, *, version: int | None = None) -> None:
    """Delete a worker; offers that wait for them are rejected.

    :raises ContractError: 404; 412; 400/20001 while the worker has accepted reservations.
    """
    desk = await reservations.reject_pending(uow, workspace_sid, sid)
    worker = _on(desk, sid, version)
    working = await uow.fetch(sql.HELD_TASKS, uow.account_sid, sid, ["accepted", "wrapping"])
    if working:
        raise in_use("Worker", sid, f"task {working[0]['task_sid']} is assigned to them")
    desk.fact("worker.deleted", worker)
    await desk.write()
    await uow.execute(sql.DELETE_WORKER, uow.account_sid, workspace_sid, sid)


async def fetch_channel(reader: Reader, workspace_sid: str, worker_sid: str, sid_or_name: str) -> WorkerChannel:
    """The worker channel of its SID or of its task channel's unique name.

    :raises ContractError: 404/20404.
    """
    found = await sql.worker_channel(reader, worker_sid, sid_or_name)
    if found is None or found.workspace_sid != workspace_sid:
        await fetch(reader, workspace_sid, worker_sid)
        raise not_found(sid_or_name)
    return found


async def update_channel(
    uow: UnitOfWork,
    workspace_sid: str,
    worker_sid: str,
    sid_or_name: str,
    *,
    capacity: int | None = None,
    available: bool | None = None,
) -> WorkerChannel:
    """Change capacity or availability; what the worker holds already stays (§5.1).

    :raises ContractError: 404/20404.
    """
    known = await fetch_channel(uow, workspace_sid, worker_sid, sid_or_name)
    desk = await open_desk(uow, workspace_sid, [], channels=[(worker_sid, known.task_channel_sid)])
    channel, worker = desk.channels[worker_sid, known.task_channel_sid], desk.workers[worker_sid]
    before = snapshots.worker_channel(channel)
    if capacity is not None and capacity != channel.configured_capacity:
        channel.configured_capacity = capacity
        desk.change_channel(worker, channel, "worker.capacity.update", previous=before)
    if available is not None and available != channel.available:
        channel.available = available
        desk.change_channel(worker, channel, "worker.channel.availability.update", previous=before)
    await desk.write()
    return channel


async def set_capacity(
    uow: UnitOfWork, workspace_sid: str, worker_sid: str, task_channel: str, capacity: int
) -> WorkerChannel:
    """Set how many tasks of a channel (SID or unique name) the worker takes at once (0-50)."""
    return await update_channel(uow, workspace_sid, worker_sid, task_channel, capacity=capacity)
