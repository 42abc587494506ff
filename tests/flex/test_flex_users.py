"""Flex users, the check of a token by functions, and what is published and not served (flex.md §3.5, §5)."""

from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.conftest import LiveServer
from tests.flex.signing_in import Desktop


@pytest.fixture
def session(desktop: Desktop) -> dict[str, Any]:
    """What somebody has who signed in."""
    return dict(desktop.exchange(desktop.code("carla")).json)


def validate(frozen: LiveServer, token: Any, account_sid: str | None = None) -> requests.Response:
    """Ask as a function behind a plugin does."""
    auth = (frozen.credentials.account_sid, frozen.credentials.auth_token)
    path = f"/_tw/iam.twilio.com/v1/Accounts/{account_sid or auth[0]}/Tokens/validate"
    return requests.post(f"{frozen.url}{path}", json={"token": token}, auth=auth, timeout=30)


def test_a_function_learns_whose_token_it_was_given(frozen: LiveServer, session: dict[str, Any]) -> None:
    answer = validate(frozen, session["access_token"])
    assert answer.status_code == 200
    shown = answer.json()
    info = session["token_info"]
    assert shown["valid"] is True
    assert {name: shown[name] for name in ("identity", "roles", "worker_sid", "flex_user_sid", "account_sid")} == {
        name: info[name] for name in ("identity", "roles", "worker_sid", "flex_user_sid", "account_sid")
    }


def test_a_function_learns_that_a_token_is_no_good(frozen: LiveServer, session: dict[str, Any]) -> None:
    for token in (session["access_token"][:-4] + "aaaa", "nonsense"):
        answer = validate(frozen, token)
        assert (answer.status_code, answer.json()["valid"]) == (200, False)
        assert answer.json()["message"]
    assert validate(frozen, 7).status_code == 400
    assert validate(frozen, session["access_token"], "AC" + "0" * 32).status_code == 404


def test_a_flex_user_is_shown_with_worker_and_chat_user(frozen: LiveServer, session: dict[str, Any]) -> None:
    client: Client = frozen.client()
    info = session["token_info"]
    user = client.flex_api.v2.flex_user(info["flex_instance_sid"], info["flex_user_sid"])
    shown = user.fetch()
    assert (shown.username, shown.worker_sid, shown.roles) == ("carla", info["worker_sid"], ["agent"])
    assert shown.user_sid == client.conversations.v1.users("carla").fetch().sid
    changed = user.update(email="carla@example.com")
    assert (changed.email, changed.locale, changed.version) == ("carla@example.com", shown.locale, shown.version + 1)
    changed = user.update(locale="de-DE")
    assert (changed.email, changed.locale, changed.version) == ("carla@example.com", "de-DE", shown.version + 2)
    with pytest.raises(TwilioRestException) as refusal:
        user.update(user_sid=shown.user_sid)
    assert (refusal.value.status, refusal.value.code) == (400, 20001)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/Insights/Conversations", "Flex Insights is not served here"),
        ("/v1/Insights/QualityManagement/Questions/GQ1", "Flex Insights is not served here"),
        ("/v1/FlexFlows", "legacy messaging resources"),
        ("/v1/WebChannels/CH1", "legacy messaging resources"),
        ("/v1/Nothing", "was not found"),
    ],
)
def test_what_is_not_served_says_so(frozen: LiveServer, path: str, words: str) -> None:
    auth = (frozen.credentials.account_sid, frozen.credentials.auth_token)
    answer = requests.get(f"{frozen.url}/_tw/flex-api.twilio.com{path}", auth=auth, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)
    assert words in answer.json()["message"]
    assert answer.json()["message"].startswith(f"The requested resource {path} was not found")
