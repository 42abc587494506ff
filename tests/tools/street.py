"""The street side for these tests: a handset of the simulator that runs inside the server."""

import base64
import itertools
import json
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.carrier import eventually

DEMO_NUMBER = "+12025550100"  # its flow asks a question first
DIRECT_NUMBER = "+12025550101"  # its flow sends to agents at once
_numbers = itertools.count(1)


@dataclass
class Handset:
    """A customer's phone."""

    server: str
    number: str
    to: str = DIRECT_NUMBER

    def text(self, body: str, *, picture: bytes | None = None) -> None:
        """Send a text, with a picture where one is given."""
        media = []
        if picture is not None:
            encoded = base64.b64encode(picture).decode()
            media = [{"content_type": "image/png", "filename": "cat.png", "base64": encoded}]
        order = {"from": self.number, "to": self.to, "body": body, "media": media}
        request = urllib.request.Request(  # noqa: S310
            f"{self.server}/simulator/_sim/inbound",
            json.dumps(order).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30).read()  # noqa: S310

    def messages(self) -> list[dict[str, Any]]:
        """Return what is on the phone, oldest first."""
        url = f"{self.server}/handset/{urllib.parse.quote(self.number)}/messages"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310
            found: list[dict[str, Any]] = json.load(answer)["messages"]
            return found

    def received(self, text: str, seconds: float = 40) -> dict[str, Any]:
        """Wait until a text of the other side is on the phone and return it."""
        return eventually(
            lambda: next((m for m in self.messages() if not m["mine"] and text in m["body"]), None),
            seconds=seconds,
            what=text,
        )


def handset(server: str, to: str = DIRECT_NUMBER) -> Handset:
    """Return a phone that nobody used before."""
    return Handset(server, f"+1202555{2000 + next(_numbers)}", to)
