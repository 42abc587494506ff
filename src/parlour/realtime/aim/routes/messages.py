"""Operations of messages, their receipts, and typing (realtime-protocol.md §7.5, §10)."""

from parlour.conversations import contents, errors, messages, permissions
from parlour.conversations.store import messages as store
from parlour.realtime.aim import configuration
from parlour.realtime.aim.bodies import CreateMessage, UpdateMessage, read
from parlour.realtime.aim.mutations import mutate
from parlour.realtime.aim.render import meta
from parlour.realtime.aim.routes.common import CONVERSATION, Body, at, limits, operations, renderer, seen
from parlour.rest.errors import invalid_parameter, missing_parameter
from parlour.rest.operations import TOKEN, Answer, Call
from parlour.store.unit import Reader, UnitOfWork

MESSAGE = f"{CONVERSATION}/Messages/{{Sid}}"


@operations.post(
    f"{CONVERSATION}/Messages", body="json", callers=TOKEN, rights=[permissions.SEND, permissions.SEND_MEDIA]
)
async def create_message(call: Call, _form: object) -> Answer:
    """Send a message."""
    wanted = read(call, CreateMessage)
    content = await call.read(lambda reader: contents.rendered(reader, wanted.content_sid, wanted.content_variables))
    if len(wanted.media_sids) > configuration.ATTACHMENTS:
        raise invalid_parameter("media_sids", f"at most {configuration.ATTACHMENTS}")

    async def work(uow: UnitOfWork) -> Answer:
        place = await at(uow, call)
        place.require(permissions.SEND)
        if wanted.media_sids:
            place.require(permissions.SEND_MEDIA)
        who = place.actor
        row = await messages.create(
            uow,
            place.sid,
            author=who.identity,
            body=wanted.body,
            attributes=wanted.attributes or "{}",
            subject=wanted.subject,
            media_sids=wanted.media_sids,
            source=who.origin.source,
            client_identity=who.identity,
            content=content,
        )
        return Answer(201, renderer(call).message(row))

    return await mutate(call, work)


@operations.get(MESSAGE, callers=TOKEN, rights=[permissions.READ_MESSAGES])
async def fetch_message(call: Call, _form: object) -> Answer:
    """Fetch a message."""

    async def work(reader: Reader) -> Body:
        place = await seen(reader, call, permissions.READ_MESSAGES)
        return renderer(call).message(await messages.fetch(reader, place.sid, call.path["Sid"]))

    return Answer(200, await call.read(work))


@operations.post(
    MESSAGE, body="json", callers=TOKEN, rights=[permissions.EDIT_BODY, permissions.EDIT_MESSAGE_ATTRIBUTES]
)
async def update_message(call: Call, _form: object) -> Answer:
    """Change the body or the attributes of a message."""
    wanted = read(call, UpdateMessage)
    if wanted.body is None and wanted.attributes is None:
        raise missing_parameter("body or attributes")

    async def work(uow: UnitOfWork) -> Answer:
        place = await at(uow, call)
        row = await messages.fetch(uow, place.sid, call.path["Sid"])
        own = row.author == place.actor.identity
        if wanted.body is not None:
            place.require(permissions.EDIT_BODY, own=own)
        if wanted.attributes is not None:
            place.require(permissions.EDIT_MESSAGE_ATTRIBUTES, own=own)
        changed = messages.Changes(body=wanted.body, attributes=wanted.attributes)
        row = await messages.update(uow, place.sid, row.sid, changed, origin=place.actor.origin)
        return Answer(200, renderer(call).message(row))

    return await mutate(call, work)


@operations.delete(MESSAGE, callers=TOKEN, rights=[permissions.DELETE_MESSAGE])
async def delete_message(call: Call, _form: object) -> Answer:
    """Delete a message."""

    async def work(uow: UnitOfWork) -> Answer:
        place = await at(uow, call)
        row = await messages.fetch(uow, place.sid, call.path["Sid"])
        own = row.author == place.actor.identity
        place.require(permissions.DELETE_MESSAGE, own=own)
        await messages.remove(uow, place.sid, row.sid, origin=place.actor.origin)
        return Answer(204)

    return await mutate(call, work)


@operations.get(f"{MESSAGE}/Receipts", callers=TOKEN, rights=[permissions.READ_MESSAGES])
async def list_receipts(call: Call, _form: object) -> Answer:
    """List the delivery receipts of a message."""
    token, size = limits(call, 50)

    async def work(reader: Reader) -> Body:
        place = await seen(reader, call, permissions.READ_MESSAGES)
        message = await messages.fetch(reader, place.sid, call.path["Sid"])
        rows = await store.page_of_receipts(reader, message.sid, after=token or "", limit=size + 1)
        next_token = rows[size - 1].sid if len(rows) > size else None
        return {"delivery_receipts": [renderer(call).receipt(row) for row in rows[:size]], "meta": meta(next_token)}

    return Answer(200, await call.read(work))


@operations.get(f"{MESSAGE}/ChannelMetadata", callers=TOKEN, rights=[permissions.READ_MESSAGES])
async def fetch_channel_metadata(call: Call, _form: object) -> Answer:
    """Answer that a message has no channel metadata. Error: 404/50530."""

    async def work(reader: Reader) -> None:
        place = await seen(reader, call, permissions.READ_MESSAGES)
        await messages.fetch(reader, place.sid, call.path["Sid"])

    await call.read(work)
    raise errors.NO_CHANNEL_METADATA.error()


@operations.get(f"{CONVERSATION}/MessageRecipients", callers=TOKEN, rights=[permissions.READ_MESSAGES])
async def list_message_recipients(call: Call, _form: object) -> Answer:
    """List the recipients of email messages; there is no email here, so there are none."""
    await call.read(lambda reader: seen(reader, call, permissions.READ_MESSAGES))
    return Answer(200, {"message_recipients": [], "meta": meta(None)})
