"""run-function against public functions that the vendor's own function runner serves (studio.md §2.3.7)."""

from __future__ import annotations

import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twilio.rest import Client

from tests.carrier import eventually
from tests.conftest import LiveServer, free_port
from tests.npm import installed
from tests.studio.building import flow, widget
from tests.studio.test_calling import Outcome

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "studio"
FUNCTIONS = {
    # The vendor's package checks the signature of what came, as its documentation tells authors of functions to do.
    "checked.js": """
const { validateRequest } = require('twilio');
exports.handler = (context, event, callback) => {
  const { request, ...given } = event;
  const url = `http://${request.headers.host}/checked`;
  const signature = request.headers['x-twilio-signature'];
  const valid = validateRequest(context.AUTH_TOKEN, signature, url, given);
  const other = validateRequest('another token', signature, url, given);
  callback(null, { valid, other, given });
};
""",
    "text.js": """
exports.handler = (context, event, callback) => {
  const response = new Twilio.Response();
  response.setStatusCode(201);
  response.appendHeader('Content-Type', 'text/plain');
  response.setBody(`Hello ${event.name}`);
  callback(null, response);
};
""",
    "broken.js": "exports.handler = (context, event, callback) => callback(new Error('out of order'));",
}


@pytest.fixture(scope="module")
def functions(frozen_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running function runner, whose account is the server's."""
    packages = installed(HERE / "node", CACHE)
    project = tmp_path_factory.mktemp("functions")
    (project / "functions").mkdir()
    for name, text in FUNCTIONS.items():
        (project / "functions" / name).write_text(text)
    known = frozen_server.credentials
    (project / ".env").write_text(f"ACCOUNT_SID={known.account_sid}\nAUTH_TOKEN={known.auth_token}\n")
    (project / "package.json").write_text('{"name": "functions", "version": "1.0.0"}')
    (project / "node_modules").symlink_to(packages / "node_modules")
    port = free_port()
    log = project / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(packages / "node_modules" / ".bin" / "twilio-run"), "start", "--port", str(port), "--no-logs"],
            cwd=project,
            stdout=output,
            stderr=output,
            env={**os.environ, "HOME": str(project), "NO_UPDATE_NOTIFIER": "1"},
        )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return bool(urllib.request.urlopen(f"{url}/text?name=x", timeout=5).status == 201)  # noqa: S310
        except OSError:
            return False

    try:
        eventually(answers, seconds=60, what="the function runner")
        yield url
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def client(frozen_server: LiveServer) -> Client:
    return frozen_server.client()


def run(client: Client, server: LiveServer, url: str, **parameters: str) -> Any:
    pairs = [{"key": key, "value": value} for key, value in parameters.items()]
    state = widget("call", "run-function", {"success": None, "fail": None}, url=url, parameters=pairs)
    return Outcome(client, server, flow(state))


def test_the_vendors_package_takes_the_signature(client: Client, frozen_server: LiveServer, functions: str) -> None:
    given = {"name": "{{flow.data.name}}", "text": "ü & = ?", "empty": "{{nothing}}"}
    done = run(client, frozen_server, f"{functions}/checked", **given)
    assert done.path[-1] == ("call", "success"), done.output
    expected = {"name": "Ada", "text": "ü & = ?", "empty": ""}
    assert done.output["parsed"] == {"valid": True, "other": False, "given": expected}


def test_a_functions_own_answer_is_shown(client: Client, frozen_server: LiveServer, functions: str) -> None:
    done = run(client, frozen_server, f"{functions}/text", name="Bo")
    assert done.path[-1] == ("call", "success")
    assert (done.output["status_code"], done.output["body"]) == (201, "Hello Bo")


def test_a_function_that_fails_takes_fail(client: Client, frozen_server: LiveServer, functions: str) -> None:
    done = run(client, frozen_server, f"{functions}/broken")
    assert done.path[-1] == ("call", "fail")
    assert done.log()[0][0] == 81010
