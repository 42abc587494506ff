"""The first start: credentials at random or given, shown once, kept encrypted; weak ones refused."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import free_port, running_server

SID = "AC" + "0f" * 16


def refused(*arguments: str) -> str:
    """Run a start that should be refused and return what it says."""
    command = [sys.executable, "-m", "parlour.cli.main", "start", *arguments, "--port", str(free_port())]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode != 0
    return ran.stderr


@pytest.mark.parametrize("token", ["short", "0" * 32, "a" * 32, "your_auth_token"])
def test_a_known_or_short_token_is_refused_in_production(tmp_path: Path, token: str) -> None:
    said = refused("--data", str(tmp_path / "data"), "--account-sid", SID, "--auth-token", token)
    assert "Traceback" not in said
    assert "characters" in said or "known from examples" in said
    assert not (tmp_path / "data").exists()


def test_half_of_a_pair_is_refused(tmp_path: Path) -> None:
    assert "both" in refused("--data", str(tmp_path / "data"), "--account-sid", SID)


def test_the_test_clock_is_refused_in_production(tmp_path: Path) -> None:
    assert "--demo or --ephemeral" in refused("--data", str(tmp_path / "data"), "--test-clock")


def test_given_credentials_work_and_are_kept_encrypted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_server(tmp_path, "start", "--data", str(data)) as server:
        fetched = server.client().api.accounts(server.credentials.account_sid).fetch()
        assert fetched.sid == server.credentials.account_sid
        key = data / "secret.key"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        command = [sys.executable, "-m", "parlour.cli.main", "credentials", "--data", str(data)]
        printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
        assert server.credentials.auth_token in printed
    token = server.credentials.auth_token.encode()
    kept = [path for path in data.rglob("*") if path.is_file() and token in path.read_bytes()]
    assert kept == []
