"""Operations of messages and their receipts (conversations.md §4)."""

from parlour.conversations import checks, contents, conversations, errors, messages, receipts
from parlour.conversations.routes.common import (
    both,
    index_token,
    listing,
    operations,
    origin_of,
    renderer,
    require_change,
    scope_of,
    sid_token,
)
from parlour.conversations.schemas import CreateMessage, ListMessages, UpdateMessage
from parlour.conversations.store import messages as store
from parlour.conversations.store.messages import Message, Receipt
from parlour.rest.errors import envelope
from parlour.rest.operations import Answer, Call
from parlour.store.unit import Reader, UnitOfWork

LIST = both("/Conversations/{ConversationSid}/Messages")
INSTANCE = both("/Conversations/{ConversationSid}/Messages/{Sid}")
RECEIPTS = both("/Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts")
RECEIPT = both("/Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts/{Sid}")
METADATA = both("/Conversations/{ConversationSid}/Messages/{MessageSid}/ChannelMetadata")


@operations.post(*LIST, form=CreateMessage)
async def create_message(call: Call, form: CreateMessage) -> Answer:
    """Post a message."""
    content = None
    if form.content_sid or form.content_variables:
        content = await call.read(lambda reader: contents.rendered(reader, form.content_sid, form.content_variables))

    async def work(uow: UnitOfWork) -> Message:
        return await messages.create(
            uow,
            call.path["ConversationSid"],
            author=form.author or "system",
            body=form.body,
            attributes=form.attributes or "{}",
            subject=form.subject,
            media_sids=form.media_sid,
            webhooks=origin_of(call).webhooks,
            date_created=checks.date(form.date_created, errors.DATE_CREATED_INVALID),
            date_updated=checks.date(form.date_updated, errors.DATE_UPDATED_INVALID),
            scope=scope_of(call),
            alone=True,
            content=content,
        )

    return Answer(201, renderer(call).message(await call.step(work)))


@operations.get(*LIST, form=ListMessages)
async def list_messages(call: Call, form: ListMessages) -> Answer:
    """List messages by index; a page token is an index (conversations.md §1.5)."""
    page = call.page(maximum=100)
    after = index_token(page)

    async def work(reader: Reader) -> list[Message]:
        sid = await conversations.resolve(reader, call.path["ConversationSid"], scope_of(call))
        return await store.page(reader, sid, descending=form.order == "desc", after=after, limit=page.size + 1)

    return listing(call, "messages", await call.read(work), page, renderer(call).message, lambda row: str(row.index))


async def _fetch(reader: Reader, call: Call, name: str) -> Message:
    sid = await conversations.resolve(reader, call.path["ConversationSid"], scope_of(call))
    return await messages.fetch(reader, sid, call.path[name])


@operations.get(*INSTANCE)
async def fetch_message(call: Call, _form: object) -> Answer:
    """Fetch a message."""
    return Answer(200, renderer(call).message(await call.read(lambda reader: _fetch(reader, call, "Sid"))))


@operations.post(*INSTANCE, form=UpdateMessage)
async def update_message(call: Call, form: UpdateMessage) -> Answer:
    """Edit a message."""
    require_change(form)
    changes = messages.Changes(
        author=form.author,
        body=form.body,
        attributes=form.attributes,
        subject=form.subject,
        date_created=checks.date(form.date_created, errors.DATE_CREATED_INVALID),
        date_updated=checks.date(form.date_updated, errors.DATE_UPDATED_INVALID),
    )
    row = await call.step(
        lambda uow: messages.update(
            uow, call.path["ConversationSid"], call.path["Sid"], changes, scope=scope_of(call), origin=origin_of(call)
        )
    )
    return Answer(200, renderer(call).message(row))


@operations.delete(*INSTANCE)
async def delete_message(call: Call, _form: object) -> Answer:
    """Delete a message."""
    await call.step(
        lambda uow: messages.remove(
            uow, call.path["ConversationSid"], call.path["Sid"], scope=scope_of(call), origin=origin_of(call)
        )
    )
    return Answer(204)


@operations.get(*RECEIPTS)
async def list_receipts(call: Call, _form: object) -> Answer:
    """List the delivery receipts of a message."""
    page = call.page(maximum=50)

    async def work(reader: Reader) -> list[Receipt]:
        message = await _fetch(reader, call, "MessageSid")
        return await store.page_of_receipts(reader, message.sid, after=sid_token(page), limit=page.size + 1)

    return listing(call, "delivery_receipts", await call.read(work), page, renderer(call).receipt, lambda row: row.sid)


@operations.get(*RECEIPT)
async def fetch_receipt(call: Call, _form: object) -> Answer:
    """Fetch a delivery receipt."""

    async def work(reader: Reader) -> Receipt:
        message = await _fetch(reader, call, "MessageSid")
        return await receipts.fetch(reader, message.sid, call.path["Sid"])

    return Answer(200, renderer(call).receipt(await call.read(work)))


@operations.get(*METADATA)
async def fetch_channel_metadata(call: Call, _form: object) -> Answer:
    """Answer that a message has no channel metadata, as clients expect it (conversations.md §1.1)."""
    await call.read(lambda reader: _fetch(reader, call, "MessageSid"))
    return Answer(404, envelope(errors.NO_CHANNEL_METADATA.error()))
