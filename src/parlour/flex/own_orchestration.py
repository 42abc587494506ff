"""The one route that own orchestration needs: an agent is added to a conversation by the desktop (flex.md §8)."""

from typing import Annotated, Final

from parlour.conversations import conversations, participants, roles
from parlour.conversations.participants import Participant
from parlour.kit.errors import ContractError
from parlour.kit.wire import iso
from parlour.rest.errors import forbidden, not_found
from parlour.rest.forms import Form, Limit
from parlour.rest.operations import ACCOUNT, TOKEN, Answer, Call, Operations
from parlour.store.unit import UnitOfWork

ROLES: Final = ("agent", "supervisor", "admin")
ALREADY: Final = 50433  # the conversation's code for an identity that is in it

operations = Operations("flex-api")


class AddUser(Form):
    """Who is added."""

    identity: Annotated[str, Limit(max=256)]


@operations.post("/v1/Channels/{ConversationSid}/Roles/{Role}/Users", form=AddUser, callers=ACCOUNT | TOKEN)
async def add_user(call: Call, form: AddUser) -> Answer:
    """Add somebody to a conversation with a role of Flex; 409 where they are in it, which desktops take as done."""
    sid, name = call.path["ConversationSid"], call.path["Role"]
    if name not in ROLES:
        raise not_found(name)
    if call.caller.kind == "token" and call.caller.identity != form.identity:
        raise forbidden(f"The token is of {call.caller.identity}, who cannot add {form.identity}")

    async def work(uow: UnitOfWork) -> Participant:
        conversation = await conversations.fetch(uow, sid)
        role = await roles.by_name(
            uow, chat_service_sid=conversation.chat_service_sid, friendly_name=name, type="conversation"
        )
        return await participants.add(
            uow,
            conversation.sid,
            identity=form.identity,
            role_sid=None if role is None else role.sid,
            source="SDK",
        )

    try:
        member = await call.step(work)
    except ContractError as error:
        if error.code == ALREADY:
            raise ContractError(ALREADY, 409, error.message) from error
        raise
    return Answer(201, _shown(member))


def _shown(row: Participant) -> dict[str, str | None]:
    """A user of a chat channel, as the legacy contract has it."""
    return {
        "account_sid": row.account_sid,
        "channel_sid": row.conversation_sid,
        "service_sid": row.chat_service_sid,
        "sid": row.sid,
        "identity": row.identity,
        "role_sid": row.role_sid,
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
    }
