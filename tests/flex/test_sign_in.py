"""Sign-in by password through the OAuth flow of the desktop (agent-clients.md §3)."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from parlour.flex.sign_in.attempts import FREE
from parlour.flex.sign_in.passwords import PLACES
from tests.conftest import LiveServer
from tests.flex.signing_in import Desktop, Reply, ask


def tokens(desktop: Desktop, identity: str) -> dict[str, Any]:
    """Sign in and return the answer with the tokens."""
    reply = desktop.exchange(desktop.code(identity))
    assert reply.status == 200, reply.text
    return dict(reply.json)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_password_becomes_tokens_with_the_roles_of_the_user(desktop: Desktop) -> None:
    answer = tokens(desktop, "sam")
    info = answer["token_info"]
    assert (info["identity"], info["roles"]) == ("sam", ["agent", "supervisor"])
    assert info["flex_instance_sid"] == desktop.instance_sid
    assert (info["worker_sid"][:2], info["flex_user_sid"][:2]) == ("WK", "FU")
    assert info["expiration"] == answer["access_token_expires_at"]
    assert at(answer["refresh_token_expires_at"]) > at(answer["access_token_expires_at"])


def test_the_token_is_good_and_says_whose_it_is(desktop: Desktop) -> None:
    answer = tokens(desktop, "carla")
    info = desktop.info(answer["access_token"])
    assert info.status == 200, info.text
    assert info.json["valid"] is True
    assert (info.json["identity"], info.json["roles"]) == ("carla", ["agent"])
    assert info.json["worker_sid"] == answer["token_info"]["worker_sid"]


def test_the_first_sign_in_makes_the_worker_with_the_capacities_of_the_configuration(
    desktop: Desktop, frozen: LiveServer
) -> None:
    worker_sid = tokens(desktop, "ada")["token_info"]["worker_sid"]
    configuration = frozen.client().flex_api.v1.configuration().fetch()
    workspace = frozen.client().taskrouter.v1.workspaces(configuration.taskrouter_workspace_sid)
    worker = workspace.workers(worker_sid).fetch()
    assert worker.friendly_name == "ada"
    assert json.loads(worker.attributes) == {
        "contact_uri": "client:ada",
        "full_name": "Ada Adams",
        "roles": ["admin"],
    }
    capacities = {
        channel.task_channel_unique_name: channel.configured_capacity
        for channel in workspace.workers(worker_sid).worker_channels.list()
    }
    wanted = configuration.taskrouter_worker_channels["supervisor"]
    assert {each["name"]: capacities[each["name"]] for each in wanted} == {"chat": 3, "sms": 3}
    assert capacities["voice"] == 1


def test_the_first_sign_in_makes_the_conversations_user_with_name_and_role(
    desktop: Desktop, frozen: LiveServer
) -> None:
    tokens(desktop, "sam")
    user = frozen.client().conversations.v1.users("sam").fetch()
    role = frozen.client().conversations.v1.roles(user.role_sid).fetch()
    assert (user.friendly_name, role.friendly_name) == ("Sam Stone", "supervisor")


def test_a_second_sign_in_keeps_what_the_worker_has(desktop: Desktop, frozen: LiveServer) -> None:
    worker_sid = tokens(desktop, "carla")["token_info"]["worker_sid"]
    configuration = frozen.client().flex_api.v1.configuration().fetch()
    worker = frozen.client().taskrouter.v1.workspaces(configuration.taskrouter_workspace_sid).workers(worker_sid)
    worker.update(attributes=json.dumps({"full_name": "Old", "skills": ["tea"]}))
    assert tokens(desktop, "carla")["token_info"]["worker_sid"] == worker_sid
    assert json.loads(worker.fetch().attributes) == {
        "full_name": "Carla Cruz",
        "skills": ["tea"],
        "roles": ["agent"],
    }


@pytest.mark.parametrize(("identity", "password"), [("carla", "not the password"), ("nobody", "a password at all")])
def test_a_wrong_password_and_an_unknown_name_look_the_same(desktop: Desktop, identity: str, password: str) -> None:
    reply = desktop.submit(identity, password)
    assert reply.status == 403
    assert "User name and password do not go together." in reply.text
    assert "location" not in reply.headers


def test_a_code_is_good_once_and_its_second_use_ends_the_session(desktop: Desktop) -> None:
    code = desktop.code("carla")
    first = desktop.exchange(code).json
    assert refusal(desktop.exchange(code)) == (401, 45050)
    assert refusal(desktop.refresh(first["refresh_token"])) == (401, 45050)


@pytest.mark.parametrize("changed", ["code_verifier", "nonce", "code"])
def test_a_code_is_nothing_without_what_it_was_asked_with(desktop: Desktop, changed: str) -> None:
    given = {"code": desktop.code("carla"), changed: "x" * 43}
    assert refusal(desktop.exchange(**given)) == (401, 45050)


def test_a_code_expires_after_a_minute(desktop: Desktop, frozen: LiveServer) -> None:
    code = desktop.code("carla")
    frozen.advance(61)
    assert refusal(desktop.exchange(code)) == (401, 45050)


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/desktop/", "//elsewhere.example/", "javascript:alert(1)", "", "/desktop/"]
)
def test_a_code_is_sent_to_this_server_only(desktop: Desktop, url: str) -> None:
    for reply in (
        ask(desktop.server.url, "GET", desktop.authorize_path(redirectUrl=url)),
        desktop.submit("carla", redirectUrl=url),
    ):
        assert reply.status == 400
        assert "redirectUrl" in reply.text
        assert "location" not in reply.headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("codeChallenge", "plain"),
        ("codeChallenge", ""),
        ("state", ""),
        ("nonce", ""),
        ("nonce", "x" * 513),
        ("ssoProfileSid", "GO" + "0" * 32),
        ("ssoProfileSid", "default"),
        ("isConsoleLogin", "true"),
    ],
)
def test_a_request_that_cannot_be_answered_names_the_parameter(desktop: Desktop, name: str, value: str) -> None:
    reply = ask(desktop.server.url, "GET", desktop.authorize_path(**{name: value}))
    assert reply.status == 400
    assert name in reply.text
    assert "<form" not in reply.text


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("[]", "body"),
        ('{"grant_type": "password"}', "sso_profile_sid"),
        ('{"grant_type": "AuthorizationCode", "sso_profile_sid": 7}', "sso_profile_sid"),
    ],
)
def test_a_token_request_of_another_form_is_refused(desktop: Desktop, body: str, named: str) -> None:
    path = "/services/v1/Flex/OAuth/Tokens"
    reply = ask(desktop.server.url, "POST", path, body, **{"Content-Type": "application/json"})
    assert refusal(reply) == (400, 45004)
    assert named in reply.json["message"]


def test_a_refresh_moves_the_expiry_forward_and_turns_the_refresh_token(desktop: Desktop, frozen: LiveServer) -> None:
    first = tokens(desktop, "carla")
    frozen.advance(15)
    second = desktop.refresh(first["refresh_token"])
    assert second.status == 200, second.text
    assert at(second.json["token_info"]["expiration"]) > at(first["token_info"]["expiration"])
    assert second.json["refresh_token"] != first["refresh_token"]
    assert desktop.info(second.json["access_token"]).json["identity"] == "carla"


def test_the_refresh_token_of_a_moment_ago_is_good_too_for_its_answer_may_be_lost(desktop: Desktop) -> None:
    first = tokens(desktop, "carla")["refresh_token"]
    desktop.refresh(first)
    again = desktop.refresh(first)
    assert again.status == 200, again.text
    assert desktop.refresh(again.json["refresh_token"]).status == 200


def test_a_stale_refresh_token_ends_the_session(desktop: Desktop, frozen: LiveServer) -> None:
    first = tokens(desktop, "carla")["refresh_token"]
    second = desktop.refresh(first).json["refresh_token"]
    frozen.advance(61)
    assert refusal(desktop.refresh(first)) == (401, 45050)
    assert refusal(desktop.refresh(second)) == (401, 45050)


def test_a_session_ends_twelve_hours_after_its_last_refresh(desktop: Desktop, frozen: LiveServer) -> None:
    first = tokens(desktop, "carla")
    frozen.advance(11 * 3600)
    second = desktop.refresh(first["refresh_token"])
    assert second.status == 200
    frozen.advance(12 * 3600 + 1)
    assert refusal(desktop.refresh(second.json["refresh_token"])) == (401, 45050)


def test_an_expired_token_is_refused_with_the_code_that_the_desktop_looks_for(
    desktop: Desktop, frozen: LiveServer
) -> None:
    token = tokens(desktop, "carla")["access_token"]
    assert desktop.info(token).status == 200  # under a test clock a token's life counts from its first sight
    frozen.advance(3601)
    assert refusal(desktop.info(token)) == (401, 20104)


def test_wrong_passwords_lock_the_name_for_a_while_even_for_the_right_one(desktop: Desktop, frozen: LiveServer) -> None:
    for _ in range(FREE):
        assert desktop.submit("sam", "wrong").status == 403
    locked = desktop.submit("SAM")
    assert locked.status == 429
    assert "Try again in 1 minute." in locked.text
    frozen.advance(61)
    assert desktop.submit("sam").status == 303
    assert desktop.submit("sam", "wrong").status == 403


def test_each_further_lock_lasts_longer(desktop: Desktop, frozen: LiveServer) -> None:
    for _ in range(FREE):
        desktop.submit("guessed", "wrong")
    frozen.advance(61)
    assert desktop.submit("guessed", "wrong").status == 403
    assert "Try again in 2 minutes." in desktop.submit("guessed", "wrong").text


def test_a_flood_of_attempts_is_turned_away_instead_of_queued(desktop: Desktop) -> None:
    with ThreadPoolExecutor(60) as crowd:
        statuses = Counter(crowd.map(lambda n: desktop.submit(f"flood-{n}", "wrong").status, range(60)))
    assert set(statuses) == {403, 429}
    assert statuses[403] >= PLACES
    assert desktop.submit("carla").status == 303


def test_the_way_back_keeps_its_query_and_cannot_break_the_answer(desktop: Desktop) -> None:
    url = f"{desktop.server.url}/desktop/tée?tab=1"
    reply = desktop.submit("carla", redirectUrl=url)
    assert reply.status == 303
    assert reply.headers["location"].startswith(f"{desktop.server.url}/desktop/t%C3%A9e?tab=1&code=")


def test_a_form_of_another_site_is_refused(desktop: Desktop) -> None:
    reply = ask(
        desktop.server.url,
        "POST",
        desktop.authorize_path(),
        "identity=carla&password=a+password+of+some+length",
        **{"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"},
    )
    assert reply.status == 400
    assert "location" not in reply.headers


def test_no_token_stands_in_an_address(desktop: Desktop) -> None:
    reply = desktop.submit("carla")
    back = urlsplit(reply.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == f"{desktop.server.url}/desktop/"
    assert {pair.split("=")[0] for pair in back.query.split("&")} == {"code", "state"}
    assert "ey" not in back.query.split("code=")[1][:2]
    assert reply.headers["cache-control"] == "no-store"


def test_a_page_hears_of_a_bad_token_without_the_browsers_own_dialog(desktop: Desktop) -> None:
    assert "www-authenticate" not in desktop.info("nonsense").headers


def test_a_removed_signing_key_is_replaced_at_the_next_sign_in(desktop: Desktop, frozen: LiveServer) -> None:
    token = tokens(desktop, "carla")["access_token"]
    for key in frozen.client().keys.list():
        if key.friendly_name == "Agent desktop sign-in":
            frozen.client().keys(key.sid).delete()
    assert refusal(desktop.info(token)) == (401, 20103)
    assert desktop.info(tokens(desktop, "carla")["access_token"]).status == 200


def refusal(reply: Reply) -> tuple[int, int | None]:
    return reply.status, reply.json.get("code")
