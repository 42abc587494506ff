"""Good calls of Conversations, on the default service and below a service (conversations.md §1.1)."""

import json
from collections.abc import Callable
from typing import Any

from parlour.conversations import receipts
from tests.contract.calls.basics import (
    ATTRIBUTES,
    LATER,
    THEN,
    conversation,
    delete_with_header,
    messaging_service,
    role,
    twice,
)
from tests.contract.calls.content import template
from tests.contract.calls.media import picture
from tests.contract.calls.studio import flow
from tests.contract.inprocess import raw
from tests.contract.world import World


def message(world: World, root: Any) -> Any:
    """Return the context of a new message."""
    talk = conversation(world, root)
    return talk.messages(talk.messages.create(author="ana", body=world.unique("Hello")).sid)


@twice("POST", "/Conversations")
def create_conversation(world: World, root: Any) -> Callable[[], Any]:
    service_sid = messaging_service(world)
    return lambda: root.conversations.create(
        friendly_name=world.unique("Talk"),
        unique_name=world.unique("talk"),
        date_created=world.pick(THEN, LATER),
        date_updated=world.pick(THEN, LATER),
        attributes=world.pick(*ATTRIBUTES),
        state=world.pick("active", "inactive"),
        timers_inactive=world.pick("PT1H", "PT2H"),
        timers_closed=world.pick("P1D", "P2D"),
        messaging_service_sid=service_sid,
        x_twilio_webhook_enabled=world.pick("true", "false"),
    )


@twice("GET", "/Conversations")
def list_conversations(world: World, root: Any) -> Callable[[], Any]:
    for _ in range(3):
        conversation(world, root, state=world.pick("active", "inactive"))
    days = world.pick(("2020-01-01", "2090-01-01"), ("2021-01-01", "2091-01-01"))
    return lambda: root.conversations.list(
        start_date=days[0], end_date=days[1], state=world.pick("active", "inactive", "closed"), limit=3, page_size=1
    )


@twice("GET", "/Conversations/{Sid}")
def fetch_conversation(world: World, root: Any) -> Callable[[], Any]:
    return conversation(world, root).fetch  # type: ignore[no-any-return]


@twice("POST", "/Conversations/{Sid}")
def update_conversation(world: World, root: Any) -> Callable[[], Any]:
    talk = conversation(world, root)
    service_sid = messaging_service(world)
    return lambda: talk.update(
        friendly_name=world.unique("Talk"),
        unique_name=world.unique("talk"),
        date_created=world.pick(THEN, LATER),
        date_updated=world.pick(THEN, LATER),
        attributes=world.pick(*ATTRIBUTES),
        state=world.pick("active", "inactive"),
        timers_inactive=world.pick("PT1H", "PT2H"),
        timers_closed=world.pick("P1D", "P2D"),
        messaging_service_sid=service_sid,
        x_twilio_webhook_enabled=world.pick("true", "false"),
    )


@twice("DELETE", "/Conversations/{Sid}")
def delete_conversation(world: World, root: Any) -> Callable[[], Any]:
    talk = conversation(world, root)
    delete_with_header(world, conversation(world, root))
    return talk.delete  # type: ignore[no-any-return]


@twice("POST", "/Conversations/{ConversationSid}/Participants")
def create_participant(world: World, root: Any) -> Callable[[], Any]:
    talk = conversation(world, root)
    role_sid = role(world, root)
    options = {
        "date_created": world.pick(THEN, LATER),
        "date_updated": world.pick(THEN, LATER),
        "attributes": world.pick(*ATTRIBUTES),
        "x_twilio_webhook_enabled": world.pick("true", "false"),
        "role_sid": role_sid,
    }
    talk.participants.create(
        messaging_binding_address=world.phone(), messaging_binding_proxy_address=world.number(), attributes="{}"
    )
    for _ in range(2):
        conversation(world, root).participants.create(
            identity=world.unique("ana"), messaging_binding_projected_address=world.number()
        )
    return lambda: talk.participants.create(identity=world.unique("bob"), **options)


@twice("GET", "/Conversations/{ConversationSid}/Participants")
def list_participants(world: World, root: Any) -> Callable[[], Any]:
    talk = conversation(world, root)
    for _ in range(3):
        talk.participants.create(identity=world.unique("bob"))
    return lambda: talk.participants.list(limit=3, page_size=1)


def participant(world: World, root: Any) -> Any:
    """Return the context of a new participant."""
    talk = conversation(world, root)
    return talk.participants(talk.participants.create(identity=world.unique("bob")).sid)


@twice("GET", "/Conversations/{ConversationSid}/Participants/{Sid}")
def fetch_participant(world: World, root: Any) -> Callable[[], Any]:
    return participant(world, root).fetch  # type: ignore[no-any-return]


@twice("POST", "/Conversations/{ConversationSid}/Participants/{Sid}")
def update_participant(world: World, root: Any) -> Callable[[], Any]:
    talk = conversation(world, root)
    for _ in range(3):
        talk.messages.create(body="Hello")
    by_text = talk.participants(
        talk.participants.create(
            messaging_binding_address=world.phone(), messaging_binding_proxy_address=world.number()
        ).sid
    )
    by_text.update(messaging_binding_proxy_address=world.number())
    for _ in range(2):
        group = conversation(world, root)
        gateway = group.participants(group.participants.create(messaging_binding_projected_address=world.number()).sid)
        gateway.update(messaging_binding_projected_address=world.number(), identity=world.unique("ana"))
    bob = talk.participants(talk.participants.create(identity=world.unique("bob")).sid)
    role_sid = role(world, root)
    return lambda: bob.update(
        date_created=world.pick(THEN, LATER),
        date_updated=world.pick(THEN, LATER),
        attributes=world.pick(*ATTRIBUTES),
        role_sid=role_sid,
        last_read_message_index=world.pick(0, 1, 2),
        last_read_timestamp=world.pick("2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"),
        x_twilio_webhook_enabled=world.pick("true", "false"),
    )


@twice("DELETE", "/Conversations/{ConversationSid}/Participants/{Sid}")
def delete_participant(world: World, root: Any) -> Callable[[], Any]:
    bob = participant(world, root)
    delete_with_header(world, participant(world, root))
    return bob.delete  # type: ignore[no-any-return]


@twice("POST", "/Conversations/{ConversationSid}/Messages")
def create_message(world: World, root: Any) -> Callable[[], Any]:
    talk = conversation(world, root)
    media_sid = picture(world, talk.fetch().chat_service_sid)["sid"]
    for name in ("Ana", "Ben"):
        variables = json.dumps({"name": name})
        talk.messages.create(content_sid=template(world), content_variables=variables)
    return lambda: talk.messages.create(
        media_sid=media_sid,
        author=world.unique("ana"),
        body=world.unique("Hello"),
        date_created=world.pick(THEN, LATER),
        date_updated=world.pick(THEN, LATER),
        attributes=world.pick(*ATTRIBUTES),
        subject=world.unique("About"),
        x_twilio_webhook_enabled=world.pick("true", "false"),
    )


@twice("GET", "/Conversations/{ConversationSid}/Messages")
def list_messages(world: World, root: Any) -> Callable[[], Any]:
    talk = conversation(world, root)
    for _ in range(3):
        talk.messages.create(body="Hello")
    return lambda: talk.messages.list(order=world.pick("asc", "desc"), limit=3, page_size=1)


@twice("GET", "/Conversations/{ConversationSid}/Messages/{Sid}")
def fetch_message(world: World, root: Any) -> Callable[[], Any]:
    return message(world, root).fetch  # type: ignore[no-any-return]


@twice("POST", "/Conversations/{ConversationSid}/Messages/{Sid}")
def update_message(world: World, root: Any) -> Callable[[], Any]:
    hello = message(world, root)
    return lambda: hello.update(
        author=world.unique("ana"),
        body=world.unique("Hello"),
        date_created=world.pick(THEN, LATER),
        date_updated=world.pick(THEN, LATER),
        attributes=world.pick(*ATTRIBUTES),
        subject=world.unique("About"),
        x_twilio_webhook_enabled=world.pick("true", "false"),
    )


@twice("DELETE", "/Conversations/{ConversationSid}/Messages/{Sid}")
def delete_message(world: World, root: Any) -> Callable[[], Any]:
    hello = message(world, root)
    delete_with_header(world, message(world, root))
    return hello.delete  # type: ignore[no-any-return]


def receipt(world: World, root: Any) -> tuple[Any, str]:
    """Return the context of a message that has receipts, and one of them."""
    talk = conversation(world, root)
    people = [
        talk.participants.create(
            messaging_binding_address=world.phone(), messaging_binding_proxy_address=world.number()
        ).sid
        for _ in range(3)
    ]
    sent = talk.messages.create(author="ana", body="Hello").sid
    world.stage.settle()
    hello = talk.messages(sent)
    known = hello.delivery_receipts.list(limit=1)
    if known:
        return hello, str(known[0].sid)

    def write(number: int) -> Any:
        return world.step(
            lambda uow: receipts.create(
                uow,
                conversation_sid=talk._solution.get("sid") or talk._solution["conversation_sid"],
                message_sid=sent,
                participant_sid=people[number],
                channel_message_sid=uow.new_sid("SM"),
            )
        )

    made = [write(number) for number in range(3)]
    return hello, str(made[0].sid)


@twice("GET", "/Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts")
def list_receipts(world: World, root: Any) -> Callable[[], Any]:
    hello, _ = receipt(world, root)
    return lambda: hello.delivery_receipts.list(limit=3, page_size=1)


@twice("GET", "/Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts/{Sid}")
def fetch_receipt(world: World, root: Any) -> Callable[[], Any]:
    hello, sid = receipt(world, root)
    return lambda: hello.delivery_receipts(sid).fetch()


@twice("GET", "/Conversations/{ConversationSid}/Messages/{MessageSid}/ChannelMetadata")
def fetch_channel_metadata(world: World, root: Any) -> Callable[[], Any]:
    hello = message(world, root)
    path = f"/v1/Conversations/{hello._solution['conversation_sid']}/Messages/{hello._solution['sid']}/ChannelMetadata"
    below = hello._solution.get("chat_service_sid")
    if below is not None:
        path = path.replace("/v1/", f"/v1/Services/{below}/")
    request = raw(world.credentials, "GET", "conversations", path)
    return lambda: world.transport.carry(request)


@twice("POST", "/Conversations/{ConversationSid}/Webhooks")
def create_webhook(world: World, root: Any) -> Callable[[], Any]:
    talk = conversation(world, root)
    talk.webhooks.create(
        target="trigger",
        configuration_url="https://example.com/words",
        configuration_method=world.pick("GET", "POST"),
        configuration_triggers=world.pick(["help"], ["stop"]),
    )
    talk.webhooks.create(target="studio", configuration_flow_sid=flow(world)._solution["sid"])
    return lambda: talk.webhooks.create(
        target="webhook",
        configuration_url=f"https://example.com/{world.unique('hook')}",
        configuration_method=world.pick("GET", "POST"),
        configuration_filters=world.pick(["onMessageAdded"], ["onMessageAdded", "onMessageUpdated"]),
        configuration_replay_after=world.pick(0, 1),
    )


def webhook(world: World, root: Any) -> Any:
    """Return the context of a new scoped webhook."""
    talk = conversation(world, root)
    made = talk.webhooks.create(
        target="webhook",
        configuration_url="https://example.com/hook",
        configuration_method="POST",
        configuration_filters=["onMessageAdded"],
    )
    return talk.webhooks(made.sid)


@twice("GET", "/Conversations/{ConversationSid}/Webhooks")
def list_webhooks(world: World, root: Any) -> Callable[[], Any]:
    talk = conversation(world, root)
    for number in range(3):
        talk.webhooks.create(
            target="webhook",
            configuration_url=f"https://example.com/{number}",
            configuration_filters=["onMessageAdded"],
        )
    return lambda: talk.webhooks.list(limit=3, page_size=1)


@twice("GET", "/Conversations/{ConversationSid}/Webhooks/{Sid}")
def fetch_webhook(world: World, root: Any) -> Callable[[], Any]:
    return webhook(world, root).fetch  # type: ignore[no-any-return]


@twice("POST", "/Conversations/{ConversationSid}/Webhooks/{Sid}")
def update_webhook(world: World, root: Any) -> Callable[[], Any]:
    hook = webhook(world, root)
    talk = conversation(world, root)
    made = talk.webhooks.create(target="studio", configuration_flow_sid=flow(world)._solution["sid"])
    talk.webhooks(made.sid).update(configuration_flow_sid=flow(world)._solution["sid"])
    made = talk.webhooks.create(
        target="trigger", configuration_url="https://example.com/words", configuration_triggers=["go"]
    )
    talk.webhooks(made.sid).update(configuration_triggers=world.pick(["help"], ["stop"]))
    return lambda: hook.update(
        configuration_url=f"https://example.com/{world.unique('hook')}",
        configuration_method=world.pick("GET", "POST"),
        configuration_filters=world.pick(["onMessageAdded"], ["onMessageRemoved"]),
    )


@twice("DELETE", "/Conversations/{ConversationSid}/Webhooks/{Sid}")
def delete_webhook(world: World, root: Any) -> Callable[[], Any]:
    return webhook(world, root).delete  # type: ignore[no-any-return]


@twice("GET", "/ParticipantConversations")
def list_participant_conversations(world: World, root: Any) -> Callable[[], Any]:
    address = world.phone()
    for _ in range(3):
        conversation(world, root).participants.create(identity="bob")
        conversation(world, root).participants.create(
            messaging_binding_address=address, messaging_binding_proxy_address=world.number()
        )
    root.participant_conversations.list(address=address, limit=3, page_size=1)
    name = world.pick("bob", "rob")
    return lambda: root.participant_conversations.list(identity=name, limit=3, page_size=1)


@twice("POST", "/ConversationWithParticipants")
def create_conversation_with_participants(world: World, root: Any) -> Callable[[], Any]:
    people = [json.dumps({"identity": world.unique("bob")}), json.dumps({"identity": world.unique("ana")})]
    service_sid = messaging_service(world)
    return lambda: root.conversation_with_participants.create(
        friendly_name=world.unique("Talk"),
        unique_name=world.unique("talk"),
        date_created=world.pick(THEN, LATER),
        date_updated=world.pick(THEN, LATER),
        attributes=world.pick(*ATTRIBUTES),
        state=world.pick("active", "inactive"),
        timers_inactive=world.pick("PT1H", "PT2H"),
        timers_closed=world.pick("P1D", "P2D"),
        participant=people,
        messaging_service_sid=service_sid,
        x_twilio_webhook_enabled=world.pick("true", "false"),
    )
