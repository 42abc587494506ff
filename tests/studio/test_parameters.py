"""Each published parameter of Studio v2 with two values whose effect is then seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.conftest import LiveServer
from tests.studio.test_api import definition, raw, wait_for_end


@pytest.fixture
def flow(twilio: Client) -> Any:
    return twilio.studio.v2.flows.create(friendly_name="Test", status="published", definition=definition())


def pages_of(resource: Any, key: str, **filters: Any) -> list[Any]:
    """Walk a list by the client's page call with sizes, numbers and tokens; return its records' keys."""
    whole = [getattr(row, key) for row in resource.list(page_size=1, **filters)]
    assert [getattr(row, key) for row in resource.list(page_size=2, **filters)] == whole
    walked: list[Any] = []
    page = resource.page(page_size=1, page_number=0, **filters)
    number = 0
    while page is not None:
        walked += [getattr(row, key) for row in page]
        token = page._payload["meta"]["next_page_url"]
        if token is None:
            break
        number += 1
        given = token.partition("PageToken=")[2].partition("&")[0]
        page = resource.page(page_size=1, page_number=number, page_token=given, **filters)
    assert walked == whole
    return whole


def test_flows_are_paged(twilio: Client) -> None:
    made = [twilio.studio.v2.flows.create(friendly_name=f"{n}", status="draft", definition=definition()) for n in "ab"]
    assert pages_of(twilio.studio.v2.flows, "sid")[:2] == [made[1].sid, made[0].sid]


def test_revisions_are_paged(twilio: Client, flow: Any) -> None:
    twilio.studio.v2.flows(flow.sid).update(status="draft")
    twilio.studio.v2.flows(flow.sid).update(status="published")
    assert pages_of(twilio.studio.v2.flows(flow.sid).revisions, "revision") == [3, 2, 1]


def test_a_revision_shows_who_saved_it_and_why(twilio: Client, flow: Any) -> None:
    bodies = [definition("one"), definition("two")]
    for number in range(2):
        saved = twilio.studio.v2.flows(flow.sid).update(
            status="published",
            friendly_name=f"name {number}",
            commit_message=f"message {number}",
            definition=bodies[number],
        )
        assert (saved.author_sid, saved.friendly_name) == (f"US{flow.account_sid[2:]}", f"name {number}")
        assert (saved.commit_message, saved.definition) == (f"message {number}", bodies[number])
    assert twilio.studio.v2.flows(flow.sid).revisions("2").fetch().commit_message == "message 0"
    with pytest.raises(TwilioRestException) as refusal:
        twilio.studio.v2.flows(flow.sid).update(status="draft", author_sid="US" + "1" * 32)
    assert "AuthorSid" in refusal.value.msg


def test_a_validation_takes_what_a_creation_takes(twilio: Client) -> None:
    foreign = definition()
    foreign["states"][3]["properties"]["workflow"] = "WW" + "c" * 32
    validate = twilio.studio.v2.flow_validate.update
    assert validate(friendly_name="a", status="draft", definition=foreign, commit_message="x").valid
    assert validate(friendly_name="b", status="published", definition=definition(), commit_message="y").valid
    with pytest.raises(TwilioRestException) as refusal:
        validate(friendly_name="a", status="published", definition=foreign)
    assert refusal.value.code == 81022


def test_executions_are_filtered_by_time_and_paged(twilio: Client, flow: Any) -> None:
    executions = twilio.studio.v2.flows(flow.sid).executions
    made = [executions.create(to=f"+1{n}", from_=f"+2{n}", parameters={"name": "Ada"}) for n in range(3)]
    for row in made:
        wait_for_end(twilio, flow.sid, row.sid)
    assert pages_of(executions, "sid") == [row.sid for row in reversed(made)]
    now = datetime.now(UTC)
    yesterday, tomorrow = now - timedelta(days=1), now + timedelta(days=1)
    assert len(executions.list(date_created_from=yesterday, date_created_to=tomorrow)) == 3
    assert executions.list(date_created_from=tomorrow) == []
    assert executions.list(date_created_to=yesterday) == []
    contexts = [executions(row.sid).execution_context().fetch().context for row in made]
    assert [context["flow"]["channel"]["address"] for context in contexts] == ["+20", "+21", "+22"]
    steps = executions(made[0].sid).steps
    assert len(pages_of(steps, "sid")) == 3
    for step in steps.list():
        assert steps(step.sid).fetch().name == step.name


def test_a_waiting_execution_stays_active_until_it_is_ended(twilio: Client, server: LiveServer) -> None:
    waiting = definition()
    waiting["states"][1] = {
        "name": "set",
        "type": "send-and-wait-for-reply",
        "transitions": [{"event": "incomingMessage"}, {"event": "timeout"}, {"event": "deliveryFailure"}],
        "properties": {"from": "Bot", "body": "Well?", "channel": "{{flow.data.channel}}", "timeout": "60"},
    }
    flow = twilio.studio.v2.flows.create(friendly_name="waits", status="published", definition=waiting)
    assert twilio.studio.v2.flows(flow.sid).fetch().friendly_name == "waits"
    conversation = twilio.conversations.v1.conversations.create(friendly_name="waits")
    executions = twilio.studio.v2.flows(flow.sid).executions
    first = executions.create(to="ada", from_="bot", parameters={"channel": conversation.sid})
    assert executions(first.sid).update(status="active").status == "active"
    path = f"/v2/Flows/{flow.sid}/Executions"
    status, body = raw(server, "POST", path, To="ada", From="bot")
    assert (status, body["code"]) == (409, 20409)
    assert body["details"] == {"conflicting_execution_sid": first.sid}
    assert body["message"] == (
        f"Execution {first.sid} is already active for this contact. End the active Execution before creating a new one"
    )
    _, listed = raw(server, "GET", f"{path}?status=active")
    assert [row["sid"] for row in listed["executions"]] == [first.sid]
    assert executions(first.sid).update(status="ended").status == "ended"
    status, _ = raw(server, "POST", path, To="ada", From="bot")
    assert status == 201


def texting() -> dict[str, Any]:
    """A flow that REST starts and that sends one text."""
    flow = definition()
    flow["states"][1] = {
        "name": "send_text",
        "type": "send-message",
        "transitions": [{"event": "sent"}, {"event": "failed"}],
        "properties": {
            "from": "{{flow.channel.address}}",
            "to": "{{contact.channel.address}}",
            "body": "Your appointment is on {{flow.data.day}}",
        },
    }
    flow["states"][0]["transitions"] = [{"event": "incomingRequest", "next": "send_text"}]
    return flow


def test_an_execution_by_rest_sends_a_text_from_a_number_of_the_account(twilio: Client) -> None:
    number = twilio.incoming_phone_numbers.create(phone_number="+15552340001").phone_number
    flow = twilio.studio.v2.flows.create(friendly_name="texts", status="published", definition=texting())
    executions = twilio.studio.v2.flows(flow.sid).executions
    made = executions.create(to="+15552349999", from_=number, parameters={"day": "Monday"})
    wait_for_end(twilio, flow.sid, made.sid)
    outbound = executions(made.sid).execution_context().fetch().context["widgets"]["send_text"]["outbound"]
    message = twilio.messages(outbound["Sid"]).fetch()
    assert (message.body, message.to, message.from_) == ("Your appointment is on Monday", "+15552349999", number)
    assert (outbound["Body"], outbound["NumMedia"], outbound["Direction"]) == (message.body, "0", "outbound-api")


def test_a_text_from_somebody_elses_number_takes_the_failure_exit(twilio: Client) -> None:
    flow = twilio.studio.v2.flows.create(friendly_name="texts", status="published", definition=texting())
    executions = twilio.studio.v2.flows(flow.sid).executions
    made = executions.create(to="+15552349999", from_="+15552340002")
    wait_for_end(twilio, flow.sid, made.sid)
    last = executions(made.sid).steps.list()[0]
    assert last.name == "failed"
    context = executions(made.sid).steps(last.sid).step_context().fetch().context
    assert context["widgets"]["send_text"]["outbound"]["ErrorCode"] == 21606
    assert context["log"][0]["code"] == 81011
