"""What a flow asks of the other floors, done in the unit of work of its execution (studio.md §2.3)."""

from parlour.kit.errors import ContractError
from parlour.store.unit import UnitOfWork
from parlour.studio import context, outside
from parlour.studio.execution import (
    Enqueued,
    Event,
    ExecutionState,
    Joined,
    Json,
    NotEnqueued,
    NotJoined,
    NotSent,
    ResumeConversation,
    SendMessage,
    SendToFlex,
    Sent,
    StartConversation,
)

Asked = SendMessage | SendToFlex | StartConversation | ResumeConversation


async def perform(uow: UnitOfWork, state: ExecutionState, command: Asked) -> Event:
    """Do it, and answer with what became of it; a refusal of another floor is an answer too."""
    if isinstance(command, SendMessage):
        return await _send(uow, command)
    if isinstance(command, SendToFlex):
        return await _enqueue(uow, state, command)
    return await _join(uow, state, command)


async def _enqueue(uow: UnitOfWork, state: ExecutionState, command: SendToFlex) -> Event:
    try:
        async with uow.attempt():
            output = await outside.enqueue(uow, command)
            await outside.remove_webhooks(uow, command.conversation_sid, state.flow_sid)
    except ContractError as refusal:
        return NotEnqueued(81015, f"{refusal.message} ({refusal.code})")
    return Enqueued(output)


async def _join(uow: UnitOfWork, state: ExecutionState, command: StartConversation | ResumeConversation) -> Event:
    try:
        async with uow.attempt():
            joined: Joined = await outside.join_conversation(uow, state.flow_sid, command)
    except ContractError as refusal:
        return NotJoined(refusal.code, f"{refusal.message} ({refusal.code})")
    return joined


async def _send(uow: UnitOfWork, command: SendMessage) -> Event:
    refused = _refused(command)
    if refused is not None:
        return NotSent(81011, refused)
    try:
        if command.conversation_sid is None:
            text = await outside.text(uow, command)
            return Sent(str(text["Sid"]), text)
        message = await outside.post(uow, command)
    except ContractError as refusal:
        output: Json = {"ErrorCode": refusal.code, "ErrorMessage": refusal.message, "Body": command.body}
        return NotSent(refusal.code, f"{refusal.message} ({refusal.code})", output)
    return Sent(message.sid, context.outbound_payload(uow.account_sid, command.conversation_sid, message))


def _refused(command: SendMessage) -> str | None:
    """Say why a message cannot be sent before it is tried, or None."""
    if command.content_sid:
        return "content templates are not supported by this installation"
    if command.media_url and command.conversation_sid is not None:
        return "media_url is not supported in conversations by this installation"
    return None
