"""What the desktop asks for while it starts (agent-clients.md §4, §5.1)."""

import io
import wave
from typing import Any

import pytest

from tests.conftest import LiveServer
from tests.flex.signing_in import FLEX_API, Desktop, Reply, ask, basic

FLEX = "/_tw/flex.twilio.com"


@pytest.fixture
def token(desktop: Desktop) -> str:
    """An agent's token."""
    return str(desktop.exchange(desktop.code("carla")).json["access_token"])


def get(frozen: LiveServer, path: str, token: str | None = None, **headers: str) -> Reply:
    """Ask as the page does: the token in the header that the call's client uses."""
    if token is not None:
        headers["Authorization" if path.startswith(FLEX_API) else "X-Flex-JWE"] = (
            basic(token) if path.startswith(FLEX_API) else token
        )
    return ask(frozen.url, "GET", path, **headers)


def good(reply: Reply) -> Any:
    assert reply.status == 200, reply.text
    return reply.json


def test_the_configuration_has_what_the_desktop_stops_without(
    frozen: LiveServer, token: str, instance_sid: str
) -> None:
    shown = good(get(frozen, f"{FLEX_API}/v1/Configuration?UiVersion=undefined", token))
    assert shown["ui_attributes"]["version_compatibility"] == "yes"
    assert shown["account_sid"] == frozen.credentials.account_sid
    assert shown["flex_instance_sid"] == instance_sid
    assert shown["runtime_domain"] == f"{frozen.url}/desktop"
    assert shown["taskrouter_skills"] == []
    wanted = {"sms", "web", "whatsapp"}
    assert wanted <= {each["address_type"] for each in shown["channel_configs"]}
    for name, prefix in (
        ("chat_service_instance_sid", "IS"),
        ("taskrouter_workspace_sid", "WS"),
        ("taskrouter_offline_activity_sid", "WA"),
        ("taskrouter_target_workflow_sid", "WW"),
        ("taskrouter_target_taskqueue_sid", "WQ"),
    ):
        assert shown[name].startswith(prefix)


def test_the_public_configuration_is_found_by_account_and_by_address(frozen: LiveServer) -> None:
    account_sid = frozen.credentials.account_sid
    expected = {
        "configurations": [
            {"account_sid": account_sid, "runtime_domain": f"{frozen.url}/desktop", "public_attributes": {}}
        ]
    }
    path = f"{FLEX_API}/v1/Configuration/Public"
    assert good(get(frozen, f"{path}?AccountSid={account_sid}")) == expected
    assert good(get(frozen, f"{path}?RuntimeDomain={frozen.url}/desktop")) == expected


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("?AccountSid=AC" + "0" * 32, 404), ("?RuntimeDomain=https://elsewhere.example", 404)],
)
def test_a_public_configuration_that_is_not_here_is_refused(frozen: LiveServer, query: str, status: int) -> None:
    assert get(frozen, f"{FLEX_API}/v1/Configuration/Public{query}").status == status


def test_the_session_lists_feature_flags_and_each_can_be_asked(frozen: LiveServer, token: str) -> None:
    session = good(get(frozen, f"{FLEX}/api/v1/Session", token))
    assert session["insights_active"] is False
    assert {"id", "name", "description", "enabled", "stage", "doc_url"} == set(session["features"][0])
    for feature in session["features"]:
        one = good(get(frozen, f"{FLEX}/api/v1/Features/{feature['id']}", token))
        assert one == {"enabled": feature["enabled"]}
    assert get(frozen, f"{FLEX}/api/v1/Features/no-such-flag", token).status == 404


def test_no_plugin_is_released_and_email_and_teams_are_not_there(
    frozen: LiveServer, token: str, instance_sid: str
) -> None:
    assert good(get(frozen, f"{FLEX}/plugins?roles=agent", token)) == []
    assert good(get(frozen, f"{FLEX_API}/v1/account/provision/status", token))["status"] == "not-configured"
    teams = good(get(frozen, f"{FLEX_API}/v1/Instances/{instance_sid}/Teams/Context", token))
    assert teams == {"team_setup_complete": False}
    assert get(frozen, f"{FLEX_API}/v1/Instances/GO{'0' * 32}/Teams/Context", token).status == 404


@pytest.mark.parametrize(
    "path",
    [
        f"{FLEX_API}/v1/Configuration",
        f"{FLEX_API}/v1/account/provision/status",
        f"{FLEX}/api/v1/Session",
        f"{FLEX}/api/v1/Features/sso-token-session-storage",
        f"{FLEX}/plugins",
    ],
)
def test_only_somebody_who_signed_in_may_ask(frozen: LiveServer, path: str) -> None:
    assert get(frozen, path).status == 401
    assert get(frozen, path, "not a token").status == 401


def test_the_status_page_says_that_the_server_is_well(frozen: LiveServer) -> None:
    shown = good(get(frozen, "/_tw/status.twilio.com/api/v2/summary.json"))
    assert shown["components"] == [{"name": "FLEX", "status": "operational"}]


def test_assets_are_there_and_the_sound_can_be_played(frozen: LiveServer) -> None:
    assert good(get(frozen, "/_tw/assets.flex.twilio.com/assets/countries.json")) == []
    assert good(get(frozen, "/_tw/assets.flex.twilio.com/assets/flagPositions.json")) == {}
    fonts = get(frozen, "/_tw/assets.twilio.com/public_assets/paste-fonts/1.5.1/fonts.css")
    assert (fonts.status, fonts.headers["content-type"]) == (200, "text/css")


def test_the_sound_of_a_message_is_a_short_wave_file() -> None:
    from parlour.flex.chime import chime

    with wave.open(io.BytesIO(chime())) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(0.5)
        samples = sound.readframes(sound.getnframes())
    loudest = max(abs(int.from_bytes(samples[at : at + 2], "little", signed=True)) for at in range(0, len(samples), 2))
    assert 5_000 < loudest < 16_000


def test_a_page_of_another_host_may_send_the_headers_of_the_desktop(frozen: LiveServer) -> None:
    reply = ask(frozen.url, "OPTIONS", f"{FLEX}/plugins")
    allowed = reply.headers["access-control-allow-headers"]
    assert {"X-Flex-JWE", "X-Flex-Version", "Authorization"} <= {name.strip() for name in allowed.split(",")}
