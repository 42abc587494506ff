"""A receiver of webhooks with a book of what came, and with the faults that receivers have."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from twilio.request_validator import RequestValidator

from tests.carrier import eventually


@dataclass(frozen=True)
class Heard:
    """A request as it came."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def parameters(self) -> dict[str, str]:
        """Return the form of a POST, the query of a GET."""
        text = self.body.decode() if self.method == "POST" else urlsplit(self.url).query
        return dict(parse_qsl(text, keep_blank_values=True))

    @property
    def event(self) -> str:
        """Return what it tells of."""
        return self.parameters["EventType"]

    def signed_by(self, auth_token: str) -> bool:
        """Say whether the official package takes the signature."""
        form: str | dict[str, str] = self.parameters if self.method == "POST" else {}
        if self.headers.get("content-type") == "application/json":
            form = self.body.decode()
        return bool(RequestValidator(auth_token).validate(self.url, form, self.headers["x-twilio-signature"]))


Fault = Callable[[Heard], int | None]


def healthy(_heard: Heard) -> int:
    """Answer that all is well."""
    return 200


@dataclass
class Receiver:
    """A running receiver.

    :ivar says: gives the body of an answer.
    :ivar content_type: of the answers, none where it is empty.
    :ivar fault: gives the status to answer with; None closes the connection without an answer.
    :ivar answered: the requests that were answered 2xx, the others are in `book` alone.
    """

    url: str
    book: list[Heard] = field(default_factory=list)
    answered: list[Heard] = field(default_factory=list)
    fault: Fault = healthy
    says: Callable[[Heard], bytes] = lambda _heard: b"{}"
    content_type: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    def hang(self, _heard: Heard) -> int:
        """Answer nothing until the receiver is healed."""
        self.released.wait(60)
        return 503

    def dwell(self, _heard: Heard) -> int:
        """Answer that all is well, but not before the receiver is healed."""
        self.released.wait(60)
        return 200

    def heal(self) -> None:
        """Be well from now on."""
        self.fault = healthy
        self.released.set()

    def wait_for(self, event: str, count: int = 1, *, seconds: float = 40) -> list[Heard]:
        """Wait until that many requests of an event were answered."""

        def look() -> list[Heard] | None:
            found = [heard for heard in self.answered if heard.event == event]
            return found if len(found) >= count else None

        return eventually(look, seconds=seconds, what=f"{count} {event}; {[heard.event for heard in self.book]}")

    def bodies(self, event: str, count: int, *, seconds: float = 40) -> list[str]:
        """Wait until that many different bodies of an event were answered, and return each once, in order."""

        def look() -> list[str] | None:
            found = dict.fromkeys(heard.parameters["Body"] for heard in self.answered if heard.event == event)
            return list(found) if len(found) >= count else None

        return eventually(look, seconds=seconds, what=f"{count} bodies of {event}")

    def one(self, event: str) -> Heard:
        """Wait for the first request of an event."""
        return self.wait_for(event)[0]


@contextlib.contextmanager
def running_receiver(host: str = "127.0.0.1") -> Iterator[Receiver]:
    """Receive on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            heard = Heard(self.command, f"{receiver.url}{self.path}", headers, self.rfile.read(length))
            receiver.book.append(heard)
            status = receiver.fault(heard)
            if status is None:
                self.close_connection = True
                return
            if 200 <= status < 300:
                receiver.answered.append(heard)
            body = receiver.says(heard)
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if receiver.content_type:
                    self.send_header("Content-Type", receiver.content_type)
                self.end_headers()
                self.wfile.write(body)

        do_GET = do_POST = _take  # noqa: N815 - names of the base class

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            """Say nothing of callers that left."""

    server = Quiet((host, 0), Handler)
    receiver = Receiver(f"http://{host}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
