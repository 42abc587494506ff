"""Participants of an interaction channel: customers, agents, supervisors and others (flex.md §1.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from parlour.conversations import conversations, participants, roles
from parlour.conversations.participants import Participant as Member
from parlour.flex import errors, facts, interactions, lifecycle, parking, store
from parlour.flex import lifecycle_store as sql
from parlour.flex.orchestration import identity_of
from parlour.flex.routing import Routing
from parlour.flex.store import Channel, Participant
from parlour.outbox.facts import Event
from parlour.outbox.reactions import Reactions
from parlour.rest.errors import not_found
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import reservations, task_store
from parlour.taskrouter.desk import open_desk

TYPES: Final = ("supervisor", "customer", "external", "agent", "unknown")
STATUSES: Final = ("closed", "wrapup")
EVENTS: Final = {"added": "participant.added", "updated": "participant.modified", "removed": "participant.removed"}

reactions = Reactions("flex.people")


@dataclass(frozen=True)
class Media:
    """Who is added to the conversation: an address behind a proxy, or an identity."""

    identity: str | None = None
    address: str | None = None
    proxy_address: str | None = None


def read_media(given: Mapping[str, Any]) -> Media:
    """Read ``MediaProperties``; an address may stand in ``messaging_binding``, as the desktop shows it.

    :raises ContractError: 45367 names what is wrong.
    """
    binding = given.get("messaging_binding")
    found = {**(binding if isinstance(binding, Mapping) else {}), **given}
    values: dict[str, str | None] = {}
    for name in ("identity", "address", "proxy_address"):
        value = found.get(name)
        if value is not None and not isinstance(value, str):
            raise errors.invalid_participant("MediaProperties", f"{name} must be a text")
        values[name] = value or None
    if values["identity"] is None and values["address"] is None:
        raise errors.invalid_participant("MediaProperties", "identity or address must be given")
    return Media(**values)


async def add(uow: UnitOfWork, channel: Channel, kind: str, media: Media) -> Participant:
    """Add somebody who needs no task: a customer, a supervisor, an external or unknown participant.

    :raises ContractError: 45376 the conversation is closed; what the conversation refuses with.
    """
    locked = await store.lock_channel(uow, channel.sid)
    conversation = await conversations.fetch(uow, locked.conversation_sid)
    if locked.status in lifecycle.ENDED or conversation.state == "closed":
        raise errors.conversation_closed(locked.conversation_sid)
    role = None
    if kind == "supervisor":
        role = await roles.by_name(
            uow, chat_service_sid=conversation.chat_service_sid, friendly_name=kind, type="conversation"
        )
    member = await participants.add(
        uow,
        conversation.sid,
        identity=media.identity,
        address=media.address,
        proxy_address=media.proxy_address,
        role_sid=None if role is None else role.sid,
        origin=parking.OWN,
    )
    row = _row(uow, locked, kind, member)
    await store.insert_participant(uow, row)
    await facts.participant(uow, "added", locked, row)
    return row


async def add_agent(uow: UnitOfWork, channel: Channel, routing: Routing) -> Participant:
    """Ask one agent into a channel; they are in its conversation once they accept (flex.md §1.5).

    :raises ContractError: 45367 no worker is named or known; as `interactions.invite`.
    """
    if routing.worker_sid is None:
        raise errors.invalid_participant("RoutingProperties", "worker_sid is required for an agent")
    worker = await task_store.worker(uow, routing.workspace_sid, routing.worker_sid)
    if worker is None:
        raise errors.invalid_participant("RoutingProperties", f"{routing.worker_sid} is no worker of the workspace")
    locked = await store.lock_channel(uow, channel.sid)
    invite = await interactions.invite(uow, locked, routing)
    identity = identity_of({"attributes": worker.attributes, "friendly_name": worker.friendly_name})
    row = _row(uow, locked, "agent", None, identity=identity, task_sid=invite.task_sid, worker_sid=worker.sid)
    await store.insert_participant(uow, row)
    return row


async def update(
    uow: UnitOfWork, channel: Channel, sid: str, status: str, *, close_if_last: bool = False
) -> Participant:
    """End a participant's part: an agent wraps up or completes and the conversation goes on; others are removed.

    :param status: ``closed`` or ``wrapup``; only agents wrap up.
    :param close_if_last: whether the channel ends with the last agent, instead of being parked.
    :raises ContractError: 404; 45362 they left; whatever TaskRouter refuses with.
    """
    found = await sql.fetch_participant(uow, channel.sid, sid)
    if found is None:
        raise not_found(sid)
    if found.left_at is not None:
        raise errors.not_an_agent(sid)
    if found.type == "agent":
        await _agent_ends(uow, channel, found, status, close_if_last=close_if_last)
    elif status == "wrapup":
        raise errors.status_invalid(status, f"is for agents, and {sid} is a participant of type {found.type}")
    else:
        await _remove(uow, await store.lock_channel(uow, channel.sid), found)
    return found


async def _agent_ends(
    uow: UnitOfWork, channel: Channel, agent: Participant, status: str, *, close_if_last: bool
) -> None:
    if agent.task_sid is None or agent.reservation_sid is None:
        raise errors.not_an_agent(agent.sid)
    alone = not await sql.owners(uow, channel.sid, other_than=agent.task_sid)
    if close_if_last and alone and agent.leaving is None:
        invite = await store.invite_of_task(uow, agent.task_sid)
        act = reservations.wrap_up if status == "wrapup" else reservations.complete
        await act(uow, lifecycle.workspace_of(invite) if invite else "", agent.reservation_sid)
        return
    await lifecycle.depart(uow, channel, agent, why=lifecycle.PARKED, wrap_up=status == "wrapup")


async def _remove(uow: UnitOfWork, channel: Channel, row: Participant) -> None:
    await store.participant_left(uow, row.sid)
    members = {each.sid for each in await participants.all_of(uow, channel.conversation_sid)}
    if row.conversation_participant_sid in members:
        await participants.remove(
            uow, channel.conversation_sid, row.conversation_participant_sid or "", origin=parking.OWN
        )
    await facts.participant(uow, "removed", channel, row)


def _row(
    uow: UnitOfWork,
    channel: Channel,
    kind: str,
    member: Member | None,
    *,
    identity: str | None = None,
    task_sid: str | None = None,
    worker_sid: str | None = None,
) -> Participant:
    return Participant(
        account_sid=uow.account_sid,
        sid=uow.new_sid("UT"),
        interaction_sid=channel.interaction_sid,
        channel_sid=channel.sid,
        type=kind,
        conversation_participant_sid=None if member is None else member.sid,
        identity=identity if member is None else member.identity,
        task_sid=task_sid,
        worker_sid=worker_sid,
        reservation_sid=None,
        left_at=None,
        date_created=uow.now,
        date_updated=uow.now,
    )


@reactions.after(
    *(f"interaction_participant.{kind}/1" for kind in EVENTS),
    lanes=lambda event: [f"flex-people:{event.stream}"] if event.listeners.get(facts.DESKTOPS) else [],
)
async def tell_desktops(uow: UnitOfWork, event: Event) -> None:
    """Tell the desktops of a channel's agents who joined or left it (agent-clients.md §5.2)."""
    told = event.snapshot
    agents = await sql.present_agents(uow, told["channel_sid"])
    invites = await store.invites_of_tasks(uow, [agent.task_sid for agent in agents if agent.task_sid])
    by_workspace: dict[str, set[str]] = {}
    for agent in agents:
        invite = invites.get(agent.task_sid or "")
        if invite is not None and agent.worker_sid is not None:
            by_workspace.setdefault(lifecycle.workspace_of(invite), set()).add(agent.worker_sid)
    for workspace_sid, worker_sids in sorted(by_workspace.items()):
        desk = await open_desk(uow, workspace_sid, [], workers=sorted(worker_sids))
        for worker in desk.workers.values():
            desk.tell(EVENTS[event.kind.split(".")[1].removesuffix("/1")], worker, _payload(told, agents, worker.sid))
        await desk.write()


def _of_channel(event: Event) -> list[str]:
    return [f"flex:{sid}"] if (sid := event.listeners.get(parking.OPEN)) else []


@reactions.after("participant.added/1", "participant.removed/1", lanes=_of_channel)
async def member_changed(uow: UnitOfWork, event: Event) -> None:
    """Keep the channel's participants in step with customers who joined or left the conversation by other ways."""
    channel = await store.open_channel_of(uow, event.stream)
    if channel is None:
        return
    locked = await store.lock_channel(uow, channel.sid)
    known = await sql.participant_of_member(uow, locked.sid, event.object_sid)
    if event.kind == "participant.added/1" and known is None:
        member = await participants.present(uow, event.stream, event.object_sid)
        if member is not None and member.identity not in await sql.staff(uow, locked.sid):
            row = _row(uow, locked, "customer", member)
            await store.insert_participant(uow, row)
            await facts.participant(uow, "added", locked, row)
    elif event.kind == "participant.removed/1" and known is not None and known.type != "agent":
        await store.participant_left(uow, known.sid)
        await facts.participant(uow, "removed", locked, known)


def _payload(told: Mapping[str, Any], agents: list[Participant], worker_sid: str) -> dict[str, Any]:
    """What the desktop of a worker is told; it finds its task by ``routing_properties``."""
    own = next((each for each in agents if each.worker_sid == worker_sid), None)
    return {
        "participant_sid": told["participant_sid"],
        "channel_sid": told["channel_sid"],
        "interaction_sid": told["interaction_sid"],
        "type": told["type"],
        "channel_type": told["channel_type"],
        "routing_properties": {
            "task_sid": told["task_sid"] or (own.task_sid if own else None),
            "worker_sid": told["worker_sid"],
            "reservation_sid": told["reservation_sid"],
        },
        "media_properties": {"sid": told["conversation_participant_sid"], "identity": told["identity"]},
    }
