"""The examples of the documents run as they stand there."""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parlour.sdk import client as parlour_client
from tests.conftest import LiveServer

DOCS = Path(__file__).resolve().parents[2] / "docs"


def python_of(name: str) -> list[str]:
    """Return the Python blocks of a document."""
    blocks = re.findall(r"^( *)```python\n(.*?)^ *```", (DOCS / name).read_text(), re.DOTALL | re.MULTILINE)
    return [re.sub(f"^{indent}", "", block, flags=re.MULTILINE) for indent, block in blocks]


def test_the_sdk_example_makes_a_conversation_and_reads_it(server: LiveServer) -> None:
    (block,) = python_of("point-your-sdk-here.md")
    known = {
        "url": server.url,
        "account_sid": server.credentials.account_sid,
        "auth_token": server.credentials.auth_token,
    }
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(block, known)  # noqa: S102 - our own document
    assert printed.getvalue() == "0 alice Hello\n"


def test_the_number_example_attaches_a_number_and_its_flow(server: LiveServer) -> None:
    (block,) = python_of("receive-sms.md")
    known = {"client": server.client()}
    exec(block, known)  # noqa: S102 - our own document
    addresses = known["client"].conversations.v1.address_configurations.list(type="sms")
    assert "+12025550177" in [address.address for address in addresses]


def test_the_example_of_keys_makes_a_token_that_opens_the_client_api(server: LiveServer) -> None:
    block, _ = python_of("keys-and-tokens.md")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(block, {"client": server.client()})  # noqa: S102 - our own document
    bearer = parlour_client(server.url, "token", printed.getvalue().strip())
    assert bearer.request("GET", "https://aim.us1.twilio.com/Client/v2/Configuration").status_code == 200


def test_the_example_of_reachability_tells_that_a_user_was_never_there(server: LiveServer) -> None:
    _, block = python_of("keys-and-tokens.md")
    client = server.client()
    client.conversations.v1.users.create(identity="carol")  # alice may have a token by now
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(block.replace("alice", "carol"), {"client": client})  # noqa: S102 - our own document
    assert printed.getvalue() == "None\n"


@pytest.mark.parametrize("script", ["reactions.py", "permissions.py", "errors.py"])
def test_what_is_made_from_the_code_is_as_the_program_is(script: str) -> None:
    command = [sys.executable, str(DOCS.parent / "scripts" / script), "--check"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
