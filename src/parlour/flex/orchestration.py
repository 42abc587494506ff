"""What follows from an agent's accept, wrap-up and completion (flex.md §1.5, §1.6; DESIGN invariant 6).

The inside reactions run in the transaction of the TaskRouter fact, whichever call brought it about: the invite route,
the channel route or a plain reservation update.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from parlour.conversations import conversations, participants, roles
from parlour.flex import errors, facts, lifecycle, store, transfers
from parlour.flex import lifecycle_store as sql
from parlour.flex.lifecycle import ENDED, workspace_of
from parlour.flex.parking import HINT, OPEN, OWN, RECLAIM, WAKE_LATE
from parlour.flex.settings_store import settings
from parlour.flex.store import Channel, Invite, Participant
from parlour.outbox.facts import Event
from parlour.outbox.reactions import Reactions
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import tasks
from parlour.taskrouter.desk import open_desk

AGENT_ROLE: Final = "agent"

reactions = Reactions("flex")


@reactions.inside("reservation.accepted/1")
async def agent_joins(uow: UnitOfWork, event: Event) -> None:
    """Add the agent to the conversation with the role ``agent``, or refuse the acceptance."""
    work = await store.lock_work(uow, event.snapshot["task_sid"])
    if work is None:
        return  # a task of the customer's own orchestration: the desktop adds the agent (flex.md §8)
    invite, channel = work
    conversation = await conversations.fetch(uow, channel.conversation_sid)
    if conversation.state == "closed" or channel.status in ENDED:
        raise errors.conversation_closed(channel.conversation_sid)
    identity = identity_of(event.snapshot["worker"])
    found = await participants.find(uow, conversation.sid, identity=identity)
    if found is None:
        role = await roles.by_name(
            uow, chat_service_sid=conversation.chat_service_sid, friendly_name=AGENT_ROLE, type="conversation"
        )
        found = await participants.add(
            uow, conversation.sid, identity=identity, role_sid=None if role is None else role.sid, origin=OWN
        )
    await _note_agent(uow, channel, event, identity, found.sid)
    await store.set_invite_status(uow, invite.sid, "accepted")
    await transfers.agent_joined(uow, channel, invite)


async def _note_agent(uow: UnitOfWork, channel: Channel, event: Event, identity: str, member_sid: str) -> None:
    """Write the agent's part in the channel, which was written before where they were added by name."""
    added = await sql.invited(uow, event.snapshot["task_sid"])
    row = Participant(
        account_sid=uow.account_sid,
        sid=uow.new_sid("UT") if added is None else added.sid,
        interaction_sid=channel.interaction_sid,
        channel_sid=channel.sid,
        type="agent",
        conversation_participant_sid=member_sid,
        identity=identity,
        task_sid=event.snapshot["task_sid"],
        worker_sid=event.snapshot["worker_sid"],
        reservation_sid=event.object_sid,
        left_at=None,
        date_created=uow.now,
        date_updated=uow.now,
    )
    await (store.insert_participant(uow, row) if added is None else sql.joined(uow, row))
    await facts.participant(uow, "added", channel, row)


@reactions.inside("reservation.wrapup/1")
async def conversation_ends(uow: UnitOfWork, event: Event) -> None:
    """Close the conversation when the last agent wraps up; they stay in it until they complete."""
    task_sid = event.snapshot["task_sid"]
    work = await store.lock_work(uow, task_sid)
    if work is None:
        return
    _, channel = work
    for agent in await store.agents_of_task(uow, task_sid, event.object_sid):
        if agent.leaving is not None:
            await sql.set_leaving(uow, agent.sid, agent.leaving, away=True)
            await lifecycle.out_of_conversation(uow, channel, agent)
            return
    queue_sid = event.snapshot["task"]["task_queue_sid"]
    if (await settings(uow, queue_sid)).close_at == "completion" or channel.status in ENDED or channel.parked:
        return
    if not await sql.owners(uow, channel.sid, other_than=task_sid, wrapping=False):
        await lifecycle.end(uow, channel)


@reactions.inside(
    "reservation.completed/1", "task.completed/1", "task.canceled/1", "task.deleted/1", "task.system-deleted/1"
)
async def agent_leaves(uow: UnitOfWork, event: Event) -> None:
    """Remove the agent when the reservation or task ends; the last one closes conversation and channel."""
    is_reservation = event.kind.startswith("reservation.")
    task_sid = event.snapshot["task_sid"] if is_reservation else event.object_sid
    work = await store.lock_work(uow, task_sid)
    if work is None:
        return
    invite, channel = work
    for agent in await store.agents_of_task(uow, task_sid, event.object_sid if is_reservation else None):
        await store.participant_left(uow, agent.sid)
        await lifecycle.out_of_conversation(uow, channel, agent)
        await facts.participant(uow, "removed", channel, agent)
    if not is_reservation:
        await store.set_invite_status(uow, invite.sid, "ended")
        await _task_ended(uow, channel, invite, completed=event.kind == "task.completed/1")


async def _task_ended(uow: UnitOfWork, channel: Channel, invite: Invite, *, completed: bool) -> None:
    if channel.status in ENDED:
        return
    if not completed and await transfers.offer_ended(uow, channel, invite):
        return
    current = await store.lock_channel(uow, channel.sid)
    if current.parked or await sql.owners(uow, channel.sid, other_than=invite.task_sid):
        return
    if completed:
        await lifecycle.end(uow, current)
        return
    task = await tasks.find(uow, workspace_of(invite), invite.task_sid)
    if task is not None:
        await lifecycle.owner_lost(uow, current, invite, task)


@reactions.after("message.added/1", lanes=lambda event: [f"flex:{sid}"] if (sid := event.listeners.get(HINT)) else [])
async def customer_wrote(uow: UnitOfWork, event: Event) -> None:
    """Wake the parked channel that a participant's message came to."""
    if event.snapshot.get("participant_sid") is None:
        return  # a program's own message asks for nobody
    channel = await store.open_channel_of(uow, event.stream)
    if channel is not None:
        await lifecycle.wake(uow, channel.sid, author=str(event.snapshot["author"]))


@reactions.after(
    "conversation.state_updated/1",
    lanes=lambda event: (
        [f"flex:{sid}"] if event.snapshot["state_to"] == "closed" and (sid := event.listeners.get(OPEN)) else []
    ),
)
async def conversation_closed(uow: UnitOfWork, event: Event) -> None:
    """Close the channel of a conversation that a timer or a program closed; its agents wrap up."""
    channel = await store.open_channel_of(uow, event.stream)
    if channel is not None:
        await close_channel(uow, channel, complete=False)


@reactions.step(WAKE_LATE)
async def wake_late(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Wake a parked channel that no program brought back."""
    await lifecycle.wake(uow, str(payload["channel_sid"]), author=None)


@reactions.step(RECLAIM)
async def reclaim(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Bring a channel back that was paused for too long, and close one that was left for too long."""
    channel = await store.lock_channel(uow, str(payload["channel_sid"]))
    if channel.status != payload["status"]:
        return
    if channel.status == "pause":
        await lifecycle.wake(uow, channel.sid, author=None)
    else:
        await lifecycle.end(uow, channel)


@reactions.step(transfers.HAND_OVER)
async def hand_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Have the agent leave who transferred coldly, after the new one joined."""
    await transfers.hand_over(uow, str(payload["channel_sid"]), str(payload["participant_sid"]))


async def close_channel(uow: UnitOfWork, channel: Channel, *, complete: bool) -> Channel:
    """Close a channel: wrap its tasks up, or complete them; a second close completes what still wraps up.

    Tasks that no agent accepted yet are canceled (flex.md §1.6, effects 1-3). Where the queue's setting says so, the
    conversation stays open until the agents complete.
    """
    invites = await store.live_invites(uow, channel.sid)
    await _lock_tasks(uow, invites)
    current = await store.lock_channel(uow, channel.sid)
    invites = await store.live_invites(uow, channel.sid)  # those made meanwhile too: none can follow now
    stays_open = current.status not in ENDED and not complete and await _until_completion(uow, invites)
    if current.status not in ENDED and not stays_open:
        await store.set_channel_status(uow, channel.sid, "closed")
    for invite in invites:
        await _end_task(uow, invite, complete=complete)
    if current.status not in ENDED and not stays_open:
        await transfers.channel_closed(uow, current)
        await lifecycle.close_conversation(uow, current)
    return await store.lock_channel(uow, channel.sid)


async def _lock_tasks(uow: UnitOfWork, invites: list[Invite]) -> None:
    """Lock the tasks before the channel (DESIGN 2.9)."""
    by_workspace: dict[str, list[str]] = {}
    for invite in invites:
        by_workspace.setdefault(workspace_of(invite), []).append(invite.task_sid)
    for workspace_sid in sorted(by_workspace):
        await open_desk(uow, workspace_sid, sorted(by_workspace[workspace_sid]))


async def _until_completion(uow: UnitOfWork, invites: list[Invite]) -> bool:
    """Say whether an agent is at work whose queue closes the conversation when they complete."""
    for invite in invites:
        task = await tasks.find(uow, workspace_of(invite), invite.task_sid)
        if task is None or task.assignment_status != "assigned":
            continue
        if (await settings(uow, task.task_queue_sid)).close_at == "completion":
            return True
    return False


def identity_of(worker: Mapping[str, Any]) -> str:
    """Return the chat identity of a worker: ``contact_uri`` without ``client:``, else the worker's name."""
    attributes = json.loads(worker["attributes"] or "{}")
    uri = attributes.get("contact_uri") if isinstance(attributes, dict) else None
    if isinstance(uri, str) and uri.removeprefix("client:"):
        return uri.removeprefix("client:")
    return str(worker["friendly_name"])


async def _end_task(uow: UnitOfWork, invite: Invite, *, complete: bool) -> None:
    workspace_sid = workspace_of(invite)
    task = await tasks.find(uow, workspace_sid, invite.task_sid)
    if task is None:
        return
    if task.assignment_status == "pending" or (
        task.assignment_status == "reserved" and not await tasks.has_accepted(uow, workspace_sid, invite.task_sid)
    ):
        await tasks.cancel(uow, workspace_sid, invite.task_sid, reason="The interaction channel was closed")
    elif task.assignment_status == "assigned" and not complete:
        await tasks.wrap_up(uow, workspace_sid, invite.task_sid)
    elif task.assignment_status in ("assigned", "wrapping"):
        await tasks.complete(uow, workspace_sid, invite.task_sid)
