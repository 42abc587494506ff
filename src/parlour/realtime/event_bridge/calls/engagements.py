"""Calls by which a desktop makes interactions, adds people, transfers and looks after paused work (flex.md §1.5)."""

from typing import Any, Final

import msgspec

from parlour.flex import lifecycle_store, people, people_routes, render, routes, snapshots, transfer_store, transfers
from parlour.flex.schemas import read_transfer
from parlour.flex.store import Channel, Interaction, Participant
from parlour.flex.transfer_store import Transfer
from parlour.kit.wire import json_text
from parlour.realtime.event_bridge.calls.interactions import CHANNEL, channel_of, own_channel_of
from parlour.realtime.event_bridge.calls.operations import calls
from parlour.realtime.event_bridge.calls.worker_call import LARGEST_PAGE, PAGE_SIZE, WorkerCall
from parlour.rest.errors import forbidden, invalid_parameter, not_found
from parlour.rest.forms import Form
from parlour.rest.operations import Answer
from parlour.store.unit import Reader, UnitOfWork

INSTANCE: Final = "/v1/Instances/{InstanceSid}/Interactions/{InteractionSid}/Channels/{ChannelSid}"


class NewInteraction(msgspec.Struct, frozen=True):
    """A conversation that the agent begins."""

    channel: dict[str, Any]
    routing: dict[str, Any] | None = None


class NewParticipant(msgspec.Struct, frozen=True):
    """Who is to be added."""

    type: str
    media_properties: dict[str, Any] = {}
    routing_properties: dict[str, Any] | None = None


class ParticipantUpdate(msgspec.Struct, frozen=True, rename={"close_if_last": "closeChannelIfLastParticipant"}):
    """What becomes of a participant."""

    status: str
    close_if_last: bool = False


class PausedList(msgspec.Struct, frozen=True, rename="camel"):
    """Which page of the agent's paused channels."""

    status: str = "pause"
    page_size: int = PAGE_SIZE
    page_token: str | None = None


@calls.post("/v1/Interactions")
async def create_interaction(call: WorkerCall, _form: Form) -> Answer:
    """Begin a conversation with a customer for the bearer."""
    given = call.structure(NewInteraction)
    properties = (given.routing or {}).get("properties") or {}
    worker_sid = properties.get("worker_sid") if isinstance(properties, dict) else None
    if worker_sid is not None and worker_sid != call.bearer.worker_sid and not call.bearer.privileged:
        raise forbidden(f"The token is of worker {call.bearer.worker_sid}, not of {str(worker_sid)[:64]}")
    if str(given.channel.get("initiated_by", "")).lower() != "agent" and not call.bearer.privileged:
        raise forbidden("An agent's token begins conversations of that agent: initiated_by must be agent")
    routing = None if given.routing is None else json_text(given.routing)

    async def work(uow: UnitOfWork) -> Interaction | None:
        return await routes.make_interaction(uow, json_text(given.channel), routing)

    made = await call.step(work)
    if made is None:
        raise not_found("Interaction")
    return Answer(201, render.interaction(made, call.urls))


@calls.post(f"{CHANNEL}/Participants")
async def add_participant(call: WorkerCall, _form: Form) -> Answer:
    """Add somebody to a channel that the bearer works in; the event follows."""
    given = call.structure(NewParticipant)
    if given.type.lower() not in people.TYPES:
        raise invalid_parameter("type", f"'{given.type[:64]}' is not one of {', '.join(people.TYPES)}")
    routing = None if given.routing_properties is None else json_text(given.routing_properties)

    async def work(uow: UnitOfWork) -> Participant:
        channel = await own_channel_of(call, uow)
        media = json_text(given.media_properties)
        return await people_routes.add_participant(uow, channel, given.type.lower(), media, routing)

    return Answer(201, snapshots.bridge_participant(await call.step(work)))


@calls.post(f"{CHANNEL}/Participants/{{Sid}}")
async def update_participant(call: WorkerCall, _form: Form) -> Answer:
    """Remove a participant, or end the bearer's own part while the conversation goes on."""
    given = call.structure(ParticipantUpdate)
    if given.status not in people.STATUSES:
        raise invalid_parameter("status", f"'{given.status[:64]}' is not one of {', '.join(people.STATUSES)}")

    async def work(uow: UnitOfWork) -> Participant:
        channel = await own_channel_of(call, uow)
        sid = call.path["Sid"]
        return await people.update(uow, channel, sid, given.status, close_if_last=given.close_if_last)

    return Answer(200, snapshots.bridge_participant(await call.step(work)))


@calls.post(f"{INSTANCE}/Transfers")
async def create_transfer(call: WorkerCall, _form: Form) -> Answer:
    """Hand the bearer's part of a channel over."""

    async def work(uow: UnitOfWork) -> Transfer:
        channel = await own_channel_of(call, uow)
        wanted = await read_transfer(uow, call.params)
        agent = await lifecycle_store.fetch_participant(uow, channel.sid, wanted.from_sid)
        if agent is not None and agent.worker_sid != call.bearer.worker_sid and not call.bearer.privileged:
            raise forbidden(f"Participant {wanted.from_sid} is not worker {call.bearer.worker_sid}")
        return await transfers.create(
            uow,
            channel,
            type=wanted.type,
            from_sid=wanted.from_sid,
            to_sid=wanted.to_sid,
            note_sid=wanted.note_sid,
            summary_sid=wanted.summary_sid,
        )

    return Answer(201, render.transfer(await call.step(work), call.path["InstanceSid"], call.urls))


@calls.get(f"{INSTANCE}/Transfers")
async def list_transfers(call: WorkerCall, _form: Form) -> Answer:
    """Answer with the transfers of a channel, as a plain array."""

    async def read(reader: Reader) -> list[Transfer]:
        return await transfer_store.of_channel(reader, (await channel_of(call, reader)).sid)

    instance = call.path["InstanceSid"]
    return Answer(200, [render.transfer(each, instance, call.urls) for each in await call.read(read)])


@calls.get("/v1/Channels")
async def list_paused(call: WorkerCall, _form: Form) -> Answer:
    """Answer with the channels that the bearer paused."""
    given = call.structure(PausedList)
    if given.status != "pause":
        raise invalid_parameter("status", f"'{given.status[:64]}' is not pause")
    if not 1 <= given.page_size <= LARGEST_PAGE:
        raise invalid_parameter("pageSize", f"'{given.page_size}' is not between 1 and {LARGEST_PAGE}")

    async def read(reader: Reader) -> list[Channel]:
        worker_sid = call.bearer.worker_sid or ""
        return await lifecycle_store.paused_by(reader, worker_sid, given.page_token or "", given.page_size + 1)

    rows = await call.read(read)
    shown = [snapshots.bridge_paused(each) for each in rows[: given.page_size]]
    following = rows[given.page_size - 1].sid if len(rows) > given.page_size else None
    meta = {"key": "channels", "page_size": given.page_size, "next_page_token": following}
    return Answer(200, {"channels": shown, "meta": meta})
