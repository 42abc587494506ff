"""Flows and telephones: the number's webhook, executions started by REST, conversations begun by a flow."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest.content.v1.content import ContentList

from parlour.demo import DEMO_NUMBER, MESSAGING_NUMBER
from tests import shared_flows
from tests.carrier import eventually
from tests.studio.building import ask, flow, say, widget
from tests.studio.site import running_site
from tests.studio.town import Town, fresh

PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 500


def test_a_text_to_a_number_whose_webhook_is_a_flow_starts_it(town: Town) -> None:
    known = town.publish(
        flow(
            ask("name", "Your name?", "hello", **{"from": "{{flow.channel.address}}"}),
            say(
                "hello",
                "Hello {{widgets.name.inbound.Body}}, you wrote {{trigger.message.Body}}",
                **{"from": "{{flow.channel.address}}", "to": "{{contact.channel.address}}"},
            ),
            on="incomingMessage",
        )
    )
    town.webhook(known.fetch().webhook_url)
    customer = fresh()
    town.carrier.text(customer, DEMO_NUMBER, "hi")
    town.carrier.wait_for(customer, "Your name?")
    town.carrier.text(customer, DEMO_NUMBER, "Ada")
    town.carrier.wait_for(customer, "Hello Ada, you wrote hi")
    (ended,) = town.executions(known, 1, "ended")
    assert ended.contact_channel_address == customer
    assert ended.initiated_by.startswith("SM")
    assert town.path(known, ended.sid) == [
        ("Trigger", "incomingMessage"),
        ("name", "incomingMessage"),
        ("hello", "sent"),
    ]
    context = known.executions(ended.sid).execution_context().fetch().context
    assert context["widgets"]["hello"]["outbound"]["To"] == customer
    assert context["trigger"]["message"]["MessageSid"] == ended.initiated_by
    # The flow is a part of this program: its address is not called over HTTP as another webhook would be.
    assert "a text was not answered" not in town.server.log.read_text()


def test_a_reply_reaches_an_execution_that_rest_started(town: Town) -> None:
    known = town.publish(flow(ask("well", "How are you?", "thanks", **{"from": DEMO_NUMBER}), say("thanks", "Thanks")))
    town.webhook(known.fetch().webhook_url)
    customer = fresh()
    made = known.executions.create(to=customer, from_=DEMO_NUMBER)
    town.carrier.wait_for(customer, "How are you?")
    with pytest.raises(TwilioRestException) as refusal:
        known.executions.create(to=customer, from_=DEMO_NUMBER)
    assert (refusal.value.status, refusal.value.code) == (409, 20409)
    assert refusal.value.details == {"conflicting_execution_sid": made.sid}
    town.carrier.text(customer, DEMO_NUMBER, "fine")
    (ended,) = town.executions(known, 1, "ended")
    assert ended.sid == made.sid
    # `Bot` is no number of the account, so the text is refused, and the step says so.
    assert town.path(known, ended.sid)[1:] == [("well", "incomingMessage"), ("thanks", "failed")]


def test_a_text_that_fails_on_its_way_takes_delivery_failure(town: Town) -> None:
    known = town.publish(flow(ask("well", "Lost?", **{"from": DEMO_NUMBER})))
    customer = fresh()
    made = known.executions.create(to=f"{customer}99999999", from_=DEMO_NUMBER)
    (ended,) = town.executions(known, 1, "ended")
    assert ended.sid == made.sid
    assert town.path(known, ended.sid)[-1] == ("well", "deliveryFailure")


def test_texts_of_a_flow_say_content_templates_and_carry_files(town: Town) -> None:
    text = ContentList.TwilioText({"body": "Hello {{name}}"})
    request = {"friendly_name": "t", "language": "en", "types": ContentList.Types({})}
    request["types"].twilio_text = text
    sid = town.client.content.v1.contents.create(ContentList.ContentCreateRequest(request)).sid
    with running_site() as site:
        site.page("/cat.png", PNG, kind="image/png")
        values = [{"key": "name", "value": "{{flow.data.who}}"}]
        template = {"message_type": "content_template", "content_sid": sid, "content_variables": values}
        known = town.publish(
            flow(
                say("greet", "", "show", **{"from": DEMO_NUMBER}, **template),
                say("show", "Look", "unknown", **{"from": DEMO_NUMBER}, media_url=f"{site.url}/cat.png"),
                say("unknown", "", "nothing", **{"from": DEMO_NUMBER}, message_type="content_template"),
                say("nothing", "", "broken", **{"from": DEMO_NUMBER}),
                say("broken", "x", **{"from": DEMO_NUMBER}, media_url="cat.png"),
            )
        )
        customer = fresh()
        made = known.executions.create(to=customer, from_=DEMO_NUMBER, parameters={"who": "Ada"})
        town.carrier.wait_for(customer, "Hello Ada")
        assert [file["content_type"] for file in town.carrier.wait_for(customer, "Look")["media"]] == ["image/png"]
        town.executions(known, 1, "ended")
        exits = ["sent", "sent", "failed", "failed", "failed"]
        assert [event for _, event in town.path(known, made.sid)[1:]] == exits
        widgets = known.executions(made.sid).execution_context().fetch().context["widgets"]
        codes = [widgets[name]["outbound"].get("ErrorCode") for name in ("greet", "unknown", "nothing", "broken")]
        assert codes == [None, 21654, 21602, 21620]
        assert (widgets["greet"]["outbound"]["Body"], widgets["show"]["outbound"]["NumMedia"]) == ("Hello Ada", "1")


def test_a_flow_speaks_through_a_messaging_service_and_hears_its_replies(town: Town) -> None:
    """Our side of the pair is the service, as the one that its webhook is told of (studio.md §5.1)."""
    known = town.publish(flow(ask("well", "Through whom?", "thanks", **{"from": "{{flow.channel.address}}"}),
                              say("thanks", "Thanks", **{"from": "{{flow.channel.address}}"})))  # fmt: skip
    number = next(each for each in town.client.incoming_phone_numbers.list() if each.phone_number == MESSAGING_NUMBER)
    service = town.client.messaging.v1.services.create(
        friendly_name="Pool", inbound_request_url=known.fetch().webhook_url, use_inbound_webhook_on_number=False
    )
    pool = town.client.messaging.v1.services(service.sid)
    pool.phone_numbers.create(phone_number_sid=number.sid)
    try:
        customer = fresh()
        made = known.executions.create(to=customer, from_=service.sid)
        town.carrier.wait_for(customer, "Through whom?")
        town.carrier.text(customer, MESSAGING_NUMBER, "you")
        town.carrier.wait_for(customer, "Thanks")
        (ended,) = town.executions(known, 1, "ended")
        assert (ended.sid, ended.contact_channel_address) == (made.sid, customer)
        assert town.path(known, made.sid)[1:] == [("well", "incomingMessage"), ("thanks", "sent")]
    finally:
        pool.delete()


def conversing(**more: Any) -> list[dict[str, Any]]:
    return [
        widget(
            "begin",
            "start-conversation",
            {"created": "rate", "failed": None},
            friendly_name="Survey {{flow.data.n}}",
            attributes='{"survey": "{{flow.data.n}}"}',
            timers_inactive="PT5M",
            timers_closed="PT30M",
            participants=[
                {
                    "type": "messaging",
                    "messaging_binding_address": "{{contact.channel.address}}",
                    "messaging_binding_proxy_address": "{{flow.channel.address}}",
                }
            ],
            **more,
        ),
        ask("rate", "Rate us 1-5", "thanks", **{"from": "Survey"}),
        say("thanks", "Thank you for {{widgets.rate.inbound.Body}}", **{"from": "Survey"}),
    ]


def test_a_flow_begins_a_conversation_and_closes_it_at_its_end(town: Town) -> None:
    known = town.publish(flow(*conversing(close_conversation_on_execution_end=True)))
    customer = fresh()
    made = known.executions.create(to=customer, from_=DEMO_NUMBER, parameters={"n": "7"})
    town.carrier.wait_for(customer, "Rate us 1-5")
    town.carrier.text(customer, DEMO_NUMBER, "5")
    town.carrier.wait_for(customer, "Thank you for 5")
    (ended,) = town.executions(known, 1, "ended")
    assert ended.sid == made.sid
    assert town.path(known, made.sid) == [
        ("Trigger", "incomingRequest"),
        ("begin", "created"),
        ("rate", "incomingMessage"),
        ("thanks", "sent"),
    ]
    context = known.executions(made.sid).execution_context().fetch().context
    channel = context["flow"]["channel"]
    assert (channel["type"], channel["address"]) == ("conversation", DEMO_NUMBER)
    row = town.client.conversations.v1.conversations(channel["sid"]).fetch()
    assert (row.state, row.friendly_name, row.attributes) == ("closed", "Survey 7", '{"survey": "7"}')
    assert context["widgets"]["begin"]["conversation"]["sid"] == row.sid
    assert town.client.conversations.v1.conversations(row.sid).webhooks.list() == []
    authors = [message.author for message in town.client.conversations.v1.conversations(row.sid).messages.list()]
    assert authors == ["Survey", customer, "Survey"]


def test_a_flow_takes_up_a_conversation_and_leaves_it_open(town: Town) -> None:
    customer = fresh()
    there = town.client.conversations.v1.conversations.create(friendly_name="There")
    there.participants.create(messaging_binding_address=customer, messaging_binding_proxy_address=DEMO_NUMBER)
    states = conversing()
    states[0] = widget(
        "begin",
        "resume-conversation",
        {"resumed": "rate", "failed": None},
        conversation_service_sid=there.chat_service_sid,
        conversation_sid="{{flow.data.sid}}",
        webhook_filters=["onMessageAdded"],
        attributes='{"taken": "up"}',
    )
    known = town.publish(flow(*states))
    made = known.executions.create(to=customer, from_=DEMO_NUMBER, parameters={"sid": there.sid})
    town.carrier.wait_for(customer, "Rate us 1-5")
    town.carrier.text(customer, DEMO_NUMBER, "4")
    town.carrier.wait_for(customer, "Thank you for 4")
    town.executions(known, 1, "ended")
    assert town.path(known, made.sid)[1] == ("begin", "resumed")
    row = there.fetch()
    assert (row.state, row.attributes) == ("active", '{"taken": "up"}')
    assert town.client.conversations.v1.conversations(row.sid).webhooks.list() == []


@pytest.mark.parametrize("sid", ["CH" + "0" * 32, ""])
def test_a_conversation_that_is_not_there_takes_failed(town: Town, sid: str) -> None:
    state = widget(
        "begin",
        "resume-conversation",
        {"resumed": None, "failed": None},
        conversation_service_sid=town.client.conversations.v1.configuration().fetch().default_chat_service_sid,
        conversation_sid="{{flow.data.sid}}",
    )
    known = town.publish(flow(state))
    made = known.executions.create(to=fresh(), from_=DEMO_NUMBER, parameters={"sid": sid})
    town.executions(known, 1, "ended")
    assert town.path(known, made.sid)[1] == ("begin", "failed")
    steps = known.executions(made.sid).steps.list()
    (entry,) = known.executions(made.sid).steps(steps[0].sid).step_context().fetch().context["log"]
    assert entry["code"] == 20404


def test_after_the_hand_over_a_flow_that_began_the_conversation_may_not_send(town: Town) -> None:
    (workspace,) = town.client.taskrouter.v1.workspaces.list(friendly_name="Flex Task Assignment")
    (workflow,) = town.client.taskrouter.v1.workspaces(workspace.sid).workflows.list()
    states = conversing(close_conversation_on_execution_end=True)[:1]
    states[0]["transitions"][0]["next"] = "agent"
    states += [
        widget("agent", "send-to-flex", {"callComplete": "late"}, workflow=workflow.sid, channel="chat"),
        say("late", "too late", **{"from": "Survey"}),
    ]
    known = town.publish(flow(*states))
    customer = fresh()
    made = known.executions.create(to=customer, from_=DEMO_NUMBER, parameters={"n": "9"})
    town.executions(known, 1, "ended")
    assert town.path(known, made.sid)[2:] == [("agent", "callComplete"), ("late", "failed")]
    context = known.executions(made.sid).execution_context().fetch().context
    assert context["flow"]["channel"]["status"] == "handed off"
    row = town.client.conversations.v1.conversations(context["flow"]["channel"]["sid"]).fetch()
    assert row.state == "active"  # it is the agents' now
    assert town.carrier.received(customer) == []


@pytest.mark.needs_shared
def test_real_flow_14_is_started_by_rest_and_tells_the_hosts_what_was_answered(town: Town) -> None:
    with running_site() as site:
        mapping = {"https://YOUR_TWILIO_ENVIRONMENT_DOMAIN_NAME": site.url}
        definition = shared_flows.load("14", **mapping)
        endpoint = next(
            pair for state in definition["states"] for pair in state["properties"].get("variables", ())
            if pair["key"] == "IE_ENDPOINT"
        )  # fmt: skip
        endpoint["value"] = f"{site.url}/inbound"
        site.page("/get-datetime-parts", {"readable_datetime": "Monday at nine"})
        site.page("/save-remind", {})
        site.page("/inbound", {})
        known = town.publish(definition)
        (owned,) = town.client.incoming_phone_numbers.list(phone_number=DEMO_NUMBER)
        owned.update(sms_url=known.fetch().webhook_url)
        customer = fresh()
        data = {"event_type": "REMIND", "patient_first_name": "Ada", "appointment_id": "7"}
        made = known.executions.create(to=customer, from_=DEMO_NUMBER, parameters=data)
        (asked,) = eventually(lambda: town.carrier.received(customer))
        assert "Ada" in asked
        assert "Monday at nine" in asked
        town.carrier.text(customer, DEMO_NUMBER, "confirm appt")
        town.executions(known, 1, "ended")
        assert town.path(known, made.sid)[-2:] == [("split_remind_reply", "match"), ("confirm_remind", "success")]
        told = site.book[-1]
        assert (told.path, json.loads(told.body)["appointment_id"]) == ("/inbound", "7")
