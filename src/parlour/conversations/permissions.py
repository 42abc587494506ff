"""What an SDK user may do: the service role or the role in the conversation grants it (conversations.md §7)."""

from collections.abc import Collection

from parlour.conversations import errors
from parlour.conversations.store import permissions as store
from parlour.conversations.store.participants import Participant
from parlour.conversations.store.users import User
from parlour.store.unit import Reader


async def of(
    reader: Reader,
    chat_service_sid: str,
    *,
    user: User | None = None,
    participant: Participant | None = None,
    service_roles: Collection[str] = (),
) -> frozenset[str]:
    """Return the permissions of a user, in a conversation where ``participant`` is given.

    `service_roles`: names of service roles held besides the user's own, as by sign-in to the agent desktop.
    """
    sids = [user.role_sid] if user is not None else []
    if participant is not None and participant.role_sid is not None:
        sids.append(participant.role_sid)
    return await store.permissions(reader, chat_service_sid, sids, sorted(service_roles))


def require(granted: Collection[str], *permissions: str) -> None:
    """Refuse what none of ``permissions`` allows (403/50107)."""
    if not any(permission in granted for permission in permissions):
        raise errors.NOT_PERMITTED.error(permission=" or ".join(permissions))
