"""The one route that own orchestration needs: an agent is added to a conversation by the desktop (flex.md §8)."""

from typing import Annotated, Final

from parlour.conversations import conversations, participants, roles
from parlour.conversations.participants import Participant
from parlour.kit.errors import ContractError
from parlour.kit.wire import iso
from parlour.rest.errors import forbidden, not_found
from parlour.rest.forms import Form, Limit
from parlour.rest.operations import ACCOUNT, TOKEN, Answer, Call, Caller, Operations
from parlour.rest.rights import Right, Standing
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import held

ROLES: Final = ("agent", "supervisor", "admin")
ALREADY: Final = 50433  # the conversation's code for an identity that is in it

JOIN: Final = Right("join a conversation whose task one holds, as its agent", Standing.ACCOUNT)

operations = Operations("flex-api")


class AddUser(Form):
    """Who is added."""

    identity: Annotated[str, Limit(max=256)]


@operations.post(
    "/v1/Channels/{ConversationSid}/Roles/{Role}/Users", form=AddUser, callers=ACCOUNT | TOKEN, rights=[JOIN]
)
async def add_user(call: Call, form: AddUser) -> Answer:
    """Add somebody to a conversation with a role of Flex; 409 where they are in it, which desktops take as done."""
    sid, name = call.path["ConversationSid"], call.path["Role"]
    if name not in ROLES:
        raise not_found(name)

    async def work(uow: UnitOfWork) -> Participant:
        await _check(uow, call.caller, form.identity, sid)
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


async def _check(reader: Reader, caller: Caller, identity: str, conversation_sid: str) -> None:
    """Let a token add its own agent, who works on the conversation, or who looks after others.

    :raises ContractError: 403/20403.
    """
    if caller.kind != "token":
        return
    grant = caller.grants.get("task_router")
    grant = grant if isinstance(grant, dict) else {}
    if caller.identity != identity:
        raise forbidden(f"The token is of {caller.identity}, who cannot add {identity}")
    if grant.get("role") in ("supervisor", "admin"):
        return
    if not await held.works_on(reader, str(grant.get("worker_sid")), conversation_sid):
        raise forbidden(f"{identity} holds no task of conversation {conversation_sid}")


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
