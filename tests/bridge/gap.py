"""A proxy before the event bridge that keeps a client's last list back while something happens on the server."""

import contextlib
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal

from tests.bridge.wire import PATH

PATIENCE: Final = 14  # seconds; the client gives up after 15
Held = Literal["request", "answer"]


@dataclass
class Gap:
    """What happens once between a client's list of reservations and its list of activities.

    :ivar act: is called when the list of reservations was handed to the client, with the SIDs in it.
    :ivar held: what of the list of activities is kept back until then.
    """

    act: Callable[[set[str]], None]
    held: Held
    done: threading.Event = field(default_factory=threading.Event)


@dataclass
class Proxy:
    """The running proxy.

    :ivar gaps: by token, for the next start-up of the client that has it.
    """

    server: str
    url: str = ""
    gaps: dict[str, Gap] = field(default_factory=dict)


def _forward(proxy: Proxy, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    request = urllib.request.Request(proxy.server + PATH, body, headers, method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            called: dict[str, Any] = json.loads(body)
            names = {name: self.headers[name] for name in ("apiVersion", "clientVersion", "content-type")}
            gap = proxy.gaps.get(called["token"])
            activities = called["url"].endswith("/Activities")
            reservations = called["method"] == "GET" and called["url"].endswith("/Reservations")
            if gap and activities and gap.held == "request":
                gap.done.wait(PATIENCE)
            status, answer = _forward(proxy, body, names)
            if gap and activities and gap.held == "answer":
                gap.done.wait(PATIENCE)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            self.wfile.flush()
            if gap and reservations:
                gap.act({each["sid"] for each in json.loads(answer)["payload"]["contents"]})
                del proxy.gaps[called["token"]]
                gap.done.set()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base class
            """Say nothing."""

    return Handler


@contextlib.contextmanager
def proxied(server: str) -> Iterator[Proxy]:
    """Run the proxy until the block ends."""
    proxy = Proxy(server)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    http.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        http.shutdown()
        thread.join(10)
        http.server_close()
