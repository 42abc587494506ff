"""Transfers: an agent hands their part of a channel to another agent or a queue (flex.md §1.6 "Native transfer").

The old agent leaves only after the new one joined: a cold transfer by a step that follows the acceptance, a warm one
when the agent says so.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from parlour.flex import errors, facts, interactions, lifecycle, routing, store
from parlour.flex import lifecycle_store as sql
from parlour.flex import transfer_store as rows
from parlour.flex.store import Channel, Invite, Participant
from parlour.flex.transfer_store import Transfer
from parlour.kit.errors import ContractError
from parlour.outbox.timers import schedule
from parlour.rest.errors import not_found
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import tasks

HAND_OVER: Final = "flex.transfer.hand_over"


async def create(
    uow: UnitOfWork,
    channel: Channel,
    *,
    type: str,  # noqa: A002 - the contract's word
    from_sid: str,
    to_sid: str,
    note_sid: str | None = None,
    summary_sid: str | None = None,
) -> Transfer:
    """Offer an agent's work to a worker (WK), a queue (WQ) or a workflow (WW); the agent stays until one joined.

    :param type: ``cold`` or ``warm``.
    :raises ContractError: 45354 the channel is closed; 45004 names what cannot be; 45007 one goes on.
    """
    agent = await sql.fetch_participant(uow, channel.sid, from_sid)
    if agent is None or agent.type != "agent" or agent.left_at is not None or agent.reservation_sid is None:
        raise errors.invalid_value("from", f"'{from_sid}' is no agent in channel {channel.sid}")
    if agent.leaving is not None:
        raise errors.invalid_value("from", f"{from_sid} is about to leave channel {channel.sid}")
    if agent.worker_sid == to_sid:
        raise errors.invalid_value("to", f"{to_sid} is the agent who transfers")
    locked = await store.lock_channel(uow, channel.sid)
    if locked.status in lifecycle.ENDED:
        raise errors.closed_already(channel.sid)
    made = Transfer(
        account_sid=uow.account_sid,
        sid=uow.new_sid("UX"),
        interaction_sid=channel.interaction_sid,
        channel_sid=channel.sid,
        type=type,
        status="active",
        from_sid=from_sid,
        to_sid=to_sid,
        note_sid=note_sid,
        summary_sid=summary_sid,
        date_created=uow.now,
        date_updated=uow.now,
    )
    if not await rows.insert(uow, made):
        raise errors.transfer_going(from_sid)
    await _offer(uow, locked, made, agent, to_sid)
    if locked.status == "active":
        await store.set_channel_status(uow, locked.sid, "transfer")
        await facts.channel_moved(uow, locked, "transfer")
    return made


async def _offer(uow: UnitOfWork, channel: Channel, transfer: Transfer, agent: Participant, to_sid: str) -> None:
    invite = await store.invite_of_task(uow, agent.task_sid or "")
    workspace_sid = lifecycle.workspace_of(invite) if invite is not None else ""
    task = await tasks.find(uow, workspace_sid, agent.task_sid or "")
    if task is None:
        raise errors.invalid_value("from", f"the task of {agent.sid} is gone")
    back = routing.again(task)
    attributes: Mapping[str, Any] = {**back.attributes, "transfer_sid": transfer.sid}
    aimed = replace(
        back,
        attributes=attributes,
        worker_sid=to_sid if to_sid.startswith("WK") else None,
        queue_sid=to_sid if to_sid.startswith("WQ") else None,
        workflow_sid=to_sid if to_sid.startswith("WW") else back.workflow_sid,
    )
    await interactions.invite(uow, channel, aimed, transfer_sid=transfer.sid)


async def agent_joined(uow: UnitOfWork, channel: Channel, invite: Invite) -> None:
    """Have the old agent leave after the acceptance of a transfer's invite, where it is a cold one."""
    if invite.transfer_sid is None:
        return
    transfer = await rows.fetch(uow, channel.sid, invite.transfer_sid)
    if transfer is None or transfer.status != "active":
        return
    if transfer.type == "cold":
        await rows.end(uow, transfer.sid, "completed")
        payload = {"channel_sid": channel.sid, "participant_sid": transfer.from_sid}
        schedule(uow, HAND_OVER, lane=f"flex:{channel.sid}", payload=payload)
    await _back_to_active(uow, channel, other_than=transfer.sid)


async def hand_over(uow: UnitOfWork, channel_sid: str, participant_sid: str) -> None:
    """Have the agent who transferred wrap up, out of the conversation; one who left meanwhile is left alone."""
    agent = await sql.fetch_participant(uow, channel_sid, participant_sid)
    if agent is None or agent.left_at is not None or agent.leaving is not None:
        return
    channel = await store.fetch_channel(uow, agent.interaction_sid, channel_sid)
    if channel is None or channel.status in lifecycle.ENDED:
        return
    try:
        async with uow.attempt():
            await lifecycle.depart(uow, channel, agent, why="transfer", wrap_up=True)
    except ContractError:
        return  # they wrapped up by themselves in the meantime


async def offer_ended(uow: UnitOfWork, channel: Channel, invite: Invite) -> bool:
    """Say whether a transfer goes on after its offer ended: what one agent declined goes to the queue's others."""
    if invite.transfer_sid is None:
        return False
    transfer = await rows.fetch(uow, channel.sid, invite.transfer_sid)
    if transfer is None or transfer.status != "active":
        return False
    task = await tasks.find(uow, lifecycle.workspace_of(invite), invite.task_sid)
    if task is not None and task.canceled_by in ("routing_target", "ttl") and transfer.to_sid.startswith("WK"):
        back = replace(routing.again(task), queue_sid=task.task_queue_sid)
        try:
            async with uow.attempt():
                await interactions.invite(uow, channel, back, transfer_sid=transfer.sid)
        except ContractError:
            pass
        else:
            return True
    await fail(uow, channel, transfer)
    return False


async def fail(uow: UnitOfWork, channel: Channel, transfer: Transfer) -> None:
    """End an active transfer of a locked channel without effect: the agent keeps their work."""
    if await rows.end(uow, transfer.sid, "failed"):
        await _back_to_active(uow, channel, other_than=transfer.sid)


async def _back_to_active(uow: UnitOfWork, channel: Channel, *, other_than: str) -> None:
    current = await store.lock_channel(uow, channel.sid)
    going = [each for each in await rows.of_channel(uow, channel.sid) if each.status == "active"]
    if current.status == "transfer" and all(each.sid == other_than for each in going):
        await store.set_channel_status(uow, channel.sid, "active")
        await facts.channel_moved(uow, current, "active")


async def channel_closed(uow: UnitOfWork, channel: Channel) -> None:
    """End the transfers of a channel that was closed."""
    for transfer in await rows.of_channel(uow, channel.sid):
        if transfer.status == "active":
            await rows.end(uow, transfer.sid, "failed")


async def update(uow: UnitOfWork, channel: Channel, sid: str, status: str) -> Transfer:
    """Complete a warm transfer, by which its agent leaves, or call a transfer off.

    :param status: ``completed`` or ``failed``.
    :raises ContractError: 404; 45004 it is over, or nobody joined yet.
    """
    transfer = await _fetch(uow, channel, sid)
    if transfer.status != "active":
        raise errors.invalid_value("status", f"transfer {sid} is {transfer.status} already")
    invite = await sql.invite_of_transfer(uow, sid)
    if status == "completed":
        if invite is None or invite.status != "accepted":
            raise errors.invalid_value("status", f"nobody has joined by transfer {sid} yet")
        agent = await sql.fetch_participant(uow, channel.sid, transfer.from_sid)
        if agent is not None and agent.left_at is None:
            await lifecycle.depart(uow, channel, agent, why="transfer", wrap_up=True)
        await rows.end(uow, sid, "completed")
        return await _fetch(uow, channel, sid)
    if invite is not None and invite.status == "pending":
        await tasks.cancel(uow, lifecycle.workspace_of(invite), invite.task_sid, reason="The transfer was called off")
    await fail(uow, await store.lock_channel(uow, channel.sid), transfer)
    return await _fetch(uow, channel, sid)


async def _fetch(uow: UnitOfWork, channel: Channel, sid: str) -> Transfer:
    found = await rows.fetch(uow, channel.sid, sid)
    if found is None:
        raise not_found(sid)
    return found
