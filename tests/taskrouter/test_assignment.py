"""Assignment callbacks: the workflow's URL is asked what to do with a reservation (taskrouter.md §3.5)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bridge import wire
from tests.bridge.agents import tokens_of
from tests.conftest import free_port
from tests.taskrouter.conftest import Centre, eventually
from tests.webhooks.receiver import Heard, Receiver, running_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that answers in JSON."""
    with running_receiver() as running:
        running.content_type = "application/json"
        yield running


def answering(receiver: Receiver, **answers: Any) -> None:
    """Have the paths of the receiver answer with these objects or texts."""

    def says(heard: Heard) -> bytes:
        answer = answers[heard.url.rpartition("/")[2]]
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    receiver.says = says


def asking(centre: Centre, receiver: Receiver, *, fallback: bool = False, **fields: Any) -> str:
    """Return a workflow whose callback is the receiver's path ``/first``, its fallback ``/second``."""
    urls = {"assignment_callback_url": f"{receiver.url}/first"}
    if fallback:
        urls["fallback_assignment_callback_url"] = f"{receiver.url}/second"
    return centre.workflow(default=centre.queue(), **urls, **fields)


def ended(centre: Centre, worker: str, *statuses: str) -> list[Any]:
    """The worker's reservations once they have these statuses, the oldest first."""

    def look() -> list[Any] | None:
        found = centre.offers(worker, None)
        return found if [each.reservation_status for each in found[: len(statuses)]] == list(statuses) else None

    return list(eventually(look))


def test_accept(centre: Centre, receiver: Receiver) -> None:
    answering(receiver, first={"instruction": "accept"})
    flow = asking(centre, receiver)
    ana = centre.worker("Ana", level=3)
    task = centre.task(flow, {"type": "ticket"}, priority=7).sid
    (reservation,) = ended(centre, ana, "accepted")
    assert centre.status(task) == "assigned"
    (heard,) = receiver.book
    assert heard.signed_by(centre.server.credentials.auth_token)
    parameters = heard.parameters
    assert set(parameters) == {
        "AccountSid",
        "WorkspaceSid",
        "WorkflowSid",
        "TaskQueueSid",
        "WorkerSid",
        "WorkerAttributes",
        "TaskSid",
        "TaskAttributes",
        "TaskAge",
        "TaskPriority",
        "ReservationSid",
        "Timestamp",
    }
    assert (parameters["WorkflowSid"], parameters["WorkerSid"]) == (flow, ana)
    assert (parameters["TaskSid"], parameters["ReservationSid"]) == (task, reservation.sid)
    assert (parameters["TaskPriority"], parameters["TaskAttributes"]) == ("7", '{"type": "ticket"}')
    assert json.loads(parameters["WorkerAttributes"]) == {"level": 3}


def test_reject_to_an_activity(centre: Centre, receiver: Receiver) -> None:
    away = centre.activities["Unavailable"]
    answering(receiver, first={"instruction": "reject", "activity_sid": away})
    ana = centre.worker("Ana")
    task = centre.task(asking(centre, receiver)).sid
    ended(centre, ana, "rejected")
    assert centre.api.workers(ana).fetch().activity_sid == away
    assert centre.status(task) == "pending"


def test_a_foreign_activity_rejects_and_leaves_the_worker(centre: Centre, receiver: Receiver) -> None:
    """§10, code 40100; the second offer is accepted so that it ends."""
    answers = iter([{"instruction": "reject", "activity_sid": "WA" + "0" * 32}])
    receiver.says = lambda _heard: json.dumps(next(answers, {"instruction": "accept"})).encode()
    ana = centre.worker("Ana")
    centre.task(asking(centre, receiver))
    ended(centre, ana, "rejected", "accepted")
    assert centre.api.workers(ana).fetch().activity_name == "Available"


@pytest.mark.parametrize("nothing", [b"", b"  "])
def test_an_empty_answer_leaves_the_reservation_to_the_worker(
    centre: Centre, receiver: Receiver, nothing: bytes
) -> None:
    answering(receiver, first=nothing)
    ana = centre.worker("Ana")
    task = centre.task(asking(centre, receiver, fallback=True)).sid
    eventually(lambda: receiver.book)
    centre.api.workers(ana).reservations(centre.offer(ana, task).sid).update(reservation_status="accepted")
    assert centre.status(task) == "assigned"
    assert len(receiver.book) == 1


@pytest.mark.parametrize(
    "wrong",
    [b"{half", [1], {"instructions": "accept"}, {"instruction": "dance"}, {"instruction": "dequeue", "from": "+1202"}],
)
def test_the_fallback_is_asked_where_the_answer_does_not_conform(
    centre: Centre, receiver: Receiver, wrong: Any
) -> None:
    answering(receiver, first=wrong, second={"instruction": "accept"})
    ana = centre.worker("Ana")
    centre.task(asking(centre, receiver, fallback=True))
    ended(centre, ana, "accepted")
    assert [each.url.rpartition("/")[2] for each in receiver.book] == ["first", "second"]
    first, second = ({**each.parameters, "Timestamp": "", "TaskAge": ""} for each in receiver.book)
    assert first == second


def test_the_fallback_is_asked_where_the_type_is_not_json(centre: Centre, receiver: Receiver) -> None:
    receiver.content_type = "text/html"
    answering(receiver, first={"instruction": "reject"}, second=b"")
    ana = centre.worker("Ana")
    task = centre.task(asking(centre, receiver, fallback=True)).sid
    eventually(lambda: len(receiver.book) == 2)
    assert centre.offer(ana, task).reservation_status == "pending"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"instruction": "conference", "from": "+12025550100"}, "it brings caller and worker into a conference"),
        (
            {"instruction": "redirect", "call_sid": "CA" + "0" * 32, "url": "https://example.com/twiml"},
            "it has a live call, named by call_sid, go on with other TwiML",
        ),
    ],
)
def test_an_instruction_for_voice_leaves_the_offer_and_says_why(
    centre: Centre, receiver: Receiver, answer: dict[str, str], why: str
) -> None:
    answering(receiver, first=answer)
    ana = centre.worker("Ana")
    task = centre.task(asking(centre, receiver)).sid
    eventually(lambda: receiver.book)
    offer = centre.offer(ana, task)
    said = f"'{answer['instruction']}' is for voice calls, which are not served here ({why})"
    log = eventually(
        lambda: [line for line in centre.server.log.read_text().splitlines() if said in line and offer.sid in line]
    )
    assert "55555" in log[0]
    assert centre.offer(ana, task).reservation_status == "pending"


def test_a_transferred_task_follows_no_instruction_that_moves_its_call(centre: Centre, receiver: Receiver) -> None:
    answering(receiver, first={"instruction": "accept"})
    ana, task = centre.worker("Ana"), centre.task(asking(centre, receiver)).sid
    (held,) = eventually(lambda: centre.offers(ana, "accepted"))
    answering(receiver, first={"instruction": "dequeue"})
    ben = centre.worker("Ben")
    token = tokens_of(centre.server).of(centre.sid, ana)
    url = f"Workspaces/{centre.sid}/Workers/{ana}/Transfers"
    assert (
        wire.post(centre.server.url, token, url, {"ReservationSid": held.sid, "TaskSid": task, "To": ben}).status == 200
    )
    offer = centre.offer(ben, task)
    said = "'dequeue' does not go with a transferred task"
    log = eventually(
        lambda: [line for line in centre.server.log.read_text().splitlines() if said in line and offer.sid in line]
    )
    assert "40151" in log[0]
    assert centre.offer(ben, task).reservation_status == "pending"


def test_a_reservation_whose_callbacks_cannot_be_reached_is_canceled(centre: Centre, receiver: Receiver) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/"
    receiver.fault = lambda _heard: 500
    flow = centre.workflow(
        default=centre.queue(),
        assignment_callback_url=nowhere,
        fallback_assignment_callback_url=f"{receiver.url}/second",
    )
    ana = centre.worker("Ana")
    task = centre.task(flow).sid
    eventually(lambda: receiver.book)
    centre.move(ana, "Offline")
    eventually(lambda: centre.status(task) == "pending")
    found = centre.offers(ana, None)
    assert {each.reservation_status for each in found} == {"canceled"}
    assert centre.api.workers(ana).worker_channels("chat").fetch().available_capacity_percentage == 100


def test_what_the_agent_did_meanwhile_stands(centre: Centre, receiver: Receiver) -> None:
    answering(receiver, first={"instruction": "reject"})
    ana = centre.worker("Ana")

    def accept_first(heard: Heard) -> int:
        sid = heard.parameters["ReservationSid"]
        centre.api.workers(ana).reservations(sid).update(reservation_status="accepted")
        return 200

    receiver.fault = accept_first
    task = centre.task(asking(centre, receiver)).sid
    eventually(lambda: receiver.answered)
    ended(centre, ana, "accepted")
    assert centre.status(task) == "assigned"


@pytest.mark.parametrize("name", ["assignment_callback_url", "fallback_assignment_callback_url"])
def test_a_callback_must_be_an_url(centre: Centre, name: str) -> None:
    with pytest.raises(Exception, match="AssignmentCallbackUrl"):
        centre.workflow(default=centre.queue(), **{name: "not an url"})
