"""Who owns a channel's work, and what follows when an owner goes while the conversation goes on (flex.md §1.6).

The customer of an open conversation always has a live task, a pending invite or a parked mark (invariant 4): each
function here ends with one of them, under the lock of the channel.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from parlour.conversations import conversations, messages, webhooks
from parlour.conversations import participants as members
from parlour.conversations.events import Origin
from parlour.flex import errors, facts, interactions, parking, routing, store
from parlour.flex import lifecycle_store as sql
from parlour.flex.routing import Routing
from parlour.flex.settings_store import settings
from parlour.flex.store import Channel, Invite, Participant
from parlour.kit.errors import ContractError
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import reservations, task_store, tasks
from parlour.taskrouter.desk import open_desk
from parlour.taskrouter.rows import Task

ENDED: Final = ("closed", "failed")
UNREAD: Final = timedelta(seconds=1)  # a message so short before the agent went was not read by them
PARKED: Final = "parked"  # like the channel's statuses, but the channel stays active
STATUS_OF: Final = {PARKED: "active", "inactive": "inactive", "pause": "pause"}
OWN_WAKE_UP: Final = timedelta(seconds=10)  # for a program that brings a parked conversation back by itself
ONE_AGENT: Final = 300  # seconds that the known agent is waited for before others are asked


def workspace_of(invite: Invite) -> str:
    """Return the workspace of an invite's task."""
    return str(invite.routing["properties"]["workspace_sid"])


async def depart(uow: UnitOfWork, channel: Channel, agent: Participant, *, why: str, wrap_up: bool) -> None:
    """Have an agent leave a channel that goes on: the last owner's departure parks it.

    :param why: ``parked``, ``inactive``, ``pause`` or ``transfer``.
    :param wrap_up: whether the agent wraps up first; they are out of the conversation at once.
    :raises ContractError: TaskRouter refuses, such as a second wrap-up.
    """
    if agent.task_sid is None or agent.reservation_sid is None:
        raise errors.not_an_agent(agent.sid)
    invite = await store.invite_of_task(uow, agent.task_sid)
    if invite is None:
        raise errors.not_an_agent(agent.sid)
    workspace_sid = workspace_of(invite)
    await open_desk(uow, workspace_sid, [agent.task_sid])  # tasks are locked before channels (DESIGN 2.9)
    locked = await store.lock_channel(uow, channel.sid)
    if locked.status not in ENDED and agent.leaving is None:
        await sql.set_leaving(uow, agent.sid, why, away=False)
        if not locked.parked and not await sql.owners(uow, locked.sid, other_than=agent.task_sid, wrapping=False):
            task = await tasks.fetch(uow, workspace_sid, agent.task_sid)
            await _park_or_ask(uow, locked, task, agent, why)
    if wrap_up:
        await reservations.wrap_up(uow, workspace_sid, agent.reservation_sid)
    else:
        await reservations.complete(uow, workspace_sid, agent.reservation_sid)


async def _park_or_ask(uow: UnitOfWork, channel: Channel, task: Task, agent: Participant, why: str) -> None:
    """Park the channel; where the customer wrote in the same moment, ask agents at once instead."""
    known = agent.worker_sid if why in (PARKED, "pause") else None
    back = routing.again(task, worker_sid=known)
    await conversations.lock(uow, channel.conversation_sid)
    unread = why != "pause" and await _unread(uow, channel)
    own = await _has_own_wake_up(uow, channel)
    if unread and not own:
        await interactions.invite(uow, channel, replace(back, worker_sid=None))
        return
    await parking.park(uow, channel, status=STATUS_OF.get(why, "active"), routing=back)
    if unread:
        parking.wake_late(uow, channel, after=OWN_WAKE_UP)


async def _unread(reader: Reader, channel: Channel) -> bool:
    """Say whether the last message is a customer's who wrote it just now."""
    latest = await messages.latest(reader, channel.conversation_sid)
    if latest is None or latest.participant_sid is None or reader.now - latest.date_created > UNREAD:
        return False
    return latest.author not in await sql.staff(reader, channel.sid)


async def _has_own_wake_up(reader: Reader, channel: Channel) -> bool:
    """Say whether a program began to hear of messages since agents work on the conversation, to bring it back."""
    return any(
        hook.target == "webhook"
        and "onMessageAdded" in (hook.filters or ())
        and hook.date_created >= channel.date_created
        for hook in await webhooks.list_for(reader, channel.conversation_sid)
    )


async def wake(uow: UnitOfWork, channel_sid: str, *, author: str | None) -> None:
    """Bring a parked channel back to agents; one with owners, or paused, is left alone.

    A program that hears of its messages has a while to bring it back by itself.

    :param author: of the message that wakes it; None where time does.
    """
    channel = await store.lock_channel(uow, channel_sid)
    if not channel.parked or channel.status in ENDED or channel.wake is None:
        return
    if author is not None and (channel.status == "pause" or author in await sql.staff(uow, channel.sid)):
        return
    if author is not None and await _has_own_wake_up(uow, channel):
        parking.wake_late(uow, channel, after=OWN_WAKE_UP)
        return
    await ask_again(uow, channel, routing.read(channel.wake))


async def ask_again(uow: UnitOfWork, channel: Channel, back: Routing) -> None:
    """Offer the work of a locked channel anew: to the agent who knows it while they are there, else to all.

    Where nobody can be asked, as its workflow is gone, the channel is parked.
    """
    ways = [replace(back, worker_sid=None)]
    if back.worker_sid is not None:
        worker = await task_store.worker(uow, back.workspace_sid, back.worker_sid)
        if worker is not None and worker.available:
            ways.insert(0, replace(back, timeout=ONE_AGENT))
    for way in ways:
        try:
            async with uow.attempt():
                await interactions.invite(uow, channel, way)
        except ContractError:
            continue
        return
    if not channel.parked:
        await parking.park(uow, channel, status="active", routing=ways[-1])


async def resume(uow: UnitOfWork, channel: Channel, worker_sid: str | None) -> None:
    """Bring a paused or left channel back: to the agent who paused it, who accepts by that (flex.md §1.6).

    :param worker_sid: who resumes; None is a program.
    :raises ContractError: 45359, it is neither; 403 another agent paused it.
    """
    locked = await store.lock_channel(uow, channel.sid)
    if locked.status not in ("pause", "inactive") or locked.wake is None:
        raise errors.status_invalid("active", f"cannot follow on {locked.status}")
    back = routing.read(locked.wake)
    if locked.status == "pause" and worker_sid is not None and back.worker_sid not in (None, worker_sid):
        raise errors.not_yours(locked.sid)
    who = worker_sid or back.worker_sid
    await interactions.invite(uow, locked, replace(back, worker_sid=who), auto_accept=who is not None)


async def leave_channel(
    uow: UnitOfWork, channel: Channel, *, status: str, wrap_up: bool, worker_sid: str | None
) -> None:
    """Have agents leave a channel, which becomes ``inactive`` or ``pause`` when nobody else owns it.

    :param worker_sid: the one agent who leaves; None has all leave.
    :raises ContractError: 45359 no agent is there to leave; 45354 it is closed.
    """
    if channel.status in ENDED:
        raise errors.closed_already(channel.sid)
    agents = await sql.present_agents(uow, channel.sid)
    mine = [each for each in agents if worker_sid in (None, each.worker_sid) and each.leaving is None]
    if not mine:
        raise errors.status_invalid(status, f"needs an agent in the channel, and {channel.sid} has none to leave it")
    for agent in sorted(mine, key=lambda each: each.task_sid or ""):
        await depart(uow, channel, agent, why=status, wrap_up=wrap_up)


async def out_of_conversation(uow: UnitOfWork, channel: Channel, agent: Participant) -> None:
    """Remove an agent from the conversation, unless they are in it by another invite too."""
    if agent.identity is None or await store.agents_with_identity(uow, channel.sid, agent.identity):
        return
    if await members.find(uow, channel.conversation_sid, identity=agent.identity) is not None:
        await members.remove(uow, channel.conversation_sid, agent.identity, origin=parking.OWN)


async def end(uow: UnitOfWork, channel: Channel) -> None:
    """Close a locked channel and its conversation."""
    await store.set_channel_status(uow, channel.sid, "closed")
    await close_conversation(uow, channel)


async def close_conversation(uow: UnitOfWork, channel: Channel) -> None:
    """Close the conversation of a channel that is closed, and state the channel's end.

    :param channel: as it was before.
    """
    conversation = await conversations.fetch(uow, channel.conversation_sid)
    if conversation.state != "closed":
        closing = Origin(known=parking.OPEN)
        await conversations.set_state(uow, channel.conversation_sid, "closed", reason="API", origin=closing)
    await facts.channel_moved(uow, channel, "closed")


async def owner_lost(uow: UnitOfWork, channel: Channel, invite: Invite, task: Task) -> None:
    """Care for a locked channel whose last task was ended by TaskRouter, not by an agent (flex.md §6).

    An offer that one agent declined goes to the others; an outbound one that its agent declined ends. Otherwise the
    setting ``OnTaskEnd`` says: the customer's next message wakes the channel, it is closed, or it is left and listed.
    """
    to_one = task.routing_target is not None and task.routing_target.startswith("WK")
    if to_one and task.canceled_by in ("routing_target", "ttl"):
        interaction = await store.fetch_interaction(uow, channel.interaction_sid)
        outbound = interaction is not None and interaction.initiated_by == "agent"
        if outbound and not await sql.any_agent_ever(uow, channel.sid):
            await end(uow, channel)
        else:
            await ask_again(uow, channel, routing.again(task))
        return
    how = (await settings(uow, task.task_queue_sid)).on_task_end or "wake"
    if how == "close":
        await end(uow, channel)
    elif how == "wake":
        await parking.park(uow, channel, status="active", routing=routing.again(task))
