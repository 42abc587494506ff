"""A client of the sign-in flow, as Flex UI is one (agent-clients.md §3)."""

import base64
import hashlib
import http.client
import json
import secrets
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from click.testing import CliRunner

from parlour.cli.main import main
from tests.conftest import LiveServer

SHIM = "/_tw/services.twilio.com"
FLEX_API = "/_tw/flex-api.twilio.com"
PASSWORD = "a password of some length"


@dataclass
class Reply:
    """An answer; redirects are not followed."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


def ask(url: str, method: str, path: str, body: str = "", **headers: str) -> Reply:
    """Send one request."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request(method, path, body.encode(), headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)


def parlour(*arguments: str, said: str = "", data: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the command in this process, with a line of standard input; in a thread, as a browser may hold this one."""
    command = [*arguments, *(["--data", str(data)] if data is not None else [])]
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(CliRunner().invoke, main, command, input=said).result()
    return subprocess.CompletedProcess(command, done.exit_code, done.stdout, done.stderr)


def add_user(data: Path, identity: str, *options: str, password: str = PASSWORD) -> dict[str, Any]:
    """Add a desktop user with a known password."""
    done = parlour("users", "add", identity, "--password-stdin", "--json", *options, said=f"{password}\n", data=data)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@dataclass
class Desktop:
    """A browser that wants to sign in.

    :ivar server: the server.
    :ivar instance_sid: the account's Flex instance, which is its connection.
    """

    server: LiveServer
    instance_sid: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(96))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(20))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(40))

    def authorize_path(self, **changes: str) -> str:
        """Return where the browser goes to sign in."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "ssoProfileSid": self.instance_sid,
            "codeChallenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "nonce": self.nonce,
            "state": self.state,
            "redirectUrl": f"{self.server.url}/desktop/",
            **changes,
        }
        return f"{SHIM}/v1/Flex/Authorize?{urlencode(query)}"

    def submit(self, identity: str, password: str = PASSWORD, **changes: str) -> Reply:
        """Send the form of the page."""
        form = urlencode({"identity": identity, "password": password})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return ask(self.server.url, "POST", self.authorize_path(**changes), form, **kind)

    def code(self, identity: str, password: str = PASSWORD) -> str:
        """Sign in and return the code that comes back."""
        reply = self.submit(identity, password)
        assert reply.status == 303, reply.text
        back = parse_qs(urlsplit(reply.headers["location"]).query)
        assert back["state"] == [self.state]
        return back["code"][0]

    def exchange(self, code: str, **changes: Any) -> Reply:
        """Ask for the tokens of a code."""
        body = {
            "grant_type": "AuthorizationCode",
            "app_type": "SinglePageApp",
            "sso_profile_sid": self.instance_sid,
            "code": code,
            "code_verifier": self.verifier,
            "nonce": self.nonce,
            **changes,
        }
        return self._tokens(body)

    def refresh(self, refresh_token: str) -> Reply:
        """Ask for the next tokens."""
        body = {
            "grant_type": "RefreshToken",
            "refresh_token": refresh_token,
            "sso_profile_sid": self.instance_sid,
        }
        return self._tokens(body)

    def info(self, token: str) -> Reply:
        """Check a token."""
        path = f"{FLEX_API}/v1/Accounts/{self.server.credentials.account_sid}/Tokens/Info"
        headers = {"Authorization": f"{basic(token)})", "Content-Type": "application/x-www-form-urlencoded"}
        return ask(self.server.url, "POST", path, urlencode({"Token": token}), **headers)

    def _tokens(self, body: dict[str, Any]) -> Reply:
        path = f"{SHIM}/v1/Flex/OAuth/Tokens"
        return ask(self.server.url, "POST", path, json.dumps(body), **{"Content-Type": "application/json"})


def basic(token: str) -> str:
    """Return the Basic credentials of a token."""
    return "Basic " + base64.b64encode(f"token:{token}".encode()).decode()
