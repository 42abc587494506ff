"""The official Worker SDK, unmodified, on the event bridge (agent-clients.md §1)."""

import json

import pytest

from tests.bridge.agents import Refused
from tests.bridge.conftest import Bridge, Open
from tests.bridge.wire import PATH
from tests.conftest import LiveServer


def test_a_client_becomes_ready_with_activities_and_channels(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana", languages=["de"])
    agent = bridge.agent(worker)
    state = agent.do("state")
    assert (state["sid"], state["name"], state["activity"]) == (worker, "Ana", "Available")
    assert state["activities"] == ["Available", "Offline", "Unavailable"]
    assert set(state["channels"]) == {"default", "voice", "chat", "sms", "video"}
    assert state["attributes"] == {"languages": ["de"]}
    assert state["reservations"] == []
    agent.sound()


def test_an_offer_is_heard_accepted_wrapped_up_and_completed(bridge: Bridge) -> None:
    agent = bridge.agent(bridge.centre.worker("Ana"))
    sid = bridge.offered(agent, attributes={"name": "Customer"})
    assert agent.do("accept", sid=sid)["status"] == "accepted"
    agent.wait("reservation.accepted", lambda data: data["sid"] == sid)
    assert agent.do("wrap", sid=sid)["status"] == "wrapping"
    agent.wait("reservation.wrapup", lambda data: data["sid"] == sid)
    assert agent.do("complete", sid=sid)["status"] == "completed"
    agent.wait("reservation.completed", lambda data: data["sid"] == sid)
    agent.wait("task.completed")
    assert agent.do("state")["reservations"] == []
    agent.sound()


def test_a_rejected_offer_goes_and_may_move_the_worker(bridge: Bridge) -> None:
    agent = bridge.agent(bridge.centre.worker("Ana"))
    sid = bridge.offered(agent)
    agent.do("reject", sid=sid, options={"activitySid": bridge.centre.activities["Unavailable"]})
    agent.wait("reservation.rejected", lambda data: data["sid"] == sid)
    assert agent.wait("activityUpdated").data["activity"] == "Unavailable"
    agent.sound()


def test_a_client_sets_its_activity_and_rejects_what_was_offered(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana")
    agent = bridge.agent(worker)
    sid = bridge.offered(agent)
    agent.do("setActivity", name="Offline", options={"rejectPendingReservations": True})
    agent.wait("reservation.rejected", lambda data: data["sid"] == sid)
    assert agent.wait("activityUpdated").data["activity"] == "Offline"
    assert bridge.centre.api.workers(worker).fetch().activity_name == "Offline"
    agent.sound()


def test_a_client_sets_its_attributes(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana")
    agent = bridge.agent(worker)
    assert agent.do("setAttributes", attributes={"languages": ["fr"]})["attributes"] == {"languages": ["fr"]}
    agent.wait("attributesUpdated", lambda data: data["attributes"] == {"languages": ["fr"]})
    assert json.loads(bridge.centre.api.workers(worker).fetch().attributes) == {"languages": ["fr"]}
    agent.sound()


def test_a_client_makes_a_task_for_itself(bridge: Bridge) -> None:
    agent = bridge.agent(bridge.centre.worker("Ana"))
    options = {"attributes": {"topic": "callback"}, "taskChannelUniqueName": "chat"}
    made = agent.do(
        "createTask",
        to="+12025550101",
        **{"from": "+12025550100"},
        workflow=bridge.workflow,
        queue=bridge.queue,
        options=options,
    )
    heard = agent.wait("reservationCreated", lambda data: data["task"]["sid"] == made["sid"])
    expected = {"topic": "callback", "outbound_to": "+12025550101", "from": "+12025550100"}
    assert heard.data["task"]["attributes"] == expected
    assert bridge.centre.api.tasks(made["sid"]).fetch().task_channel_unique_name == "chat"
    agent.sound()


def test_a_task_is_changed_wrapped_up_and_completed_by_the_client(bridge: Bridge) -> None:
    agent = bridge.agent(bridge.centre.worker("Ana"))
    sid = bridge.offered(agent)
    agent.do("accept", sid=sid)
    assert agent.do("setTaskAttributes", sid=sid, attributes={"note": 1})["attributes"] == {"note": 1}
    agent.wait("task.updated", lambda data: data["attributes"] == {"note": 1})
    assert agent.do("wrapUpTask", sid=sid, reason="hung up")["status"] == "wrapping"
    assert agent.wait("task.wrapup").data["reason"] == "hung up"
    agent.wait("reservation.wrapup", lambda data: data["sid"] == sid)
    assert agent.do("completeTask", sid=sid, reason="solved")["status"] == "completed"
    assert agent.wait("task.completed").data["reason"] == "solved"
    agent.wait("reservation.completed", lambda data: data["sid"] == sid)
    agent.sound()


def test_an_offer_ends_when_its_task_is_canceled(bridge: Bridge) -> None:
    agent = bridge.agent(bridge.centre.worker("Ana"))
    sid = bridge.offered(agent)
    task = agent.do("state")["reservations"][0]["task"]["sid"]
    bridge.centre.api.tasks(task).update(assignment_status="canceled", reason="changed their mind")
    agent.wait("reservation.canceled", lambda data: data["sid"] == sid)
    assert agent.wait("task.canceled").data["reason"] == "changed their mind"
    agent.sound()


def test_an_offer_ends_when_a_colleague_is_faster(bridge: Bridge) -> None:
    both = bridge.centre.queue("Both", target_workers="1==1", max_reserved_workers=2)
    workflow = bridge.centre.workflow(default=both)
    ana, ben = bridge.centre.worker("Ana"), bridge.centre.worker("Ben")
    slow, fast = bridge.agent(ana), bridge.agent(ben)
    task = bridge.centre.task(workflow).sid
    offers = [
        agent.wait("reservationCreated", lambda data: data["task"]["sid"] == task).data["sid"] for agent in (slow, fast)
    ]
    fast.do("accept", sid=offers[1])
    slow.wait("reservation.rescinded", lambda data: data["sid"] == offers[0])
    with pytest.raises(Refused, match="does not know reservation"):
        slow.do("accept", sid=offers[0])
    slow.sound()
    fast.sound()


def test_an_offer_ends_when_its_time_is_over(frozen_server: LiveServer, open_bridge: Open) -> None:
    bridge = open_bridge(frozen_server)
    agent = bridge.agent(bridge.centre.worker("Ana"))
    sid = bridge.offered(agent)
    frozen_server.advance(121)
    agent.wait("reservation.timeout", lambda data: data["sid"] == sid)
    assert agent.wait("activityUpdated").data["activity"] == "Offline"
    agent.sound()


def test_changes_of_capacity_and_availability_are_heard(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana")
    agent = bridge.agent(worker)
    channel = bridge.centre.api.workers(worker).worker_channels("chat")
    channel.update(capacity=4)
    assert agent.wait("capacityUpdated").data == {"name": "chat", "capacity": 4, "available": True}
    channel.update(available=False)
    assert agent.wait("availabilityUpdated").data == {"name": "chat", "capacity": 4, "available": False}
    agent.sound()


def test_a_supervisor_moves_and_describes_a_worker(bridge: Bridge) -> None:
    ana, boss = bridge.centre.worker("Ana"), bridge.centre.worker("Boss")
    agent, supervisor = bridge.agent(ana), bridge.agent(boss, role="supervisor")
    supervisor.do("setWorkerActivity", worker=ana, activity=bridge.centre.activities["Unavailable"])
    assert agent.wait("activityUpdated").data["activity"] == "Unavailable"
    supervisor.do("setWorkerAttributes", worker=ana, attributes={"team": "red"})
    assert agent.wait("attributesUpdated").data["attributes"] == {"team": "red"}


def test_a_worker_may_not_do_what_a_supervisor_may(bridge: Bridge) -> None:
    ana, ben = bridge.centre.worker("Ana"), bridge.centre.worker("Ben")
    agent = bridge.agent(ana)
    workers = f"Workspaces/{bridge.centre.sid}/Workers"
    with pytest.raises(Refused, match="status code 403"):
        agent.do("post", url=f"{workers}/{ben}", params={"ActivitySid": bridge.centre.activities["Offline"]})
    with pytest.raises(Refused, match="status code 403"):
        agent.do("get", url=f"{workers}/{ben}/Reservations")
    assert bridge.centre.api.workers(ben).fetch().activity_name == "Available"


def test_the_workspace_client_lists_and_fetches(bridge: Bridge) -> None:
    workers = [bridge.centre.worker(f"Worker {number}", chat=0) for number in range(3)]
    agent = bridge.agent(workers[0])
    server = {"ebServer": bridge.centre.server.url + PATH}
    agent.do("workspace", token=bridge.token(workers[0]), options={**server, "pageSize": 2})
    names = [f"Worker {number}" for number in range(3)]
    assert sorted(agent.do("workers", args={})) == names
    assert sorted(agent.do("workers", args={"Ordering": "DateStatusChanged:desc"})) == names
    assert agent.do("workers", args={"FriendlyName": "Worker 1"}) == ["Worker 1"]
    assert agent.do("workers", args={"ActivityName": "Offline"}) == []
    assert agent.do("worker", sid=workers[2]) == {"name": "Worker 2"}
    assert agent.do("queue", sid=bridge.queue) == {"sid": bridge.queue}


def test_telephony_is_refused_by_name(bridge: Bridge) -> None:
    agent = bridge.agent(bridge.centre.worker("Ana"))
    sid = bridge.offered(agent)
    for command in ("call", "dequeue", "conference"):
        with pytest.raises(Refused, match=rf"status code 400\. .*Instruction: '{command}' is not supported"):
            agent.do(command, sid=sid)
    assert agent.do("state")["reservations"][0]["status"] == "pending"


def test_a_cut_line_is_replaced_and_shows_what_happened_meanwhile(bridge: Bridge) -> None:
    worker = bridge.centre.worker("Ana", chat=2)
    agent = bridge.agent(worker)
    first = bridge.offered(agent)
    agent.do("cut")
    agent.wait("disconnected")
    api = bridge.centre.api.workers(worker).reservations
    api(first).update(reservation_status="accepted")
    second = bridge.centre.offer(worker, bridge.task()).sid
    agent.wait("ready", count=2)
    agent.do("accept", sid=second)
    agent.wait("reservation.accepted", lambda data: data["sid"] == second)
    assert {each["sid"]: each["status"] for each in agent.do("state")["reservations"]} == {
        first: "accepted",
        second: "accepted",
    }
    agent.sound()
