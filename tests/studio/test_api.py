"""Studio v2 through the official client against a running server."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.conftest import LiveServer
from tests.requirements import requirement

FLOW_KEYS = {
    "sid", "account_sid", "author_sid", "friendly_name", "definition", "status", "revision", "commit_message", "valid",
    "errors", "warnings", "date_created", "date_updated", "webhook_url", "url", "links",
}  # fmt: skip
REVISION_KEYS = FLOW_KEYS - {"warnings", "webhook_url", "links"}
EXECUTION_KEYS = {
    "sid", "account_sid", "flow_sid", "contact_channel_address", "contact_sid", "flow_version", "context", "status",
    "date_created", "date_updated", "initiated_by", "url", "links",
}  # fmt: skip
STEP_KEYS = {
    "sid", "account_sid", "flow_sid", "execution_sid", "parent_step_sid", "name", "context", "transitioned_from",
    "transitioned_to", "type", "date_created", "date_updated", "url", "links",
}  # fmt: skip


def definition(body: str = "?") -> dict[str, Any]:
    """A flow that REST starts: it sets a variable, splits, and ends or loops on."""
    return {
        "states": [
            {
                "type": "trigger",
                "name": "Trigger",
                "properties": {"offset": {"y": 1, "x": 2}},
                "transitions": [{"event": "incomingRequest", "next": "set"}],
            },
            {
                "name": "set",
                "type": "set-variables",
                "transitions": [{"event": "next", "next": "split"}],
                "properties": {
                    "variables": [{"key": "who", "value": "{{trigger.request.parameters.name | upcase}}" + body}]
                },
            },
            {
                "name": "split",
                "type": "split-based-on",
                "transitions": [
                    {"event": "noMatch", "next": "send"},
                    {
                        "event": "match",
                        "conditions": [
                            {"friendly_name": "c", "arguments": [""], "type": "starts_with", "value": "ADA"}
                        ],
                    },
                ],
                "properties": {"input": "{{flow.variables.who}}"},
            },
            {
                "name": "send",
                "type": "send-to-flex",
                "transitions": [{"event": "failedToEnqueue"}],
                "properties": {"workflow": "", "channel": "", "attributes": "{}"},
            },
        ],
        "initial_state": "Trigger",
        "description": "zz first, then aa",
    }


def raw(server: LiveServer, method: str, path: str, **form: str) -> tuple[int, dict[str, Any]]:
    """Call an operation without the client, to see the answer as it is."""
    data = urllib.parse.urlencode(form).encode() if form else None
    request = urllib.request.Request(f"{server.url}/studio{path}", data=data, method=method)  # noqa: S310
    pair = f"{server.credentials.account_sid}:{server.credentials.auth_token}"
    request.add_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture
def flow(twilio: Client) -> Any:
    return twilio.studio.v2.flows.create(friendly_name="Test", status="published", definition=definition())


def wait_for_end(twilio: Client, flow_sid: str, sid: str) -> Any:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        row = twilio.studio.v2.flows(flow_sid).executions(sid).fetch()
        if row.status == "ended":
            return row
    raise AssertionError("the execution did not end")


def test_a_flow_lives_from_draft_to_deletion(twilio: Client) -> None:
    made = twilio.studio.v2.flows.create(
        friendly_name="Greeter", status="draft", definition=definition(), commit_message="first"
    )
    assert (made.revision, made.status, made.valid, made.errors, made.commit_message) == (1, "draft", True, [], "first")
    assert made.date_updated is None
    assert made.definition == definition()
    assert list(made.definition) == ["states", "initial_state", "description"]
    updated = twilio.studio.v2.flows(made.sid).update(status="published", friendly_name="Greeter 2")
    assert (updated.revision, updated.status, updated.friendly_name) == (2, "published", "Greeter 2")
    assert updated.definition == definition()
    assert updated.date_updated is not None
    assert updated.commit_message is None
    newest = twilio.studio.v2.flows(made.sid).update(status="draft", definition=definition("!"))
    assert newest.revision == 3
    revisions = twilio.studio.v2.flows(made.sid).revisions
    assert [row.revision for row in revisions.list()] == [3, 2, 1]
    assert [row.definition for row in revisions.list()] == [None, None, None]
    fetch = twilio.studio.v2.flows(made.sid).revisions
    assert fetch("LatestPublished").fetch().revision == 2
    assert fetch("LatestRevision").fetch().revision == 3
    assert fetch("1").fetch().friendly_name == "Greeter"
    assert made.sid in [row.sid for row in twilio.studio.v2.flows.list()]
    assert twilio.studio.v2.flows(made.sid).delete()
    with pytest.raises(TwilioRestException) as refusal:
        twilio.studio.v2.flows(made.sid).fetch()
    assert (refusal.value.status, refusal.value.code) == (404, 20404)


def test_answers_have_all_published_keys_and_no_others(server: LiveServer, flow: Any) -> None:
    _, row = raw(server, "GET", f"/v2/Flows/{flow.sid}")
    assert row.keys() == FLOW_KEYS
    assert row["author_sid"].startswith("US")
    assert row["webhook_url"].endswith(f"/v1/Accounts/{flow.account_sid}/Flows/{flow.sid}")
    assert row["links"].keys() == {"test_users", "revisions", "executions"}
    _, listed = raw(server, "GET", "/v2/Flows?PageSize=1")
    assert listed["flows"][0].keys() == FLOW_KEYS
    assert [listed["flows"][0][key] for key in ("definition", "valid", "errors", "warnings")] == [None] * 4
    assert listed["meta"]["key"] == "flows"
    _, revision = raw(server, "GET", f"/v2/Flows/{flow.sid}/Revisions/1")
    assert revision.keys() == REVISION_KEYS
    _, listed = raw(server, "GET", f"/v2/Flows/{flow.sid}/Revisions")
    assert listed["revisions"][0].keys() == REVISION_KEYS


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"initial_state": "x"}, "#/initial_state", '"x" does not name a state'),
        ({"states": []}, "#/states", "must have between 1 and 1000 items but found 0"),
        ({"flags": {}}, "#/flags/allow_concurrent_calls", "is missing but it is required"),
    ],
)
def test_a_wrong_definition_is_refused_with_81022_and_its_places(
    twilio: Client, server: LiveServer, change: dict[str, Any], path: str, message: str
) -> None:
    wrong = {**definition(), **change}
    for status in ("draft", "published"):
        form = {"FriendlyName": "x", "Status": status, "Definition": json.dumps(wrong)}
        for operation in ("/v2/Flows", "/v2/Flows/Validate"):
            code, body = raw(server, "POST", operation, **form)
            assert (code, body["code"], body["message"]) == (400, 81022, "Flow definition validation failed")
            assert body["more_info"] == "https://www.twilio.com/docs/errors/81022"
            assert {"message": message, "property_path": path} in body["details"]["errors"]


def test_a_valid_definition_is_said_to_be_valid(twilio: Client) -> None:
    answer = twilio.studio.v2.flow_validate.update(friendly_name="x", status="published", definition=definition())
    assert answer.valid is True


def test_a_foreign_sid_warns_on_a_draft_and_refuses_a_publication(twilio: Client, server: LiveServer) -> None:
    foreign = definition()
    foreign["states"][3]["properties"]["workflow"] = "WW" + "a" * 32
    foreign["states"][3]["properties"]["attributes"] = '{"queue": "${QUEUE}"}'
    draft = twilio.studio.v2.flows.create(friendly_name="x", status="draft", definition=foreign)
    assert [warning["property_path"] for warning in draft.warnings] == [
        "#/states/3/properties/workflow",
        "#/states/3/properties/attributes",
    ]
    assert "widget send, property workflow" in draft.warnings[0]["message"]
    code, body = raw(server, "POST", f"/v2/Flows/{draft.sid}", Status="published")
    assert (code, body["code"]) == (400, 81022)
    assert body["details"]["errors"] == draft.warnings


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ({"Status": "draft", "Definition": "{}"}, "FriendlyName"),
        ({"FriendlyName": "x", "Definition": "{}"}, "Status"),
        ({"FriendlyName": "x", "Status": "live", "Definition": "{}"}, "Status"),
        ({"FriendlyName": "x", "Status": "draft"}, "Definition"),
        ({"FriendlyName": "x", "Status": "draft", "Definition": "{oops"}, "Definition"),
    ],
)
def test_a_bad_parameter_of_a_flow_is_named(server: LiveServer, form: dict[str, str], name: str) -> None:
    status, body = raw(server, "POST", "/v2/Flows", **form)
    assert (status, body["code"]) == (400, 20001)
    assert name in body["message"]


@pytest.mark.parametrize("revision", ["newest", "-1", "1.5"])
def test_a_bad_revision_is_refused_with_81021(twilio: Client, flow: Any, revision: str) -> None:
    with pytest.raises(TwilioRestException) as refusal:
        twilio.studio.v2.flows(flow.sid).revisions(revision).fetch()
    assert (refusal.value.status, refusal.value.code) == (400, 81021)


def test_test_users_are_kept_and_replaced(twilio: Client, flow: Any) -> None:
    users = twilio.studio.v2.flows(flow.sid).test_users()
    assert users.fetch().test_users == []
    assert users.update(test_users=["+15550001", "ada"]).test_users == ["+15550001", "ada"]
    assert users.update(test_users=["bob"]).test_users == ["bob"]
    assert users.fetch().test_users == ["bob"]


@requirement("S43")
def test_an_execution_by_rest_runs_and_shows_its_steps_and_contexts(
    twilio: Client, server: LiveServer, flow: Any
) -> None:
    made = twilio.studio.v2.flows(flow.sid).executions.create(to="+1", from_="+2", parameters={"name": "Ada"})
    assert made.status == "active"
    assert made.initiated_by.startswith("RQ")
    done = wait_for_end(twilio, flow.sid, made.sid)
    assert (done.contact_channel_address, done.flow_version) == ("+1", 1)
    execution = twilio.studio.v2.flows(flow.sid).executions(made.sid)
    context = execution.execution_context().fetch().context
    assert context["flow"]["sid"] == made.sid
    assert context["flow"]["flow_sid"] == flow.sid
    assert context["flow"]["channel"] == {"address": "+2"}
    assert context["contact"] == {"channel": {"address": "+1"}}
    assert context["flow"]["variables"] == {"who": "ADA?"}
    assert context["trigger"] == {"request": {"to": "+1", "from": "+2", "parameters": {"name": "Ada"}}}
    assert context["widgets"] == {"set": {"who": "ADA?"}}
    steps = execution.steps.list()
    assert [(step.name, step.transitioned_from, step.transitioned_to, step.type) for step in reversed(steps)] == [
        ("incomingRequest", "Trigger", "set", "trigger"),
        ("next", "set", "split", "set-variables"),
        ("match", "split", "Ended", "split-based-on"),
    ]
    first = execution.steps(steps[-1].sid).step_context().fetch().context
    assert first["flow"]["variables"] == {}
    _, row = raw(server, "GET", f"/v2/Flows/{flow.sid}/Executions/{made.sid}")
    assert row.keys() == EXECUTION_KEYS
    assert row["context"] == {}
    assert row["contact_sid"] == "FC" + "0" * 32
    _, row = raw(server, "GET", f"/v2/Flows/{flow.sid}/Executions/{made.sid}/Steps/{steps[0].sid}")
    assert row.keys() == STEP_KEYS
    _, page = raw(server, "GET", f"/v2/Flows/{flow.sid}/Executions/{made.sid}/Steps?PageSize=2")
    assert len(page["steps"]) == 2
    assert page["meta"]["next_page_url"]
    assert len(execution.steps.list(page_size=1)) == 3


def test_send_to_flex_without_a_conversation_says_why_in_the_step(twilio: Client, flow: Any) -> None:
    made = twilio.studio.v2.flows(flow.sid).executions.create(to="+1", from_="+2", parameters={"name": "Bob"})
    wait_for_end(twilio, flow.sid, made.sid)
    execution = twilio.studio.v2.flows(flow.sid).executions(made.sid)
    last = execution.steps.list()[0]
    assert (last.name, last.transitioned_to) == ("failedToEnqueue", "Ended")
    (entry,) = execution.steps(last.sid).step_context().fetch().context["log"]
    assert entry["code"] == 81020
    assert "incomingRequest" in entry["message"]


@pytest.mark.parametrize(
    ("form", "code", "name"),
    [
        ({"From": "+2"}, 20001, "To"),
        ({"To": "+1"}, 20001, "From"),
        ({"To": "+1", "From": "+2", "Parameters": "[1]"}, 20001, "Parameters"),
        ({"To": "+1", "From": "+2", "Parameters": "{"}, 20001, "Parameters"),
        ({"To": "é" * 100, "From": "x" * 101}, 81023, "To"),
    ],
)
def test_a_bad_parameter_of_an_execution_is_named(
    server: LiveServer, flow: Any, form: dict[str, str], code: int, name: str
) -> None:
    status, body = raw(server, "POST", f"/v2/Flows/{flow.sid}/Executions", **form)
    assert (status, body["code"]) == (400, code)
    assert name in body["message"]


def test_executions_are_filtered_ended_and_deleted(twilio: Client, server: LiveServer, flow: Any) -> None:
    made = [
        twilio.studio.v2.flows(flow.sid).executions.create(to=f"+1{number}", from_="+2", parameters={"name": "Ada"})
        for number in range(3)
    ]
    for row in made:
        wait_for_end(twilio, flow.sid, row.sid)
    executions = twilio.studio.v2.flows(flow.sid).executions
    assert [row.sid for row in executions.list()] == [row.sid for row in reversed(made)]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert executions.list(date_created_from=tomorrow) == []
    assert len(executions.list(date_created_to=tomorrow, page_size=2)) == 3
    _, body = raw(server, "GET", f"/v2/Flows/{flow.sid}/Executions?status=active")
    assert body["executions"] == []
    _, body = raw(server, "GET", f"/v2/Flows/{flow.sid}/Executions?status=ended")
    assert len(body["executions"]) == 3
    assert executions(made[0].sid).update(status="ended").status == "ended"
    with pytest.raises(TwilioRestException) as refusal:
        executions(made[0].sid).update(status="active")
    assert refusal.value.code == 20001
    assert executions(made[0].sid).delete()
    with pytest.raises(TwilioRestException) as refusal:
        executions(made[0].sid).fetch()
    assert refusal.value.code == 20404
    assert len(executions.list()) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/v2/Flows/FW{0}",
        "/v2/Flows/FW{0}/Revisions",
        "/v2/Flows/FW{0}/Revisions/1",
        "/v2/Flows/FW{0}/TestUsers",
        "/v2/Flows/FW{0}/Executions",
        "/v2/Flows/FW{0}/Executions/FN{0}",
        "/v2/Flows/FW{0}/Executions/FN{0}/Context",
        "/v2/Flows/FW{0}/Executions/FN{0}/Steps",
        "/v2/Flows/FW{0}/Executions/FN{0}/Steps/FT{0}",
        "/v2/Flows/FW{0}/Executions/FN{0}/Steps/FT{0}/Context",
    ],
)
def test_an_unknown_sid_is_not_found(server: LiveServer, path: str) -> None:
    status, body = raw(server, "GET", path.format("9" * 32))
    assert (status, body["code"]) == (404, 20404)
