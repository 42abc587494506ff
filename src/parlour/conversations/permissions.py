"""What an SDK user may do: the service role or the role in the conversation grants it (conversations.md §7).

The rights below are the whole table: operations name them, their handlers ask them, and `docs/permissions.md` shows
them. The account's own credentials are not bound by roles.
"""

from collections.abc import Collection
from typing import Final

from parlour.conversations import errors
from parlour.conversations.store import permissions as store
from parlour.conversations.store.participants import Participant
from parlour.conversations.store.users import User
from parlour.rest.rights import Right, Standing
from parlour.store.unit import Reader

JOIN: Final = "joinConversation"

READ_OWN: Final = Right("read one's own list, settings and user", Standing.SERVICE)
READ_USER: Final = Right("read a user", Standing.SERVICE)
EDIT_USER: Final = Right("change a user", Standing.SERVICE, ("editAnyUserInfo",), own=("editOwnUserInfo",))
REGISTER_DEVICE: Final = Right("register and unregister one's own device", Standing.SERVICE)
READ_TEMPLATES: Final = Right("read content templates", Standing.SERVICE)

CREATE_CONVERSATION: Final = Right("create a conversation", Standing.SERVICE, ("createConversation",))
SEE_CONVERSATION: Final = Right("see a conversation", Standing.SEES)
EDIT_NAME: Final = Right("change the names of a conversation", Standing.SEES, ("editConversationName",))
EDIT_ATTRIBUTES: Final = Right(
    "change the attributes of a conversation", Standing.SEES, ("editConversationAttributes",)
)
DELETE_CONVERSATION: Final = Right("delete a conversation", Standing.SEES, ("deleteConversation",))
SET_OWN_VIEW: Final = Right("set one's own read position and notification level", Standing.TAKES_PART)

JOIN_CONVERSATION: Final = Right("join a conversation", Standing.SEES, (JOIN,), maker_needs_none=True)
ADD_PARTICIPANT: Final = Right(
    "add a participant by identity", Standing.SEES, ("addParticipant",), maker_needs_none=True
)
ADD_ADDRESS: Final = Right("add a participant by address", Standing.SEES, ("addNonChatParticipant", "addParticipant"))
READ_PARTICIPANTS: Final = Right("read participants", Standing.READS)
EDIT_PARTICIPANT: Final = Right(
    "change the attributes of a participant",
    Standing.SEES,
    ("editAnyParticipantAttributes",),
    own=("editOwnParticipantAttributes",),
)
REMOVE_PARTICIPANT: Final = Right(
    "remove a participant", Standing.SEES, ("removeParticipant",), own=("leaveConversation",)
)

READ_MESSAGES: Final = Right("read messages and their receipts", Standing.READS)
SEND: Final = Right("send a message", Standing.TAKES_PART, ("sendMessage",))
SEND_MEDIA: Final = Right("send a message with media", Standing.TAKES_PART, ("sendMediaMessage",))
EDIT_BODY: Final = Right("change the body of a message", Standing.SEES, ("editAnyMessage",), own=("editOwnMessage",))
EDIT_MESSAGE_ATTRIBUTES: Final = Right(
    "change the attributes of a message",
    Standing.SEES,
    ("editAnyMessageAttributes",),
    own=("editOwnMessageAttributes",),
)
DELETE_MESSAGE: Final = Right("delete a message", Standing.SEES, ("deleteAnyMessage",), own=("deleteOwnMessage",))
TYPE: Final = Right("tell that one is typing", Standing.TAKES_PART)

UPLOAD_MEDIA: Final = Right("upload media", Standing.SERVICE)
READ_MEDIA: Final = Right("read media of a conversation", Standing.READS)


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


def standing(granted: Collection[str], *, takes_part: bool, leads: bool = False, made: bool = False) -> Standing | None:
    """Return how near a user stands to a conversation; None: it is not for this user (realtime-protocol.md §9).

    :param leads: a supervisor or administrator of the service.
    :param made: the user created the conversation.
    """
    if takes_part:
        return Standing.TAKES_PART
    if leads:
        return Standing.READS
    return Standing.SEES if made or JOIN in granted else None


def require(granted: Collection[str], right: Right, *, own: bool = False, made: bool = False) -> None:
    """Refuse what no permission allows (403/50107)."""
    if not right.allowed(granted, own=own, made=made):
        raise errors.NOT_PERMITTED.error(permission=" or ".join(right.sufficient(own=own)))
