"""Good calls of user conversations and of conversations made with participants (conversations.md §3.8, §9)."""

from collections.abc import Callable
from typing import Any

from tests.contract.calls.conversations import ATTRIBUTES, LATER, THEN, conversation, twice
from tests.contract.world import World


@twice("POST", "/ConversationWithParticipants")
def create_conversation_with_participants(world: World, root: Any) -> Callable[[], Any]:
    return lambda: root.conversation_with_participants.create(
        friendly_name=world.unique("Talk"),
        unique_name=world.unique("talk"),
        date_created=world.pick(THEN, LATER),
        date_updated=world.pick(THEN, LATER),
        attributes=world.pick(*ATTRIBUTES),
        state=world.pick("active", "inactive"),
        timers_inactive=world.pick("PT1H", "PT2H"),
        timers_closed=world.pick("P1D", "P2D"),
        participant=[f'{{"identity": "{world.unique("user")}"}}', f'{{"identity": "{world.unique("user")}"}}'],
        x_twilio_webhook_enabled=world.pick("true", "false"),
    )


def joined(world: World, root: Any) -> tuple[Any, str]:
    """Return the context of a user and a conversation in which the user takes part."""
    identity = world.unique("user")
    person = conversation(world, root).participants.create(identity=identity)
    sid = root.users(identity).fetch().sid
    return root.users(sid), str(person.conversation_sid)


@twice("GET", "/Users/{UserSid}/Conversations")
def list_user_conversations(world: World, root: Any) -> Callable[[], Any]:
    user, _ = joined(world, root)
    identity = user.fetch().identity
    for _ in range(2):
        conversation(world, root).participants.create(identity=identity)
    return lambda: user.user_conversations.list(limit=3, page_size=1)


@twice("GET", "/Users/{UserSid}/Conversations/{ConversationSid}")
def fetch_user_conversation(world: World, root: Any) -> Callable[[], Any]:
    user, sid = joined(world, root)
    return user.user_conversations(sid).fetch  # type: ignore[no-any-return]


@twice("POST", "/Users/{UserSid}/Conversations/{ConversationSid}")
def update_user_conversation(world: World, root: Any) -> Callable[[], Any]:
    user, sid = joined(world, root)
    return lambda: user.user_conversations(sid).update(
        notification_level=world.pick("default", "muted"),
        last_read_message_index=world.pick(1, 2),
        last_read_timestamp=world.pick(THEN, LATER),
    )


@twice("DELETE", "/Users/{UserSid}/Conversations/{ConversationSid}")
def delete_user_conversation(world: World, root: Any) -> Callable[[], Any]:
    user, sid = joined(world, root)
    return user.user_conversations(sid).delete  # type: ignore[no-any-return]
