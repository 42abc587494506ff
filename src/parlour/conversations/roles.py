"""Roles: what SDK users may do; the account's own credentials are not bound by them (conversations.md §7)."""

from collections.abc import Sequence
from typing import Final

from parlour.conversations import checks, errors
from parlour.conversations.store import services as store
from parlour.conversations.store.services import Role
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork

__all__ = ["Role", "by_name", "check", "create", "fetch", "remove", "update"]

# Known to public clients in both types (conversations.md §7.1).
_COMMON: Final = frozenset(
    {
        "addNonChatParticipant",
        "editNotificationLevel",
        "editAnyParticipantAttributes",
        "editOwnParticipantAttributes",
    }
)
PERMISSIONS: Final = {
    "service": _COMMON
    | {
        "addParticipant",
        "createConversation",
        "deleteAnyMessage",
        "deleteConversation",
        "editAnyMessage",
        "editAnyMessageAttributes",
        "editAnyUserInfo",
        "editConversationAttributes",
        "editConversationName",
        "editOwnMessage",
        "editOwnMessageAttributes",
        "editOwnUserInfo",
        "joinConversation",
        "removeParticipant",
    },
    "conversation": _COMMON
    | {
        "addParticipant",
        "deleteAnyMessage",
        "deleteOwnMessage",
        "deleteConversation",
        "editAnyMessage",
        "editAnyMessageAttributes",
        "editAnyUserInfo",
        "editConversationAttributes",
        "editConversationName",
        "editOwnMessage",
        "editOwnMessageAttributes",
        "editOwnUserInfo",
        "leaveConversation",
        "removeParticipant",
        "sendMediaMessage",
        "sendMessage",
    },
}

# The last two of the user's and those of the administrator which the reference has no table for are the choice of
# docs/decisions/permissions.md.
_CHANNEL_USER: Final = (
    "sendMessage",
    "sendMediaMessage",
    "leaveConversation",
    "editOwnMessage",
    "editOwnMessageAttributes",
    "deleteOwnMessage",
    "editOwnUserInfo",
    "editNotificationLevel",
    "editOwnParticipantAttributes",
)
_AGENT: Final = (
    "editConversationAttributes",
    "sendMessage",
    "sendMediaMessage",
    "leaveConversation",
    "editOwnMessage",
    "editOwnMessageAttributes",
    "deleteOwnMessage",
)
_LEAD: Final = (*_AGENT, "editAnyMessage", "editAnyMessageAttributes", "deleteAnyMessage")

# (friendly name, type): permissions. The first table every service has, the second is added for Flex (§7.2).
PLAIN_ROLES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("service admin", "service"): (
        "addNonChatParticipant",
        "addParticipant",
        "createConversation",
        "deleteAnyMessage",
        "deleteConversation",
        "editAnyMessage",
        "editAnyMessageAttributes",
        "editAnyParticipantAttributes",
        "editAnyUserInfo",
        "editConversationAttributes",
        "editConversationName",
        "joinConversation",
        "removeParticipant",
    ),
    ("service user", "service"): ("createConversation", "joinConversation", "editOwnUserInfo"),
    ("channel admin", "conversation"): (
        *_CHANNEL_USER,
        "addParticipant",
        "addNonChatParticipant",
        "removeParticipant",
        "editAnyParticipantAttributes",
        "editConversationName",
        "editConversationAttributes",
        "deleteConversation",
        "editAnyMessage",
        "editAnyMessageAttributes",
        "deleteAnyMessage",
    ),
    ("channel user", "conversation"): _CHANNEL_USER,
}
FLEX_ROLES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("admin", "service"): (
        "joinConversation",
        "deleteConversation",
        "addParticipant",
        "removeParticipant",
        "editConversationAttributes",
        "editOwnUserInfo",
        "editAnyUserInfo",
    ),
    ("supervisor", "service"): ("joinConversation", "addParticipant", "removeParticipant", "editOwnUserInfo"),
    ("guest", "conversation"): ("sendMessage", "sendMediaMessage", "leaveConversation"),
    ("agent", "conversation"): _AGENT,
    ("admin", "conversation"): _LEAD,
    ("supervisor", "conversation"): _LEAD,
}


PROVISIONED: Final = PLAIN_ROLES | FLEX_ROLES


def _check_permissions(permissions: Sequence[str], role_type: str) -> list[str]:
    known = PERMISSIONS[role_type]
    for permission in permissions:
        if permission not in known:
            raise errors.PERMISSION_NOT_FOUND.error(permission=permission, type=role_type)
    return list(dict.fromkeys(permissions))


async def create(
    uow: UnitOfWork,
    *,
    chat_service_sid: str,
    friendly_name: str,
    type: str,  # noqa: A002 - the contract's word
    permissions: Sequence[str],
) -> Role:
    """Create a role of type `conversation` or `service`.

    Errors: 50105 type, 50104 a permission is unknown for the type, 20001 the name is empty or over 64 characters.
    """
    role_type = type.lower()
    if role_type not in PERMISSIONS:
        raise errors.ROLE_TYPE_INVALID.error(type=type)
    if not friendly_name:
        raise errors.FRIENDLY_NAME_MISSING.error()
    if len(friendly_name) > checks.ROLE_NAME_MAX:
        raise errors.FRIENDLY_NAME_TOO_LONG.error(maximum=checks.ROLE_NAME_MAX)
    row = Role(
        account_sid=uow.account_sid,
        sid=uow.new_sid("RL"),
        chat_service_sid=chat_service_sid,
        friendly_name=friendly_name,
        type=role_type,
        permissions=_check_permissions(permissions, role_type),
        date_created=uow.now,
        date_updated=uow.now,
    )
    await store.insert_role(uow, row)
    return row


async def by_name(reader: Reader, *, chat_service_sid: str, friendly_name: str, type: str) -> Role | None:  # noqa: A002
    """Return the oldest role of a service with a name and type, None if there is none."""
    return await store.role_by_name(reader, chat_service_sid, friendly_name, type)


async def fetch(reader: Reader, sid: str, *, chat_service_sid: str) -> Role:
    """Return a role of a service. Error: 404/20404."""
    row = await store.fetch_role(reader, chat_service_sid, sid)
    if row is None:
        raise not_found(sid)
    return row


async def check(
    reader: Reader,
    *,
    chat_service_sid: str,
    sid: str,
    type: str,  # noqa: A002 - the contract's word
    name: str = "RoleSid",
) -> Role:
    """Return the role that the parameter `name` has. Errors: 50102 or 50109, it is no role of that service and type."""
    row = await store.fetch_role(reader, chat_service_sid, sid)
    if row is None or row.type != type:
        condition = errors.SERVICE_ROLE_NOT_FOUND if type == "service" else errors.CONVERSATION_ROLE_NOT_FOUND
        raise condition.error(sid=sid, name=name)
    return row


async def update(uow: UnitOfWork, sid: str, *, chat_service_sid: str, permissions: Sequence[str]) -> Role:
    """Replace all permissions of a role. Errors: 404/20404, 50104."""
    row = await store.lock_role(uow, chat_service_sid, sid)
    if row is None:
        raise not_found(sid)
    row.permissions = _check_permissions(permissions, row.type)
    row.date_updated = uow.now
    await store.update_role(uow, row)
    return row


async def remove(uow: UnitOfWork, sid: str, *, chat_service_sid: str) -> None:
    """Delete a role. Errors: 404/20404; 409/20409 somebody has it or it is a default of the service."""
    if await store.lock_role(uow, chat_service_sid, sid) is None:
        raise not_found(sid)
    if await store.role_in_use(uow, sid):
        raise errors.ROLE_IN_USE.error(sid=sid)
    await store.delete_role(uow, sid)
