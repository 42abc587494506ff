"""The explanation of routing is true: what it names is what keeps a worker from the task, and nothing else does."""

import json
import urllib.error
import urllib.request
from base64 import b64encode
from typing import Any

import pytest

from tests.taskrouter.conftest import Centre, eventually


def explained(centre: Centre, task: str) -> dict[str, Any]:
    """What the server says of a task."""
    known = centre.server.credentials
    request = urllib.request.Request(f"{centre.server.url}/parlour/v1/Routing/{task}")  # noqa: S310
    request.add_header(
        "Authorization", "Basic " + b64encode(f"{known.account_sid}:{known.auth_token}".encode()).decode()
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found


def test_three_agents_at_capacity(centre: Centre) -> None:
    queue = centre.queue("Support", target_workers="skill == 'red'")
    flow = centre.workflow(default=queue)
    for name in ("Ana", "Ben", "Cy"):
        centre.worker(name, skill="red")
    for _ in range(3):
        centre.task(flow)
    eventually(lambda: all(centre.offers(each.sid) for each in centre.api.workers.list()))
    task = centre.task(flow).sid
    centre.worker("Dora", skill="blue")
    full = "is at capacity (1 of 1 chat tasks)"
    assert explained(centre, task)["decisions"][-1]["sentences"] == [
        "The task waits in queue Support by filter Default Filter.",
        "3 agents match, all at capacity; Ana has waited longest.",
        f"Ana {full}; Ben {full}; Cy {full}; and 1 more.",
    ]


def test_who_was_chosen_over_whom(frozen: Centre) -> None:
    queue = frozen.queue("Everyone")
    flow = frozen.workflow(
        {"filter_friendly_name": "VIP", "expression": "vip == true", "targets": [{"queue": queue}]}, default=queue
    )
    for name in ("Ana", "Ben"):
        frozen.worker(name)
        frozen.server.advance(1)
    frozen.worker("Cy", available=False)
    task = frozen.task(flow, {"vip": False}).sid
    frozen.settle()
    found = explained(frozen, task)
    assert found["text"] == (
        "The task was in queue Everyone by filter Default Filter. It was offered to Ana, who waited longest of 2 who "
        "could take it; next is Ben. Cy is Offline."
    )
    (step,) = found["way"]
    assert step["passed_filters"] == [{"filter_number": 1, "filter_name": "VIP", "clause": "vip == true"}]


def test_nobody_matches_and_a_known_agent(centre: Centre) -> None:
    queue = centre.queue("French", target_workers="languages HAS 'fr'")
    everyone = centre.queue("Everyone")
    flow = centre.workflow(
        {"expression": "who != null", "targets": [{"queue": everyone, "known_worker_sid": "task.who"}]}, default=queue
    )
    ana = centre.worker("Ana", available=False)
    assert "Nobody matches: none of 1 agents is in the queue." in explained(centre, centre.task(flow).sid)["text"]
    for_ana = explained(centre, centre.task(flow, {"who": ana}).sid)
    assert "It is for Ana alone, who is Offline." in for_ana["text"]


@pytest.mark.parametrize(
    ("who", "code"),
    [("somebody", 40155), (None, None), (7, 40154), ("Ben", 40152)],
    ids=["unknown", "null", "no text", "elsewhere"],
)
def test_a_known_agent_who_can_never_come(centre: Centre, who: Any, code: int | None) -> None:
    """§3.3; the same code stands in the server's log."""
    queue = centre.queue("Red", target_workers="skill == 'red'")
    centre.worker("Ana", skill="red")
    centre.worker("Ben", skill="blue")
    target = {"queue": queue, "known_worker_friendly_name": "task.who"}
    task = centre.task(centre.workflow({"expression": "1==1", "targets": [target]}), {"who": who}).sid
    found = explained(centre, task)["decisions"][-1]
    assert found["known_worker_error"] == code
    if code is not None:
        assert any(task in line and str(code) in line for line in centre.server.log.read_text().splitlines())


def test_the_text_stays_when_queue_and_worker_are_gone(frozen: Centre) -> None:
    queue = frozen.queue("Short", target_workers="skill == 'red'")
    flow = frozen.workflow(default=queue)
    ana = frozen.worker("Ana", available=False, skill="red")
    task = frozen.task(flow).sid
    frozen.settle()
    before = explained(frozen, task)
    assert "Ana is Offline" in before["text"]
    frozen.api.tasks(task).update(assignment_status="canceled")
    frozen.server.advance(3600)
    frozen.api.workflows(flow).delete()
    frozen.api.task_queues(queue).delete()
    frozen.api.workers(ana).delete()
    after = explained(frozen, task)
    assert (after["text"], after["decisions"]) == (before["text"], before["decisions"])


def test_the_same_decision_is_kept_once(centre: Centre) -> None:
    task = centre.task(centre.workflow(default=centre.queue(target_workers="1==0"))).sid
    first = explained(centre, task)
    assert explained(centre, task)["decisions"] == first["decisions"]
    assert len(first["decisions"]) == 1


def test_an_unknown_task_has_no_explanation(centre: Centre) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        explained(centre, "WT" + "0" * 32)
