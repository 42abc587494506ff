"""The proxy and the socket as HTTP sees them (taskrouter.md §9.3, §9.4; agent-clients.md §2.3)."""

import json

import pytest
from websockets.exceptions import InvalidStatus

from tests.bridge import wire
from tests.bridge.conftest import Bridge

CONTENT_TYPES = ("application/x-www-form-urlencoded", "text/plain", "application/json")
PATHS = (
    "/event-bridge/v1/wschannels",
    "/_tw/event-bridge.twilio.com/v1/wschannels",
    "/_tw/event-bridge.ie1.twilio.com/v1/wschannels",
)
WANTED_HEADERS = {"content-type", "apiversion", "clientversion", "if-match", "x-flex-version", "x-flex-jwe"}


@pytest.fixture
def worker(bridge: Bridge) -> str:
    return bridge.centre.worker("Ana")


@pytest.fixture
def path(bridge: Bridge, worker: str) -> str:
    return f"Workspaces/{bridge.centre.sid}/Workers/{worker}"


@pytest.fixture
def url(bridge: Bridge) -> str:
    return bridge.centre.server.url


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_the_body_is_json_whatever_its_type_says(
    bridge: Bridge, url: str, worker: str, path: str, content_type: str
) -> None:
    answer = wire.get(url, bridge.token(worker), path, Content_Type=content_type)
    assert (answer.status, answer.body["payload"]["sid"]) == (200, worker)


@pytest.mark.parametrize("form", PATHS)
def test_every_form_of_the_address_serves_calls_and_sockets(
    bridge: Bridge, url: str, worker: str, path: str, form: str
) -> None:
    token = bridge.token(worker)
    assert wire.get(url, token, path, path=form).body["payload"]["sid"] == worker
    with wire.socket(url, token, path=form) as raw:
        init = wire.next_event(raw)
    assert init["event_type"] == "init"
    assert init["payload"]["token_lifetime"] == pytest.approx(3_600_000, abs=60_000)
    assert {name: init["payload"][name] for name in ("channel_id", "account_sid", "workspace_sid")} == {
        "channel_id": worker,
        "account_sid": bridge.centre.server.credentials.account_sid,
        "workspace_sid": bridge.centre.sid,
    }


def test_the_host_alone_may_name_the_product(bridge: Bridge, url: str, worker: str, path: str) -> None:
    answer = wire.get(url, bridge.token(worker), path, path="/v1/wschannels", Host="event-bridge.ie1.twilio.com")
    assert answer.body["payload"]["sid"] == worker


def test_the_older_path_names_account_and_worker(bridge: Bridge, url: str, worker: str, path: str) -> None:
    token, account = bridge.token(worker), bridge.centre.server.credentials.account_sid
    form = f"{wire.PATH}/{account}/{worker}"
    assert wire.get(url, token, path, path=form).status == 200
    with wire.socket(url, token, path=form) as raw:
        assert wire.next_event(raw)["payload"]["channel_id"] == worker
    foreign = f"{wire.PATH}/{account}/WK{'0' * 32}"
    assert wire.get(url, token, path, path=foreign).status == 404
    with pytest.raises(InvalidStatus, match="404"), wire.socket(url, token, path=foreign):
        pass


def test_browsers_of_other_origins_may_call(url: str) -> None:
    answer = wire.request(
        url + wire.PATH, "OPTIONS", Origin="https://desktop.example.com", Access_Control_Request_Method="POST"
    )
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert allowed >= WANTED_HEADERS


def test_a_version_that_is_over_is_refused_with_412(bridge: Bridge, url: str, worker: str, path: str) -> None:
    token = bridge.token(worker)
    version = wire.get(url, token, path).body["payload"]["version"]
    assert wire.post(url, token, path, {"Attributes": {"a": 1}}, If_Match=str(version)).status == 200
    late = wire.post(url, token, path, {"Attributes": {"a": 2}}, If_Match=str(version))
    assert (late.status, late.body["code"]) == (412, 20412)
    assert json.loads(wire.get(url, token, path).body["payload"]["attributes"]) == {"a": 1}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"url=Workspaces", 400),
        (b'{"url": "Workspaces", "method": "GET"}', 400),
        (b'{"url": "Workspaces", "method": "GET", "params": {}, "token": "nonsense"}', 401),
        (b'{"url": "Workspaces", "method": "GET", "params": [], "token": "nonsense"}', 400),
    ],
)
def test_what_is_no_call_is_refused_with_a_message(url: str, body: bytes, status: int) -> None:
    answer = wire.request(url + wire.PATH, "POST", body)
    assert answer.status == status
    assert answer.body["message"]


def test_a_call_that_nobody_serves_is_refused(bridge: Bridge, url: str, worker: str, path: str) -> None:
    token = bridge.token(worker)
    assert wire.get(url, token, "Workspaces/Nothing/Here").status == 404
    assert wire.post(url, token, f"{path}/WorkerChannels").status == 405
    deleting = wire.post(url, token, path, method="DELETE")
    assert (deleting.status, "method" in deleting.body["message"]) == (400, True)


def test_a_token_opens_its_own_workspace_alone(bridge: Bridge, url: str, worker: str) -> None:
    foreign = wire.get(url, bridge.token(worker), f"Workspaces/WS{'0' * 32}/Activities")
    assert (foreign.status, foreign.body["code"]) == (403, 20403)


@pytest.mark.parametrize("size", ["0", "1001", "many"])
def test_a_page_size_out_of_bounds_is_refused(bridge: Bridge, url: str, worker: str, size: str) -> None:
    answer = wire.get(url, bridge.token(worker), f"Workspaces/{bridge.centre.sid}/Activities", {"PageSize": size})
    assert (answer.status, "PageSize" in answer.body["message"]) == (400, True)


def test_pages_follow_one_another(bridge: Bridge, url: str, worker: str) -> None:
    token, path = bridge.token(worker), f"Workspaces/{bridge.centre.sid}/Activities"
    first = wire.get(url, token, path, {"PageSize": 2}).body["payload"]
    rest = wire.get(url, token, path, {"PageSize": 2, "AfterSid": first["after_sid"]}).body["payload"]
    assert first.keys() == {"contents", "after_sid", "meta"}
    assert [first["meta"], rest["meta"]] == [{"list_key": "contents"}] * 2
    assert first["after_sid"] == first["contents"][-1]["sid"]
    assert rest["after_sid"] is None
    names = [each["friendly_name"] for each in first["contents"] + rest["contents"]]
    assert sorted(names) == ["Available", "Offline", "Unavailable"]


def test_a_socket_for_nobody_is_refused(bridge: Bridge, url: str) -> None:
    unknown = bridge.token(f"WK{'0' * 32}")
    with pytest.raises(InvalidStatus, match="404"), wire.socket(url, unknown):
        pass
    with pytest.raises(InvalidStatus, match="401"), wire.socket(url, "nonsense"):
        pass
    with pytest.raises(InvalidStatus, match="403"), wire.socket(url, bridge.token(None, role="admin")):
        pass


def test_an_idle_socket_hears_a_heartbeat_in_time(bridge: Bridge, url: str, worker: str) -> None:
    with wire.socket(url, bridge.token(worker)) as raw:
        wire.next_event(raw)
        beat = raw.recv(15)
    assert isinstance(beat, str)
    assert (beat.strip(), len(beat)) == ("", 1)


def test_no_event_is_told_before_the_reservations_were_listed(bridge: Bridge, url: str, worker: str) -> None:
    with wire.socket(url, bridge.token(worker)) as raw:
        wire.next_event(raw)
        bridge.centre.offer(worker, bridge.task())
        beat = raw.recv(15)
    assert isinstance(beat, str)
    assert beat.strip() == ""


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("", 404),
        ("Workspaces/{workspace}/Workers/%00", 404),
        ("Workspaces/{workspace}/Workers/\u0000", 404),
        ("Workspaces/{workspace}/Workers/../../../v1/Accounts", 404),
        ("Workspaces/{workspace}/Workers?PageSize=1", 404),
        ("https://elsewhere.example.com/Workspaces/{workspace}/Workers", 404),
        ("v1/Interactions/KD/Channels/%00/Participants", 404),
        ("x" * 100_000, 404),
    ],
)
def test_an_url_that_leads_nowhere_is_refused(bridge: Bridge, worker: str, url: str, status: int) -> None:
    answer = wire.get(bridge.centre.server.url, bridge.token(worker), url.format(workspace=bridge.centre.sid))
    assert answer.status == status
    assert len(answer.body["message"]) < 1000


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"ActivitySid": {"sid": "WA"}}, "ActivitySid"),
        ({"ActivitySid": "WA\u0000"}, "ActivitySid"),
        ({"Attributes": "no json"}, "Attributes"),
        ({"Attributes": [1]}, "Attributes"),
        ({"Attributes": {"long": "x" * 5000}}, "Attributes"),
        ({"RejectPendingReservations": "perhaps"}, "RejectPendingReservations"),
        ({"RejectPendingReservations": True}, "RejectPendingReservations"),
    ],
)
def test_a_bad_parameter_is_refused_by_name_and_changes_nothing(
    bridge: Bridge, url: str, worker: str, path: str, params: dict[str, object], name: str
) -> None:
    token = bridge.token(worker)
    before = wire.get(url, token, path).body
    answer = wire.post(url, token, path, params)
    assert (answer.status, name in answer.body["message"]) == (400, True)
    assert wire.get(url, token, path).body == before
