"""A live server with a carrier: what the tests of the street side start from."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from twilio.rest import Client

from tests.carrier import Carrier, running_carrier
from tests.conftest import LiveServer, running_server

FAST = {"sent_after_ms": 5, "delivered_after_ms": 10}


def parlour(*arguments: str) -> str:
    """Run the command and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "parlour.cli.main", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


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

    @property
    def client(self) -> Client:
        """The official client."""
        return self.server.client()

    def fresh(self) -> tuple[str, str]:
        """Return a handset, and a number of the account on the carrier."""
        self.used += 1
        handset, number = f"+155501{self.used:05}", f"+155509{self.used:05}"
        parlour("carriers", "attach", number, "--to", "simulator", "--data", str(self.data))
        self.carrier.call("/_sim/numbers", {"phone_number": number, "sms_url": self.inbound_url})
        return handset, number

    def fresh_address(self, **auto_creation: object) -> tuple[str, str]:
        """Return a handset, and a number whose first message makes a conversation."""
        handset, number = self.fresh()
        self.client.conversations.v1.address_configurations.create(
            type="sms",
            address=number,
            auto_creation_enabled=True,
            auto_creation_type="webhook",
            auto_creation_webhook_url="https://hooks.example.com/none",
            auto_creation_webhook_filters=["onParticipantAdded"],
            **auto_creation,  # type: ignore[arg-type]
        )
        return handset, number

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
            "carriers", "add", "simulator", "--url", carrier.url, "--carrier-account", carrier.account_sid,
            "--carrier-token", carrier.auth_token, "--public-url", server.url, "--data", str(data),
        )  # fmt: skip
        yield Street(server, carrier, data, inbound_url)
