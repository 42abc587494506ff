"""What clients trip over, one test for each (agent-clients.md §1.4)."""

import json
import time
from typing import Any

import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import TaskRouterGrant
from websockets.exceptions import InvalidStatus

from tests.bridge import wire
from tests.bridge.agents import Agent, Refused, of_sid
from tests.bridge.conftest import Bridge
from tests.taskrouter.conftest import eventually

TRANSFERS = {"task_transfer", "active_outgoing_task_transfer"}


def fence(bridge: Bridge, worker: str, *agents: Agent) -> None:
    """Wait until the agents heard of something that is told after all that happened before."""
    mark = f"fence {time.monotonic_ns()}"
    bridge.centre.api.workers(worker).update(attributes=json.dumps({"mark": mark}))
    for agent in agents:
        agent.wait("attributesUpdated", lambda data: data["attributes"].get("mark") == mark)


def test_1_the_answer_to_a_reservation_has_neither_task_nor_transfers(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana")
    reservation = bridge.centre.offer(worker, bridge.task())
    answer = wire.post(
        bridge.centre.server.url,
        bridge.token(worker),
        f"Workspaces/{bridge.centre.sid}/Workers/{worker}/Reservations/{reservation.sid}",
        {"ReservationStatus": "accepted"},
    )
    assert (answer.status, answer.body["payload"]["reservation_status"]) == (200, "accepted")
    assert (TRANSFERS | {"task"}) & answer.body["payload"].keys() == set()


def test_2_lists_and_events_leave_transfers_out_where_there_is_none(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana")
    url, token = bridge.centre.server.url, bridge.token(worker)
    with wire.socket(url, token) as raw:
        assert wire.next_event(raw)["event_type"] == "init"
        listed = start_up(bridge, token, worker)
        bridge.centre.offer(worker, bridge.task())
        event = wire.next_event(raw)
    assert event["event_type"] == "reservation.created"
    (again,) = start_up(bridge, token, worker)
    assert listed == []
    assert [TRANSFERS & each.keys() for each in (event["payload"], again)] == [set(), set()]
    assert event["payload"]["task"]["assignment_status"] == again["task"]["assignment_status"] == "reserved"


def start_up(bridge: Bridge, token: str, worker: str) -> list[dict[str, Any]]:
    """Ask for the three lists that a client asks for, and return the reservations."""
    url, workspace = bridge.centre.server.url, f"Workspaces/{bridge.centre.sid}"
    wire.get(url, token, f"{workspace}/Activities", {"PageSize": 1000})
    wire.get(url, token, f"{workspace}/Workers/{worker}/WorkerChannels", {"PageSize": 1000})
    answer = wire.get(url, token, f"{workspace}/Workers/{worker}/Reservations", {"Active": "true", "PageSize": 1000})
    contents: list[dict[str, Any]] = answer.body["payload"]["contents"]
    return contents


def test_3_a_socket_is_told_nothing_that_its_list_shows_already(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana", chat=3)
    ended, held = (bridge.centre.offer(worker, bridge.task()) for _ in range(2))
    for status in ("accepted", "completed"):
        bridge.centre.api.workers(worker).reservations(ended.sid).update(reservation_status=status)
    bridge.centre.api.workers(worker).reservations(held.sid).update(reservation_status="accepted")
    agent = bridge.agent(worker)
    fence(bridge, worker, agent)
    assert [each["sid"] for each in agent.do("state")["reservations"]] == [held.sid]
    assert agent.of(ended.sid) == agent.of(held.sid) == []
    agent.sound()


def test_4_the_answer_comes_before_the_event_that_the_call_causes(bridge: Bridge) -> None:
    agent = bridge.agent(bridge.centre.worker("Ana"))
    for _ in range(5):
        sid = bridge.offered(agent)
        place, accepted = agent.answer(agent.send("accept", sid=sid))
        assert (accepted["status"], accepted["task"]["status"]) == ("accepted", "reserved")
        heard = agent.wait("reservation.accepted", of_sid(sid))
        assert heard.number > place
        assert heard.data["task"]["status"] == "assigned"
        agent.do("completeTask", sid=sid, reason="done")
        agent.wait("reservation.completed", of_sid(sid))
    agent.sound()


def test_5_setting_the_activity_that_is_set_is_told_too(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana")
    agent = bridge.agent(worker, connectActivitySid=bridge.centre.activities["Available"])
    heard = agent.wait("activityUpdated")
    assert heard.data["activity"] == "Available"
    agent.sound()


def test_6_the_client_counts_the_versions_of_its_worker_as_we_do(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana")
    agent = bridge.agent(worker)
    api = bridge.centre.api.workers(worker)
    sid = bridge.offered(agent)
    agent.do("reject", sid=sid, options={"activitySid": bridge.centre.activities["Offline"]})
    agent.wait("activityUpdated")
    api.worker_channels("chat").update(capacity=2)
    api.worker_channels("chat").update(capacity=2)
    agent.wait("capacityUpdated")
    api.worker_channels("sms").update(available=False, capacity=3)
    agent.wait("availabilityUpdated")
    api.update(friendly_name="Anna")
    renamed = agent.wait("attributesUpdated", lambda data: data["name"] == "Anna").data["version"]
    ours = agent.do("get", url=f"Workspaces/{bridge.centre.sid}/Workers/{worker}", api="v1")["version"]
    assert (agent.do("state")["version"], renamed) == (str(ours), str(ours))


def test_7_sessions_that_each_want_to_be_the_only_one_do_not_close_each_other_for_ever(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana")
    first = bridge.agent(worker, closeExistingSessions=True)
    another = bridge.token(worker, name="the same agent in another window")
    second = bridge.agent(worker, token=another, closeExistingSessions=True)
    first.wait("disconnected", lambda data: "Another session" in data["message"])
    first.wait("ready", count=2)
    fence(bridge, worker, first, second)
    assert [first.count("disconnected"), second.count("disconnected")] == [1, 0]


def test_8_an_expired_token_is_refused_at_the_upgrade(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana")
    token = AccessToken(
        bridge.centre.server.credentials.account_sid,
        *bridge.tokens.key,
        identity="ana",
        valid_until=int(time.time()) - 1,
    )
    token.add_grant(TaskRouterGrant(workspace_sid=bridge.centre.sid, worker_sid=worker, role="worker"))
    with pytest.raises(InvalidStatus) as refused, wire.socket(bridge.centre.server.url, str(token.to_jwt())):
        pass
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body)["code"] == 20104


def test_8_a_client_stops_at_the_end_of_its_token_until_it_has_another(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana")
    agent = bridge.agent(worker, seconds=7)
    agent.wait("tokenExpired")
    agent.do("cut")
    agent.wait("disconnected")
    agent.do("updateToken", token=bridge.token(worker))
    agent.wait("tokenUpdated")
    agent.wait("ready", count=2)
    agent.sound()


def test_9_a_socket_outlives_the_token_that_opened_it(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana")
    short = bridge.token(worker, seconds=9)
    agent = bridge.agent(worker, token=short)
    agent.do("updateToken", token=bridge.token(worker))
    url, path = bridge.centre.server.url, f"Workspaces/{bridge.centre.sid}/Workers/{worker}"
    eventually(lambda: wire.get(url, short, path).status == 401, 20)
    assert agent.do("setActivity", name="Unavailable")["activity"] == "Unavailable"
    agent.wait("activityUpdated")
    assert agent.count("disconnected") == 0
    # This client counts the life of its first token anew, so it is given a further one before it needs it.
    agent.do("updateToken", token=bridge.token(worker))
    agent.do("cut")
    agent.wait("ready", count=2)


def test_10_refusals_are_in_the_words_that_clients_look_for(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana")
    agent = bridge.agent(worker)
    sid = bridge.offered(agent)
    with pytest.raises(Refused, match=r"status code 400\. .*future"):
        agent.do("setVirtualStartTime", sid=sid, at="2099-01-01T00:00:00Z")
    unknown = "WA" + "0" * 32
    with pytest.raises(Refused, match=rf"status code 400\. .*{unknown}"):
        agent.do("post", url=f"Workspaces/{bridge.centre.sid}/Workers/{worker}", params={"ActivitySid": unknown})
    workspace = f"Workspaces/{bridge.centre.sid}"
    for path in (f"Workers/WK{'0' * 32}", f"Tasks/WT{'0' * 32}", f"TaskQueues/WQ{'0' * 32}"):
        with pytest.raises(Refused, match="status code 404"):
            agent.do("get", url=f"{workspace}/{path}")
    for path, prefix in (("Activities", "WA"), (f"Workers/{worker}/Reservations", "WR"), ("Workers", "WK")):
        with pytest.raises(Refused, match=r"status code 400\. .*AfterSid"):
            agent.do("get", url=f"{workspace}/{path}", params={"AfterSid": prefix + "0" * 32})


def test_11_lists_of_queues_and_workers_evaluate_expressions(bridge: Bridge) -> None:
    ana, ben = bridge.centre.worker("Ana", languages=["de"]), bridge.centre.worker("Ben", languages=["fr"])
    bridge.centre.queue("German", target_workers='languages HAS "de"')
    agent = bridge.agent(ana)
    agent.do("workspace", token=bridge.token(ana), options={**_server(bridge)})
    assert sorted(agent.do("queues", args={"WorkerSid": ana})) == ["Everyone", "German"]
    assert agent.do("queues", args={"WorkerSid": ben}) == ["Everyone"]
    assert agent.do("workers", args={"TargetWorkersExpression": 'languages HAS "fr"'}) == ["Ben"]


def _server(bridge: Bridge) -> dict[str, str]:
    return {"ebServer": bridge.centre.server.url + wire.PATH}
