"""The event bridge's shapes of an interaction's channels and participants (agent-clients.md §5.2)."""

from typing import Any

from parlour.conversations import participants
from parlour.conversations.participants import Participant as Member
from parlour.flex import store
from parlour.flex.store import Channel, Participant
from parlour.kit.wire import iso
from parlour.store.unit import Reader


def bridge_channel(row: Channel) -> dict[str, Any]:
    """A channel with the conversation that it is held in."""
    return {
        "sid": row.sid,
        "interaction_sid": row.interaction_sid,
        "type": row.type,
        "status": row.status,
        "media_sid": row.conversation_sid,
    }


def bridge_paused(row: Channel) -> dict[str, Any]:
    """A paused channel with what its agent needs to know it again."""
    wake = row.wake or {}
    return {
        **bridge_channel(row),
        "attributes": wake.get("attributes") or {},
        "customer_address": row.customer_address,
        "customer_name": row.customer_name,
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
        "date_paused": None if row.parked_at is None else iso(row.parked_at),
    }


def bridge_participant(row: Participant) -> dict[str, Any]:
    """Somebody in a channel, without their part in the conversation."""
    return _participant(row, None)


async def bridge_participants(reader: Reader, channel: Channel) -> list[dict[str, Any]]:
    """Who is in a channel, each with their part in the conversation."""
    members = {each.sid: each for each in await participants.all_of(reader, channel.conversation_sid)}
    present = await store.list_participants(reader, channel.sid, "", 1000)
    return [_participant(each, members.get(each.conversation_participant_sid or "")) for each in present]


def _participant(row: Participant, member: Member | None) -> dict[str, Any]:
    routing = None
    if row.task_sid is not None:
        routing = {"task_sid": row.task_sid, "worker_sid": row.worker_sid, "reservation_sid": row.reservation_sid}
    return {
        "sid": row.sid,
        "type": row.type,
        "channel_sid": row.channel_sid,
        "interaction_sid": row.interaction_sid,
        "routing_properties": routing,
        "media_properties": None if member is None else _media(member),
    }


def _media(row: Member) -> dict[str, Any]:
    """A participant of a conversation; ``messaging_binding`` is null for one who has no address."""
    binding = None
    if row.address is not None:
        binding = {"type": row.type, "address": row.address, "proxy_address": row.proxy_address}
    return {
        "sid": row.sid,
        "identity": row.identity,
        "messaging_binding": binding,
        "attributes": row.attributes,
        "role_sid": row.role_sid,
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
    }
