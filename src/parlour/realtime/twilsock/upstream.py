"""Requests inside frames (realtime-protocol.md §6)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from parlour.kit.errors import ContractError
from parlour.kit.wire import encode_json
from parlour.realtime.twilsock import frames
from parlour.realtime.twilsock.frames import Frame
from parlour.rest.operations import Answer
from parlour.rest.tunnel import Tunnelled


def read(frame: Frame) -> Tunnelled:
    """Read the request of a ``message`` frame. Error: 400/20001, it has none."""
    request = frame.header.get("http_request")
    if not isinstance(request, dict):
        raise ContractError(20001, 400, "A message has an http_request")
    path, method = request.get("path"), request.get("method")
    if not isinstance(path, str) or not isinstance(method, str):
        raise ContractError(20001, 400, "http_request has a path and a method")
    host, params = request.get("host"), _values(request.get("params"))
    headers = {name.lower(): values[-1] for name, values in _values(request.get("headers")).items() if values}
    payload_type = frame.header.get("payload_type")
    if "content-type" not in headers and isinstance(payload_type, str):
        headers["content-type"] = payload_type
    return Tunnelled(
        host=host if isinstance(host, str) else "",
        path=path,
        method=method.upper(),
        query={unquote(name): [unquote(value) for value in values] for name, values in params.items()},
        headers=headers,
        body=b"" if method.upper() == "GET" else frame.payload,
    )


def _values(given: object) -> Mapping[str, list[str]]:
    """Read parameters or headers; a value is a text, a number, or a list of them (native clients)."""
    if not isinstance(given, dict):
        return {}
    found: dict[str, list[str]] = {}
    for name, value in given.items():
        several = value if isinstance(value, list) else [value]
        found[str(name)] = [_text(each) for each in several if each is not None]
    return found


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def answer(frame_id: str, answered: Answer) -> bytes:
    """Make the frame that answers a request; without ``http_status`` clients break (§6)."""
    code = answered.status
    status: dict[str, Any] = {"code": code, "status": HTTPStatus(code).phrase}
    payload = b""
    if answered.body is not None:
        payload = answered.body if isinstance(answered.body, bytes) else encode_json(answered.body)
    headers = {"content-type": answered.media_type} if payload else {}
    header = frames.reply(frame_id, http_status=status, http_headers=headers | dict(answered.headers))
    return frames.build(header, payload)
