"""Operations of users and of what they see of their conversations (conversations.md §9)."""

from parlour.conversations import user_conversations, users
from parlour.conversations.routes.common import (
    both,
    listing,
    operations,
    origin_of,
    renderer,
    require_change,
    service_sid,
    sid_token,
)
from parlour.conversations.schemas import CreateUser, UpdateUser, UpdateUserConversation
from parlour.conversations.store import users as user_store
from parlour.conversations.store.users import User, UserConversation
from parlour.rest.operations import Answer, Call
from parlour.store.unit import Reader, UnitOfWork


@operations.post(*both("/Users"), form=CreateUser)
async def create_user(call: Call, form: CreateUser) -> Answer:
    """Create a user."""

    async def work(uow: UnitOfWork) -> User:
        return await users.create(
            uow,
            chat_service_sid=await service_sid(uow, call),
            identity=form.identity,
            friendly_name=form.friendly_name,
            attributes=form.attributes or "{}",
            role_sid=form.role_sid or None,
            origin=origin_of(call),
        )

    return Answer(201, renderer(call).user(await call.step(work)))


@operations.get(*both("/Users"))
async def list_users(call: Call, _form: object) -> Answer:
    """List users in the order of their making."""
    page = call.page(maximum=50)

    async def work(reader: Reader) -> list[User]:
        sid = await service_sid(reader, call)
        return await user_store.page(reader, sid, after=sid_token(page), limit=page.size + 1)

    return listing(call, "users", await call.read(work), page, renderer(call).listed_user, lambda row: row.sid)


@operations.get(*both("/Users/{Sid}"))
async def fetch_user(call: Call, _form: object) -> Answer:
    """Fetch a user by SID or identity."""

    async def work(reader: Reader) -> User:
        return await users.fetch(reader, call.path["Sid"], chat_service_sid=await service_sid(reader, call))

    return Answer(200, renderer(call).user(await call.read(work)))


@operations.post(*both("/Users/{Sid}"), form=UpdateUser)
async def update_user(call: Call, form: UpdateUser) -> Answer:
    """Change a user."""
    require_change(form)

    async def work(uow: UnitOfWork) -> User:
        return await users.update(
            uow,
            call.path["Sid"],
            chat_service_sid=await service_sid(uow, call),
            friendly_name=form.friendly_name,
            attributes=form.attributes,
            role_sid=form.role_sid,
            origin=origin_of(call),
        )

    return Answer(200, renderer(call).user(await call.step(work)))


async def _user(reader: Reader, call: Call, name: str = "UserSid") -> User:
    return await users.fetch(reader, call.path[name], chat_service_sid=await service_sid(reader, call))


@operations.delete(*both("/Users/{Sid}"))
async def delete_user(call: Call, _form: object) -> Answer:
    """Delete a user, who leaves every conversation."""

    async def work(uow: UnitOfWork) -> None:
        await user_conversations.remove_user(uow, await _user(uow, call, "Sid"), origin=origin_of(call))

    await call.step(work)
    return Answer(204)


@operations.get(*both("/Users/{UserSid}/Conversations"))
async def list_user_conversations(call: Call, _form: object) -> Answer:
    """List the conversations in which a user takes part."""
    page = call.page(maximum=50)

    async def work(reader: Reader) -> list[UserConversation]:
        user = await _user(reader, call)
        return await user_store.page_of_conversations(reader, user.sid, after=sid_token(page), limit=page.size + 1)

    rows = await call.read(work)
    return listing(
        call, "conversations", rows, page, renderer(call).user_conversation, lambda row: row.conversation_sid
    )


@operations.get(*both("/Users/{UserSid}/Conversations/{ConversationSid}"))
async def fetch_user_conversation(call: Call, _form: object) -> Answer:
    """Fetch a user's view of a conversation."""

    async def work(reader: Reader) -> UserConversation:
        return await user_conversations.fetch(reader, await _user(reader, call), call.path["ConversationSid"])

    return Answer(200, renderer(call).user_conversation(await call.read(work)))


@operations.post(*both("/Users/{UserSid}/Conversations/{ConversationSid}"), form=UpdateUserConversation)
async def update_user_conversation(call: Call, form: UpdateUserConversation) -> Answer:
    """Change a user's view of a conversation."""
    require_change(form)

    async def work(uow: UnitOfWork) -> UserConversation:
        return await user_conversations.update(
            uow,
            await _user(uow, call),
            call.path["ConversationSid"],
            notification_level=form.notification_level,
            last_read_message_index=form.last_read_message_index,
            last_read_timestamp=form.last_read_timestamp,
        )

    return Answer(200, renderer(call).user_conversation(await call.step(work)))


@operations.delete(*both("/Users/{UserSid}/Conversations/{ConversationSid}"))
async def delete_user_conversation(call: Call, _form: object) -> Answer:
    """Let a user leave a conversation."""

    async def work(uow: UnitOfWork) -> None:
        await user_conversations.leave(uow, await _user(uow, call), call.path["ConversationSid"])

    await call.step(work)
    return Answer(204)
