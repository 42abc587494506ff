"""Programs that know nothing of Parlour, started by `parlour run`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests import npm
from tests.conftest import LiveServer

HERE: Final = Path(__file__).resolve().parent
NODE: Final = HERE / "node"
CACHE: Final = HERE.parent.parent / ".cache" / "run"
PARLOUR: Final = (sys.executable, "-m", "parlour.cli.main")

_OURS: Final = ("TWILIO_", "PARLOUR_")
_PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


def installed() -> Path:
    """Return a folder that has the official Node packages and our scripts."""
    return npm.installed(NODE, CACHE)


def clean_environment(**added: str) -> dict[str, str]:
    """Return our environment without what says where a server, an account or a proxy is."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(_OURS) and name.lower() not in _PROXIES
    }
    return {**kept, "PYTHONWARNINGS": "", **added}


def account(server: LiveServer) -> dict[str, str]:
    """Return the variables of a program that has its credentials."""
    known = server.credentials
    return {"TWILIO_ACCOUNT_SID": known.account_sid, "TWILIO_AUTH_TOKEN": known.auth_token}


def parlour_run(url: str, data: Path, *arguments: str) -> list[str]:
    """Return the command line up to the program."""
    return [*PARLOUR, "run", "--url", url, "--data", str(data), *arguments, "--"]


def run(
    server: LiveServer,
    data: Path,
    *program: str,
    options: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str = "",
) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end, with the credentials of the server's account."""
    return subprocess.run(
        [*parlour_run(server.url, data, *options), *program],
        capture_output=True,
        text=True,
        input=stdin,
        timeout=120,
        check=False,
        cwd=cwd,
        env=clean_environment(**{**account(server), **(environment or {})}),
    )


def node(script: str, *arguments: str) -> tuple[Path, list[str]]:
    """Return folder and command line of one of our scripts on the official packages."""
    found = shutil.which("node")
    assert found is not None, "node is needed to run the official packages"
    return installed(), [found, script, *arguments]
