"""The envelope of a call: JSON whatever the content type says, and its parameters as a form has them (§9.4)."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from parlour.kit.errors import ContractError
from parlour.kit.wire import json_text
from parlour.rest.errors import invalid_parameter

METHODS: Final = ("GET", "POST")


class Envelope(msgspec.Struct, frozen=True):
    """What a client wants done.

    :ivar url: below ``/v1``, such as ``Workspaces/WS…/Workers/WK…``, or with it, such as ``v1/Interactions/KD…``.
    """

    url: str
    method: str
    token: str
    params: dict[str, Any] = {}


def read_envelope(body: bytes) -> Envelope:
    """Read the body of a call.

    :raises ContractError: 400/20001 names what is wrong.
    """
    try:
        envelope = msgspec.json.decode(body, type=Envelope)
    except msgspec.DecodeError as error:
        raise ContractError(20001, 400, f"The body must be JSON with url, method, params and token: {error}") from error
    if envelope.method.upper() not in METHODS:
        raise invalid_parameter("method", f"'{envelope.method[:64]}' is not one of {', '.join(METHODS)}")
    return envelope


def form_values(params: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return parameters as a form has them: objects as JSON text, null left out."""
    return {name: [_text(value)] for name, value in params.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.replace("\x00", "")
    return json_text(value)
