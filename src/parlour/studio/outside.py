"""What Studio asks of other floors: the only place that calls conversations, flex and channels.

Everything runs in the caller's unit of work. A refusal of another floor is a ContractError.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from parlour.conversations import addresses, bindings, contents, conversations, media, messages, participants, webhooks
from parlour.conversations import errors as conversation_errors
from parlour.conversations.addresses import AutoCreation
from parlour.conversations.files import Stored
from parlour.conversations.inbound import MediaItem
from parlour.flex import configuration, interactions
from parlour.kit.errors import ContractError
from parlour.kit.sids import is_sid
from parlour.kit.wire import iso, json_text, pascal
from parlour.messaging import errors as messaging_errors
from parlour.messaging import orders, render
from parlour.messaging.store import services
from parlour.store.unit import Reader, UnitOfWork
from parlour.studio.context import ConversationFacts, MessageFacts
from parlour.studio.execution import (
    ExecutionState,
    Joined,
    Json,
    ResumeConversation,
    SendMessage,
    SendToFlex,
    StartConversation,
)
from parlour.taskrouter import workflows

WEB_CHAT_ADDRESS = "flex-webchat"
is_media_url = orders.is_media_url
STUDIO_RETRIES = 3  # of Flex's addresses (flex.md §2.1)


class StudioWebhook(msgspec.Struct, frozen=True):
    """A scoped webhook that feeds a flow."""

    sid: str
    flow_sid: str


async def studio_webhooks(reader: Reader, conversation_sid: str) -> list[StudioWebhook]:
    """Return the studio webhooks a conversation has now, one for each flow."""
    flows: dict[str, StudioWebhook] = {}
    for each in await webhooks.list_for(reader, conversation_sid):
        if each.target == "studio" and each.flow_sid:
            flows.setdefault(each.flow_sid, StudioWebhook(each.sid, each.flow_sid))
    return list(flows.values())


async def remove_webhooks(uow: UnitOfWork, conversation_sid: str, flow_sid: str) -> None:
    """Remove the studio webhooks of a flow from a conversation."""
    for each in await webhooks.list_for(uow, conversation_sid):
        if each.target == "studio" and each.flow_sid == flow_sid:
            await webhooks.remove(uow, conversation_sid, each.sid)


async def conversation(reader: Reader, sid: str) -> ConversationFacts:
    """Return what contexts show of a conversation. Errors: 404/20404."""
    row = await conversations.fetch(reader, sid)
    return ConversationFacts(
        sid=row.sid,
        chat_service_sid=row.chat_service_sid,
        messaging_service_sid=row.messaging_service_sid or "",
        attributes=row.attributes,
    )


async def channel_type(reader: Reader, facts: ConversationFacts, author: str) -> str:
    """Return the interaction's channel type for the customer who writes (studio.md §6.4)."""
    found = await participants.find(reader, facts.sid, address=author)
    if found is not None and found.type != bindings.CHAT:
        return str(found.type)
    return "web" if "pre_engagement_data" in facts.attributes else "chat"


async def post(uow: UnitOfWork, command: SendMessage, file: MediaItem | None = None) -> MessageFacts:
    """Post a flow's message into its conversation.

    :param file: what was fetched for it, in the media store already.
    :raises ContractError: those of a message's creation, and of content templates.
    """
    if command.content_sid == "":
        raise conversation_errors.CONTENT_SID_INVALID.error(sid="")
    content = await contents.rendered(uow, command.content_sid, command.content_variables)
    sid, author = command.conversation_sid or "", command.author or "system"
    row = await messages.create(
        uow,
        sid,
        author=author,
        body=command.body or None,
        attributes=command.attributes or "{}",
        media_sids=[] if file is None else [await _keep(uow, sid, author, file)],
        content=content,
        source="API",
        flow=True,
    )
    return MessageFacts(
        sid=row.sid,
        index=row.index,
        author=row.author,
        body=row.body or "",
        attributes=row.attributes,
        source=row.source,
        participant_sid=row.participant_sid or "",
        client_identity=row.client_identity or "",
        date_created=row.date_created,
        media=row.media or (),
    )


async def _keep(uow: UnitOfWork, conversation_sid: str, author: str, file: MediaItem) -> str:
    """Make the row of a fetched file; return its SID."""
    row = await conversations.fetch(uow, conversation_sid)
    stored = Stored(key=file.key, size=file.size, sha256=file.sha256, content_type=file.content_type)
    kept = await media.record(uow, stored, service_sid=row.chat_service_sid, filename=file.filename, author=author)
    return kept.sid


async def text(uow: UnitOfWork, command: SendMessage) -> Json:
    """Send a text from a number or a messaging service of the account; return the Message as the context shows it.

    :raises ContractError: those of a direct order (channels.md §1.4).
    """
    service = is_sid(command.author, "MG")
    order = orders.Order(
        to=command.to,
        sender="" if service else command.author,
        messaging_service_sid=command.author if service else None,
        body=command.body,
        media_urls=[command.media_url] if command.media_url else [],
    )
    if command.content_sid == "":
        raise messaging_errors.bad_content("")
    if command.content_sid is not None:
        order = await orders.filled(uow, order, command.content_sid, command.content_variables)
    orders.check(order)
    row = await orders.place(uow, order)
    shown = render.message(row)
    return {pascal(name): value for name, value in shown.items() if name not in ("subresource_uris", "uri")}


async def enqueue(uow: UnitOfWork, command: SendToFlex) -> Json:
    """Make the interaction with its task; return the widget's context. Errors: those of an interaction's creation."""
    made = await interactions.create_inbound(
        uow,
        conversation_sid=command.conversation_sid,
        workspace_sid=await workflows.workspace_of(uow, command.workflow_sid),
        workflow_sid=command.workflow_sid,
        task_channel=command.task_channel,
        attributes=dict(command.attributes),
        priority=command.priority,
        timeout=command.timeout,
        channel_type=command.channel_type,
    )
    properties: Mapping[str, Any] = made.routing.get("properties") or {}
    return {
        "sid": made.sid,
        "channel": {"type": made.channel_type, "sid": made.channel_sid},
        "routing": made.routing,
        "url": f"https://flex-api.twilio.com/v1/Interactions/{made.sid}",
        "TaskSid": made.task_sid,
        "Attributes": properties.get("attributes"),
        "Age": properties.get("age", 0),
    }


async def join_conversation(uow: UnitOfWork, flow_sid: str, command: StartConversation | ResumeConversation) -> Joined:
    """Make or find the conversation, and have its messages feed the flow. Errors: those of its creation."""
    if isinstance(command, StartConversation):
        row = await _start(uow, command)
    else:
        row = await conversations.fetch(
            uow, command.conversation_sid, chat_service_sid=command.chat_service_sid or None
        )
        if command.attributes:
            row = await conversations.update(uow, row.sid, conversations.Changes(attributes=command.attributes))
    webhook = await webhooks.create(uow, row.sid, target="studio", flow_sid=flow_sid)
    everyone = await participants.all_of(uow, row.sid)
    kinds = [str(each.type) for each in everyone if each.type != bindings.CHAT]
    shown = [_participant(each) for each in everyone]
    return Joined(
        conversation_sid=row.sid,
        webhook_sid=webhook.sid,
        channel_type=kinds[0] if kinds else "chat",
        output={
            "sid": row.sid,
            "friendly_name": row.friendly_name,
            "unique_name": row.unique_name,
            "state": row.state,
            "attributes": row.attributes,
            "chat_service_sid": row.chat_service_sid,
            "messaging_service_sid": row.messaging_service_sid,
            "date_created": iso(row.date_created),
            "date_updated": iso(row.date_updated),
            "participants": shown,
        },
        details={
            "chat_service_sid": row.chat_service_sid,
            "friendly_name": row.friendly_name,
            "participants": shown,
            "webhook_sid": webhook.sid,
        },
    )


async def _start(uow: UnitOfWork, command: StartConversation) -> conversations.Conversation:
    row = await conversations.create(
        uow,
        friendly_name=command.friendly_name or None,
        attributes=command.attributes or "{}",
        chat_service_sid=command.chat_service_sid or None,
        messaging_service_sid=command.messaging_service_sid or None,
        timers_inactive=command.timers_inactive or None,
        timers_closed=command.timers_closed or None,
    )
    for each in command.participants:
        await participants.add(
            uow,
            row.sid,
            identity=each.get("identity") or None,
            address=each.get("messaging_binding_address") or None,
            proxy_address=each.get("messaging_binding_proxy_address") or None,
        )
    return await conversations.fetch(uow, row.sid)


def _participant(row: Any) -> Json:
    return {
        "sid": row.sid,
        "identity": row.identity,
        "attributes": row.attributes,
        "role_sid": row.role_sid,
        "messaging_binding": {"type": row.type, "address": row.address, "proxy_address": row.proxy_address},
    }


async def leave_conversation(uow: UnitOfWork, state: ExecutionState) -> None:
    """Take a flow off the conversation it began or resumed, and close that when the flow is to and agents have it not.

    One that is gone already is left alone (studio.md §2.3.10).
    """
    sid = state.conversation_sid or ""
    try:
        row = await conversations.fetch(uow, sid)
    except ContractError:
        return
    if row.state == "closed":
        return
    if any(each.sid == state.webhook_sid for each in await webhooks.list_for(uow, sid)):
        await webhooks.remove(uow, sid, state.webhook_sid)
    if state.close_on_end and not state.handed_off:
        await conversations.set_state(uow, sid, "closed", reason="API")


async def our_side(reader: Reader, to: str, service_sid: str) -> str:
    """Return our side of a text's pair: the messaging service whose own webhook was called, else the number."""
    service = await services.fetch(reader, service_sid) if service_sid else None
    return to if service is None or service.use_inbound_webhook_on_number else service.sid


async def routing(reader: Reader) -> tuple[str, str]:
    """Return the SIDs of the workflow and the task channel that the default flows use."""
    found = await configuration.fetch(reader)
    return found.taskrouter_target_workflow_sid, "chat"


async def add_web_chat_address(uow: UnitOfWork, flow_sid: str) -> None:
    """Make the default web chat address of a new account (flex.md §2.2)."""
    await addresses.create(
        uow,
        type="chat",
        address=WEB_CHAT_ADDRESS,
        friendly_name="Default web chat address",
        auto_creation=AutoCreation(
            enabled=True, type="studio", studio_flow_sid=flow_sid, studio_retry_count=STUDIO_RETRIES
        ),
    )


def message_facts(snapshot: Mapping[str, Any], sid: str, at: datetime) -> MessageFacts:
    """Read a message from the snapshot of its `message.added/1`."""
    attributes = snapshot.get("attributes") or "{}"
    return MessageFacts(
        sid=sid,
        index=int(snapshot["index"]),
        author=snapshot.get("author") or "",
        body=snapshot.get("body") or "",
        attributes=attributes if isinstance(attributes, str) else json_text(attributes),
        source=snapshot.get("source") or "API",
        participant_sid=snapshot.get("participant_sid") or "",
        client_identity=snapshot.get("client_identity") or "",
        date_created=at,
        media=snapshot.get("media") or (),
    )
