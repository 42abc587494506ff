"""A live server with a carrier: what the tests of the street side start from."""

import json
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from twilio.rest import Client

from tests.carrier import Carrier, running_carrier
from tests.conftest import LiveServer, running_server, wait_for_server
from tests.forking import start

PLAIN, ANSWERED = "+15550900001", "+15550900002"
FAST = {"sent_after_ms": 5, "delivered_after_ms": 10}


def parlour(*arguments: str) -> str:
    """Run the command and return what it prints."""
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as errors:
        status = start(*arguments, output=printed, errors=errors).wait(60)
        for each in (printed, errors):
            each.seek(0)
        assert status == 0, errors.read().decode()
        return printed.read().decode().strip()


def post(url: str, form: dict[str, str], signature: str | None) -> int:
    """Post a webhook and return the status of the answer."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if signature is not None:
        headers["X-Twilio-Signature"] = signature
    request = urllib.request.Request(url, urlencode(form).encode(), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@dataclass
class Street:
    """A server, its carrier, and numbers between them.

    :ivar inbound_url: the server's webhook for the carrier.
    """

    server: LiveServer
    carrier: Carrier
    data: Path
    inbound_url: str
    used: int = 0

    def fails_at(self, name: str, after: int = 1) -> None:
        """Have the server killed when it passes a failpoint."""
        body = json.dumps({"name": name, "after": after}).encode()
        request = urllib.request.Request(  # noqa: S310
            f"{self.server.url}/_fault/arm", body, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).read()  # noqa: S310

    def kill(self) -> None:
        """Kill the server now."""
        self.server.process.kill()
        self.server.process.wait(10)

    def start_again(self) -> None:
        """Wait until the server is dead, and start it with the same arguments on the same port."""
        self.server.process.wait(20)
        with self.server.log.open("ab") as output:
            self.server.process = start(*self.server.process.args, output=output)
        wait_for_server(self.server.url, self.server.process, self.server.log)

    @property
    def client(self) -> Client:
        """The official client."""
        return self.server.client()

    def fresh(self) -> tuple[str, str]:
        """Return a new handset, and the number that no address configuration has."""
        self.used += 1
        return f"+155501{self.used:05}", PLAIN

    def fresh_address(self) -> tuple[str, str]:
        """Return a new handset, and the number whose first message makes a conversation."""
        return self.fresh()[0], ANSWERED

    def attach(self, *numbers: str) -> None:
        """Have the texts of numbers go through the carrier."""
        parlour("carriers", "attach", *numbers, "--to", "street", "--data", str(self.data))
        for number in numbers:
            self.carrier.call("/_sim/numbers", {"phone_number": number, "sms_url": self.inbound_url})

    def prepare(self) -> None:
        """Make the two numbers, and the address configuration of one."""
        self.attach(PLAIN, ANSWERED)
        self.client.conversations.v1.address_configurations.create(
            type="sms",
            address=ANSWERED,
            auto_creation_enabled=True,
            auto_creation_type="webhook",
            auto_creation_webhook_url="https://hooks.example.com/none",
            auto_creation_webhook_filters=["onParticipantAdded"],
        )

    def conversation_of(self, handset: str) -> str:
        """Return the open conversation of a handset, empty when it has none."""
        found = self.client.conversations.v1.participant_conversations.list(address=handset)
        return next((one.conversation_sid for one in found if one.conversation_state != "closed"), "")

    def texts(self, conversation_sid: str) -> list[str]:
        """Return the bodies of a conversation."""
        return [one.body for one in self.client.conversations.v1.conversations(conversation_sid).messages.list()]


@contextmanager
def street(folder: Path, *arguments: str) -> Iterator[Street]:
    """Run a server and a carrier until the block ends."""
    data = folder / "data"
    with (
        running_carrier(folder / "ledger.db", "--seed", "1") as carrier,
        running_server(folder, "start", "--demo", "--data", str(data), *arguments) as server,
    ):
        carrier.faults(**FAST)
        inbound_url = parlour(
            "carriers", "add", "street", "--url", carrier.url, "--carrier-account", carrier.account_sid,
            "--carrier-token", carrier.auth_token, "--public-url", server.url, "--data", str(data),
        )  # fmt: skip
        one = Street(server, carrier, data, inbound_url)
        try:
            one.prepare()
            yield one
        finally:
            one.server.process.terminate()
            one.server.process.wait(30)
