"""Good calls of roles, users and their conversations, on both levels (conversations.md §1.1, §7, §9)."""

from collections.abc import Callable
from typing import Any

from tests.contract.calls.basics import ATTRIBUTES, LATER, THEN, delete_with_header, role, twice
from tests.contract.world import World


@twice("POST", "/Roles")
def create_role(world: World, root: Any) -> Callable[[], Any]:
    kind, permission = world.pick(("conversation", ["sendMessage"]), ("service", ["addParticipant"]))
    return lambda: root.roles.create(friendly_name=world.unique("role"), type=kind, permission=permission)


@twice("GET", "/Roles")
def list_roles(world: World, root: Any) -> Callable[[], Any]:
    return lambda: root.roles.list(limit=3, page_size=1)


@twice("GET", "/Roles/{Sid}")
def fetch_role(world: World, root: Any) -> Callable[[], Any]:
    return root.roles(role(world, root)).fetch  # type: ignore[no-any-return]


@twice("POST", "/Roles/{Sid}")
def update_role(world: World, root: Any) -> Callable[[], Any]:
    known = root.roles(role(world, root))
    return lambda: known.update(permission=world.pick(["sendMessage"], ["leaveConversation"]))


@twice("DELETE", "/Roles/{Sid}")
def delete_role(world: World, root: Any) -> Callable[[], Any]:
    return root.roles(role(world, root)).delete  # type: ignore[no-any-return]


@twice("POST", "/Users")
def create_user(world: World, root: Any) -> Callable[[], Any]:
    role_sid = role(world, root, "service")
    return lambda: root.users.create(
        identity=world.unique("user"),
        friendly_name=world.unique("User"),
        attributes=world.pick(*ATTRIBUTES),
        role_sid=role_sid,
        x_twilio_webhook_enabled=world.pick("true", "false"),
    )


def user(world: World, root: Any) -> Any:
    """Return the context of a new user."""
    return root.users(root.users.create(identity=world.unique("user")).sid)


@twice("GET", "/Users")
def list_users(world: World, root: Any) -> Callable[[], Any]:
    for _ in range(3):
        user(world, root)
    return lambda: root.users.list(limit=3, page_size=1)


@twice("GET", "/Users/{Sid}")
def fetch_user(world: World, root: Any) -> Callable[[], Any]:
    return user(world, root).fetch  # type: ignore[no-any-return]


@twice("POST", "/Users/{Sid}")
def update_user(world: World, root: Any) -> Callable[[], Any]:
    known = user(world, root)
    role_sid = role(world, root, "service")
    return lambda: known.update(
        friendly_name=world.unique("User"),
        attributes=world.pick(*ATTRIBUTES),
        role_sid=role_sid,
        x_twilio_webhook_enabled=world.pick("true", "false"),
    )


@twice("DELETE", "/Users/{Sid}")
def delete_user(world: World, root: Any) -> Callable[[], Any]:
    known = user(world, root)
    delete_with_header(world, user(world, root))
    return known.delete  # type: ignore[no-any-return]


def user_conversation(world: World, root: Any, talks: int = 1) -> tuple[Any, str]:
    """Return the context of a user and a conversation the user is in."""
    name = world.unique("user")
    made = root.users.create(identity=name)
    sids = [str(root.conversations.create(friendly_name="Talk").sid) for _ in range(talks)]
    for sid in sids:
        root.conversations(sid).participants.create(identity=name)
        for _ in range(2):
            root.conversations(sid).messages.create(body="Hello")
    return root.users(made.sid), sids[0]


@twice("GET", "/Users/{UserSid}/Conversations")
def list_user_conversations(world: World, root: Any) -> Callable[[], Any]:
    ana, _ = user_conversation(world, root, talks=3)
    return lambda: ana.user_conversations.list(limit=3, page_size=1)


@twice("GET", "/Users/{UserSid}/Conversations/{ConversationSid}")
def fetch_user_conversation(world: World, root: Any) -> Callable[[], Any]:
    ana, sid = user_conversation(world, root)
    return lambda: ana.user_conversations(sid).fetch()


@twice("POST", "/Users/{UserSid}/Conversations/{ConversationSid}")
def update_user_conversation(world: World, root: Any) -> Callable[[], Any]:
    ana, sid = user_conversation(world, root)
    return lambda: ana.user_conversations(sid).update(
        notification_level=world.pick("default", "muted"),
        last_read_timestamp=world.pick(THEN, LATER),
        last_read_message_index=world.pick(0, 1),
    )


@twice("DELETE", "/Users/{UserSid}/Conversations/{ConversationSid}")
def delete_user_conversation(world: World, root: Any) -> Callable[[], Any]:
    ana, sid = user_conversation(world, root)
    return lambda: ana.user_conversations(sid).delete()
