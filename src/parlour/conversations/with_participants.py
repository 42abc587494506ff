"""A conversation together with its first participants, in one unit (conversations.md §3.8)."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from parlour.conversations import errors, group_mms, participants
from parlour.conversations.events import Origin
from parlour.conversations.store.conversations import Conversation
from parlour.kit.wire import decode_json
from parlour.rest.errors import invalid_parameter
from parlour.store.unit import UnitOfWork

PARTICIPANTS_MAX: Final = 10  # per request
_KEYS: Final = frozenset({"identity", "messaging_binding", "attributes", "role_sid"})
_BINDING_KEYS: Final = frozenset({"address", "proxy_address", "projected_address"})


class Wanted(msgspec.Struct, kw_only=True):
    """A participant as the request names it."""

    identity: str | None = None
    address: str | None = None
    proxy_address: str | None = None
    projected_address: str | None = None
    attributes: str = "{}"
    role_sid: str | None = None


def read(texts: Sequence[str]) -> list[Wanted]:
    """Read the `Participant` parameters, JSON objects in snake_case. Errors: 50426 more than ten, 20001 malformed."""
    if len(texts) > PARTICIPANTS_MAX:
        raise errors.TOO_MANY_IN_REQUEST.error(maximum=PARTICIPANTS_MAX)
    return [_read(text) for text in texts]


def _read(text: str) -> Wanted:
    try:
        value = decode_json(text)
    except msgspec.DecodeError as error:
        raise invalid_parameter("Participant", "not valid JSON") from error
    if not isinstance(value, dict):
        raise invalid_parameter("Participant", "must be a JSON object")
    binding = value.get("messaging_binding") or {}
    if not isinstance(binding, dict):
        raise invalid_parameter("Participant", "messaging_binding must be a JSON object")
    unknown = (value.keys() - _KEYS) | (binding.keys() - _BINDING_KEYS)
    if unknown:
        raise invalid_parameter("Participant", f"{', '.join(sorted(unknown))} is not supported here")
    given = {name: value[name] for name in ("identity", "attributes", "role_sid") if value.get(name) is not None}
    given |= {name: binding[name] for name in _BINDING_KEYS if binding.get(name) is not None}
    if not all(isinstance(each, str) for each in given.values()):
        raise invalid_parameter("Participant", "its values must be texts")
    return Wanted(**given)


async def add_all(uow: UnitOfWork, conversation: Conversation, wanted: Sequence[Wanted], origin: Origin) -> None:
    """Add the participants. Errors: as in `participants.add`; then nothing of the conversation is kept."""
    for each in wanted:
        given: dict[str, Any] = msgspec.structs.asdict(each)
        await participants.add(uow, conversation.sid, origin=origin, group_later=True, **given)
    await group_mms.settle(uow, conversation.sid)
