"""A site of webhooks: pages that answer with TwiML or files, and a book of what was asked."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.carrier import eventually
from tests.webhooks.receiver import Heard

XML = "text/xml"


@dataclass
class Site:
    """A running site.

    :ivar pages: path to status, content type and body; a page that is not there answers 404.
    """

    url: str = ""
    pages: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    book: list[Heard] = field(default_factory=list)

    def says(self, path: str, body: str | bytes, *, kind: str = XML, status: int = 200) -> str:
        """Put a page there, and return its address."""
        self.pages[path] = (status, kind, body.encode() if isinstance(body, str) else body)
        return self.url + path

    def asked(self, path: str, count: int = 1) -> list[Heard]:
        """Wait until a page was asked that often."""

        def look() -> list[Heard]:
            found = [heard for heard in self.book if urlsplit(heard.url).path == path]
            return found if len(found) >= count else []

        return eventually(look, what=f"{count} requests of {path}; {[heard.url for heard in self.book]}")


@contextlib.contextmanager
def running_site() -> Iterator[Site]:
    """Serve on a free port until the block ends."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            site.book.append(Heard(self.command, f"{site.url}{self.path}", headers, self.rfile.read(length)))
            status, kind, body = site.pages.get(urlsplit(self.path).path, (404, "text/plain", b""))
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

        do_GET = do_POST = do_HEAD = _take  # noqa: N815 - names of the base class

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
