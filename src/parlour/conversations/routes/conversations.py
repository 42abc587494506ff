"""Operations of conversations (conversations.md §2)."""

from datetime import datetime, timedelta

from parlour.conversations import checks, conversations, errors, with_participants
from parlour.conversations.routes.common import (
    both,
    listing,
    operations,
    origin_of,
    renderer,
    require_change,
    scope_of,
    service_sid,
)
from parlour.conversations.schemas import (
    REFUSED_BINDINGS,
    CreateConversationWithParticipants,
    ListConversations,
    WriteConversation,
)
from parlour.conversations.store import conversations as store
from parlour.conversations.store.conversations import Conversation
from parlour.kit.wire import parse_iso
from parlour.rest.errors import invalid_parameter
from parlour.rest.operations import Answer, Call
from parlour.store.unit import Reader, UnitOfWork


@operations.post(*both("/Conversations"), form=WriteConversation, refused=REFUSED_BINDINGS)
async def create_conversation(call: Call, form: WriteConversation) -> Answer:
    """Create a conversation."""

    row = await call.step(lambda uow: _create(uow, call, form))
    return Answer(201, renderer(call).conversation(row))


async def _create(uow: UnitOfWork, call: Call, form: WriteConversation) -> Conversation:
    return await conversations.create(
        uow,
        friendly_name=form.friendly_name,
        unique_name=form.unique_name,
        attributes=form.attributes or "{}",
        chat_service_sid=call.path.get("ChatServiceSid"),
        messaging_service_sid=form.messaging_service_sid,
        state="active" if form.state is None else form.state,
        timers_inactive=form.timers_inactive,
        timers_closed=form.timers_closed,
        date_created=checks.date(form.date_created, errors.DATE_CREATED_INVALID),
        date_updated=checks.date(form.date_updated, errors.DATE_UPDATED_INVALID),
        origin=origin_of(call),
    )


@operations.post(
    *both("/ConversationWithParticipants"), form=CreateConversationWithParticipants, refused=REFUSED_BINDINGS
)
async def create_conversation_with_participants(call: Call, form: CreateConversationWithParticipants) -> Answer:
    """Create a conversation and its first participants; 202 with participants, 201 without (§1.6)."""
    wanted = with_participants.read(form.participant)

    async def work(uow: UnitOfWork) -> Conversation:
        row = await _create(uow, call, form)
        await with_participants.add_all(uow, row, wanted, origin_of(call))
        return row

    return Answer(202 if wanted else 201, renderer(call).conversation(await call.step(work), export=False))


def _after_end(text: str | None) -> datetime | None:
    """Return the instant after an inclusive `EndDate`: a day is meant whole, a second whole. Error: 20001."""
    if not text:
        return None
    try:
        end = parse_iso(text)
    except ValueError as error:
        raise invalid_parameter("EndDate", f"'{text[:64]}' is not an ISO 8601 date") from error
    return end + (timedelta(days=1) if len(text.strip()) == len("2026-01-31") else timedelta(seconds=1))


@operations.get(*both("/Conversations"), form=ListConversations)
async def list_conversations(call: Call, form: ListConversations) -> Answer:
    """List conversations, newest first."""
    page = call.page(maximum=100)

    async def work(reader: Reader) -> list[Conversation]:
        await service_sid(reader, call)
        return await store.page(
            reader,
            scope=scope_of(call),
            start=form.start_date,
            end=_after_end(form.end_date),
            state=form.state,
            after=page.token,
            limit=page.size + 1,
        )

    return listing(call, "conversations", await call.read(work), page, renderer(call).conversation, lambda row: row.sid)


@operations.get(*both("/Conversations/{Sid}"))
async def fetch_conversation(call: Call, _form: object) -> Answer:
    """Fetch a conversation by SID or unique name."""
    row = await call.read(lambda reader: conversations.fetch(reader, call.path["Sid"], scope=scope_of(call)))
    return Answer(200, renderer(call).conversation(row))


@operations.post(*both("/Conversations/{Sid}"), form=WriteConversation, refused=REFUSED_BINDINGS)
async def update_conversation(call: Call, form: WriteConversation) -> Answer:
    """Change a conversation."""
    require_change(form)
    changes = conversations.Changes(
        friendly_name=form.friendly_name,
        unique_name=form.unique_name,
        attributes=form.attributes,
        messaging_service_sid=form.messaging_service_sid,
        state=form.state,
        timers_inactive=form.timers_inactive,
        timers_closed=form.timers_closed,
        date_created=checks.date(form.date_created, errors.DATE_CREATED_INVALID),
        date_updated=checks.date(form.date_updated, errors.DATE_UPDATED_INVALID),
    )
    row = await call.step(
        lambda uow: conversations.update(uow, call.path["Sid"], changes, scope=scope_of(call), origin=origin_of(call))
    )
    return Answer(200, renderer(call).conversation(row))


@operations.delete(*both("/Conversations/{Sid}"))
async def delete_conversation(call: Call, _form: object) -> Answer:
    """Delete a conversation."""
    await call.step(
        lambda uow: conversations.remove(uow, call.path["Sid"], scope=scope_of(call), origin=origin_of(call))
    )
    return Answer(204)
