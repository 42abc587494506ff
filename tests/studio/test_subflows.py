"""run-subflow: a flow inside an execution (studio.md §2.3.8)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.conftest import LiveServer
from tests.studio.building import flow, variables, widget

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def client(frozen_server: LiveServer) -> Client:
    return frozen_server.client()


def publish(client: Client, definition: dict[str, Any], status: str = "published") -> str:
    return str(client.studio.v2.flows.create(friendly_name="Sub", status=status, definition=definition).sid)


def calling(flow_sid: str, revision: str = "LatestPublished", *, then: str | None = "after") -> dict[str, Any]:
    """A parent that hands two parameters over and reads what comes back."""
    parameters = [
        {"key": "who", "value": "{{flow.data.name}}", "type": "string"},
        {"key": "all", "value": "{{flow.data}}", "type": "json_object"},
    ]
    return flow(
        variables("before", "sub", mine="kept"),
        widget(
            "sub",
            "run-subflow",
            {"completed": then, "failed": "failed"},
            flow_sid=flow_sid,
            flow_revision=revision,
            parameters=parameters,
        ),
        variables("after", None, got="{{widgets.sub.answer}}", mine2="{{flow.variables.mine}}"),
        variables("failed", None, got="nothing"),
    )


INNER = flow(
    variables(
        "inner",
        None,
        answer="{{trigger.parent.parameters.who | upcase}}/{{trigger.parent.parameters.all.name}}",
        mine="{{flow.variables.mine}}{{widgets.before.mine}}",
        trigger="{{trigger.parent.trigger_type}} {{trigger.request.from}}",
        parent="{{trigger.parent.flow_sid}} {{trigger.parent.execution_sid}} {{trigger.parent.step_sid}}",
        own="{{flow.flow_sid}} {{flow.sid}}",
    ),
    on="incomingParent",
)


class Run:
    """One execution that REST started."""

    def __init__(self, client: Client, server: LiveServer, flow_sid: str, to: str | None = None) -> None:
        known = client.studio.v2.flows(flow_sid)
        made = known.executions.create(
            to=to or f"+1556{next(_numbers):07}", from_="+15559990000", parameters={"name": "Ada"}
        )
        server.settle()
        self.sid = made.sid
        self.execution = known.executions(made.sid)
        self.status = self.execution.fetch().status
        self.steps = list(reversed(self.execution.steps.list()))
        self.path = [(step.transitioned_from, step.name, step.transitioned_to) for step in self.steps]
        self.context = self.execution.execution_context().fetch().context

    def log(self) -> list[tuple[int, str]]:
        contexts = [self.execution.steps(step.sid).step_context().fetch().context for step in self.steps]
        return [(entry["code"], entry["message"]) for each in contexts for entry in each.get("log", [])]


def test_a_subflow_runs_inside_and_hands_its_variables_back(client: Client, frozen_server: LiveServer) -> None:
    inner = publish(client, INNER)
    outer = publish(client, calling(inner))
    run = Run(client, frozen_server, outer)
    assert run.path == [
        ("Trigger", "incomingRequest", "before"),
        ("before", "next", "sub"),
        ("Trigger", "incomingParent", "inner"),
        ("inner", "next", "Ended"),
        ("sub", "completed", "after"),
        ("after", "next", "Ended"),
    ]
    sub = run.steps[4]
    assert [step.parent_step_sid for step in run.steps] == [None, None, sub.sid, sub.sid, None, None]
    returned = run.context["widgets"]["sub"]
    assert returned["answer"] == "ADA/Ada"
    assert returned["mine"] == ""  # neither the parent's variables nor its widgets are seen inside
    assert returned["trigger"] == "request +15559990000"
    assert returned["parent"] == f"{outer} {run.sid} {sub.sid}"
    assert returned["own"] == f"{inner} {run.sid}"
    assert run.context["flow"]["variables"] == {"mine": "kept", "got": "ADA/Ada", "mine2": "kept"}
    assert "parent" not in run.context["trigger"]


def test_a_parents_test_user_reaches_the_subflows_draft(client: Client, frozen_server: LiveServer) -> None:
    inner = publish(client, INNER)
    draft = flow(variables("inner", None, answer="draft"), on="incomingParent")
    client.studio.v2.flows(inner).update(status="draft", definition=draft)
    outer = publish(client, calling(inner, "LatestDraft"))
    assert Run(client, frozen_server, outer).context["flow"]["variables"]["got"] == "ADA/Ada"
    client.studio.v2.flows(outer).test_users().update(test_users=["+15551110000"])
    assert Run(client, frozen_server, outer, "+15551110000").context["flow"]["variables"]["got"] == "draft"
    second = publish(client, calling(inner, "2"))
    assert Run(client, frozen_server, second).context["flow"]["variables"]["got"] == "draft"


@pytest.mark.parametrize("revision", ["LatestPublished", "7"])
def test_a_subflow_that_cannot_run_takes_failed_with_81024(
    client: Client, frozen_server: LiveServer, revision: str
) -> None:
    inner = publish(client, INNER, status="draft")
    run = Run(client, frozen_server, publish(client, calling(inner, revision)))
    assert run.path[2:] == [("sub", "failed", "failed"), ("failed", "next", "Ended")]
    ((code, message),) = run.log()
    assert code == 81024
    assert inner in message
    assert "sub" not in run.context["widgets"]


def test_a_subflow_cannot_run_a_subflow(client: Client, frozen_server: LiveServer) -> None:
    innermost = publish(client, INNER)
    nested = calling(innermost)
    nested["states"][0]["transitions"] = [{"event": "incomingParent", "next": "before"}]
    run = Run(client, frozen_server, publish(client, calling(publish(client, nested))))
    assert ("sub", "failed", "failed") in run.path
    assert run.path[-2:] == [("sub", "completed", "after"), ("after", "next", "Ended")]
    assert [code for code, _ in run.log()] == [81024]


def test_the_steps_of_subflows_count_among_the_thousand(client: Client, frozen_server: LiveServer) -> None:
    inner = publish(client, INNER)
    looping = calling(inner, then="before")
    run = Run(client, frozen_server, publish(client, looping))
    assert run.status == "ended"
    assert run.log()[-1][0] == 81000
    assert len(run.steps) == 1000


def test_one_flow_may_not_name_two_revisions_of_a_subflow(client: Client) -> None:
    inner = publish(client, INNER)
    definition = calling(inner)
    definition["states"].append(
        widget("twice", "run-subflow", {"completed": None}, flow_sid=inner, flow_revision="1", parameters=[])
    )
    with pytest.raises(TwilioRestException) as refusal:
        publish(client, definition)
    (finding,) = refusal.value.details["errors"]
    assert finding["property_path"] == "#/states/5/properties/flow_revision"
    assert inner in finding["message"]
