"""The facts which Flex states about interactions, with the webhooks that hear of them (flex.md §1.7)."""

from typing import Any, Final

from parlour.flex import lifecycle_store as sql
from parlour.flex.hooks import store as hooks
from parlour.flex.store import Channel, Participant
from parlour.outbox.facts import state
from parlour.store.unit import UnitOfWork

DESKTOPS: Final = "desktops"  # a hint: the channel has agents, whose desktops are told


async def interaction_created(uow: UnitOfWork, snapshot: dict[str, Any]) -> None:
    """State that an interaction and its channel were made; their rows are written."""
    sid = snapshot["interaction_sid"]
    heard = await hooks.listeners(uow, sid)
    await state(uow, "interaction.created/1", stream=sid, object_sid=sid, snapshot=snapshot, listeners=heard)
    await state(
        uow,
        "interaction_channel.created/1",
        stream=sid,
        object_sid=snapshot["channel_sid"],
        snapshot=snapshot,
        listeners=heard,
    )


async def channel_moved(uow: UnitOfWork, channel: Channel, status: str) -> None:
    """State that a locked channel has another status than ``channel`` says."""
    await state(
        uow,
        "interaction_channel.updated/1",
        stream=channel.interaction_sid,
        object_sid=channel.sid,
        snapshot={
            "interaction_sid": channel.interaction_sid,
            "channel_sid": channel.sid,
            "conversation_sid": channel.conversation_sid,
            "channel_type": channel.type,
            "status": status,
            "status_from": channel.status,
        },
        listeners=await hooks.listeners(uow, channel.interaction_sid),
    )


async def participant(uow: UnitOfWork, kind: str, channel: Channel, row: Participant) -> None:
    """State what became of a participant of a locked channel.

    :param kind: ``added``, ``updated`` or ``removed``.
    """
    # Who joins by accepting has heard of that already; only others wait for them (agent-clients.md §5.2).
    told = any(agent.sid != row.sid for agent in await sql.present_agents(uow, channel.sid))
    await state(
        uow,
        f"interaction_participant.{kind}/1",
        stream=channel.interaction_sid,
        object_sid=row.sid,
        snapshot={
            "interaction_sid": channel.interaction_sid,
            "channel_sid": channel.sid,
            "conversation_sid": channel.conversation_sid,
            "channel_type": channel.type,
            "participant_sid": row.sid,
            "conversation_participant_sid": row.conversation_participant_sid,
            "type": row.type,
            "identity": row.identity,
            "task_sid": row.task_sid,
            "worker_sid": row.worker_sid,
            "reservation_sid": row.reservation_sid,
        },
        listeners={**await hooks.listeners(uow, channel.interaction_sid), DESKTOPS: told},
    )
