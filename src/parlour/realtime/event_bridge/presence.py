"""Presence: what opening and losing a session does to the worker (DESIGN 2.7; taskrouter.md §5.3).

A close frame moves the worker at once; a lost socket or a server's end after a minute, unless a socket of the worker
was opened meanwhile.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from parlour.flex import store as flex
from parlour.outbox.reactions import Reactions
from parlour.outbox.timers import cancel, schedule
from parlour.realtime.event_bridge import store
from parlour.realtime.event_bridge.bearer import Bearer
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import existing
from parlour.taskrouter import store as taskrouter
from parlour.taskrouter.desk import Desk, open_desk

GRACE: Final = timedelta(seconds=60)  # domain time

reactions = Reactions("event_bridge")


async def opened(
    uow: UnitOfWork,
    bearer: Bearer,
    worker_sid: str,
    sid: str,
    *,
    process: int,
    at: datetime,
    alone: bool,
    offline_if_disconnected: bool | None,
) -> None:
    """Write a new session of a worker and call off what the loss of an earlier one would do.

    :param at: real time.
    :param alone: whether the worker's other sessions are to end; each token is obeyed once (agent-clients.md §1.4, 7).
    :param offline_if_disconnected: what the client asked for; None has it in the workspace of Flex.
    :raises ContractError: 404, no such worker.
    """
    desk = await open_desk(uow, bearer.workspace_sid, [], workers=[worker_sid])
    if worker_sid not in desk.workers:
        raise not_found(worker_sid)
    if offline_if_disconnected is None:
        configuration = await flex.fetch_configuration(uow)
        offline_if_disconnected = (
            configuration is not None and configuration.taskrouter_workspace_sid == bearer.workspace_sid
        )
    await cancel(uow, _lane(worker_sid))
    await store.insert_session(
        uow,
        sid,
        workspace_sid=bearer.workspace_sid,
        worker_sid=worker_sid,
        process=process,
        goes_offline=offline_if_disconnected,
        opened_at=at,
    )
    if alone and await store.first_use(uow, worker_sid, bearer.token, bearer.expires):
        await store.dismiss_others(uow, worker_sid, sid)


async def ended(uow: UnitOfWork, workspace_sid: str, worker_sid: str, sid: str, *, closed: bool) -> None:
    """Remove a session; the worker's last one moves them to the offline activity, if its client wants that.

    :param closed: whether the client said so by a close frame; else it has a minute to come back.
    """
    desk = await open_desk(uow, workspace_sid, [], workers=[worker_sid])
    goes_offline = await store.remove_session(uow, sid)
    if not goes_offline or worker_sid not in desk.workers or await store.has_session(uow, worker_sid):
        return
    await cancel(uow, _lane(worker_sid))
    if closed:
        await _go_offline(desk, worker_sid)
        return
    payload = {"workspace_sid": workspace_sid, "worker_sid": worker_sid}
    schedule(uow, "event_bridge.grace_over", lane=_lane(worker_sid), at=uow.now + GRACE, payload=payload)


@reactions.step("event_bridge.grace_over")
async def grace_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Move a worker whose lost socket was not replaced to the offline activity."""
    worker_sid = str(payload["worker_sid"])
    desk = await open_desk(uow, str(payload["workspace_sid"]), [], workers=[worker_sid])
    if worker_sid in desk.workers and not await store.has_session(uow, worker_sid):
        await _go_offline(desk, worker_sid)


async def _go_offline(desk: Desk, worker_sid: str) -> None:
    sid = await _offline_activity(desk.uow, desk.workspace_sid)
    activity = await taskrouter.activity(desk.uow, desk.workspace_sid, sid)
    if activity is not None:
        desk.set_activity(desk.workers[worker_sid], activity)
        await desk.write()


async def _offline_activity(reader: Reader, workspace_sid: str) -> str:
    """Flex names the activity for its workspace; elsewhere it is that of workers who do not answer."""
    configuration = await flex.fetch_configuration(reader)
    if configuration is not None and configuration.taskrouter_workspace_sid == workspace_sid:
        return configuration.taskrouter_offline_activity_sid
    return (await existing.workspace(reader, workspace_sid)).timeout_activity_sid


def _lane(worker_sid: str) -> str:
    return f"timer:presence:{worker_sid}"
