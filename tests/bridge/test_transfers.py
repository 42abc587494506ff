"""Tasks that a worker gives to a colleague or a queue, by the official Worker SDK (taskrouter.md §9.6, §11.7)."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.bridge import wire
from tests.bridge.agents import Agent, Refused
from tests.bridge.conftest import Bridge, Open
from tests.conftest import LiveServer
from tests.taskrouter.conftest import eventually
from tests.taskrouter.test_explanation import explained


@dataclass
class Two:
    """Ana, who has accepted a task, and Ben, who is there.

    :ivar held: SID of Ana's reservation.
    """

    bridge: Bridge
    ana: Agent
    ben: Agent
    workers: tuple[str, str]
    task: str
    held: str

    @property
    def api(self) -> Any:
        return self.bridge.centre.api

    def transfer(self, to: str, **options: Any) -> dict[str, Any]:
        """Have Ana transfer the task and hear that it began."""
        begun: dict[str, Any] = self.ana.do("transfer", sid=self.held, to=to, options=options)
        self.ana.wait("transferInitiated", lambda data: data["sid"] == begun["sid"])
        return begun

    def offered(self, agent: Agent | None = None, count: int = 1) -> dict[str, Any]:
        """Return the reservation by which Ben, or another agent, hears of the task."""
        heard = (agent or self.ben).wait(
            "reservationCreated",
            lambda data: data["task"]["sid"] == self.task and data["sid"] != self.held,
            count=count,
        )
        return heard.data

    def status(self, reservation: str) -> str:
        return str(self.api.tasks(self.task).reservations(reservation).fetch().reservation_status)

    def events(self, kind: str) -> list[Any]:
        """What the Events API tells of the task's transfers."""
        return list(self.api.events.list(event_type=kind, task_sid=self.task))

    def sound(self) -> None:
        self.ana.sound()
        self.ben.sound()


def two_of(bridge: Bridge) -> Two:
    ana, ben = (bridge.centre.worker(name, chat=2) for name in ("Ana", "Ben"))
    bridge.centre.move(ben, "Unavailable")
    first, second = bridge.agent(ana), bridge.agent(ben)
    held = bridge.offered(first, attributes={"topic": "bill"}, priority=3)
    first.do("accept", sid=held)
    first.wait("reservation.accepted")
    bridge.centre.move(ben, "Available")
    second.wait("activityUpdated", lambda data: data["activity"] == "Available")
    task = first.do("state")["reservations"][0]["task"]["sid"]
    return Two(bridge, first, second, (ana, ben), task, held)


@pytest.fixture
def two(bridge: Bridge) -> Two:
    return two_of(bridge)


@pytest.fixture
def queue(two: Two) -> str:
    """A second queue, in which Ana and Ben are."""
    return two.bridge.centre.queue("Second", target_workers="1==1")


def test_a_warm_transfer_leaves_both_with_the_task_until_the_first_lets_go(two: Two) -> None:
    ana, ben = two.workers
    begun = two.transfer(ben)
    assert (begun["status"], begun["mode"], begun["type"], begun["to"]) == ("initiated", "WARM", "WORKER", ben)
    assert (begun["workerSid"], begun["reservationSid"]) == (ana, two.held)
    assert (begun["queueSid"], begun["workflowSid"]) == (two.bridge.queue, two.bridge.workflow)
    offer = two.offered()
    assert offer["transfer"] == offer["incoming"] == begun
    assert offer["task"]["status"] == two.bridge.centre.status(two.task) == "reserved"
    assert two.status(two.held) == "accepted"

    two.ben.do("accept", sid=offer["sid"])
    assert two.ana.wait("transfer.completed").data["status"] == "complete"
    heard = two.ben.wait("reservation.accepted", lambda data: data["sid"] == offer["sid"]).data
    assert (heard["transfer"]["status"], heard["task"]["status"]) == ("complete", "assigned")
    assert (two.status(two.held), two.bridge.centre.status(two.task)) == ("accepted", "assigned")

    two.ana.do("complete", sid=two.held)
    two.ana.wait("reservation.completed", lambda data: data["sid"] == two.held)
    assert two.bridge.centre.status(two.task) == "assigned"
    two.ben.do("complete", sid=offer["sid"])
    two.ben.wait("task.completed")
    assert two.bridge.centre.status(two.task) == "completed"
    two.sound()


def test_a_cold_transfer_has_the_first_wrap_up_and_complete_alone(two: Two) -> None:
    begun = two.transfer(two.workers[1], mode="COLD")
    assert begun["mode"] == "COLD"
    wrapping = two.ana.wait("reservation.wrapup", lambda data: data["sid"] == two.held).data
    assert wrapping["outgoing"]["sid"] == begun["sid"]
    two.ana.do("complete", sid=two.held)
    two.ana.wait("reservation.completed", lambda data: data["sid"] == two.held)
    assert two.bridge.centre.status(two.task) == "reserved"
    two.ben.do("accept", sid=two.offered()["sid"])
    two.ben.wait("reservation.accepted")
    assert two.bridge.centre.status(two.task) == "assigned"
    (completed,) = two.events("task.transfer-completed")
    assert completed.resource_sid == two.task
    two.sound()


def test_what_the_second_completes_wraps_up_while_the_first_does(two: Two) -> None:
    two.transfer(two.workers[1], mode="COLD")
    offer = two.offered()["sid"]
    two.ben.do("accept", sid=offer)
    two.ben.do("complete", sid=offer)
    assert two.bridge.centre.status(two.task) == "wrapping"
    two.ana.do("complete", sid=two.held)
    assert two.bridge.centre.status(two.task) == "completed"
    two.sound()


def test_a_rejected_warm_transfer_gives_the_task_back(two: Two) -> None:
    begun = two.transfer(two.workers[1])
    offer = two.offered()["sid"]
    two.ben.do("reject", sid=offer)
    heard = two.ben.wait("reservation.rejected", lambda data: data["sid"] == offer).data
    why = "Transfer failed because the reservation was rejected"
    assert (heard["transfer"]["status"], heard["transfer"]["reason"]) == ("failed", why)
    failed = two.ana.wait("transfer.failed").data
    assert (failed["sid"], failed["status"], failed["reason"]) == (begun["sid"], "failed", why)
    two.ana.wait("task.updated", lambda data: data["status"] == "assigned")
    assert (two.status(two.held), two.bridge.centre.status(two.task)) == ("accepted", "assigned")
    again = two.transfer(two.workers[1])
    assert again["sid"] != begun["sid"]
    assert two.offered(count=2)["transfer"]["sid"] == again["sid"]
    two.sound()


def test_a_rejected_cold_transfer_has_the_task_wait_for_anybody(two: Two) -> None:
    two.transfer(two.workers[1], mode="COLD")
    two.ben.do("reject", sid=two.offered()["sid"], options={"activitySid": two.bridge.centre.activities["Offline"]})
    two.ana.wait("transfer.failed")
    back = two.offered(two.ana)
    assert back["transfer"] is None
    two.ana.do("accept", sid=back["sid"])
    two.ana.do("complete", sid=back["sid"])
    two.ana.do("complete", sid=two.held)
    assert two.bridge.centre.status(two.task) == "completed"
    two.sound()


def test_a_transfer_that_nobody_answers_fails_in_time(frozen_server: LiveServer, open_bridge: Open) -> None:
    two = two_of(open_bridge(frozen_server))
    two.transfer(two.workers[1])
    offer = two.offered()["sid"]
    frozen_server.advance(121)
    heard = two.ben.wait("reservation.timeout", lambda data: data["sid"] == offer).data
    assert heard["transfer"]["status"] == "failed"
    assert two.ana.wait("transfer.failed").data["reason"] == "Transfer failed because the reservation timed out"
    two.ben.wait("activityUpdated", lambda data: data["activity"] == "Offline")
    assert two.bridge.centre.status(two.task) == "assigned"
    two.sound()


def test_a_queue_offers_a_transferred_task_to_the_next_until_somebody_accepts(two: Two, queue: str) -> None:
    begun = two.transfer(queue, priority=9, attributes={"topic": "refund"})
    assert (begun["type"], begun["to"]) == ("QUEUE", queue)
    offer = two.offered()
    assert offer["task"]["attributes"] == {"topic": "refund"}
    task = two.api.tasks(two.task).fetch()
    assert (task.task_queue_sid, task.priority, task.assignment_status) == (queue, 9, "reserved")
    two.ben.do("reject", sid=offer["sid"])
    heard = two.ben.wait("reservation.rejected", lambda data: data["sid"] == offer["sid"]).data
    assert heard["transfer"]["status"] == "initiated"
    attempt = two.ana.wait("transfer.attemptFailed").data
    no_more = "Transfer attempt failed on reservation reject because there are no more pending reservations"
    assert (attempt["status"], attempt["reason"]) == ("initiated", no_more)
    two.ana.wait("task.updated", lambda data: data["status"] == "pending")

    again = two.offered(count=2)
    assert again["transfer"]["sid"] == begun["sid"]
    two.ben.do("accept", sid=again["sid"])
    assert two.ana.wait("transfer.completed").data["reason"] is None
    assert two.bridge.centre.status(two.task) == "assigned"
    assert [each.sid for each in two.bridge.centre.offers(two.workers[0])] == []
    two.sound()


def test_whoever_keeps_a_task_is_not_offered_it_and_the_explanation_says_so(two: Two, queue: str) -> None:
    two.bridge.centre.move(two.workers[1], "Unavailable")
    two.transfer(queue)
    story = eventually(lambda: _waits(two))
    assert "Ana is who transfers it" in story
    assert two.bridge.centre.offers(two.workers[0]) == []
    two.ana.do("wrap", sid=two.held)
    assert two.offered(two.ana)["transfer"]["to"] == queue
    two.sound()


def _waits(two: Two) -> str | None:
    text = str(explained(two.bridge.centre, two.task)["text"])
    return text if "Second" in text else None


def test_a_cold_transfer_to_a_queue_may_come_back(two: Two, queue: str) -> None:
    two.bridge.centre.move(two.workers[1], "Unavailable")
    two.transfer(queue, mode="COLD")
    back = two.offered(two.ana)
    two.ana.do("accept", sid=back["sid"])
    assert {two.status(two.held), two.status(back["sid"])} == {"wrapping", "accepted"}
    two.sound()


def test_a_canceled_transfer_gives_the_task_back_once(two: Two) -> None:
    begun = two.transfer(two.workers[1])
    offer = two.offered()["sid"]
    assert two.ana.do("cancelTransfer", sid=two.held)["status"] == "canceled"
    heard = two.ben.wait("reservation.canceled", lambda data: data["sid"] == offer).data
    assert (heard["incoming"]["status"], heard["task"]["status"]) == ("canceled", "assigned")
    assert two.ana.wait("transfer.canceled").data["sid"] == begun["sid"]
    two.ana.wait("task.updated", lambda data: data["status"] == "assigned")
    with pytest.raises(
        Refused, match=rf"400\. Transfer {begun['sid']} is already canceled \. Cannot cancel transfer\."
    ):
        two.ana.do("cancelTransfer", sid=two.held)
    assert two.status(two.held) == "accepted"
    two.sound()


def test_a_canceled_cold_transfer_has_the_task_wrap_up_with_its_agent(two: Two) -> None:
    two.transfer(two.workers[1], mode="COLD")
    two.offered()
    two.ana.do("cancelTransfer", sid=two.held)
    assert two.bridge.centre.status(two.task) == "wrapping"
    two.ana.do("complete", sid=two.held)
    assert two.bridge.centre.status(two.task) == "completed"
    two.sound()


def test_a_task_that_ends_ends_its_transfer(two: Two) -> None:
    two.transfer(two.workers[1])
    offer = two.offered()["sid"]
    two.api.tasks(two.task).update(assignment_status="canceled", reason="hung up")
    assert two.ana.wait("transfer.failed").data["reason"] == "Transfer failed because the task was canceled"
    assert (two.status(two.held), two.status(offer)) == ("completed", "canceled")
    (failed,) = two.events("task.transfer-failed")
    assert failed.event_data["task_assignment_status"] == "canceled"
    two.sound()


def test_a_task_on_a_transfer_is_neither_wrapped_up_nor_completed_nor_transferred(two: Two) -> None:
    two.transfer(two.workers[1])
    two.offered()
    for command in ("wrapUpTask", "completeTask"):
        with pytest.raises(Refused, match=r"status code 400\. .*it is not currently assigned"):
            two.ana.do(command, sid=two.held, reason="done")
    with pytest.raises(Refused, match=r"status code 400\. .*it is not assigned but reserved"):
        two.ana.do("transfer", sid=two.held, to=two.bridge.queue)
    two.ana.do("cancelTransfer", sid=two.held)
    assert two.bridge.centre.status(two.task) == "assigned"


def test_a_transfer_to_somebody_who_cannot_take_it_changes_nothing(two: Two) -> None:
    ben = two.workers[1]
    refusals = {
        ben: r"To: worker WK\w+ is not available but Unavailable",
        two.workers[0]: "has the task already",
        "WQ" + "0" * 32: "To: ",
        "WW" + "0" * 32: "To: ",
    }
    two.bridge.centre.move(ben, "Unavailable")
    for to, why in refusals.items():
        with pytest.raises(Refused, match=rf"status code 400\. .*{why}"):
            two.ana.do("transfer", sid=two.held, to=to)
    two.bridge.centre.move(ben, "Available")
    two.api.workers(ben).worker_channels("chat").update(capacity=0)
    with pytest.raises(Refused, match=r"status code 400\. .*has no capacity left for tasks of the channel chat"):
        two.ana.do("transfer", sid=two.held, to=ben)
    with pytest.raises(Refused, match=r"status code 400\. .*Mode: "):
        two.ana.do("transfer", sid=two.held, to=two.bridge.queue, options={"mode": "LUKEWARM"})
    assert (two.status(two.held), two.bridge.centre.status(two.task)) == ("accepted", "assigned")
    assert two.events("task.transfer-initiated") == []


def test_a_pending_reservation_and_that_of_a_colleague_cannot_be_transferred(two: Two) -> None:
    pending = two.bridge.task()
    offer = eventually(two.api.tasks(pending).reservations.list)[0]
    holder = offer.worker_sid
    params = {"ReservationSid": offer.sid, "TaskSid": pending, "To": two.bridge.queue}
    url = f"Workspaces/{two.bridge.centre.sid}/Workers/{holder}/Transfers"
    server, token = two.bridge.centre.server.url, two.bridge.token(holder)
    answer = wire.post(server, token, url, params)
    assert (answer.status, "is not accepted but pending" in answer.body["message"]) == (400, True)
    other = {**params, "ReservationSid": two.held}
    ben = two.workers[1]
    url = url.replace(holder, ben)
    answer = wire.post(server, two.bridge.token(ben), url, other)
    assert (answer.status, "ReservationSid" in answer.body["message"]) == (400, True)
    answer = wire.post(server, two.bridge.token(ben), url.replace(ben, two.workers[0]), {**other, "TaskSid": two.task})
    assert answer.status == 403


def test_a_reload_shows_transfers_and_a_foreign_one_cannot_be_canceled(two: Two) -> None:
    begun = two.transfer(two.workers[1])
    two.offered()
    again, peer = two.bridge.agent(two.workers[0]), two.bridge.agent(two.workers[1])
    (mine,) = again.do("state")["reservations"]
    (theirs,) = peer.do("state")["reservations"]
    assert (mine["outgoing"], mine["incoming"]) == (begun, None)
    assert (theirs["incoming"], theirs["outgoing"]) == (begun, None)
    url = f"Workspaces/{two.bridge.centre.sid}/Workers/{two.workers[1]}"
    server, token = two.bridge.centre.server.url, two.bridge.token(two.workers[1])
    shown = wire.get(server, token, f"{url}/Reservations/{theirs['sid']}").body["payload"]
    assert shown["task_transfer"]["sid"] == begun["sid"]
    change = {"TaskSid": two.task, "TransferStatus": "canceled"}
    assert wire.post(server, token, f"{url}/Transfers/{begun['sid']}", change).status == 404
    assert two.bridge.centre.status(two.task) == "reserved"


def test_the_events_tell_the_way_of_a_transfer(two: Two, queue: str) -> None:
    two.transfer(queue)
    two.ben.do("accept", sid=two.offered()["sid"])
    two.ana.wait("transfer.completed")
    (initiated,) = two.events("task.transfer-initiated")
    assert initiated.event_data["task_assignment_status"] == "pending"
    assert initiated.description == f"Task {two.task} transfer-initiated"
    moved = [each.event_data["task_queue_sid"] for each in two.events("task-queue.moved")]
    entered = [each.event_data["task_queue_sid"] for each in two.events("task-queue.entered")]
    assert (moved, entered) == ([two.bridge.queue], [queue, two.bridge.queue])
    assert json.loads(initiated.event_data["task_attributes"]) == {"topic": "bill"}
