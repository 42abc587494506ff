"""Every answer has exactly the published keys of its resource (ACCEPTANCE 2)."""

import base64
import json
import urllib.request
from typing import Any

from tests.contract.published import documents
from tests.taskrouter.conftest import Centre

PREFIX = "taskrouter.v1.workspace"
META = {"first_page_url", "key", "next_page_url", "page", "page_size", "previous_page_url", "url"}


def get(centre: Centre, path: str) -> dict[str, Any]:
    """The answer's JSON as it is on the wire."""
    url = f"{centre.server.url}/taskrouter/v1/Workspaces/{centre.sid}{path}"
    request = urllib.request.Request(url)  # noqa: S310
    secret = base64.b64encode(f"{centre.client.username}:{centre.client.password}".encode()).decode()
    request.add_header("Authorization", f"Basic {secret}")
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        body: dict[str, Any] = json.load(answer)
    return body


def test_answers_have_the_published_keys_and_no_other(centre: Centre) -> None:
    schemas = documents()["taskrouter_v1"].schemas
    queue = centre.queue(
        reservation_activity_sid=centre.activities["Offline"], assignment_activity_sid=centre.activities["Offline"]
    )
    flow = centre.workflow(default=queue)
    ana = centre.worker("Ana")
    task = centre.task(flow)
    offer = centre.offer(ana, task.sid)
    channel = centre.api.workers(ana).worker_channels("chat").fetch()
    cases = {
        "": ("", ""),
        "/Activities": (".activity", centre.activities["Offline"]),
        "/TaskChannels": (".task_channel", channel.task_channel_sid),
        "/TaskQueues": (".task_queue", queue),
        "/Workflows": (".workflow", flow),
        "/Workers": (".worker", ana),
        f"/Workers/{ana}/Channels": (".worker.worker_channel", channel.sid),
        f"/Workers/{ana}/Reservations": (".worker.worker_reservation", offer.sid),
        "/Tasks": (".task", task.sid),
        f"/Tasks/{task.sid}/Reservations": (".task.task_reservation", offer.sid),
    }
    for path, (name, sid) in cases.items():
        one = get(centre, f"{path}/{sid}" if sid else path)
        assert one.keys() == schemas[PREFIX + name]["properties"].keys(), path
        assert one["url"].endswith(f"{path}/{sid}" if sid else centre.sid)
        if sid:
            listed = get(centre, path)
            assert listed.keys() == {"meta", listed["meta"]["key"]}
            assert listed["meta"].keys() == META
            assert sid in {each["sid"] for each in listed[listed["meta"]["key"]]}


def test_pages_follow_each_other(centre: Centre) -> None:
    for n in range(5):
        centre.worker(f"W{n}")
    first = get(centre, "/Workers?PageSize=2")
    assert [each["friendly_name"] for each in first["workers"]] == ["W0", "W1"]
    assert first["meta"]["next_page_url"].endswith(f"PageSize=2&Page=1&PageToken=PA{first['workers'][1]['sid']}")
    assert [each.friendly_name for each in centre.api.workers.list(page_size=2)] == [f"W{n}" for n in range(5)]
