"""The carrier simulator in a process of its own, as tests use it: handsets, books, faults."""

import base64
import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T | None], *, seconds: float = 40, what: str = "") -> T:
    """Look until something true is seen; other processes are at work meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not seen in {seconds} s: {what or look}")
        time.sleep(0.03)  # noqa: TID251 - waiting for other processes


@dataclass
class Carrier:
    """A running simulator."""

    url: str
    account_sid: str
    auth_token: str
    process: "subprocess.Popen[str]"

    @property
    def url_with_credentials(self) -> str:
        """Return the form that ``--simulator-url`` takes."""
        return self.url.replace("://", f"://{self.account_sid}:{self.auth_token}@", 1)

    def call(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Call the simulator's own API with JSON."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            text = answer.read()
            return json.loads(text) if text else None

    def text(self, sender: str, to: str, body: str, *, picture: bytes | None = None, sid: str = "") -> str:
        """Have a handset text; return the carrier's SID of the message."""
        media = []
        if picture is not None:
            encoded = base64.b64encode(picture).decode()
            media = [{"content_type": "image/png", "filename": "picture.png", "base64": encoded}]
        message = {"from": sender, "to": to, "body": body, "media": media, "sid": sid}
        return str(self.call("/_sim/inbound", message)["sid"])

    def handset(self, number: str) -> list[dict[str, Any]]:
        """Return what a handset shows, in the order of its making."""
        shown: list[dict[str, Any]] = self.call(f"/handset/{number.replace('+', '%2B')}/messages")["messages"]
        return sorted(shown, key=lambda message: (message["at"], message["change"]))

    def received(self, number: str) -> list[str]:
        """Return the texts that a handset got."""
        return [message["body"] for message in self.handset(number) if not message["mine"]]

    def wait_for(self, number: str, text: str, *, state: str | None = None, seconds: float = 40) -> dict[str, Any]:
        """Wait until a handset got a text (with that tick)."""

        def look() -> dict[str, Any] | None:
            for message in self.handset(number):
                if not message["mine"] and message["body"] == text and (state is None or message["state"] == state):
                    return message
            return None

        return eventually(look, seconds=seconds, what=f"{text!r} ({state}) on {number}; it has {self.received(number)}")

    def ledger(self, kind: str = "", since: int = 0) -> list[dict[str, Any]]:
        """Return the lines of the book, all pages."""
        lines: list[dict[str, Any]] = []
        while True:
            page = self.call(f"/_sim/ledger?since={since}&kind={kind}")
            if not page["lines"]:
                return lines
            lines += page["lines"]
            since = page["next"]

    def faults(self, **given: Any) -> None:
        """Replace the faults; none given: none."""
        self.call("/_sim/faults", given, method="PUT")


@contextlib.contextmanager
def running_carrier(ledger: Path, *arguments: str) -> Iterator[Carrier]:
    """Run the simulator on a free port until the block ends."""
    command = [
        sys.executable,
        "-m",
        "parlour.channels.sms.simulator",
        "--port",
        "0",
        "--ledger",
        str(ledger),
        *arguments,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        yield Carrier(words[1], words[3], words[5], process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        if process.stdout is not None:
            process.stdout.close()
