"""The official Node package works against a running server as it is."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from tests import npm
from tests.conftest import LiveServer
from tests.contract.published import CACHE, HERE

SOURCES: Final = HERE / "node"


def installed() -> Path:
    """Return a folder that has the official Node package and our scripts."""
    return npm.installed(SOURCES, CACHE)


def walk(server: LiveServer) -> dict[str, Any]:
    """Run the script and return what it saw."""
    folder = installed()
    node = shutil.which("node")
    assert node is not None, "node is needed to run the official Node package"
    command = [node, "walk.js", server.url, server.credentials.account_sid, server.credentials.auth_token]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr[-4000:]
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_the_node_package_talks_routes_and_reads(server: LiveServer) -> None:
    seen = walk(server)
    assert seen["account"] == server.credentials.account_sid
    assert seen["unknown"] == {"status": 404, "code": 20404}
    assert seen["conversations"] == {
        "created": True,
        "bob": "bob",
        "bodies": ["one", "two", "three"],
        "authors": [True],
        "state": "closed",
        "late": {"status": 400, "code": 50377},
    }
    assert seen["taskrouter"] == {
        "activities": ["Available", "Offline", "Unavailable"],
        "status": ["pending", "canceled"],
        "removed": True,
    }
    assert seen["rest"] == {"states": True, "workspace": "WS"}
