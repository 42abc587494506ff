"""What the server does for agents who asked for it: accept, wrap up, complete (flex.md §10, agent-automation).

Off unless a setting of the worker, the queue or the account says otherwise. It needs no open desktop, and ends work
as an agent's click does.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from parlour.conversations import messages
from parlour.flex import lifecycle, orchestration, store
from parlour.flex import lifecycle_store as sql
from parlour.flex.settings_store import settings, settings_of_all
from parlour.kit.errors import ContractError
from parlour.outbox.facts import Event
from parlour.outbox.reactions import Reactions
from parlour.outbox.timers import schedule
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import reservations, task_store
from parlour.taskrouter.rows import Reservation, attributes_of

ACCEPT: Final = "flex.automation.accept"
SILENT: Final = "flex.automation.silent"
OVERLONG: Final = "flex.automation.overlong"

reactions = Reactions("flex.automation")
log = structlog.get_logger("parlour.flex")


def _said_by(event: Event) -> tuple[str, str]:
    """Whose settings hold for a reservation: the worker's, then the queue's, then the account's."""
    return event.snapshot["worker_sid"], event.snapshot["task"]["task_queue_sid"]


@reactions.inside_together("reservation.created/1")
async def offered(uow: UnitOfWork, events: Sequence[Event]) -> None:
    """Have an offer accepted in the agent's name, where a setting or their own resumption of the work says so."""
    by_invite = await store.auto_accepted(uow, [event.snapshot["task_sid"] for event in events])
    settled = await settings_of_all(uow, [_said_by(event) for event in events])
    for event, wanted in zip(events, settled, strict=True):
        if event.snapshot["task_sid"] in by_invite or wanted.auto_accept:
            payload = {"workspace_sid": event.snapshot["workspace_sid"], "sid": event.object_sid}
            schedule(uow, ACCEPT, lane=f"flex-automation:{event.object_sid}", payload=payload)


@reactions.inside("reservation.accepted/1")
async def watch_silence(uow: UnitOfWork, event: Event) -> None:
    """Have silence in the conversation watched, where a setting names its length."""
    wanted = await settings(uow, *_said_by(event))
    if wanted.wrap_up_after is not None:
        _schedule(uow, SILENT, event, uow.now, wanted.wrap_up_after)


@reactions.inside("reservation.wrapup/1")
async def watch_wrap_up(uow: UnitOfWork, event: Event) -> None:
    """Have the time of wrapping up watched, where a setting limits it."""
    wanted = await settings(uow, *_said_by(event))
    if wanted.maximum_wrap_up is not None:
        _schedule(uow, OVERLONG, event, uow.now, wanted.maximum_wrap_up)


@reactions.step(ACCEPT)
async def accept(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Accept an offer that still stands in the agent's name."""
    workspace_sid, sid = str(payload["workspace_sid"]), str(payload["sid"])
    if await _now(uow, workspace_sid, sid, "pending") is not None:
        await _try(uow, sid, "accepted", workspace_sid)


def _schedule(uow: UnitOfWork, handler: str, event: Event, since: datetime, seconds: int) -> None:
    payload = {
        "workspace_sid": event.snapshot["workspace_sid"],
        "task_sid": event.snapshot["task_sid"],
        "sid": event.object_sid,
        "seconds": seconds,
    }
    schedule(uow, handler, lane=f"{handler}:{event.object_sid}", at=since + timedelta(seconds=seconds), payload=payload)


@reactions.step(SILENT)
async def silence_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Wrap an agent's work up after silence; where somebody wrote meanwhile, look again later."""
    workspace_sid, sid = str(payload["workspace_sid"]), str(payload["sid"])
    reservation = await _now(uow, workspace_sid, sid, "accepted")
    if reservation is None:
        return
    spoken = await _last_word(uow, reservation)
    due = spoken + timedelta(seconds=int(payload["seconds"]))
    if due > uow.now:
        schedule(uow, SILENT, lane=f"{SILENT}:{sid}", at=due, payload=payload)
        return
    invite = await store.invite_of_task(uow, reservation.task_sid)
    alone = invite is not None and not await sql.owners(uow, invite.channel_sid, other_than=reservation.task_sid)
    channel = await store.fetch_channel(uow, invite.interaction_sid, invite.channel_sid) if invite else None
    if alone and channel is not None and channel.status not in lifecycle.ENDED:
        await orchestration.close_channel(uow, channel, complete=False)  # what End does on the desktop
        return
    await _try(uow, sid, "wrapping", workspace_sid)


@reactions.step(OVERLONG)
async def wrap_up_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Complete the work of an agent who wrapped up for too long."""
    workspace_sid, sid = str(payload["workspace_sid"]), str(payload["sid"])
    if await _now(uow, workspace_sid, sid, "wrapping") is not None:
        await _try(uow, sid, "completed", workspace_sid)


async def _now(uow: UnitOfWork, workspace_sid: str, sid: str, status: str) -> Reservation | None:
    """The reservation, if it still has the status."""
    found = await task_store.reservation(uow, workspace_sid, sid)
    return found if found is not None and found.reservation_status == status else None


async def _last_word(reader: Reader, reservation: Reservation) -> datetime:
    """When somebody last wrote in the conversation of a reservation's task, at the earliest its acceptance."""
    since = reservation.date_accepted or reservation.date_created
    task = await task_store.task(reader, reservation.workspace_sid, reservation.task_sid)
    attributes = attributes_of(task.attributes) if task is not None else {}
    sid = attributes.get("conversationSid") or attributes.get("channelSid")
    latest = await messages.latest(reader, sid) if isinstance(sid, str) else None
    return max(since, latest.date_created) if latest is not None else since


async def _try(uow: UnitOfWork, sid: str, status: str, workspace_sid: str) -> None:
    """Move a reservation; a refusal, such as of a closed conversation, leaves it to the agent."""
    try:
        async with uow.attempt():
            await reservations.update(uow, workspace_sid, sid, status=status)
    except ContractError as error:
        log.info("automation was refused", reservation=sid, status=status, error=error.message)
