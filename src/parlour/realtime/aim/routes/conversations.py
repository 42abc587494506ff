"""Operations of conversations and of the user's view of them (realtime-protocol.md §7.1-§7.3)."""

from parlour.conversations import conversations, permissions, services, user_conversations
from parlour.conversations.store import changes
from parlour.conversations.store import messages as message_store
from parlour.conversations.store import users as user_store
from parlour.kit.wire import iso_millis
from parlour.realtime.aim import actor, configuration
from parlour.realtime.aim.actor import Place
from parlour.realtime.aim.bodies import UpdateMyConversation, WriteConversation, read, refuse
from parlour.realtime.aim.mutations import mutate
from parlour.realtime.aim.render import BASE, meta
from parlour.realtime.aim.routes.common import CONVERSATION, Body, acting, at, limits, operations, renderer, seen
from parlour.rest.errors import invalid_parameter, missing_parameter
from parlour.rest.operations import TOKEN, Answer, Call
from parlour.store.unit import Reader, UnitOfWork

MINE = f"{BASE}/MyConversations"
CLEARED = "null"
OPEN_TO_ALL = "access for restricted users is not served here"


@operations.get(f"{BASE}/Configuration", callers=TOKEN, rights=[permissions.READ_OWN])
async def fetch_configuration(call: Call, _form: object) -> Answer:
    """Tell a client where everything is; its user is made if it is new."""

    async def work(uow: UnitOfWork) -> Body:
        who = await acting(uow, call)
        service = await services.fetch(uow, who.chat_service_sid)
        return configuration.body(call.urls, service, who.user)

    return Answer(200, await call.step(work))


@operations.get(MINE, callers=TOKEN, rights=[permissions.READ_OWN])
async def list_my_conversations(call: Call, _form: object) -> Answer:
    """List the conversations in which the user takes part."""
    token, size = limits(call, configuration.PAGE)

    async def work(reader: Reader) -> Body:
        who = await actor.find(reader, call.caller)
        rows = await user_store.page_of_conversations(reader, who.user.sid, after=token or "", limit=size + 1)
        shown, render = rows[:size], renderer(call)
        next_token = shown[-1].conversation_sid if len(rows) > size else None
        return {"conversations": [render.own_conversation(row) for row in shown], "meta": meta(next_token)}

    return Answer(200, await call.read(work))


async def _body(reader: Reader, call: Call, place: Place) -> Body:
    """Render a conversation with its counts; unread messages are unknown until the user has read one (§7.2)."""
    messages_count, participants_count = await changes.counts(reader, place.sid)
    index = None if place.participant is None else place.participant.last_read_message_index
    unread = None if index is None else await message_store.count_after(reader, place.sid, index)
    return renderer(call).conversation(
        place.conversation,
        place.participant,
        unread_messages_count=unread,
        messages_count=messages_count,
        participants_count=participants_count,
    )


async def _seen_body(reader: Reader, call: Call) -> Body:
    return await _body(reader, call, await seen(reader, call))


@operations.get(f"{MINE}/{{ConversationSid}}", CONVERSATION, callers=TOKEN, rights=[permissions.SEE_CONVERSATION])
async def fetch_conversation(call: Call, _form: object) -> Answer:
    """Fetch a conversation by SID or unique name, as the user sees it."""
    return Answer(200, await call.read(lambda reader: _seen_body(reader, call)))


@operations.post(f"{MINE}/{{ConversationSid}}", body="json", callers=TOKEN, rights=[permissions.SET_OWN_VIEW])
async def update_my_conversation(call: Call, _form: object) -> Answer:
    """Set the user's read position or notification level."""
    wanted = read(call, UpdateMyConversation)
    index = wanted.last_read_message_index
    if isinstance(index, int) and not 0 <= index < 2**31:
        raise invalid_parameter("last_read_message_index", "a message index, or null")

    async def work(uow: UnitOfWork) -> Answer:
        place = await at(uow, call)
        place.require(permissions.SET_OWN_VIEW)
        moved = index is None or isinstance(index, int)
        if not moved and wanted.notification_level is None:
            raise missing_parameter("last_read_message_index or notification_level")
        await user_conversations.update(
            uow,
            place.actor.user,
            place.sid,
            notification_level=wanted.notification_level,
            last_read_message_index=(CLEARED if index is None else str(index)) if moved else None,
            last_read_timestamp=(CLEARED if index is None else iso_millis(uow.now)) if moved else None,
            origin=place.actor.origin,
        )
        return Answer(200, await _body(uow, call, await at(uow, call)))

    return await mutate(call, work)


@operations.post(f"{BASE}/Conversations", body="json", callers=TOKEN, rights=[permissions.CREATE_CONVERSATION])
async def create_conversation(call: Call, _form: object) -> Answer:
    """Create a conversation; who makes it does not take part yet (§7.3)."""
    wanted = read(call, WriteConversation)
    refuse("access", wanted.access, OPEN_TO_ALL)

    async def work(uow: UnitOfWork) -> Answer:
        who = await acting(uow, call)
        permissions.require(await who.permissions(uow), permissions.CREATE_CONVERSATION)
        row = await conversations.create(
            uow,
            friendly_name=wanted.friendly_name,
            unique_name=wanted.unique_name,
            attributes=wanted.attributes or "{}",
            chat_service_sid=who.chat_service_sid,
            created_by=who.identity,
            origin=who.origin,
        )
        await uow.flush()
        return Answer(201, await _body(uow, call, await actor.place(uow, who, row.sid)))

    return await mutate(call, work)


@operations.post(CONVERSATION, body="json", callers=TOKEN, rights=[permissions.EDIT_NAME, permissions.EDIT_ATTRIBUTES])
async def update_conversation(call: Call, _form: object) -> Answer:
    """Change names or attributes."""
    wanted = read(call, WriteConversation)
    refuse("access", wanted.access, OPEN_TO_ALL)

    async def work(uow: UnitOfWork) -> Answer:
        place = await at(uow, call)
        if wanted.friendly_name is not None or wanted.unique_name is not None:
            place.require(permissions.EDIT_NAME)
        if wanted.attributes is not None:
            place.require(permissions.EDIT_ATTRIBUTES)
        changed = conversations.Changes(
            friendly_name=wanted.friendly_name, unique_name=wanted.unique_name, attributes=wanted.attributes
        )
        await conversations.update(uow, place.sid, changed, origin=place.actor.origin)
        return Answer(200, await _body(uow, call, await at(uow, call)))

    return await mutate(call, work)


@operations.delete(CONVERSATION, callers=TOKEN, rights=[permissions.DELETE_CONVERSATION])
async def delete_conversation(call: Call, _form: object) -> Answer:
    """Delete a conversation."""

    async def work(uow: UnitOfWork) -> Answer:
        place = await at(uow, call)
        place.require(permissions.DELETE_CONVERSATION)
        await conversations.remove(uow, place.sid, origin=place.actor.origin)
        return Answer(204)

    return await mutate(call, work)
