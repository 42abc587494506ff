"""A client of the web socket that knows the protocol from its reference, not from the server (§3)."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

REGISTERED = ("twilio.ipmsg.typing_indicator", "twilio.sync.event")
PATIENCE = 15  # seconds


def frame(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """Make a frame."""
    text = json.dumps({**header, "payload_size": len(payload)}, ensure_ascii=False).encode()
    return f"TWILSOCK V3.0 {len(text)}\r\n".encode() + text + b"\r\n" + payload


def opened(data: bytes) -> tuple[dict[str, Any], Any]:
    """Take a frame apart, with lengths in bytes."""
    line, _, rest = data.partition(b"\r\n")
    words = line.split(b" ")
    assert words[:2] == [b"TWILSOCK", b"V3.0"]
    length = int(words[2])
    header = json.loads(rest[:length])
    assert rest[length : length + 2] == b"\r\n"
    payload = rest[length + 2 :][: header["payload_size"]]
    assert len(payload) == header["payload_size"]
    return header, json.loads(payload) if payload else None


class Wire:
    """One socket: what came is kept until somebody asks for it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.came: list[tuple[dict[str, Any], Any]] = []
        self._number = 0
        self._news = asyncio.Event()
        self.ended = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def ask(self, header: dict[str, Any], payload: bytes = b"") -> tuple[dict[str, Any], Any]:
        """Send a frame and return the reply."""
        self._number += 1
        frame_id = f"TM{self._number}"
        await self.connection.send(frame({**header, "id": frame_id}, payload))
        return await self.until(lambda h, _: h["method"] == "reply" and h["id"] == frame_id)

    async def init(self, token: str, types: tuple[str, ...] = REGISTERED, **further: Any) -> dict[str, Any]:
        """Log in and return the header of the reply."""
        registration = {"product": "ip_messaging", "type": "ers", "message_types": list(types)}
        capabilities = ["client_update", "offline_storage", "telemetry.v1"]
        header = {"method": "init", "token": token, "registrations": [registration], "capabilities": capabilities}
        answer, _ = await self.ask({**header, **further})
        return answer

    async def request(
        self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None, **params: Any
    ) -> tuple[int, Any]:
        """Send a request upstream and return its status and body."""
        host, _, path = url.removeprefix("http://").removeprefix("https://").partition("/")
        request = {"host": host, "path": f"/{path}", "method": method, "params": params, "headers": headers or {}}
        payload = b"" if body is None else json.dumps(body).encode()
        header = {"method": "message", "active_grant": "ip_messaging", "payload_type": "application/json"}
        answer, answered = await self.ask({**header, "http_request": request}, payload)
        return answer["http_status"]["code"], answered

    async def aim(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        """Call the client API."""
        return await self.request(method, f"https://aim.us1.twilio.com/Client/v2/{path}", body, **options)

    async def cds(self, path: str, **params: Any) -> tuple[int, Any]:
        """Read a Sync object."""
        return await self.request("GET", f"https://cds.us1.twilio.com/v3/{path}", **params)

    async def subscribe(self, object_type: str, name: str, last_event_id: int | None, version: int = 4) -> str:
        """Subscribe to an object by its unique name and return its SID."""
        _, shown = await self.cds(f"{object_type.capitalize()}s/{name}")
        wanted = {"object_sid": shown["sid"], "object_type": object_type, "last_event_id": last_event_id}
        body = {"event_protocol_version": version, "action": "establish", "correlation_id": 7, "requests": [wanted]}
        status, _ = await self.request("POST", "https://cds.us1.twilio.com/v4/Subscriptions", body)
        assert status == 202
        return str(shown["sid"])

    async def event(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """Wait for a Sync event and return it."""

        def fits(header: dict[str, Any], payload: Any) -> bool:
            if header["method"] != "notification" or payload.get("event_type") != kind:
                return False
            return all(_event(payload).get(name) == value for name, value in wanted.items())

        _, payload = await self.until(fits)
        return _event(payload)

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """Return the Sync events that came so far."""
        payloads = [payload for header, payload in self.came if header["method"] == "notification"]
        return [_event(p) for p in payloads if "event_type" in p and p["event_type"].startswith(kind)]

    async def until(self, fits: Any) -> tuple[dict[str, Any], Any]:
        """Wait for a frame."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = next((each for each in self.came if fits(*each)), None)
                if found is not None:
                    return found
                self._news.clear()
                await self._news.wait()

    async def close(self) -> None:
        """Drop the connection."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self.connection.close()

    async def _read(self) -> None:
        async for data in self.connection:
            assert isinstance(data, bytes), "frames are binary (§3)"
            self.came.append(opened(data))
            self._news.set()
        self.ended.set()


def _event(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the one event of a notification, in either version of the envelope."""
    if payload["event_protocol_version"] == 3:
        assert "events" not in payload
        return dict(payload["event"])
    assert len(payload["events"]) == 1
    return dict(payload["events"][0])


@contextlib.asynccontextmanager
async def wire(url: str, place: str = "/tsock/v3/wsconnect", **options: Any) -> AsyncIterator[Wire]:
    """Open a socket."""
    async with connect(url.replace("http", "ws", 1) + place, max_size=None, compression=None, **options) as connection:
        made = Wire(connection)
        try:
            yield made
        finally:
            await made.close()


@contextlib.asynccontextmanager
async def logged_in(url: str, token: str, **options: Any) -> AsyncIterator[Wire]:
    """Open a socket, log in, and make the user."""
    async with wire(url, **options) as made:
        assert (await made.init(token))["status"]["code"] == 200
        status, _ = await made.aim("GET", "Configuration")
        assert status == 200
        yield made


def narrow_socket(url: str) -> socket.socket:
    """Return a connection to the server that takes few bytes which nobody reads."""
    host, _, port = url.removeprefix("http://").partition(":")
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect((host, int(port)))
    made.setblocking(False)
    return made
