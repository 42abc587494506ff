"""JSON bodies of the client API (realtime-protocol.md §7)."""

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from parlour.rest.errors import ContractError, invalid_parameter
from parlour.rest.operations import Call

T = TypeVar("T", bound=msgspec.Struct)


class WriteConversation(msgspec.Struct):
    """A conversation to make or to change; an empty unique name clears it."""

    friendly_name: str | None = None
    unique_name: str | None = None
    attributes: str | None = None
    access: str | None = None


class MessagingBinding(msgspec.Struct):
    """An address behind a proxy."""

    address: str | None = None
    proxy_address: str | None = None
    name: str | None = None
    level: str | None = None


class CreateParticipant(msgspec.Struct):
    """A participant to add, by identity or by binding."""

    identity: str | None = None
    attributes: str | None = None
    messaging_binding: MessagingBinding | None = None


class UpdateParticipant(msgspec.Struct):
    """What changes of a participant."""

    attributes: str | None = None


class CreateMessage(msgspec.Struct):
    """A message to send."""

    body: str | None = None
    attributes: str | None = None
    subject: str | None = None
    media_sids: list[str] = msgspec.field(default_factory=list)
    content_sid: str | None = None
    content_variables: str | None = None


class UpdateMessage(msgspec.Struct):
    """What changes of a message."""

    body: str | None = None
    attributes: str | None = None


class UpdateMyConversation(msgspec.Struct):
    """What changes of a user's view; a null read index clears it."""

    last_read_message_index: int | UnsetType | None = UNSET
    notification_level: str | None = None


class UpdateUser(msgspec.Struct):
    """What changes of a user."""

    friendly_name: str | None = None
    attributes: str | None = None


def read(call: Call, kind: type[T]) -> T:
    """Read a body. Error: 400/20001, naming what is wrong."""
    try:
        return msgspec.json.decode(call.body or b"{}", type=kind)
    except msgspec.DecodeError as error:
        raise ContractError(20001, 400, f"The body is not valid JSON for this: {error}") from error


def refuse(name: str, value: Any, reason: str) -> None:
    """Refuse a value that has no meaning here, by its name (400/20001)."""
    if value:
        raise invalid_parameter(name, f"this is not supported here ({reason})")
