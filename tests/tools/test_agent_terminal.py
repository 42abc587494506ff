"""`parlour agent` as a person uses it, from offer to completion."""

import hashlib
import re
import struct
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from twilio.rest import Client

from tests.carrier import eventually
from tests.conftest import LiveServer
from tests.tools.street import DEMO_NUMBER, handset
from tests.tools.terminal import Person, at_terminal


def png(color: int) -> bytes:
    """Return a picture of one dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    dot = zlib.compress(bytes([0, color, color, color]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", dot) + chunk(b"IEND", b"")


@contextmanager
def agent(server: LiveServer, name: str) -> Iterator[Person]:
    """Seat a person as the agent ``name``; the token goes by the environment, as nobody should type it."""
    known = {"TWILIO_ACCOUNT_SID": server.credentials.account_sid, "TWILIO_AUTH_TOKEN": server.credentials.auth_token}
    with at_terminal("agent", name, "--url", server.url, environment=known) as person:
        person.sees(rf"You are {name}, Available")
        yield person


def activity(twilio: Client, name: str) -> str:
    """Return the activity of a worker."""
    workspace = twilio.taskrouter.v1.workspaces.list()[0]
    return str(workspace.workers.list(friendly_name=name)[0].activity_name)


def test_a_person_works_from_offer_to_completion(server: LiveServer, twilio: Client, tmp_path: Path) -> None:
    customer = handset(server.url, DEMO_NUMBER)
    with agent(server, "clara") as clara:
        customer.text("Hello")
        customer.received("What is it about")
        customer.text("2")
        clara.sees(re.escape(customer.number) + r" waits over sms")
        clara.sees(re.escape(customer.number) + r": 2\n")
        clara.sees(r"accept or reject\?")
        clara.types("accept")
        clara.sees(r"Chat 1 with " + re.escape(customer.number))
        clara.types("Good morning, this is Clara.")
        assert customer.received("this is Clara")

        customer.text("Look at this", picture=png(10))
        shown = clara.sees(r"Look at this \[(\S+), image/png, \d+ B\] (http\S+)")
        with urllib.request.urlopen(shown[2], timeout=10) as answer:  # noqa: S310
            assert hashlib.sha256(answer.read()).digest() == hashlib.sha256(png(10)).digest()

        (tmp_path / "map.png").write_bytes(png(99))
        clara.types(f"/picture {tmp_path / 'map.png'}")
        clara.sees(r"Sent map\.png, image/png")
        eventually(lambda: [m for m in customer.messages() if not m["mine"] and m["media"]], what="a picture")

        clara.types("/done")
        clara.sees(r"Chat 1 with .* is completed")
        clara.types("/quit")
        clara.sees(r"You are Offline. Goodbye.")
        assert clara.leaves() == 0
    assert activity(twilio, "clara") == "Offline"
    held = twilio.conversations.v1.participant_conversations.list(address=customer.number)
    assert [row.conversation_state for row in held] == ["closed"]


def test_ctrl_c_sets_the_agent_offline_and_ends_well(server: LiveServer, twilio: Client) -> None:
    with agent(server, "dora") as dora:
        assert activity(twilio, "dora") == "Available"
        dora.presses_ctrl_c()
        dora.sees(r"Goodbye")
        assert dora.leaves() == 0
    assert activity(twilio, "dora") == "Offline"


def test_a_rejected_offer_goes_to_somebody_else(server: LiveServer) -> None:
    customer = handset(server.url)
    with agent(server, "emma") as emma:
        customer.text("Anybody?")
        emma.sees(r"accept or reject\?")
        emma.types("/away")
        emma.sees(r"You are Offline and get no new work")
        emma.types("reject")
        emma.sees(r"Rejected; " + re.escape(customer.number))
        emma.types("/nonsense")
        emma.sees(r"There is no command /nonsense")
        emma.types("/quit")
        assert emma.leaves() == 0
    with agent(server, "eric") as eric:
        eric.sees(re.escape(customer.number) + r": Anybody\?")
        eric.types("accept")
        eric.sees("Chat 1")
        eric.types("/done")
        eric.sees("is completed")
        eric.types("/quit")
        assert eric.leaves() == 0


def test_an_agent_takes_up_what_was_left_open(server: LiveServer) -> None:
    customer = handset(server.url)
    with agent(server, "fred") as fred:
        customer.text("I need help")
        fred.sees(re.escape(customer.number) + r": I need help")
        fred.types("accept")
        fred.sees(r"Chat 1")
        fred.presses_ctrl_c()
        fred.sees(r"Not completed: " + re.escape(customer.number))
        assert fred.leaves() == 0
    with agent(server, "fred") as fred:
        fred.sees(r"Chat 1 with " + re.escape(customer.number))
        fred.sees(r"I need help")
        fred.types("Here I am again.")
        assert customer.received("Here I am again.")
        fred.types("/done")
        fred.sees(r"is completed")
        fred.types("/quit")
        assert fred.leaves() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Say who you are"),
        (["ana", "--robot", "2"], "One name is one robot"),
        (["ana", "--url", "http://127.0.0.1:9", "--account-sid", "AC0", "--auth-token", "x"], "does not answer"),
    ],
)
def test_what_cannot_work_is_said_in_words(arguments: list[str], words: str) -> None:
    with at_terminal("agent", *arguments) as person:
        person.sees(words)
        assert person.leaves() != 0


def test_no_credentials_are_explained(tmp_path: Path) -> None:
    unset = {"TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": "", "PARLOUR_URL": ""}
    with at_terminal("agent", "ana", "--data", str(tmp_path), environment=unset) as person:
        person.sees("No credentials. Give --account-sid")
        assert person.leaves() == 1


def test_wrong_credentials_are_refused(server: LiveServer) -> None:
    wrong = ["--account-sid", server.credentials.account_sid, "--auth-token", "wrong"]
    with at_terminal("agent", "ana", "--url", server.url, *wrong) as person:
        person.sees("401/20003")
        assert person.leaves() == 1
