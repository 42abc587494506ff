"""A site that flows call: each path answers in its own way, and a book is kept of what came."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body, keep_blank_values=True))


@dataclass
class Site:
    """The running site.

    `pages` gives status, headers and body of a path; `turns`, for `page`, what it says one time after the other.
    """

    url: str
    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    turns: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    book: list[Asked] = field(default_factory=list)
    silence: threading.Event = field(default_factory=threading.Event)

    def page(
        self, path: str, body: Any = "", *, status: int = 200, kind: str = "application/json", **more: str
    ) -> None:
        text = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        headers = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in more.items()}}
        self.pages[path] = (status, headers, text)


@contextlib.contextmanager
def running_site() -> Iterator[Site]:
    """Run a site on a free port until the block ends. `/silent` answers nothing until then."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            site.book.append(Asked(self.command, parts.path, query, headers, body))
            if parts.path == "/silent":
                site.silence.wait(30)
                self.close_connection = True
                return
            turns = site.turns.get(parts.path)
            if turns:
                site.page(parts.path, **(turns.pop(0) if len(turns) > 1 else turns[0]))
            status, more, text = site.pages.get(parts.path, (404, {"Content-Type": "text/plain"}, b"nothing here"))
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                with contextlib.suppress(OSError):
                    self.wfile.write(text)

        do_POST = do_HEAD = do_GET  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Site(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.silence.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
