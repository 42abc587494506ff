"""The flows of a new account: Messaging Flow, Chat Flow and Demo Flow (studio.md §7)."""

from typing import Any, Final

from parlour.store.unit import UnitOfWork
from parlour.studio import flows

MESSAGING_FLOW: Final = "Messaging Flow"
CHAT_FLOW: Final = "Chat Flow"
DEMO_FLOW: Final = "Demo Flow"

LEGACY_ATTRIBUTES: Final = (
    '{"name": "{{trigger.message.ChannelAttributes.from}}", '
    '"channelType": "{{trigger.message.ChannelAttributes.channel_type}}", '
    '"channelSid": "{{trigger.message.ChannelSid}}"}'
)
CHAT_ATTRIBUTES: Final = '{"from": "{{trigger.conversation.ChannelAttributes.pre_engagement_data.friendlyName}}"}'
DEMO_QUESTION: Final = "Welcome to the Parlour demo. What is it about? Answer 1 for sales or 2 for support."
DEMO_THANKS: Final = "Thank you. Somebody from {{flow.variables.topic}} will be with you in a moment."

Definition = dict[str, Any]


async def provision(uow: UnitOfWork, *, workflow_sid: str, task_channel: str) -> None:
    """Make the default flows of the unit's account, published.

    `workflow_sid`: the workflow "Assign to Anyone"; `task_channel`: SID or unique name of the chat task channel.
    """
    for name, definition in (
        (MESSAGING_FLOW, messaging_flow(workflow_sid, task_channel)),
        (CHAT_FLOW, chat_flow(workflow_sid, task_channel)),
        (DEMO_FLOW, demo_flow(workflow_sid, task_channel)),
    ):
        await flows.create(uow, friendly_name=name, status="published", definition=definition)


def messaging_flow(workflow_sid: str, task_channel: str) -> Definition:
    """Return the flow of SMS, WhatsApp and Messenger addresses: each message goes to Flex at once."""
    return _straight_to_flex("Bot flow for creating a Flex messaging task", workflow_sid, task_channel, "{}")


def chat_flow(workflow_sid: str, task_channel: str) -> Definition:
    """Return the flow of the web chat address."""
    description = "Bot flow for creating a Flex webchat task"
    return _straight_to_flex(description, workflow_sid, task_channel, CHAT_ATTRIBUTES)


def demo_flow(workflow_sid: str, task_channel: str) -> Definition:
    """Return a flow that greets, asks, waits, sets a variable, splits and sends to Flex."""
    answer = "{{widgets.ask_topic.inbound.Body}}"
    topic = "{{flow.variables.topic}}"
    return _flow(
        "Greets the customer, asks what it is about and sends the conversation to an agent",
        {"incomingConversationMessage": "greet"},
        [
            _widget("greet", "send-message", (30, 180), {"sent": "ask_topic", "failed": "send_to_agent"}, {
                "from": "Parlour", "body": "Hello! This is an automatic greeting.",
            }),
            _widget("ask_topic", "send-and-wait-for-reply", (30, 400), {
                "incomingMessage": "check_answer", "timeout": "send_to_agent", "deliveryFailure": "send_to_agent",
            }, {"from": "Parlour", "body": DEMO_QUESTION, "timeout": "3600"}),
            _split("check_answer", (30, 620), answer, "set_other", [
                ("If value matches_any_of 1, sales", "matches_any_of", "1, sales", "set_sales"),
                ("If value matches_any_of 2, support", "matches_any_of", "2, support", "set_support"),
            ]),
            *(_set(f"set_{name}", (30 + 320 * place, 840), value) for place, (name, value) in enumerate(
                (("sales", "sales"), ("support", "support"), ("other", "our team")))),
            _widget("thank", "send-message", (30, 1060), {"sent": "send_to_agent", "failed": "send_to_agent"}, {
                "from": "Parlour", "body": DEMO_THANKS,
            }),
            _to_flex("send_to_agent", (30, 1280), workflow_sid, task_channel, f'{{"topic": "{topic}"}}'),
        ],
    )  # fmt: skip


def _straight_to_flex(description: str, workflow_sid: str, task_channel: str, attributes: str) -> Definition:
    return _flow(
        description,
        {"incomingMessage": "SendMessageToAgent", "incomingConversationMessage": "SendConversationToAgent"},
        [
            _to_flex("SendMessageToAgent", (30, 180), workflow_sid, task_channel, LEGACY_ATTRIBUTES),
            _to_flex("SendConversationToAgent", (380, 180), workflow_sid, task_channel, attributes),
        ],
    )


def _flow(description: str, wired: dict[str, str], states: list[Definition]) -> Definition:
    events = ("incomingMessage", "incomingCall", "incomingConversationMessage", "incomingRequest", "incomingParent")
    exits = {event: wired.get(event) for event in events}
    return {
        "description": description,
        "states": [_widget("Trigger", "trigger", (0, -10), exits, {}), *states],
        "initial_state": "Trigger",
        "flags": {"allow_concurrent_calls": True},
    }


def _widget(
    name: str, kind: str, place: tuple[int, int], exits: dict[str, Any], properties: dict[str, Any]
) -> Definition:
    transitions = [{"next": target, "event": event} if target else {"event": event} for event, target in exits.items()]
    offset = {"x": place[0], "y": place[1]}
    return {"name": name, "type": kind, "transitions": transitions, "properties": {"offset": offset, **properties}}


def _to_flex(name: str, place: tuple[int, int], workflow_sid: str, task_channel: str, attributes: str) -> Definition:
    exits = {"callComplete": None, "failedToEnqueue": None, "callFailure": None}
    properties = {"workflow": workflow_sid, "channel": task_channel, "attributes": attributes}
    return _widget(name, "send-to-flex", place, exits, properties)


def _set(name: str, place: tuple[int, int], value: str) -> Definition:
    variables = [{"value": value, "key": "topic"}]
    return _widget(name, "set-variables", place, {"next": "thank"}, {"variables": variables})


def _split(
    name: str, place: tuple[int, int], subject: str, otherwise: str, branches: list[tuple[str, str, str, str]]
) -> Definition:
    state = _widget(name, "split-based-on", place, {"noMatch": otherwise}, {"input": subject})
    for friendly_name, kind, value, target in branches:
        condition = {"friendly_name": friendly_name, "arguments": [subject], "type": kind, "value": value}
        state["transitions"].append({"next": target, "event": "match", "conditions": [condition]})
    return state
