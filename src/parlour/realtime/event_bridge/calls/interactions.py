"""Calls about interactions, as the desktop's client for conversations makes them (agent-clients.md §5.2)."""

from typing import Final

import msgspec

from parlour.flex import invites, snapshots
from parlour.flex import store as flex
from parlour.flex.schemas import DESKTOP_STATUSES, read_update
from parlour.flex.store import Channel, Invite
from parlour.kit.sids import is_sid
from parlour.realtime.event_bridge.calls.operations import calls
from parlour.realtime.event_bridge.calls.worker_call import WorkerCall
from parlour.rest.errors import forbidden, invalid_parameter, not_found
from parlour.rest.forms import Form
from parlour.rest.operations import Answer
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import held

INTERACTION: Final = "/v1/Interactions/{InteractionSid}"
CHANNEL: Final = f"{INTERACTION}/Channels/{{ChannelSid}}"


class ReservationRef(msgspec.Struct, frozen=True):
    """A reservation by its SID."""

    sid: str


class InviteRouting(msgspec.Struct, frozen=True):
    """By which reservation an invite is answered."""

    reservation: ReservationRef
    type: str = "taskrouter"


class AnswerInvite(msgspec.Struct, frozen=True):
    """What the agent says to an invite."""

    action: str
    routing: InviteRouting


class ChannelRouting(msgspec.Struct, frozen=True):
    """What becomes of the channel's tasks."""

    status: str | None = None


class UpdateChannel(msgspec.Struct, frozen=True):
    """What becomes of a channel."""

    status: str = ""
    routing: ChannelRouting = ChannelRouting()


@calls.get(f"{CHANNEL}/Participants")
async def list_participants(call: WorkerCall, _form: Form) -> Answer:
    """Answer with who is in a channel that the bearer was asked into."""

    async def read(reader: Reader) -> dict[str, object]:
        channel = await channel_of(call, reader)
        people = await snapshots.bridge_participants(reader, channel)
        return {"participants": people, "channel_type": channel.type}

    return Answer(200, await call.read(read))


@calls.get(f"{INTERACTION}/Channels")
async def list_channels(call: WorkerCall, _form: Form) -> Answer:
    """Answer with the interaction's channels that the bearer was asked into."""
    sid = call.path["InteractionSid"]

    async def read(reader: Reader) -> list[Channel]:
        if await flex.fetch_interaction(reader, sid) is None:
            raise not_found(sid)
        return [
            each for each in await flex.list_channels(reader, sid, "", 1000) if await _may_see(call, reader, each.sid)
        ]

    return Answer(200, {"channels": [snapshots.bridge_channel(each) for each in await call.read(read)]})


@calls.post(f"{CHANNEL}/Invites/{{Sid}}")
async def answer_invite(call: WorkerCall, _form: Form) -> Answer:
    """Accept or decline an invite by the bearer's reservation; its event follows."""
    given = call.structure(AnswerInvite)
    worker_sid = call.bearer.worker_sid
    if given.routing.type.lower() != "taskrouter":
        raise invalid_parameter("routing.type", f"'{given.routing.type[:64]}' is not taskrouter")
    if worker_sid is None:
        raise forbidden("The token is of no worker, who could answer an invite")
    if not is_sid(given.routing.reservation.sid, "WR"):
        raise invalid_parameter("routing.reservation.sid", f"'{given.routing.reservation.sid[:64]}' is not a SID of WR")
    if given.action not in ("accept", "decline"):
        raise invalid_parameter("action", f"'{given.action[:64]}' is not one of accept, decline")
    act = invites.accept if given.action == "accept" else invites.decline

    async def work(uow: UnitOfWork) -> Invite:
        channel = await channel_of(call, uow)
        return await act(uow, channel, call.path["Sid"], worker_sid, given.routing.reservation.sid)

    answered = await call.step(work)
    return Answer(200, {"sid": answered.sid, "channel_sid": answered.channel_sid, "status": answered.status})


@calls.post(CHANNEL)
async def update_channel(call: WorkerCall, _form: Form) -> Answer:
    """Close, leave, pause or resume a channel (flex.md §1.6)."""
    given = call.structure(UpdateChannel)
    routing = {"close": "closed"}.get(given.routing.status or "", given.routing.status)
    update = read_update(given.status, routing, allowed=DESKTOP_STATUSES)
    worker_sid = None if call.bearer.privileged else call.bearer.worker_sid

    # Who resumes a paused channel holds nothing of it; that it was they who paused it is looked at there.
    find = channel_of if update.status == "active" else own_channel_of

    async def work(uow: UnitOfWork) -> Channel:
        return await invites.change(uow, await find(call, uow), update, worker_sid)

    return Answer(200, snapshots.bridge_channel(await call.step(work)))


async def channel_of(call: WorkerCall, reader: Reader) -> Channel:
    """The channel of the path, which the bearer was asked into.

    :raises ContractError: 404/20404, 403/20403.
    """
    found = await invites.channel_of(reader, call.path["InteractionSid"], call.path["ChannelSid"])
    if not await _may_see(call, reader, found.sid):
        raise forbidden(f"Worker {call.bearer.worker_sid} was not asked into interaction channel {found.sid}")
    return found


async def own_channel_of(call: WorkerCall, reader: Reader) -> Channel:
    """The channel of the path, which the bearer works in: who was only asked, or is done, does nothing to it.

    :raises ContractError: 404/20404, 403/20403.
    """
    found = await channel_of(call, reader)
    if not call.bearer.privileged:
        tasks = await invites.tasks_of(reader, found.sid)
        if not await held.holds(reader, call.bearer.worker_sid or "", tasks):
            raise forbidden(f"Worker {call.bearer.worker_sid} does not work in interaction channel {found.sid}")
    return found


async def _may_see(call: WorkerCall, reader: Reader, channel_sid: str) -> bool:
    if call.bearer.privileged:
        return True
    tasks = await invites.tasks_of(reader, channel_sid)
    return await held.was_offered(reader, call.bearer.worker_sid or "", tasks)
