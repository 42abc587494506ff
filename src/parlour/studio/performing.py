"""What a flow asks of the other floors, done in the unit of work of its execution (studio.md §2.3)."""

from parlour.conversations.inbound import MediaItem
from parlour.kit.errors import ContractError
from parlour.store.unit import UnitOfWork
from parlour.studio import context, outside
from parlour.studio.execution import (
    Enqueued,
    Event,
    ExecutionState,
    Joined,
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
        return await send(uow, command)
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


async def send(uow: UnitOfWork, command: SendMessage) -> Sent | NotSent:
    """Send a message; what is refused has written nothing."""
    try:
        if command.conversation_sid is None:
            text = await outside.text(uow, command)
            return Sent(str(text["Sid"]), text)
        message = await outside.post(uow, command)
    except ContractError as refusal:
        return context.not_sent(command, refusal.code, refusal.message)
    return Sent(message.sid, context.outbound_payload(uow.account_sid, command.conversation_sid, message))


async def send_file(uow: UnitOfWork, command: SendMessage, file: MediaItem) -> Sent | NotSent:
    """Send a message with the file that was fetched for it; a refusal undoes the file's row."""
    try:
        async with uow.attempt():
            message = await outside.post(uow, command, file)
    except ContractError as refusal:
        return context.not_sent(command, refusal.code, refusal.message)
    return Sent(message.sid, context.outbound_payload(uow.account_sid, command.conversation_sid or "", message))
