"""Interactions: a conversation becomes work for agents (flex.md §1.1-1.5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from parlour.conversations import bindings, conversations, participants
from parlour.flex import configuration, errors, facts, parking, store
from parlour.flex.attributes import Customer, Sids, task_attributes
from parlour.flex.routing import Routing
from parlour.flex.store import Channel, Interaction, Invite, Participant
from parlour.kit.wire import json_text
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import tasks
from parlour.taskrouter.rows import Task

PUBLISHED_TYPES: Final = ("sms", "whatsapp", "web", "chat", "messenger")
INITIATORS: Final = ("customer", "agent", "api")
TYPE_OF_BINDING: Final = {"chat": "web"}  # a chat participant without an agent's role is a web chat customer


def channel_types() -> tuple[str, ...]:
    """Return the types that an interaction's channel may have: the published ones, and those of further channels."""
    return (*PUBLISHED_TYPES, *bindings.further())


@dataclass(frozen=True)
class Made:
    """An interaction with what was made beside it. ``routing`` is the answer's routing object (flex.md §1.3)."""

    sid: str
    channel_sid: str
    invite_sid: str
    task_sid: str
    conversation_sid: str
    channel_type: str
    routing: dict[str, Any]
    webhook_ttid: str | None

    @property
    def task(self) -> dict[str, Any]:
        """The task's properties (flex.md §1.3)."""
        properties: dict[str, Any] = self.routing["properties"]
        return properties

    @property
    def wire(self) -> dict[str, Any]:
        """The interaction as a flow sees it (studio.md §6.4)."""
        return {
            "sid": self.sid,
            "channel": {"type": self.channel_type, "sid": self.channel_sid},
            "routing": self.routing,
            "webhook_ttid": self.webhook_ttid,
        }


async def create(
    uow: UnitOfWork,
    *,
    channel_type: str,
    initiated_by: str,
    routing: Routing,
    conversation_sid: str | None = None,
    people: Sequence[Mapping[str, Any]] = (),
    interaction_context_sid: str | None = None,
    webhook_ttid: str | None = None,
) -> Made:
    """Make an interaction, its channel, an invite and the invite's task, in one transaction.

    :param conversation_sid: the conversation to hand over; None makes one with ``people`` in it.
    :param people: participants of a new conversation: ``address`` and ``proxy_address``, or ``identity``.
    :raises ContractError: 45353 the conversation has an open channel, 45354 it is closed, 45355 nobody to talk to.
    """
    conversation_sid = await _conversation_without_channel(uow, conversation_sid, people)
    customer = await _customer(uow, conversation_sid, channel_type, routing.attributes)
    # The desktop may derive the interaction's SID from its first task's digits (flex.md, SID prefixes).
    task_sid = uow.new_sid("WT")
    sids = Sids(f"KD{task_sid[2:]}", uow.new_sid("UO"), uow.new_sid("KG"), conversation_sid)
    task = await _create_task(uow, sids, customer, initiated_by, routing, task_sid)
    made = Made(
        sids.interaction_sid,
        sids.channel_sid,
        sids.invite_sid,
        task_sid,
        conversation_sid,
        channel_type,
        {"reservation": None, "properties": task_properties(task, uow)},
        webhook_ttid,
    )
    await _insert(uow, made, sids, customer, initiated_by, interaction_context_sid)
    await facts.interaction_created(
        uow,
        {
            "interaction_sid": made.sid,
            "channel_sid": made.channel_sid,
            "invite_sid": made.invite_sid,
            "task_sid": task_sid,
            "conversation_sid": conversation_sid,
            "channel_type": channel_type,
            "initiated_by": initiated_by,
        },
    )
    return made


async def _conversation_without_channel(
    uow: UnitOfWork, conversation_sid: str | None, people: Sequence[Mapping[str, Any]]
) -> str:
    """Return the conversation to hand over: given and free, or a new one."""
    if conversation_sid is None:
        return await _new_conversation(uow, people)
    found = await conversations.fetch(uow, conversation_sid)
    conversation = await conversations.lock(uow, found.sid)  # who closes it comes before us, or finds our channel
    if conversation.state == "closed":
        raise errors.conversation_closed(conversation_sid)
    open_channel = await store.open_channel_of(uow, conversation.sid)
    if open_channel is not None:
        raise errors.duplicate_channel(conversation.sid, open_channel.sid)
    return str(conversation.sid)


async def _insert(
    uow: UnitOfWork,
    made: Made,
    sids: Sids,
    customer: Customer,
    initiated_by: str,
    interaction_context_sid: str | None,
) -> None:
    interaction = Interaction(
        account_sid=uow.account_sid,
        sid=made.sid,
        initiated_by=initiated_by,
        routing=made.routing,
        interaction_context_sid=interaction_context_sid,
        webhook_ttid=made.webhook_ttid,
        date_created=uow.now,
        date_updated=uow.now,
        channel_sid=made.channel_sid,
        channel_type=made.channel_type,
    )
    channel = Channel(
        account_sid=uow.account_sid,
        sid=made.channel_sid,
        interaction_sid=made.sid,
        conversation_sid=made.conversation_sid,
        type=made.channel_type,
        status="active",
        error_code=None,
        error_message=None,
        customer_address=customer.address,
        customer_name=customer.name,
        parked=False,
        date_created=uow.now,
        date_updated=uow.now,
    )
    await store.insert_interaction(uow, interaction)
    if not await store.insert_channel(uow, channel):
        # Another request made one between our look and our insert; its row is ours to see only now.
        other = await store.open_channel_of(uow, made.conversation_sid)
        raise errors.duplicate_channel(made.conversation_sid, None if other is None else other.sid)
    await conversations.set_hint(uow, made.conversation_sid, parking.OPEN, made.channel_sid)
    await _add_customers(uow, channel)
    await store.insert_invite(uow, _invite(uow, sids, made.task_sid, made.routing))


async def create_inbound(
    uow: UnitOfWork,
    *,
    conversation_sid: str,
    workflow_sid: str,
    task_channel: str,
    attributes: Mapping[str, Any],
    workspace_sid: str | None = None,
    priority: int | None = None,
    timeout: int | None = None,
    channel_type: str | None = None,
) -> Made:
    """Hand a customer's conversation to agents: what a flow's Send to Flex does (studio.md §6.4).

    :param channel_type: of the customer; None takes it from the conversation's participants.
    :param timeout: seconds the task may wait.
    :raises ContractError: as `create`.
    """
    workspace = workspace_sid or (await configuration.fetch(uow)).taskrouter_workspace_sid
    routing = Routing(
        workspace_sid=workspace,
        workflow_sid=workflow_sid,
        task_channel=task_channel,
        attributes=attributes,
        priority=priority,
        timeout=timeout,
    )
    kind = channel_type or await channel_type_of(uow, conversation_sid)
    return await create(
        uow, channel_type=kind, initiated_by="customer", routing=routing, conversation_sid=conversation_sid
    )


async def invite(
    uow: UnitOfWork,
    channel: Channel,
    routing: Routing,
    *,
    auto_accept: bool = False,
    transfer_sid: str | None = None,
) -> Invite:
    """Ask a further agent into a locked channel: a second task on the same interaction (flex.md §1.5).

    A parked channel has an owner again by it.

    :param auto_accept: whether the server accepts in the name of the agent, who asked for the work.
    """
    if channel.status in ("closed", "failed"):
        raise errors.conversation_closed(channel.conversation_sid)
    sids = Sids(channel.interaction_sid, channel.sid, uow.new_sid("KG"), channel.conversation_sid)
    customer = Customer(channel.type, channel.customer_address, channel.customer_name)
    task_sid = uow.new_sid("WT")
    interaction = await store.fetch_interaction(uow, channel.interaction_sid)
    initiated_by = interaction.initiated_by if interaction is not None else "api"
    task = await _create_task(uow, sids, customer, initiated_by, routing, task_sid)
    made = _invite(uow, sids, task_sid, {"reservation": None, "properties": task_properties(task, uow)})
    made = msgspec.structs.replace(made, auto_accept=auto_accept, transfer_sid=transfer_sid)
    await store.insert_invite(uow, made)
    await parking.unpark(uow, channel)
    return made


async def channel_type_of(reader: Reader, conversation_sid: str) -> str:
    """Return the channel type of a conversation's customer: that of its first bound address, else web."""
    for person in await participants.all_of(reader, conversation_sid):
        if person.address is not None:
            return str(person.type)
    return "web"


def task_properties(task: Task, reader: Reader) -> dict[str, Any]:
    """Return a task as the ``routing.properties`` of an answer (flex.md §1.3)."""
    entered = task.task_queue_entered_date
    return {
        "account_sid": task.account_sid,
        "addons": task.addons,
        "age": task.age(reader.now),
        "age_in_queue": task.seconds_in_queue(reader.now),
        "assignmentCounter": task.assignment_count,
        "assignment_status": task.assignment_status,
        "attributes": task.attributes,
        "custom_context": None,
        "date_created": int(task.date_created.timestamp()),
        "date_updated": int(task.date_updated.timestamp()),
        "ignore_capacity": task.ignore_capacity,
        "priority": task.priority,
        "queue_name": task.task_queue_friendly_name,
        "queue_sid": task.task_queue_sid,
        "reason": task.reason or "",
        "required_attention": None,
        "routing_target": task.routing_target,
        "sid": task.sid,
        "task_channel_sid": task.task_channel_sid,
        "task_channel_unique_name": task.task_channel_unique_name,
        "task_queue_entered_date": None if entered is None else int(entered.timestamp()),
        "timeout": task.timeout,
        "twilio_context": None,
        "version": task.version,
        "virtual_start_time": int(task.virtual_start_time.timestamp()),
        "workflow_name": task.workflow_friendly_name,
        "workflow_sid": task.workflow_sid,
        "workspace_sid": task.workspace_sid,
    }


async def _create_task(
    uow: UnitOfWork, sids: Sids, customer: Customer, initiated_by: str, routing: Routing, task_sid: str
) -> Task:
    return await tasks.create(
        uow,
        routing.workspace_sid,
        workflow_sid=routing.workflow_sid,
        attributes=json_text(task_attributes(sids, customer, initiated_by, routing.attributes)),
        priority=routing.priority,
        timeout=routing.timeout or tasks.DEFAULT_TIMEOUT,
        task_channel=routing.task_channel,
        routing_target=routing.target,
        task_queue_sid=routing.queue_sid if routing.worker_sid else None,
        sid=task_sid,
        declined_by=routing.declined_by,
    )


def _invite(uow: UnitOfWork, sids: Sids, task_sid: str, routing: dict[str, Any]) -> Invite:
    return Invite(
        account_sid=uow.account_sid,
        sid=sids.invite_sid,
        interaction_sid=sids.interaction_sid,
        channel_sid=sids.channel_sid,
        task_sid=task_sid,
        status="pending",
        routing=routing,
        date_created=uow.now,
        date_updated=uow.now,
    )


async def _new_conversation(uow: UnitOfWork, people: Sequence[Mapping[str, Any]]) -> str:
    if not people:
        raise errors.no_participants()
    made = await conversations.create(uow)
    for person in people:
        await participants.add(
            uow,
            made.sid,
            identity=person.get("identity"),
            address=person.get("address"),
            proxy_address=person.get("proxy_address"),
        )
    return str(made.sid)


async def _customer(
    reader: Reader, conversation_sid: str, channel_type: str, attributes: Mapping[str, Any]
) -> Customer:
    """Find whom the agents talk to; the caller's attributes may name them otherwise."""
    address = ""
    for person in await participants.all_of(reader, conversation_sid):
        if person.address is not None:
            address = person.address
            break
        address = address or person.identity or ""
    address = str(attributes.get("customerAddress") or address)
    name = str(attributes.get("customerName") or attributes.get("from") or attributes.get("name") or address)
    return Customer(channel_type, address, name)


async def _add_customers(uow: UnitOfWork, channel: Channel) -> None:
    for person in await participants.all_of(uow, channel.conversation_sid):
        await store.insert_participant(
            uow,
            Participant(
                account_sid=uow.account_sid,
                sid=uow.new_sid("UT"),
                interaction_sid=channel.interaction_sid,
                channel_sid=channel.sid,
                type="customer",
                conversation_participant_sid=person.sid,
                identity=person.identity,
                task_sid=None,
                worker_sid=None,
                reservation_sid=None,
                left_at=None,
                date_created=uow.now,
                date_updated=uow.now,
            ),
        )
