"""How a tool beside the server finds it: arguments, environment, data folder."""

import json
import stat
from pathlib import Path

import pytest

from parlour.sdk import ParlourHttpClient
from parlour.sdk.connection import NoCredentials, resolve
from tests.conftest import running_server

DEMO = {"account_sid": "AC1", "auth_token": "demo-token"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder as a demo server leaves it."""
    (tmp_path / "parlour.json").write_text(json.dumps({"url": "http://127.0.0.1:1234", "pid": 1}))
    (tmp_path / "credentials.json").write_text(json.dumps(DEMO))
    return tmp_path


def test_beside_a_demo_nothing_needs_to_be_given(folder: Path) -> None:
    found = resolve(data=folder, environment={})
    assert (found.url, found.account_sid, found.user, found.password) == (
        "http://127.0.0.1:1234",
        "AC1",
        "AC1",
        "demo-token",
    )


def test_arguments_come_before_the_environment_and_that_before_the_folder(folder: Path) -> None:
    environment = {"PARLOUR_URL": "http://env/", "TWILIO_ACCOUNT_SID": "AC2", "TWILIO_AUTH_TOKEN": "env-token"}
    found = resolve(data=folder, environment=environment)
    assert (found.url, found.account_sid, found.password) == ("http://env", "AC2", "env-token")
    found = resolve(url="http://given", account_sid="AC3", auth_token="given", environment=environment)
    assert (found.url, found.account_sid, found.password) == ("http://given", "AC3", "given")


def test_an_api_key_of_the_environment_calls_for_its_account() -> None:
    environment = {"TWILIO_ACCOUNT_SID": "AC2", "TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "secret"}
    found = resolve(environment=environment)
    assert (found.account_sid, found.user, found.password) == ("AC2", "SK1", "secret")


def test_the_demos_token_is_not_used_for_another_account(folder: Path) -> None:
    with pytest.raises(NoCredentials, match="parlour credentials"):
        resolve(account_sid="AC9", data=folder, environment={})


def test_a_broken_file_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{")
    (tmp_path / "parlour.json").write_text("[]")
    with pytest.raises(NoCredentials):
        resolve(data=tmp_path, environment={})


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://conversations.twilio.com/v1/Conversations", "http://p/conversations/v1/Conversations"),
        ("https://mcs.us1.twilio.com/v1/Services?Category=media", "http://p/mcs/v1/Services?Category=media"),
        ("https://example.com/x", "https://example.com/x"),
        ("http://p/conversations/v1/Next", "http://p/conversations/v1/Next"),
    ],
)
def test_the_official_clients_urls_go_to_parlour(url: str, target: str) -> None:
    assert ParlourHttpClient("http://p/").rewrite(url) == target


def test_a_demo_server_leaves_its_address_and_its_credentials_and_takes_the_address_away(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_server(tmp_path, "start", "--demo", "--data", str(data)) as server:
        address = json.loads((data / "parlour.json").read_text())
        assert address == {"url": server.url, "pid": server.process.pid}
        assert stat.S_IMODE((data / "credentials.json").stat().st_mode) == 0o600
        found = resolve(data=data, environment={})
        assert (found.url, found.account_sid) == (server.url, server.credentials.account_sid)
        assert found.password == server.credentials.auth_token
    assert not (data / "parlour.json").exists()


def test_a_production_server_leaves_no_credentials(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_server(tmp_path, "start", "--data", str(data)) as server:
        assert json.loads((data / "parlour.json").read_text())["url"] == server.url
        assert not (data / "credentials.json").exists()
