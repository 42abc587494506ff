"""The event bridge without a client: single calls and raw sockets."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from websockets.sync.client import ClientConnection, connect

PATH = "/event-bridge/v1/wschannels"


@dataclass
class Answered:
    """An HTTP answer; ``body`` is None where there is none."""

    status: int
    body: Any
    headers: dict[str, str]


def post(
    base: str,
    token: str,
    url: str,
    params: dict[str, Any] | None = None,
    *,
    method: str = "POST",
    path: str = PATH,
    body: bytes | None = None,
    **headers: str,
) -> Answered:
    """Make one call through the proxy; header names are given with ``_`` for ``-``."""
    envelope = {"url": url, "method": method, "params": params or {}, "token": token}
    return request(base + path, "POST", body or json.dumps(envelope).encode(), **headers)


def get(base: str, token: str, url: str, params: dict[str, Any] | None = None, **options: Any) -> Answered:
    """Make one reading call through the proxy."""
    return post(base, token, url, params, method="GET", **options)


def request(url: str, method: str, body: bytes | None = None, **headers: str) -> Answered:
    """Make one HTTP request."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    made = urllib.request.Request(url, body, names, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(made, timeout=30) as answer:  # noqa: S310
            return Answered(answer.status, _json(answer.read()), _lower(answer.headers))
    except urllib.error.HTTPError as error:
        with error:
            return Answered(error.code, _json(error.read()), _lower(error.headers))


def socket(base: str, token: str, *, path: str = PATH, **query: str) -> ClientConnection:
    """Return a raw socket, for a `with` block."""
    asked = "".join(f"&{name}={value}" for name, value in query.items())
    return connect(f"{base.replace('http', 'ws', 1)}{path}?token={token}{asked}", ping_interval=None, close_timeout=2)


def next_event(raw: ClientConnection, seconds: float = 40) -> dict[str, Any]:
    """Return the next frame that is no heartbeat."""
    while True:
        text = raw.recv(seconds)
        if isinstance(text, str) and text.strip():
            found: dict[str, Any] = json.loads(text)
            return found


def _json(body: bytes) -> Any:
    return json.loads(body) if body else None


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
