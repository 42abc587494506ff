"""Operations of an interaction channel's participants and transfers (flex.md §1.1, §1.6)."""

from typing import Any, TypeVar

from parlour.flex import configuration, errors, people, render, store, transfer_store, transfers
from parlour.flex.schemas import CreateParticipant, ListForm, UpdateParticipant, read_routing, read_transfer
from parlour.flex.store import Channel, Participant
from parlour.flex.transfer_store import Transfer
from parlour.kit.wire import decode_json
from parlour.rest.errors import not_found
from parlour.rest.operations import Answer, Call, Operations
from parlour.store.unit import Reader, UnitOfWork

T = TypeVar("T")

CHANNEL = "/v1/Interactions/{InteractionSid}/Channels/{ChannelSid}"

operations = Operations("flex-api")


@operations.post(f"{CHANNEL}/Participants", form=CreateParticipant)
async def create_participant(call: Call, form: CreateParticipant) -> Answer:
    """Add somebody to a channel; an agent is asked, and in the conversation once they accept."""

    async def work(uow: UnitOfWork) -> Participant:
        return await add_participant(
            uow, await _channel(uow, call), form.type, form.media_properties, form.routing_properties
        )

    return Answer(201, render.participant(await call.step(work), call.urls))


async def add_participant(
    uow: UnitOfWork, channel: Channel, kind: str, media_text: str, routing_text: str | None
) -> Participant:
    """Add the participant that a request asks for.

    :raises ContractError: what the request names is wrong or not the account's.
    """
    media: dict[str, Any] = decode_json(media_text)
    if kind != "agent":
        if routing_text is not None:
            raise errors.invalid_participant("RoutingProperties", f"is for an agent, not for a {kind}")
        return await people.add(uow, channel, kind, people.read_media(media))
    if routing_text is None:
        raise errors.invalid_participant("RoutingProperties", "is required for an agent, who is asked by a task")
    default = (await configuration.fetch(uow)).taskrouter_workspace_sid
    given: dict[str, Any] = decode_json(routing_text)
    routing = await read_routing(
        uow, given if "properties" in given else {"properties": given}, default_workspace_sid=default
    )
    return await people.add_agent(uow, channel, routing)


@operations.get(f"{CHANNEL}/Participants", form=ListForm)
async def list_participants(call: Call, _form: ListForm) -> Answer:
    """List who is in a channel."""
    page = call.page()

    async def work(reader: Reader) -> list[Participant]:
        channel = await _channel(reader, call)
        return await store.list_participants(reader, channel.sid, page.token or "", page.size + 1)

    rows = await call.read(work)
    shown = [render.participant(row, call.urls) for row in rows[: page.size]]
    following = rows[page.size - 1].sid if len(rows) > page.size else None
    return call.listing("participants", shown, page, next_token=following)


@operations.post(f"{CHANNEL}/Participants/{{Sid}}", form=UpdateParticipant)
async def update_participant(call: Call, form: UpdateParticipant) -> Answer:
    """Remove a participant; an agent's work ends and the conversation goes on without them (parks)."""

    async def work(uow: UnitOfWork) -> Participant:
        return await people.update(uow, await _channel(uow, call), call.path["Sid"], form.status)

    return Answer(200, render.participant(await call.step(work), call.urls))


@operations.post(f"{CHANNEL}/Transfers", body="json")
async def create_transfer(call: Call, _form: object) -> Answer:
    """Hand an agent's part over; the body is JSON with ``type``, ``from`` and ``to``."""
    given = call.json()

    async def work(uow: UnitOfWork) -> tuple[Transfer, str]:
        wanted = await read_transfer(uow, given)
        made = await transfers.create(
            uow,
            await _channel(uow, call),
            type=wanted.type,
            from_sid=wanted.from_sid,
            to_sid=wanted.to_sid,
            note_sid=wanted.note_sid,
            summary_sid=wanted.summary_sid,
        )
        return made, (await configuration.fetch(uow)).flex_instance_sid

    return Answer(201, render.transfer(*await call.step(work), call.urls))


@operations.get(f"{CHANNEL}/Transfers/{{Sid}}")
async def fetch_transfer(call: Call, _form: object) -> Answer:
    """Read a transfer."""

    async def work(reader: Reader) -> tuple[Transfer, str]:
        channel = await _channel(reader, call)
        found = _found(await transfer_store.fetch(reader, channel.sid, call.path["Sid"]), call.path["Sid"])
        return found, (await configuration.fetch(reader)).flex_instance_sid

    return Answer(200, render.transfer(*await call.read(work), call.urls))


@operations.post(f"{CHANNEL}/Transfers/{{Sid}}", body="json")
async def update_transfer(call: Call, _form: object) -> Answer:
    """Complete a warm transfer, or call one off; the body is JSON with ``status``."""
    given = call.json()
    status = given.get("status") if isinstance(given, dict) else None
    if status not in ("completed", "failed"):
        raise errors.invalid_value("status", f"'{status}' is not one of completed, failed")

    async def work(uow: UnitOfWork) -> tuple[Transfer, str]:
        channel = await _channel(uow, call)
        changed = await transfers.update(uow, channel, call.path["Sid"], status)
        return changed, (await configuration.fetch(uow)).flex_instance_sid

    return Answer(200, render.transfer(*await call.step(work), call.urls))


async def _channel(reader: Reader, call: Call) -> Channel:
    sid = call.path["ChannelSid"]
    return _found(await store.fetch_channel(reader, call.path["InteractionSid"], sid), sid)


def _found(row: T | None, sid: str) -> T:
    if row is None:
        raise not_found(sid)
    return row
