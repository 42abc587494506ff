"""Studio v1 through the official client: the same flows and executions under their older names (studio.md §5.6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.conftest import LiveServer
from tests.studio.building import ask, flow, widget
from tests.studio.test_parameters import pages_of


@pytest.fixture(scope="module")
def client(frozen_server: LiveServer) -> Client:
    return frozen_server.client()


def published(client: Client, *states: dict[str, Any]) -> Any:
    made = client.studio.v2.flows.create(friendly_name="Old", status="published", definition=flow(*states))
    return client.studio.v1.flows(made.sid)


@pytest.fixture
def known(client: Client) -> Any:
    """A flow that begins a conversation and waits for a reply."""
    talk = {"type": "chat", "identity": "ada"}
    begin = widget("begin", "start-conversation", {"created": "a", "failed": None}, participants=[talk])
    return published(client, begin, ask("a", "?"))


def test_flows_are_listed_read_and_removed(client: Client, known: Any) -> None:
    client.studio.v2.flows(known._solution["sid"]).update(status="draft", friendly_name="New")
    row = known.fetch()
    assert (row.friendly_name, row.status, row.version) == ("New", "draft", 2)
    assert set(row.links) == {"executions", "engagements"}
    assert row.sid in pages_of(client.studio.v1.flows, "sid")
    known.delete()
    with pytest.raises(TwilioRestException) as refusal:
        known.fetch()
    assert refusal.value.code == 20404


@pytest.mark.parametrize("name", ["executions", "engagements"])
def test_an_execution_is_started_once_and_given_again(
    frozen_server: LiveServer, client: Client, known: Any, name: str
) -> None:
    runs = getattr(known, name)
    first = runs.create(to="+15551110001", from_="+15559990000", parameters={"a": 1})
    again = runs.create(to="+15551110001", from_="+15559990000", parameters={"a": 2})
    other = runs.create(to="+15551110002", from_="+15559990000")
    frozen_server.settle()
    one = getattr(known, name)(first.sid)
    assert (again.sid, first.contact_channel_address) == (first.sid, "+15551110001")
    context = one.execution_context() if name == "executions" else one.engagement_context()
    assert context.fetch().context["flow"]["data"] == {"a": 1}
    assert [row.sid for row in runs.list()] == [other.sid, first.sid]
    assert pages_of(runs, "sid") == [other.sid, first.sid]
    one.delete()
    assert [row.sid for row in runs.list()] == [other.sid]


def test_steps_have_both_names(frozen_server: LiveServer, client: Client) -> None:
    known = published(client, ask("a", "?"))
    made = known.executions.create(to="+15551110003", from_="+15559990000")
    frozen_server.settle()
    new, old = known.executions(made.sid), known.engagements(made.sid)
    assert pages_of(new.steps, "sid") == pages_of(old.steps, "sid")
    (last, first) = new.steps.list()
    assert (first.name, first.transitioned_to, last.name) == ("incomingRequest", "a", "deliveryFailure")
    context = new.steps(last.sid).step_context().fetch().context
    assert context["log"][0]["code"] == 81011
    assert old.steps(last.sid).step_context().fetch().context == context
    assert old.steps(first.sid).fetch().engagement_sid == made.sid


def test_executions_are_filtered_by_time_and_ended(frozen_server: LiveServer, known: Any) -> None:
    run = known.executions.create(to="+15551110004", from_="+15559990000")
    frozen_server.settle()
    at = run.date_created
    hour = timedelta(hours=1)
    for since, until, found in (
        (at - hour, at + hour, [run.sid]),
        (at + hour, None, []),
        (None, at - hour, []),
        (datetime(2020, 1, 1, tzinfo=UTC), None, [run.sid]),
    ):
        filters = {"date_created_from": since, "date_created_to": until}
        given = {name: value for name, value in filters.items() if value is not None}
        assert [row.sid for row in known.executions.list(**given)] == found
    assert known.executions(run.sid).update(status="active").status == "active"
    assert known.executions(run.sid).update(status="ended").status == "ended"
    with pytest.raises(TwilioRestException):
        known.executions(run.sid).update(status="active")
