"""Operations of Flex (flex.md §1.1, §3.1)."""

from typing import TypeVar

from parlour.flex import configuration, errors, interactions, lifecycle, orchestration, render, store
from parlour.flex.hooks import service as hooks
from parlour.flex.hooks import store as hook_store
from parlour.flex.schemas import (
    CreateInteraction,
    CreateInvite,
    ListForm,
    UpdateChannel,
    UpdateInteraction,
    read_channel,
    read_routing,
    read_update,
    routing_status,
)
from parlour.flex.store import Channel, Interaction, Invite
from parlour.rest.errors import not_found
from parlour.rest.operations import Answer, Call, Operations
from parlour.store.unit import Reader, UnitOfWork

T = TypeVar("T")

CHANNEL = "/v1/Interactions/{InteractionSid}/Channels/{Sid}"
NO_CONTEXTS = "contexts of interactions (HQ) are not kept here"

operations = Operations("flex-api")


@operations.post(
    "/v1/Interactions",
    form=CreateInteraction,
    refused={"InteractionContextSid": NO_CONTEXTS},
)
async def create_interaction(call: Call, form: CreateInteraction) -> Answer:
    """Make a conversation, new or existing, the agents' work."""

    async def work(uow: UnitOfWork) -> Interaction | None:
        return await make_interaction(uow, form.channel, form.routing, form.webhook_ttid)

    made = await call.step(work)
    return Answer(201, render.interaction(_found(made, "Interaction"), call.urls))


async def make_interaction(
    uow: UnitOfWork, channel_text: str, routing_text: str | None, webhook_ttid: str | None = None
) -> Interaction | None:
    """Make the interaction that a request asks for, and return it.

    :raises ContractError: what the request names is wrong or not the account's.
    """
    workspace_sid = (await configuration.fetch(uow)).taskrouter_workspace_sid
    channel = await read_channel(uow, channel_text)
    routing = await read_routing(uow, routing_text, default_workspace_sid=workspace_sid)
    if channel.initiated_by == "agent" and not (routing.queue_sid and routing.worker_sid):
        raise errors.invalid_routing("queue_sid and worker_sid are required when the agent begins")
    await hooks.check(uow, webhook_ttid)
    made = await interactions.create(
        uow,
        channel_type=channel.type,
        initiated_by=channel.initiated_by,
        routing=routing,
        conversation_sid=channel.conversation_sid,
        people=channel.people,
        webhook_ttid=webhook_ttid or None,
    )
    return await store.fetch_interaction(uow, made.sid)


@operations.post("/v1/Interactions/{Sid}", form=UpdateInteraction)
async def update_interaction(call: Call, form: UpdateInteraction) -> Answer:
    """Change the webhook that hears of an interaction; an empty one ends it."""
    sid = call.path["Sid"]

    async def work(uow: UnitOfWork) -> Interaction | None:
        _found(await store.fetch_interaction(uow, sid), sid)
        if form.webhook_ttid is not None:
            await hooks.check(uow, form.webhook_ttid)
            await hook_store.set_of_interaction(uow, sid, form.webhook_ttid or None)
        return await store.fetch_interaction(uow, sid)

    return Answer(200, render.interaction(_found(await call.step(work), sid), call.urls))


@operations.get("/v1/Interactions/{Sid}")
async def fetch_interaction(call: Call, _form: object) -> Answer:
    """Read an interaction."""
    sid = call.path["Sid"]
    row = await call.read(lambda reader: store.fetch_interaction(reader, sid))
    return Answer(200, render.interaction(_found(row, sid), call.urls))


@operations.get("/v1/Interactions/{InteractionSid}/Channels", form=ListForm)
async def list_channels(call: Call, _form: ListForm) -> Answer:
    """List the channels of an interaction."""
    page = call.page()
    sid = call.path["InteractionSid"]

    async def work(reader: Reader) -> list[Channel]:
        _found(await store.fetch_interaction(reader, sid), sid)
        return await store.list_channels(reader, sid, page.token or "", page.size + 1)

    rows = await call.read(work)
    shown = [render.channel(row, call.urls) for row in rows[: page.size]]
    return call.listing("channels", shown, page, next_token=_next(rows, page.size))


@operations.get(CHANNEL)
async def fetch_channel(call: Call, _form: object) -> Answer:
    """Read a channel."""
    row = await call.read(lambda reader: _channel(reader, call, "Sid"))
    return Answer(200, render.channel(row, call.urls))


@operations.post(CHANNEL, form=UpdateChannel)
async def update_channel(call: Call, form: UpdateChannel) -> Answer:
    """Close a channel, or have its agents leave: with ``Routing`` status ``closed`` they complete, else wrap up."""
    update = read_update(form.status, routing_status(form.routing))

    async def work(uow: UnitOfWork) -> Channel:
        channel = await _channel(uow, call, "Sid")
        if update.status == "closed":
            return await orchestration.close_channel(uow, channel, complete=update.complete)
        await lifecycle.leave_channel(uow, channel, status=update.status, wrap_up=not update.complete, worker_sid=None)
        return await store.lock_channel(uow, channel.sid)

    return Answer(200, render.channel(await call.step(work), call.urls))


@operations.post("/v1/Interactions/{InteractionSid}/Channels/{ChannelSid}/Invites", form=CreateInvite)
async def create_invite(call: Call, form: CreateInvite) -> Answer:
    """Ask a further agent into a channel."""

    async def work(uow: UnitOfWork) -> Invite:
        channel = await _channel(uow, call, "ChannelSid")
        workspace_sid = (await configuration.fetch(uow)).taskrouter_workspace_sid
        routing = await read_routing(uow, form.routing, default_workspace_sid=workspace_sid)
        return await interactions.invite(uow, await store.lock_channel(uow, channel.sid), routing)

    return Answer(201, render.invite(await call.step(work), call.urls))


@operations.get("/v1/Interactions/{InteractionSid}/Channels/{ChannelSid}/Invites", form=ListForm)
async def list_invites(call: Call, _form: ListForm) -> Answer:
    """List the invites of a channel."""
    page = call.page()

    async def work(reader: Reader) -> list[Invite]:
        channel = await _channel(reader, call, "ChannelSid")
        return await store.list_invites(reader, channel.sid, page.token or "", page.size + 1)

    rows = await call.read(work)
    shown = [render.invite(row, call.urls) for row in rows[: page.size]]
    return call.listing("invites", shown, page, next_token=_next(rows, page.size))


async def _channel(reader: Reader, call: Call, name: str) -> Channel:
    row = await store.fetch_channel(reader, call.path["InteractionSid"], call.path[name])
    return _found(row, call.path[name])


def _found(row: T | None, sid: str) -> T:
    if row is None:
        raise not_found(sid)
    return row


def _next(rows: list[Channel] | list[Invite], size: int) -> str | None:
    return rows[size - 1].sid if len(rows) > size else None
