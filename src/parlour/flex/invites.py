"""What an agent's desktop does with an interaction channel: answer its invite, close it (agent-clients.md §5.2)."""

from parlour.flex import errors, lifecycle, lifecycle_store, orchestration, store
from parlour.flex.schemas import ChannelUpdate
from parlour.flex.store import Channel, Invite
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import reservations


async def channel_of(reader: Reader, interaction_sid: str, sid: str) -> Channel:
    """The channel of the interaction.

    :raises ContractError: 404/20404.
    """
    found = await store.fetch_channel(reader, interaction_sid, sid)
    if found is None:
        raise not_found(sid)
    return found


async def tasks_of(reader: Reader, channel_sid: str) -> list[str]:
    """SIDs of the tasks that ever asked an agent into the channel."""
    return await store.tasks_of_channel(reader, channel_sid)


async def accept(uow: UnitOfWork, channel: Channel, invite_sid: str, worker_sid: str, reservation_sid: str) -> Invite:
    """Accept an invite by the worker's reservation of its task; the agent joins the conversation.

    :raises ContractError: 404 of the invite; 45004 the reservation is none of the invite's task and worker; whatever
        TaskRouter or the conversation refuses with.
    """
    invite = await _invite_for(uow, channel, invite_sid, worker_sid, reservation_sid)
    await reservations.accept(uow, _workspace(invite), reservation_sid)
    return await _current(uow, channel, invite_sid)


async def decline(uow: UnitOfWork, channel: Channel, invite_sid: str, worker_sid: str, reservation_sid: str) -> Invite:
    """Decline an invite: the worker's reservation is rejected, and the task goes on to the next.

    :raises ContractError: as `accept`.
    """
    invite = await _invite_for(uow, channel, invite_sid, worker_sid, reservation_sid)
    await reservations.reject(uow, _workspace(invite), reservation_sid)
    return await _current(uow, channel, invite_sid)


async def change(uow: UnitOfWork, channel: Channel, update: ChannelUpdate, worker_sid: str | None) -> Channel:
    """Do what an agent's desktop asks of a channel: close it, leave or pause it, or bring it back (flex.md §1.5).

    Closing by an agent who has left the channel, as after a transfer, ends their own part alone.

    :param worker_sid: whose desktop; None is one who looks after the workspace.
    :raises ContractError: 45354, 45359.
    """
    if update.status == "active":
        await lifecycle.resume(uow, channel, worker_sid)
    elif update.status in ("inactive", "pause"):
        await lifecycle.leave_channel(
            uow, channel, status=update.status, wrap_up=not update.complete, worker_sid=worker_sid
        )
    else:
        gone = [
            each
            for each in await lifecycle_store.present_agents(uow, channel.sid)
            if each.worker_sid == worker_sid and each.leaving is not None
        ]
        for agent in gone:
            await lifecycle.depart(uow, channel, agent, why=agent.leaving or "", wrap_up=not update.complete)
        if not gone:
            return await orchestration.close_channel(uow, channel, complete=update.complete)
    return await store.lock_channel(uow, channel.sid)


async def _invite_for(
    uow: UnitOfWork, channel: Channel, invite_sid: str, worker_sid: str, reservation_sid: str
) -> Invite:
    invite = await _current(uow, channel, invite_sid)
    reservation = await reservations.fetch(uow, _workspace(invite), reservation_sid)
    if reservation.task_sid != invite.task_sid or reservation.worker_sid != worker_sid:
        raise errors.invalid_routing(f"reservation {reservation_sid} is not the worker's for invite {invite_sid}")
    return invite


async def _current(reader: Reader, channel: Channel, sid: str) -> Invite:
    invite = await store.fetch_invite(reader, channel.sid, sid)
    if invite is None:
        raise not_found(sid)
    return invite


def _workspace(invite: Invite) -> str:
    return str(invite.routing["properties"]["workspace_sid"])
