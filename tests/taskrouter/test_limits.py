"""What an operator sets: request rates, and how long finished tasks stay (taskrouter.md §1.3, §2.3, §10)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from parlour.rest.forms import Form
from parlour.rest.operations import Answer, Call, Operation
from parlour.rest.rates import Rates
from parlour.settings import SettingsError, load
from tests.conftest import running_server
from tests.taskrouter.conftest import Centre, open_centre
from tests.taskrouter.test_statistics import Queues


@pytest.fixture
def limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    """A workspace on a server with small limits."""
    monkeypatch.setenv("PARLOUR_RATE_LIMIT", "20")
    monkeypatch.setenv("PARLOUR_FINISHED_TASKS_KEPT", "60")
    with running_server(tmp_path, "start", "--ephemeral", "--test-clock") as live:
        yield open_centre(live)


def answered(centre: Centre, path: str = "") -> Any:
    client = centre.client
    url = f"{centre.server.url}/taskrouter/v1/Workspaces/{centre.sid}{path}"
    return client.http_client.request("GET", url, auth=(client.username, client.password))


def test_each_endpoint_has_a_rate_and_says_what_is_left(limited: Centre) -> None:
    first = answered(limited).headers
    assert (first["X-Rate-Limit-Limit"], first["X-Rate-Limit-Config"]) == ("20", "20/s")
    assert 0 <= int(first["X-Rate-Limit-Remaining"]) < 20
    with ThreadPoolExecutor(8) as pool:
        statuses = [each.status_code for each in pool.map(lambda _: answered(limited, "/Workers"), range(80))]
    assert {200, 429} == set(statuses)
    assert answered(limited, "/Activities").status_code == 200, "another endpoint has its own rate"
    refused = next(each for each in (answered(limited, "/Workers") for _ in range(200)) if each.status_code == 429)
    assert '"code":20429' in refused.text
    assert refused.headers["X-Rate-Limit-Remaining"] == "0"
    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(lambda _: _bulk(limited), range(12)))
    assert asked.count(429) >= 2, "bulk statistics have a rate of five"


def _bulk(centre: Centre) -> int:
    try:
        centre.api.task_queues.bulk_real_time_statistics.create(Queues(["WQ" + "0" * 32]))
    except TwilioRestException as refusal:
        return int(refusal.status)
    return 200


def test_a_finished_task_stays_as_long_as_the_operator_says(limited: Centre) -> None:
    task = limited.task(limited.workflow(default=limited.queue())).sid
    limited.api.tasks(task).update(assignment_status="canceled")
    limited.server.advance(59)
    assert limited.status(task) == "canceled"
    limited.server.advance(1)
    with pytest.raises(TwilioRestException, match="404"):
        limited.api.tasks(task).fetch()


def test_a_bucket_fills_again_as_time_goes_on() -> None:
    now = 0.0
    rates = Rates(10, lambda: now)

    async def handler(_call: Call, _form: Form) -> Answer:
        return Answer(200)

    operation = Operation("GET", "taskrouter", "/v1/X", handler, Form, frozenset(), {}, frozenset(), "form")
    assert [rates.take("AC", operation)[1] is None for _ in range(11)] == [True] * 10 + [False]
    assert rates.take("AD", operation)[1] is None
    now = 0.1
    assert [rates.take("AC", operation)[1] is None for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("name", "value"), [("rate_limit", -1), ("interactions_per_second", -1), ("finished_tasks_kept", 0)]
)
def test_a_limit_that_cannot_be_is_refused(name: str, value: int) -> None:
    with pytest.raises(SettingsError, match=name):
        load({name: value})
