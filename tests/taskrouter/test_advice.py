"""Warnings at save time, and `parlour route` at a data folder."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from parlour.taskrouter.advice import unreachable
from parlour.taskrouter.workflow import parse_configuration
from tests.conftest import running_server
from tests.taskrouter.conftest import Centre, open_centre

Q = "WQ" + "1" * 32


def warnings(*filters: dict[str, Any]) -> list[str]:
    return unreachable(parse_configuration(json.dumps({"task_routing": {"filters": list(filters)}})))


def test_filters_and_targets_that_no_task_reaches() -> None:
    one = {"filter_friendly_name": "One", "expression": "a == 1", "targets": [{"queue": Q}]}
    every = {"filter_friendly_name": "Every", "expression": "1 == 1", "targets": [{"queue": Q}]}
    last = {"filter_friendly_name": "Last", "expression": "b == 2", "targets": [{"queue": Q}]}
    assert warnings(one, last) == []
    assert warnings(one, every, last) == ["Filter Last is never reached: filter Every before it matches every task"]
    assert warnings(one, {**one, "filter_friendly_name": "Twin"}) == [
        "Filter Twin is never reached: filter One before it has the same expression"
    ]
    assert warnings({**one, "expression": "1 == 0"}) == ["Filter One matches no task: 1 == 0"]
    stuck = {**one, "targets": [{"queue": Q}, {"queue": Q}]}
    assert warnings(stuck) == ["Target 2 of filter One is never reached: target 1 has no timeout or skip_if"]
    passing = {**every, "targets": [{"queue": Q, "timeout": 5}]}
    assert warnings(passing, last) == []


def sent(centre: Centre, method: str, path: str, **form: str) -> list[str]:
    """The warnings beside an answer."""
    client = centre.client
    url = f"{centre.server.url}/taskrouter/v1/Workspaces/{centre.sid}{path}"
    answer = client.http_client.request(method, url, data=form, auth=(client.username, client.password))
    assert answer.status_code in (200, 201), answer.text
    found: list[str] = json.loads(answer.headers.get("Parlour-Warnings", "[]"))
    return found


def test_an_answer_carries_warnings_beside_it(centre: Centre) -> None:
    said = sent(centre, "POST", "/TaskQueues", FriendlyName="Röd", TargetWorkers="skill == 'x'")
    assert said == ["Nobody is in queue Röd: no worker matches skill == 'x'"]
    queue = centre.api.task_queues.list(friendly_name="Röd")[0].sid
    configuration = json.dumps({"task_routing": {"default_filter": {"queue": queue}}})
    assert sent(centre, "POST", "/Workflows", FriendlyName="W", Configuration=configuration) == said
    centre.worker("Ana", skill="x")
    assert sent(centre, "POST", f"/TaskQueues/{queue}", TargetWorkers="skill == 'x'") == []


def route(data: Path, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "parlour.cli.main", "route", *arguments, "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("running", [True, False], ids=["beside the server", "after its end"])
def test_the_command_tells_the_same_before_and_after_a_restart(tmp_path: Path, running: bool) -> None:
    data = tmp_path / "data"
    with running_server(tmp_path, "start", "--demo", "--data", str(data)) as live:
        centre = open_centre(live)
        queue = centre.queue("Support", target_workers="skill == 'red'")
        centre.worker("Ana", available=False, skill="red")
        centre.queue("Empty", target_workers="skill == 'none'")
        odd = {"filter_friendly_name": "Odd", "expression": "a == 1", "targets": [{"queue": queue}]}
        flow = centre.workflow(odd, default=queue)
        task = centre.task(flow).sid
        told = route(data, "explain", task)
        assert "Filter Odd did not match: a == 1 does not hold." in told
        assert "1 agent matches, not available. Ana is Offline." in told
        if running:
            assert route(data, "explain", task) == told
            assert "Nobody is in queue Empty" in route(data, "check")
    if not running:
        assert route(data, "explain", task) == told
        assert json.loads(route(data, "explain", task, "--json"))["task_sid"] == task
