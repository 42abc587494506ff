"""Operations of participants and of the lookup by participant (conversations.md §3)."""

from parlour.conversations import checks, conversations, errors, participant_updates, participants
from parlour.conversations.routes.common import (
    both,
    listing,
    operations,
    origin_of,
    renderer,
    require_change,
    scope_of,
    service_sid,
    sid_token,
)
from parlour.conversations.schemas import (
    CreateParticipant,
    ListParticipantConversations,
    UpdateParticipant,
)
from parlour.conversations.store import participants as store
from parlour.conversations.store.participants import Participant, ParticipantConversation
from parlour.rest.operations import Answer, Call
from parlour.store.unit import Reader, UnitOfWork

LIST = both("/Conversations/{ConversationSid}/Participants")
INSTANCE = both("/Conversations/{ConversationSid}/Participants/{Sid}")


@operations.post(*LIST, form=CreateParticipant)
async def create_participant(call: Call, form: CreateParticipant) -> Answer:
    """Add a participant."""

    async def work(uow: UnitOfWork) -> Participant:
        return await participants.add(
            uow,
            call.path["ConversationSid"],
            identity=form.identity,
            address=form.address,
            proxy_address=form.proxy_address,
            projected_address=form.projected_address,
            attributes=form.attributes or "{}",
            role_sid=form.role_sid or None,
            date_created=checks.date(form.date_created, errors.DATE_CREATED_INVALID),
            date_updated=checks.date(form.date_updated, errors.DATE_UPDATED_INVALID),
            scope=scope_of(call),
            origin=origin_of(call),
        )

    return Answer(201, renderer(call).participant(await call.step(work)))


@operations.get(*LIST)
async def list_participants(call: Call, _form: object) -> Answer:
    """List participants in the order of their making."""
    page = call.page(maximum=100)

    async def work(reader: Reader) -> list[Participant]:
        sid = await conversations.resolve(reader, call.path["ConversationSid"], scope_of(call))
        return await store.page(reader, sid, after=sid_token(page), limit=page.size + 1)

    return listing(call, "participants", await call.read(work), page, renderer(call).participant, lambda row: row.sid)


@operations.get(*INSTANCE)
async def fetch_participant(call: Call, _form: object) -> Answer:
    """Fetch a participant by SID or identity."""

    async def work(reader: Reader) -> Participant:
        sid = await conversations.resolve(reader, call.path["ConversationSid"], scope_of(call))
        return await participants.fetch(reader, sid, call.path["Sid"])

    return Answer(200, renderer(call).participant(await call.read(work)))


@operations.post(*INSTANCE, form=UpdateParticipant)
async def update_participant(call: Call, form: UpdateParticipant) -> Answer:
    """Change a participant."""
    require_change(form)
    changes = participant_updates.Changes(
        attributes=form.attributes,
        role_sid=form.role_sid,
        identity=form.identity,
        proxy_address=form.proxy_address,
        projected_address=form.projected_address,
        last_read_message_index=form.last_read_message_index,
        last_read_timestamp=form.last_read_timestamp,
        date_created=checks.date(form.date_created, errors.DATE_CREATED_INVALID),
        date_updated=checks.date(form.date_updated, errors.DATE_UPDATED_INVALID),
    )
    row = await call.step(
        lambda uow: participant_updates.update(
            uow, call.path["ConversationSid"], call.path["Sid"], changes, scope=scope_of(call), origin=origin_of(call)
        )
    )
    return Answer(200, renderer(call).participant(row))


@operations.delete(*INSTANCE)
async def delete_participant(call: Call, _form: object) -> Answer:
    """Remove a participant."""
    await call.step(
        lambda uow: participants.remove(
            uow,
            call.path["ConversationSid"],
            call.path["Sid"],
            scope=scope_of(call),
            origin=origin_of(call),
            refuse_closed=True,
        )
    )
    return Answer(204)


@operations.get(*both("/ParticipantConversations"), form=ListParticipantConversations)
async def list_participant_conversations(call: Call, form: ListParticipantConversations) -> Answer:
    """List the conversations of an identity or an address."""
    if (form.identity is None) == (form.address is None):
        raise errors.ONE_LOOKUP_PARAMETER.error()
    page = call.page(maximum=50)

    async def work(reader: Reader) -> list[ParticipantConversation]:
        await service_sid(reader, call)
        return await store.conversations_of(
            reader,
            identity=form.identity,
            address=form.address,
            scope=scope_of(call),
            after=page.token,
            limit=page.size + 1,
        )

    rows = await call.read(work)
    return listing(call, "conversations", rows, page, renderer(call).participant_conversation, lambda row: row.sid)
