"""Orphans: open conversations whose customer nobody will answer, and how each is repaired (flex.md §6; invariant 4)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from parlour.conversations import conversations, participants, roles
from parlour.flex import configuration, interactions, lifecycle, orchestration, parking, store
from parlour.flex import lifecycle_store as sql
from parlour.flex.orphans_store import HOLDERS, KINDS, latest_task, queue_stands, tasks_of
from parlour.flex.routing import Routing, again, read
from parlour.flex.store import Channel, Participant
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import task_store, tasks

AGENT_ROLE: Final = "agent"


@dataclass(frozen=True)
class Orphan:
    """A conversation that nobody cares for.

    :ivar since: when it was last in order, as far as its rows say.
    """

    kind: str
    cause: str
    conversation_sid: str
    channel_sid: str | None
    since: datetime


async def find(reader: Reader, further: tuple[str, str, str] | None = None) -> list[Orphan]:
    """Return the account's orphans, each with the first cause that holds, the oldest first.

    :param further: name, cause and SQL of one more kind, which a higher floor knows about.
    """
    found: dict[str, Orphan] = {}
    for name, cause, query in (*KINDS, *((further,) if further else ())):
        for row in await reader.fetch(query, reader.account_sid):
            orphan = Orphan(name, cause, row["conversation_sid"], row["channel_sid"], row["since"])
            found.setdefault(orphan.conversation_sid, orphan)
    return sorted(found.values(), key=lambda orphan: (orphan.since, orphan.conversation_sid))


async def repair(uow: UnitOfWork, orphan: Orphan, *, close: bool) -> str:
    """Bring an orphan back to agents, or close it; says in words what was done.

    :param close: close the conversation instead of sending it to agents.
    :raises ContractError: it cannot be sent, such as without a workflow.
    """
    channel = None if orphan.channel_sid is None else await store.lock_channel(uow, orphan.channel_sid)
    if close or orphan.kind == "closed_conversation":
        return await _close(uow, orphan, channel)
    cure = _CURES.get(orphan.kind, _send)
    return await cure(uow, orphan, channel)


async def _close(uow: UnitOfWork, orphan: Orphan, channel: Channel | None) -> str:
    if channel is not None and channel.status not in lifecycle.ENDED:
        await orchestration.close_channel(uow, channel, complete=False)
    conversation = await conversations.fetch(uow, orphan.conversation_sid)
    if conversation.state != "closed":
        await conversations.set_state(uow, conversation.sid, "closed", reason="API")
    return "closed"


async def _send(uow: UnitOfWork, orphan: Orphan, channel: Channel | None) -> str:
    """Send to agents: by an invite where the channel is open, else by a new interaction."""
    if channel is None or channel.status in lifecycle.ENDED:
        kind = channel.type if channel is not None else await interactions.channel_type_of(uow, orphan.conversation_sid)
        await interactions.create(
            uow,
            channel_type=kind,
            initiated_by="api",
            routing=await _routing(uow, channel),
            conversation_sid=orphan.conversation_sid,
        )
        return "sent to agents by a new interaction"
    routing = await _routing(uow, channel)
    stuck = await tasks_of(uow, channel.sid)
    await interactions.invite(uow, channel, routing)
    for workspace_sid, task_sid in stuck:
        if await tasks.find(uow, workspace_sid, task_sid) is not None:
            await tasks.delete(uow, workspace_sid, task_sid)
    return "sent to agents by a new invite"


async def _routing(reader: Reader, channel: Channel | None) -> Routing:
    """How the work went before, as far as that is known; else the account's own workflow."""
    settings = await configuration.fetch(reader)
    known = None if channel is None else await latest_task(reader, channel.sid)
    if known is not None:
        task = await tasks.find(reader, *known)
        if task is not None:
            before = again(task)
            stands = await queue_stands(reader, task.workspace_sid, task.task_queue_sid or "")
            return before if stands or task.workflow_sid is None else replace(before, queue_sid=None)
    if channel is not None and channel.wake is not None:
        return read(channel.wake)
    return Routing(
        workspace_sid=settings.taskrouter_workspace_sid, workflow_sid=settings.taskrouter_target_workflow_sid
    )


async def _park_again(uow: UnitOfWork, orphan: Orphan, channel: Channel | None) -> str:
    """Have the customer's next message wake the channel, as it should."""
    if channel is None:
        return await _send(uow, orphan, channel)
    await parking.park(uow, channel, status=channel.status, routing=await _routing(uow, channel))
    return "parked again: the customer's next message reaches an agent"


async def customers(reader: Reader, orphan: Orphan) -> list[str]:
    """Return who waits: their addresses, or the identities of those who write in a web chat; agents are left out."""
    people = await participants.all_of(reader, orphan.conversation_sid)
    if not people:
        return []
    role = await roles.by_name(
        reader, chat_service_sid=people[0].chat_service_sid, friendly_name=AGENT_ROLE, type="conversation"
    )
    return [each.address or each.identity or each.sid for each in people if role is None or each.role_sid != role.sid]


async def _add_agent(uow: UnitOfWork, orphan: Orphan, channel: Channel | None) -> str:
    """Put the agents who hold the work back into the conversation."""
    if channel is None:
        return await _send(uow, orphan, channel)
    conversation = await conversations.fetch(uow, channel.conversation_sid)
    role = await roles.by_name(
        uow, chat_service_sid=conversation.chat_service_sid, friendly_name=AGENT_ROLE, type="conversation"
    )
    for record in await uow.fetch(HOLDERS, uow.account_sid, channel.sid):
        worker = await task_store.worker(uow, record["workspace_sid"], record["worker_sid"])
        if worker is None:
            continue
        identity = orchestration.identity_of({"attributes": worker.attributes, "friendly_name": worker.friendly_name})
        member = await participants.find(uow, conversation.sid, identity=identity)
        if member is None:
            role_sid = None if role is None else role.sid
            member = await participants.add(uow, conversation.sid, identity=identity, role_sid=role_sid, source="SDK")
        row = Participant(
            account_sid=uow.account_sid,
            sid=record["participant_sid"] or uow.new_sid("UT"),
            interaction_sid=channel.interaction_sid,
            channel_sid=channel.sid,
            type="agent",
            conversation_participant_sid=member.sid,
            identity=identity,
            task_sid=record["task_sid"],
            worker_sid=worker.sid,
            reservation_sid=record["reservation_sid"],
            left_at=None,
            date_created=uow.now,
            date_updated=uow.now,
        )
        await (sql.joined(uow, row) if record["participant_sid"] else store.insert_participant(uow, row))
    return "its agent is in the conversation again"


_Cure = Callable[[UnitOfWork, Orphan, Channel | None], Awaitable[str]]
_CURES: Final[dict[str, _Cure]] = {
    "never_wakes": _park_again,
    "left_unmarked": _park_again,
    "agent_outside": _add_agent,
}
