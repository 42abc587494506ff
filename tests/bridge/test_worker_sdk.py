"""The official Worker SDK, unmodified, on the event bridge (agent-clients.md §1)."""

from tests.bridge.conftest import Bridge


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
