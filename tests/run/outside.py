"""What is outside of the programs: a carrier with telephones, and a clock that they move together."""

import itertools
import json
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from twilio.request_validator import RequestValidator

from tests.carrier import Carrier
from tests.channels.street import post
from tests.conftest import LiveServer

PATIENCE: Final = 90.0  # seconds for all programs to come to the same wait


class World:
    """Serves telephones and the calendar to so many programs at once.

    :param hook: the server's webhook for the carrier.

    A wait is over for all programs together: time goes by once every one of them waits.
    """

    def __init__(self, server: LiveServer, carrier: Carrier, hook: str, programs: int) -> None:
        self._server = server
        self._carrier = carrier
        self._hook = hook
        self._numbers = itertools.count(1)
        self._rules: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._seconds = 0
        self._barrier = threading.Barrier(programs, action=self._advance)

    def phone(self, kind: str = "") -> dict[str, Any]:
        """Return a telephone that nobody used before, or one with WhatsApp on it."""
        return {"number": f"{kind and kind + ':'}+1415555{next(self._numbers):04}"}

    def text(self, number: str, to: str, body: str, picture: str) -> dict[str, Any]:
        """Send a text from a telephone, with a GIF in base 64."""
        media = [{"content_type": "image/gif", "filename": "picture.gif", "base64": picture}] if picture else []
        self._carrier.call("/_sim/inbound", {"from": number, "to": to, "body": body, "media": media})
        return {}

    def text_all(self, number: str, to: str, others: list[str], body: str) -> dict[str, Any]:
        """Write to a group from a telephone: the carrier posts it with the others' numbers."""
        form = {"MessageSid": f"MM{secrets.token_hex(16)}", "AccountSid": self._carrier.account_sid, "NumMedia": "0"}
        form |= {"From": number, "To": to, "Body": body}
        form |= {f"OtherRecipients{place}": other for place, other in enumerate(others)}
        signature = RequestValidator(self._carrier.auth_token).compute_signature(self._hook, form)
        status = post(self._hook, form, signature)
        assert status == 200, status
        return {}

    def inbox(self, number: str) -> dict[str, Any]:
        """Return what a telephone received."""
        messages = [one for one in self._carrier.handset(number) if not one["mine"]]
        return {
            "messages": [
                {
                    "number": one["number"],
                    "body": one["body"],
                    "media": [each["content_type"] for each in one["media"]],
                }
                for one in messages
            ]
        }

    def unplug(self, number: str) -> dict[str, Any]:
        """Have the carrier say 30005 of whatever goes to a telephone."""
        return self._fault({"op": "create", "to": number}, action="fail", code=30005)

    def go_silent(self, number: str, template: str) -> dict[str, Any]:
        """Let a day pass since a customer wrote by WhatsApp: only what reads as a template goes to them from now on."""
        match = {"op": "create", "to": number, "text_regex": f"^(?!{re.escape(template)})"}
        return self._fault(match, action="http", status=400, code=63016)

    def _fault(self, match: dict[str, str], **what: Any) -> dict[str, Any]:
        with self._lock:
            self._rules.append({"match": match, "times": 0, **what})
            self._carrier.faults(rules=self._rules, sent_after_ms=5, delivered_after_ms=10)
        return {}

    def read(self, number: str, body: str) -> dict[str, Any]:
        """Have a customer read a message by WhatsApp."""
        (line,) = (one for one in self._carrier.ledger("send.accepted") if (one["to"], one["body"]) == (number, body))
        self._carrier.call("/_sim/receipt", {"sid": line["message_sid"], "status": "read"})
        return {}

    def wait(self, seconds: int) -> dict[str, Any]:
        """Let time go by, once every program waits."""
        self._seconds = seconds  # the same for all: they run the same day
        self._barrier.wait(PATIENCE)
        return {}

    def leave(self) -> None:
        """Wait for nobody any more: a program is over."""
        self._barrier.abort()

    def _advance(self) -> None:
        self._server.advance(self._seconds)


@contextmanager
def serving(world: World) -> Iterator[str]:
    """Serve a world until the block ends; gives its URL."""
    actions: dict[str, Callable[..., dict[str, Any]]] = {
        "phone": world.phone,
        "text": world.text,
        "text_all": world.text_all,
        "inbox": world.inbox,
        "unplug": world.unplug,
        "go_silent": world.go_silent,
        "read": world.read,
        "wait": world.wait,
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                status, answer = 200, actions[self.path.strip("/")](**given)
            except threading.BrokenBarrierError:
                status, answer = 503, {"error": "another program did not come to this wait"}
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{served.server_port}"
    finally:
        served.shutdown()
        served.server_close()
        thread.join(5)
