"""``parlour users``: who may sign in to the desktop."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LiveServer
from tests.flex.signing_in import PASSWORD, Desktop, add_user, parlour


def test_a_password_is_made_shown_once_and_works(frozen: LiveServer, desktop: Desktop, data: Path) -> None:
    done = parlour("users", "add", "wendy", "--full-name", "Wendy West", data=data)
    assert done.returncode == 0, done.stderr
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith("Password "))
    assert desktop.submit("wendy", lines["Password"]).status == 303
    listed = parlour("users", "list", data=data)
    assert lines["Password"] not in listed.stdout
    assert "Wendy West" in listed.stdout


def test_users_are_listed_with_roles_worker_and_last_sign_in(frozen: LiveServer, desktop: Desktop, data: Path) -> None:
    add_user(data, "xenia", "--role", "admin", "--role", "agent")
    before = listed(data)["xenia"]
    assert (before["roles"], before["worker_sid"], before["last_sign_in"]) == (["agent", "admin"], None, None)
    desktop.exchange(desktop.code("xenia"))
    after = listed(data)["xenia"]
    assert after["worker_sid"].startswith("WK")
    assert after["last_sign_in"] is not None


def test_a_reset_ends_sessions_and_the_old_password(frozen: LiveServer, desktop: Desktop, data: Path) -> None:
    add_user(data, "yann")
    refresh_token = desktop.exchange(desktop.code("yann")).json["refresh_token"]
    fresh = "another password of some length"
    done = parlour("users", "reset", "yann", "--password-stdin", said=f"{fresh}\n", data=data)
    assert done.returncode == 0, done.stderr
    assert fresh not in done.stdout
    assert desktop.refresh(refresh_token).status == 401
    assert desktop.submit("yann", PASSWORD).status == 403
    assert desktop.submit("yann", fresh).status == 303


def test_a_reset_lifts_a_lock(frozen: LiveServer, desktop: Desktop, data: Path) -> None:
    add_user(data, "zoe")
    while desktop.submit("zoe", "wrong").status != 429:
        pass
    made = parlour("users", "reset", "zoe", "--json", data=data)
    assert desktop.submit("zoe", json.loads(made.stdout)["password"]).status == 303


@pytest.mark.parametrize(
    ("arguments", "said", "expected"),
    [
        (("add", "carla"), "", "There is a user carla already"),
        (("add", "CARLA"), "", "There is a user CARLA already"),
        (("add", "short", "--password-stdin"), "too short\n", "12 to 256 characters"),
        (("add", "both", "--password-stdin", "--ask"), "", "not both"),
        (("add", "boss", "--role", "owner"), "", "'owner' is not one of"),
        (("add", "x", "--account", "AC" + "0" * 32), "", "There is no account AC"),
        (("reset", "nobody"), "", "There is no user nobody"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    frozen: LiveServer, data: Path, arguments: tuple[str, ...], said: str, expected: str
) -> None:
    done = parlour("users", *arguments, said=said, data=data)
    assert done.returncode != 0
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def listed(data: Path) -> dict[str, dict[str, Any]]:
    lines = parlour("users", "list", "--json", data=data).stdout.splitlines()
    return {row["identity"]: row for row in map(json.loads, lines)}
