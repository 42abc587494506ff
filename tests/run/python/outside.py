"""What is outside of a back end: telephones, the calendar, people in browsers, and the web server of its webhooks."""

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import requests

T = TypeVar("T")
E = TypeVar("E", bound=Exception)


def until(look: Callable[[], T], what: str = "", seconds: float = 30) -> T:
    """Look until something is there."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < end, f"not seen in {seconds} s: {what}"
        time.sleep(0.03)  # noqa: TID251 - others are at work


def refusal(kind: type[E], call: Callable[[], object]) -> E:
    """Return how a call is refused."""
    try:
        call()
    except kind as refused:
        return refused
    raise AssertionError("it was not refused")


class Outside:
    """Telephones of customers, and a calendar whose pages can be turned."""

    def __init__(self, url: str) -> None:
        self._url = url

    def phone(self, kind: str = "") -> str:
        """Return the number of a telephone that nobody used before, or of one with `whatsapp` on it."""
        return str(self._post("phone", kind=kind)["number"])

    def text(self, number: str, to: str, body: str, picture: str = "") -> None:
        """Have a telephone send a text, with a GIF in base 64."""
        self._post("text", number=number, to=to, body=body, picture=picture)

    def text_all(self, number: str, to: str, others: list[str], body: str) -> None:
        """Have a telephone write to a group."""
        self._post("text_all", number=number, to=to, others=others, body=body)

    def unplug(self, number: str) -> None:
        """Let a telephone be out of reach from now on."""
        self._post("unplug", number=number)

    def go_silent(self, number: str, template: str) -> None:
        """Let a day pass since a customer wrote by WhatsApp: only a template reaches them from now on."""
        self._post("go_silent", number=number, template=template)

    def read(self, number: str, body: str) -> None:
        """Let a customer read a message by WhatsApp."""
        self._post("read", number=number, body=body)

    def wait(self, seconds: int) -> None:
        """Let time go by."""
        self._post("wait", seconds=seconds)

    def inbox(self, number: str) -> list[Any]:
        """Return what a telephone received: bodies and media types."""
        return list(self._post("inbox", number=number)["messages"])

    def receives(self, number: str, body: str) -> Any:
        """Wait until a telephone has a text."""
        return until(lambda: [one for one in self.inbox(number) if one["body"] == body], f"{body} on {number}")[0]

    def _post(self, action: str, **given: Any) -> Any:
        answer = requests.post(f"{self._url}/{action}", json=given, timeout=120)
        answer.raise_for_status()
        return answer.json()


class Refused(Exception):
    """The SDK's promise was rejected; `error` is what it said."""

    def __init__(self, error: Any) -> None:
        super().__init__(json.dumps(error))
        self.error = error


class Browsers:
    """People in browsers with the client SDK."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._asked = 0

    def do(self, who: str, action: str, **given: Any) -> Any:
        """Have somebody do something and return what came of it."""
        self._asked += 1
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"id": self._asked, "who": who, "action": action, **given}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """Close all."""
        self._process.communicate(timeout=60)


class Webhooks:
    """The web server of our webhooks; `answers` says what an event is answered, None nothing for a long time."""

    def __init__(self) -> None:
        self.heard: list[dict[str, str]] = []
        self.answers: dict[str, tuple[int, Any] | None] = {}
        own = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                event = dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
                own.heard.append(event)
                answer = own.answers.get(event["EventType"], (200, {}))
                if answer is None:
                    time.sleep(10)  # noqa: TID251 - longer than anybody waits for us
                status, body = answer or (503, {})
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with contextlib.suppress(OSError):  # nobody waited
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"

    def event(self, kind: str, **wanted: str) -> dict[str, str]:
        """Wait until an event with these parameters has come, and return it."""
        return until(lambda: self.events(kind, **wanted), f"{kind} {wanted}")[0]

    def events(self, kind: str, **wanted: str) -> list[dict[str, str]]:
        """Return the events of a kind with these parameters."""
        return [one for one in self.heard if one["EventType"] == kind and wanted.items() <= one.items()]
