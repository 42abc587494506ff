"""What follows from an agent's accept, wrap-up and completion (flex.md §1.5, §1.6; DESIGN invariant 6).

These run inside the transaction of the TaskRouter fact, whichever call brought it about: the invite route, the
channel route or a plain reservation update.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from parlour.conversations import conversations, participants, roles
from parlour.flex import errors, store
from parlour.flex.store import Channel, Invite, Participant
from parlour.outbox.facts import Event, state
from parlour.outbox.reactions import Reactions
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import tasks

AGENT_ROLE: Final = "agent"
ENDED: Final = ("closed", "failed")

reactions = Reactions("flex")


@reactions.inside("reservation.accepted/1")
async def agent_joins(uow: UnitOfWork, event: Event) -> None:
    """Add the agent to the conversation with the role ``agent``, or refuse the acceptance."""
    task_sid = event.snapshot["task_sid"]
    invite = await store.invite_of_task(uow, task_sid)
    if invite is None:
        return  # a task of the customer's own orchestration: the desktop adds the agent (flex.md §8)
    channel = await store.lock_channel(uow, invite.channel_sid)
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
            uow, conversation.sid, identity=identity, role_sid=None if role is None else role.sid, source="SDK"
        )
    await store.insert_participant(
        uow,
        Participant(
            account_sid=uow.account_sid,
            sid=uow.new_sid("UT"),
            interaction_sid=channel.interaction_sid,
            channel_sid=channel.sid,
            type="agent",
            conversation_participant_sid=found.sid,
            identity=identity,
            task_sid=task_sid,
            worker_sid=event.snapshot["worker_sid"],
            reservation_sid=event.object_sid,
            left_at=None,
            date_created=uow.now,
            date_updated=uow.now,
        ),
    )
    await store.set_invite_status(uow, invite.sid, "accepted")


@reactions.inside("reservation.wrapup/1")
async def conversation_ends(uow: UnitOfWork, event: Event) -> None:
    """Close the conversation when the last agent wraps up; they stay in it until they complete."""
    invite = await store.invite_of_task(uow, event.snapshot["task_sid"])
    if invite is not None:
        await _close_if_last(uow, invite, other_than=event.snapshot["task_sid"], wrapping_counts=False)


@reactions.inside(
    "reservation.completed/1", "task.completed/1", "task.canceled/1", "task.deleted/1", "task.system-deleted/1"
)
async def agent_leaves(uow: UnitOfWork, event: Event) -> None:
    """Remove the agent when the reservation or task ends; the last one closes conversation and channel."""
    is_reservation = event.kind.startswith("reservation.")
    task_sid = event.snapshot["task_sid"] if is_reservation else event.object_sid
    invite = await store.invite_of_task(uow, task_sid)
    if invite is None:
        return
    await store.lock_channel(uow, invite.channel_sid)
    for agent in await store.agents_of_task(uow, task_sid, event.object_sid if is_reservation else None):
        await _leave(uow, invite, agent)
    if is_reservation:
        return
    await store.set_invite_status(uow, invite.sid, "ended")
    if event.kind == "task.completed/1":
        await _close_if_last(uow, invite, other_than=task_sid, wrapping_counts=True)


async def close_channel(uow: UnitOfWork, channel: Channel, *, complete: bool) -> Channel:
    """Close a channel: wrap its tasks up, or complete them; a second close completes what still wraps up.

    Tasks that no agent accepted yet are canceled (flex.md §1.6, effects 1-3).
    """
    for invite in await store.live_invites(uow, channel.sid):
        await _end_task(uow, invite, complete=complete)
    current = await store.lock_channel(uow, channel.sid)
    if current.status not in ENDED:
        await _close(uow, current)
    return await store.lock_channel(uow, channel.sid)


def identity_of(worker: Mapping[str, Any]) -> str:
    """Return the chat identity of a worker: ``contact_uri`` without ``client:``, else the worker's name."""
    attributes = json.loads(worker["attributes"] or "{}")
    uri = attributes.get("contact_uri") if isinstance(attributes, dict) else None
    if isinstance(uri, str) and uri.removeprefix("client:"):
        return uri.removeprefix("client:")
    return str(worker["friendly_name"])


async def _end_task(uow: UnitOfWork, invite: Invite, *, complete: bool) -> None:
    workspace_sid = invite.routing["properties"]["workspace_sid"]
    task = await tasks.fetch(uow, workspace_sid, invite.task_sid)
    if task.assignment_status == "pending" or (
        task.assignment_status == "reserved" and not await tasks.has_accepted(uow, workspace_sid, invite.task_sid)
    ):
        await tasks.cancel(uow, workspace_sid, invite.task_sid, reason="The interaction channel was closed")
    elif task.assignment_status == "assigned" and not complete:
        await tasks.wrap_up(uow, workspace_sid, invite.task_sid)
    elif task.assignment_status in ("assigned", "wrapping"):
        await tasks.complete(uow, workspace_sid, invite.task_sid)


async def _leave(uow: UnitOfWork, invite: Invite, agent: Participant) -> None:
    await store.participant_left(uow, agent.sid)
    if agent.identity is None or await store.agents_with_identity(uow, invite.channel_sid, agent.identity):
        return  # the same agent is still here through another invite
    channel = await store.lock_channel(uow, invite.channel_sid)
    if await participants.find(uow, channel.conversation_sid, identity=agent.identity) is not None:
        await participants.remove(uow, channel.conversation_sid, agent.identity, source="SDK")


async def _close_if_last(uow: UnitOfWork, invite: Invite, *, other_than: str, wrapping_counts: bool) -> None:
    channel = await store.lock_channel(uow, invite.channel_sid)
    if channel.status in ENDED or channel.status in ("inactive", "pause"):
        return
    for other in await store.live_invites(uow, channel.sid):
        if other.task_sid == other_than:
            continue
        task = await tasks.find(uow, other.routing["properties"]["workspace_sid"], other.task_sid)
        if task is None or task.assignment_status in ("completed", "canceled"):
            continue
        if wrapping_counts or task.assignment_status != "wrapping":
            return
    await _close(uow, channel)


async def _close(uow: UnitOfWork, channel: Channel) -> None:
    await store.set_channel_status(uow, channel.sid, "closed")
    conversation = await conversations.fetch(uow, channel.conversation_sid)
    if conversation.state != "closed":
        await conversations.set_state(uow, channel.conversation_sid, "closed", reason="API")
    await state(
        uow,
        "interaction_channel.updated/1",
        stream=channel.interaction_sid,
        object_sid=channel.sid,
        snapshot={
            "interaction_sid": channel.interaction_sid,
            "channel_sid": channel.sid,
            "conversation_sid": channel.conversation_sid,
            "status": "closed",
            "status_from": channel.status,
        },
    )
