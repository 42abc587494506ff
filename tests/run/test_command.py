"""`parlour run` finds its server and account, and says what to do where it does not."""

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import LiveServer, free_port, running_server
from tests.run.programs import PARLOUR, clean_environment, run

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


def bare(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Call `parlour run` with nothing in the environment."""
    command = [*PARLOUR, "run", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=clean_environment())


def test_a_server_that_does_not_answer_is_named_with_the_way_to_start_one(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ran = bare("--url", url, "--data", str(tmp_path), "--", "true")
    assert ran.returncode == 1
    assert url in ran.stderr
    assert "parlour start" in ran.stderr


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    ran = bare("--url", "127.0.0.1:8580", "--data", str(tmp_path), "--", "true")
    assert ran.returncode == 2
    assert "http://127.0.0.1:8580" in ran.stderr


def test_the_data_folder_names_server_and_account(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running_server(tmp_path, "start", "--demo", "--data", str(folder)) as live:
        expected = {"sid": live.credentials.account_sid, "token": live.credentials.auth_token}
        program = (sys.executable, "-c", SHOW)
        for kept in ("credentials.json", "the database"):
            ran = bare("--data", str(folder), "--", *program)
            assert ran.returncode == 0, ran.stderr
            seen = json.loads(ran.stdout)
            found = {"sid": seen["TWILIO_ACCOUNT_SID"], "token": seen["TWILIO_AUTH_TOKEN"]}
            assert found == expected, kept
            (folder / "credentials.json").unlink(missing_ok=True)


def test_the_account_of_a_program_stays_its_own(server: LiveServer, tmp_path: Path) -> None:
    own = {"TWILIO_ACCOUNT_SID": "AC" + "1" * 32, "TWILIO_AUTH_TOKEN": "own"}
    seen = json.loads(run(server, tmp_path, sys.executable, "-c", SHOW, environment=own).stdout)
    assert {name: seen[name] for name in own} == own


def test_hosts_are_lines_for_the_hosts_file() -> None:
    lines = [line for line in bare("--hosts").stdout.splitlines() if not line.startswith("#")]
    assert "127.0.0.1 conversations.twilio.com" in lines
    assert "127.0.0.1 tsock.us1.twilio.com" in lines
    assert all(len(line.split()) == 2 for line in lines)


def test_a_program_that_takes_no_proxy_comes_by_the_name_alone(server: LiveServer, tmp_path: Path) -> None:
    port = free_port()
    url = f"https://conversations.twilio.com:{port}/v1/Nothing"
    by_name = ("--noproxy", "*", "--resolve", f"conversations.twilio.com:{port}:127.0.0.1", url)
    ran = run(server, tmp_path, "curl", "-sS", *by_name, options=("--tls-listen", str(port)))
    assert json.loads(ran.stdout)["code"] == 20404, ran.stderr


def test_a_name_that_is_not_the_vendors_gets_no_certificate(server: LiveServer, tmp_path: Path) -> None:
    port = free_port()
    by_name = ("-k", "--noproxy", "*", "--resolve", f"elsewhere.example:{port}:127.0.0.1")
    command = ("curl", "-sS", *by_name, f"https://elsewhere.example:{port}/")
    ran = run(server, tmp_path, *command, options=("--tls-listen", str(port)))
    assert ran.returncode == 35, ran.stderr  # no TLS connection
