"""The official SDK's transport into a RestApp of this process, and the raw requests that bad-input cells send."""

import asyncio
import base64
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from twilio.http import HttpClient
from twilio.http.response import Response

from parlour.accounts.service import Credentials
from parlour.rest.app import RestApp

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
SID: Final = re.compile(r"\b([A-Z]{2})[0-9a-f]{32}\b")
PATIENCE: Final = 60.0  # seconds for one call


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    :ivar query: pairs of the query string.
    :ivar form: pairs of the body where it is a form.
    :ivar body: the body where it is no form.
    """

    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None

    def with_form(self, name: str, value: str | None) -> "Request":
        """Return the request with a parameter set, or taken away (None)."""
        sent = self.query if self.method == "GET" else self.form
        kept = tuple(pair for pair in sent if pair[0] != name)
        changed = kept if value is None else (*kept, (name, value))
        if self.method == "GET":
            return replace(self, query=changed)
        return replace(self, form=changed).with_header("Content-Type", FORM)

    def with_header(self, name: str, value: str) -> "Request":
        """Return the request with a header set."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))

    def content(self) -> bytes:
        """Return the body as bytes."""
        return urlencode(self.form).encode() if self.body is None else self.body


@dataclass(frozen=True)
class Reply:
    """What came back; ``body`` is JSON where it is JSON."""

    status: int
    body: Any
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


async def send(app: RestApp, request: Request) -> Reply:
    """Send a request into the application."""
    content = request.content()
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in request.headers]
    headers += [(b"host", request.host.encode()), (b"content-length", str(len(content)).encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "https",
        "path": unquote(request.path),
        "raw_path": request.path.encode(),
        "query_string": urlencode(request.query).encode(),
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 443),
    }
    parts: list[bytes] = []
    statuses: list[int] = []
    given: dict[str, str] = {}
    waiting = [content]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": waiting.pop() if waiting else b"", "more_body": False}

    async def answer(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
            given.update((name.decode(), value.decode("latin-1")) for name, value in message["headers"])
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, answer)
    whole = b"".join(parts)
    return Reply(statuses[0], _json(whole), whole, given)


class Held(Exception):
    """A request that was kept back."""

    def __init__(self, request: Request) -> None:
        super().__init__(request.path)
        self.request = request


class Transport(HttpClient):  # type: ignore[misc] # the library says no types
    """Carries the official client's requests into the application, from any thread.

    :ivar last: the last request.
    :ivar extra: a parameter that is added to each request.
    :ivar hold: keep the next request back, by raising it.
    :ivar seen: a SID of each prefix that an answer had.
    """

    def __init__(self, app: RestApp, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.getLogger("parlour.tests"), is_async=False)
        self._app = app
        self._loop = loop
        self.last: Request | None = None
        self.reply: Reply | None = None
        self.extra: Mapping[str, str] = {}
        self.hold = False
        self.seen: dict[str, str] = {}

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Send one request of the official client."""
        parts = urlsplit(url)
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = basic(*auth)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True)) + _pairs(params)
        is_json = sent.get("Content-Type") == JSON
        form: tuple[tuple[str, str], ...] = () if is_json else _pairs(data)
        if form:
            sent["Content-Type"] = FORM
        body = json.dumps(data).encode() if is_json else None
        host = parts.hostname or ""
        return self.carry(Request(method, host, parts.path, query, form, tuple(sent.items()), body))

    def carry(self, request: Request) -> Response:
        """Send a request and remember it, its answer and the SIDs in it.

        :raises Held: where the request is to be kept back.
        """
        for name, value in self.extra.items():
            request = request.with_form(name, value)
        if self.hold:
            raise Held(request)
        self.last = request
        self.reply = asyncio.run_coroutine_threadsafe(send(self._app, request), self._loop).result(PATIENCE)
        text = self.reply.content.decode("utf-8", "replace")
        for found in SID.finditer(text):
            self.seen[found.group(1)] = found.group(0)
        return Response(self.reply.status, text, {})


def basic(user: str, password: str) -> str:
    """Return the header of HTTP Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def raw(credentials: Credentials, method: str, product: str, path: str, **form: str) -> Request:
    """Return a request that no official SDK makes."""
    headers = [("Authorization", basic(credentials.account_sid, credentials.auth_token))]
    if form:
        headers.append(("Content-Type", FORM))
    return Request(method, f"{product}.twilio.com", path, form=tuple(form.items()), headers=tuple(headers))


def _pairs(values: Mapping[str, object] | None) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for name, value in (values or {}).items():
        several = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, str(item)) for item in several if item is not None]
    return tuple(pairs)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None
