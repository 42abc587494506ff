"""Forms of Flex and the JSON inside them (flex.md §1.1-1.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from parlour.flex import errors
from parlour.flex.interactions import INITIATORS, channel_types
from parlour.flex.people import STATUSES, TYPES
from parlour.flex.routing import Routing
from parlour.kit.sids import is_sid
from parlour.kit.wire import decode_json
from parlour.rest.forms import Form, JsonObject, choice
from parlour.store import refs
from parlour.store.unit import Reader

CHANNEL_STATUSES: Final = ("closed", "inactive")
DESKTOP_STATUSES: Final = ("closed", "inactive", "pause", "active")


class CreateInteraction(Form):
    """Parameters of a new interaction."""

    channel: Annotated[str, JsonObject(45366)]
    routing: Annotated[str, JsonObject(45004)] | None = None
    webhook_ttid: str | None = None


class UpdateChannel(Form):
    """Parameters of a channel's update."""

    status: str = ""
    routing: Annotated[str, JsonObject(45004)] | None = None


class CreateInvite(Form):
    """Parameters of a new invite."""

    routing: Annotated[str, JsonObject(45004)]


class UpdateInteraction(Form):
    """Parameters of an interaction's update."""

    webhook_ttid: str | None = None


class CreateParticipant(Form):
    """Parameters of a new participant of a channel."""

    type: Annotated[str, choice(*TYPES, code=45367)]
    media_properties: Annotated[str, JsonObject(45367)]
    routing_properties: Annotated[str, JsonObject(45367)] | None = None


class UpdateParticipant(Form):
    """Parameters of a participant's update."""

    status: Annotated[str, choice(*STATUSES, code=45359)]


class ListForm(Form):
    """A list without filters."""


class PublicConfiguration(Form):
    """Whose public configuration: an account's, or that of a desktop's address."""

    account_sid: str | None = None
    runtime_domain: str | None = None


class GivenChannel(msgspec.Struct):
    """The ``Channel`` of a create request."""

    type: str
    initiated_by: str
    conversation_sid: str | None
    people: tuple[Mapping[str, Any], ...]


async def read_channel(reader: Reader, text: str) -> GivenChannel:
    """Read and check the ``Channel`` of a create request.

    :raises ContractError: 45366 names what is wrong; 45355 nobody to talk to.
    """
    given: dict[str, Any] = decode_json(text)
    properties = given.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    kind = str(given.get("type") or properties.get("type") or "").lower()
    initiated_by = str(given.get("initiated_by", "")).lower()
    if kind not in channel_types():
        raise errors.invalid_channel(f"type must be one of {', '.join(channel_types())}")
    if initiated_by not in INITIATORS:
        raise errors.invalid_channel(f"initiated_by must be one of {', '.join(INITIATORS)}")
    if given.get("sid") is not None:
        raise errors.invalid_channel("sid of an existing channel is not supported here; leave it out")
    conversation_sid = properties.get("media_channel_sid")
    if conversation_sid is None and initiated_by == "customer":
        raise errors.invalid_channel("properties.media_channel_sid is required when the customer begins")
    if conversation_sid is not None:
        if not is_sid(str(conversation_sid), "CH"):
            raise errors.invalid_channel(f"properties.media_channel_sid '{conversation_sid}' is not a SID of CH")
        if not await refs.check(reader, str(conversation_sid)):
            raise errors.invalid_channel(f"properties.media_channel_sid {conversation_sid} was not found")
    if initiated_by == "agent":
        conversation_sid = None
    return GivenChannel(kind, initiated_by, conversation_sid, _people(given.get("participants")))


async def read_routing(reader: Reader, text: str | Mapping[str, Any] | None, *, default_workspace_sid: str) -> Routing:
    """Read and check a ``Routing``; every SID in it must be the account's.

    :param text: JSON, or what it says.
    :raises ContractError: 45004 names what is wrong.
    """
    given: Mapping[str, Any] = decode_json(text) if isinstance(text, str) and text else text or {}
    properties = given.get("properties", {})
    if not isinstance(properties, dict):
        raise errors.invalid_routing("properties must be an object")
    attributes = _attributes(properties.get("attributes"))
    for name, prefix in _SIDS.items():
        await _check_sid(reader, name, properties.get(name), prefix)
    return Routing(
        workspace_sid=properties.get("workspace_sid") or default_workspace_sid,
        workflow_sid=properties.get("workflow_sid"),
        queue_sid=properties.get("queue_sid"),
        worker_sid=properties.get("worker_sid"),
        task_channel=properties.get("task_channel_sid") or properties.get("task_channel_unique_name") or "chat",
        attributes=attributes,
        priority=_number(properties, "priority"),
        timeout=_number(properties, "timeout"),
    )


def _attributes(given: Any) -> dict[str, Any]:
    """Attributes as an object; programs that copy a task's hand them over as the text that it has."""
    if isinstance(given, str) and given:
        try:
            given = decode_json(given.encode())
        except msgspec.DecodeError as error:
            raise errors.invalid_routing(f"properties.attributes is not valid JSON: {error}") from error
    if given is not None and not isinstance(given, dict) and given != "":
        raise errors.invalid_routing("properties.attributes must be an object")
    return given or {}


def routing_status(text: str | None) -> str | None:
    """Return the ``status`` of a channel update's ``Routing``: ``closed``, ``wrapup`` or None."""
    if not text:
        return None
    status = decode_json(text).get("status")
    return None if status is None else {"close": "closed"}.get(str(status), str(status))


class GivenTransfer(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a new transfer; the desktop spells names in camelCase, the answer in snake_case."""

    type: str = ""
    from_sid: str = msgspec.field(name="from", default="")
    to_sid: str = msgspec.field(name="to", default="")
    note_sid: str | None = None
    summary_sid: str | None = None


async def read_transfer(reader: Reader, given: Any) -> GivenTransfer:
    """Read and check the body of a new transfer; every SID in it must be the account's.

    :raises ContractError: 45004 names what is wrong.
    """
    if not isinstance(given, dict):
        raise errors.invalid_value("body", "must be a JSON object")
    plain = {{"note_sid": "noteSid", "summary_sid": "summarySid"}.get(name, name): v for name, v in given.items()}
    try:
        read = msgspec.convert(plain, GivenTransfer)
    except msgspec.ValidationError as error:
        raise errors.invalid_value("body", str(error)) from error
    if read.type.lower() == "external":
        raise errors.invalid_value("type", "external is for calls; a conversation goes to a worker or a queue")
    if read.type.lower() not in ("cold", "warm"):
        raise errors.invalid_value("type", f"'{read.type[:64]}' is not one of cold, warm")
    for name, sid, prefixes in (("from", read.from_sid, ("UT",)), ("to", read.to_sid, ("WK", "WQ", "WW"))):
        if not is_sid(sid, *prefixes) or not await refs.check(reader, sid):
            raise errors.invalid_value(name, f"'{sid[:64]}' was not found among {', '.join(prefixes)}")
    for name, note in (("noteSid", read.note_sid), ("summarySid", read.summary_sid)):
        if note is not None and not is_sid(note, "KQ"):
            raise errors.invalid_value(name, f"'{note[:64]}' is not a SID of KQ")
    return msgspec.structs.replace(read, type=read.type.lower())


@dataclass(frozen=True)
class ChannelUpdate:
    """What becomes of a channel: its new status, and whether its agents' tasks complete or wrap up."""

    status: str
    complete: bool


def read_update(status: str, routing: str | None, *, allowed: Sequence[str] = CHANNEL_STATUSES) -> ChannelUpdate:
    """Read an update of a channel; ``close`` is an old word for ``closed`` (flex.md §1.1).

    :param status: of the channel.
    :param routing: status of its ``Routing``.
    :raises ContractError: 45358, 45359 or 45004 for anything else.
    """
    if not status:
        raise errors.status_missing()
    wanted = {"close": "closed"}.get(status.lower(), status.lower())
    if wanted not in allowed:
        raise errors.status_invalid(status, f"is not one of {', '.join(allowed)}")
    if routing not in (None, "closed", "wrapup"):
        raise errors.invalid_routing(f"status '{routing}' is not one of closed, wrapup")
    if wanted == "inactive" and routing is None:
        raise errors.invalid_routing("status must say closed or wrapup when the channel becomes inactive")
    return ChannelUpdate(wanted, routing == "closed" or wanted == "pause")


_SIDS: Final = {
    "workspace_sid": "WS",
    "workflow_sid": "WW",
    "queue_sid": "WQ",
    "worker_sid": "WK",
    "task_channel_sid": "TC",
}


async def _check_sid(reader: Reader, name: str, value: Any, prefix: str) -> None:
    if value is None:
        return
    if not isinstance(value, str) or not is_sid(value, prefix):
        raise errors.invalid_routing(f"properties.{name} '{value}' is not a SID of {prefix}")
    if not await refs.check(reader, value):
        raise errors.invalid_routing(f"properties.{name} {value} was not found")


def _number(properties: Mapping[str, Any], name: str) -> int | None:
    value = properties.get(name)
    if value is None or value == "":
        return None
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise errors.invalid_routing(f"properties.{name} '{value}' is not a whole number") from error


def _people(value: Any) -> tuple[Mapping[str, Any], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(person, dict) for person in value):
        raise errors.invalid_channel("participants must be a list of objects")
    return tuple(value)
