"""What Studio does about facts of other floors, and its own timers."""

from typing import Any, Final

from parlour.outbox.facts import Event
from parlour.outbox.reactions import Reactions
from parlour.store.unit import UnitOfWork
from parlour.studio import defaults, driving, executions, flows, outside, retention

reactions = Reactions("studio")

FAILED_DELIVERIES: Final = frozenset({"failed", "undelivered"})


def lane(conversation_sid: str) -> str:
    """Return the lane in which a conversation's events reach its flows, in order."""
    return f"studio:{conversation_sid}"


def _lanes_of_message(event: Event) -> list[str]:
    hooks = event.listeners.get("webhooks") or ()
    return [lane(event.stream)] if any(hook.get("target") == "studio" for hook in hooks) else []


def _lanes_of_closing(event: Event) -> list[str]:
    return [lane(event.stream)] if event.snapshot.get("state_to") == "closed" else []


def _lanes_of_failure(event: Event) -> list[str]:
    return [lane(event.stream)] if event.snapshot.get("status") in FAILED_DELIVERIES else []


def _lanes_of_text_failure(event: Event) -> list[str]:
    outbound = str(event.snapshot.get("direction", "")).startswith("outbound")
    return [f"studio:{event.stream}"] if outbound and event.snapshot.get("status") in FAILED_DELIVERIES else []


@reactions.after("message.added/1", lanes=_lanes_of_message)
async def message_added(uow: UnitOfWork, event: Event) -> None:
    """Feed a message to the flows that listen to its conversation now."""
    message = outside.message_facts(event.snapshot, event.object_sid, event.at)
    for hook in await outside.studio_webhooks(uow, event.stream):
        await executions.receive(uow, hook, event.stream, message)


@reactions.after("conversation.state_updated/1", lanes=_lanes_of_closing)
async def conversation_closed(uow: UnitOfWork, event: Event) -> None:
    """End the executions of a closed conversation."""
    await executions.stop_of_conversation(uow, event.stream, reason="the conversation was closed")


@reactions.after("conversation.removed/1", lanes=lambda event: [lane(event.stream)])
async def conversation_removed(uow: UnitOfWork, event: Event) -> None:
    """End the executions of a removed conversation."""
    await executions.stop_of_conversation(uow, event.stream, reason="the conversation was removed")


@reactions.after("delivery.updated/1", lanes=_lanes_of_failure)
async def delivery_failed(uow: UnitOfWork, event: Event) -> None:
    """Tell a flow that waits for the reply to a message which was never delivered."""
    code = event.snapshot.get("error_code")
    await executions.undelivered(
        uow,
        str(event.snapshot.get("message_sid")),
        code=code if isinstance(code, int) else 81011,
        message=f"the message was not delivered ({event.snapshot.get('status')})",
    )


@reactions.after("carrier_message.updated/1", lanes=_lanes_of_text_failure)
async def text_failed(uow: UnitOfWork, event: Event) -> None:
    """Tell a flow that waits for the reply to a text which was never delivered."""
    code = event.snapshot.get("error_code")
    await executions.undelivered(
        uow,
        event.object_sid,
        code=code if isinstance(code, int) else 81011,
        message=f"the text was not delivered ({event.snapshot.get('status')})",
    )


@reactions.step(executions.START_STEP)
async def start_execution(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Run an execution that REST started."""
    await executions.begin(uow, payload["sid"])


@reactions.step(driving.WAIT_STEP)
async def wait_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """End a wait for a reply."""
    await executions.time_out(uow, payload["sid"], payload["step_sid"])


@reactions.step(driving.EXPIRE_STEP)
async def execution_expired(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """End an execution after 30 days."""
    await executions.expire(uow, payload["sid"])


@reactions.step(retention.SWEEP_STEP)
async def sweep(uow: UnitOfWork, _payload: dict[str, Any]) -> None:
    """Remove executions that ended long ago."""
    await retention.sweep(uow)


@reactions.inside("account.created/1")
async def account_created(uow: UnitOfWork, _event: Event) -> None:
    """Give a new account its default flows (studio.md §7)."""
    workflow_sid, task_channel = await outside.routing(uow)
    await defaults.provision(uow, workflow_sid=workflow_sid, task_channel=task_channel)
    chat_flow = await flows.by_name(uow, defaults.CHAT_FLOW)
    if chat_flow is not None:
        await outside.add_web_chat_address(uow, chat_flow.sid)
    retention.begin(uow)
