"""The official Node package works against a running server as it is."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from tests.conftest import LiveServer
from tests.contract.published import CACHE, HERE

SOURCES: Final = HERE / "node"


def installed() -> Path:
    """Return a folder that has the locked package, installed without running anything of it."""
    lock = (SOURCES / "package-lock.json").read_bytes()
    folder = CACHE / f"node-{hashlib.sha256(lock).hexdigest()[:12]}"
    npm = shutil.which("npm")
    assert npm is not None, "npm is needed to install the official Node package"
    if not (folder / "node_modules" / ".package-lock.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(SOURCES / name, folder / name)
        environment = {"npm_config_cache": str(CACHE.parent / "npm"), **os.environ}
        command = [npm, "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=folder, check=True, timeout=240, env=environment)
    return folder


def walk(server: LiveServer) -> dict[str, Any]:
    """Run the script and return what it saw."""
    folder = installed()
    shutil.copyfile(SOURCES / "walk.js", folder / "walk.js")
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
