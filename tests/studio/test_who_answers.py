"""A text that no conversation takes has one answerer: whoever its webhook names (channels.md §1.8, studio.md §5.1)."""

from __future__ import annotations

from typing import Any

import pytest

from parlour.demo import DEMO_NUMBER
from tests.carrier import eventually
from tests.messaging.pages import Site, running_site
from tests.studio.building import ask, flow, say
from tests.studio.town import Town, fresh

SENDER = {"from": "{{flow.channel.address}}"}


@pytest.fixture
def site() -> Any:
    with running_site() as one:
        yield one


def greeting(word: str, on: str = "incomingMessage") -> dict[str, Any]:
    return flow(ask("name", f"{word}: your name?", "hello", **SENDER), say("hello", f"{word} hello", **SENDER), on=on)


def test_a_waiting_flow_does_not_hear_texts_whose_webhook_is_somebody_elses(town: Town, site: Site) -> None:
    asking = town.publish(greeting("flow", on="incomingRequest"))
    town.webhook(site.says("/in", "<Response><Message>the webhook's answer</Message></Response>"))
    customer = fresh()
    made = asking.executions.create(to=customer, from_=DEMO_NUMBER)
    town.carrier.wait_for(customer, "flow: your name?")
    town.carrier.text(customer, DEMO_NUMBER, "Ada")
    town.carrier.wait_for(customer, "the webhook's answer")
    assert asking.executions(made.sid).fetch().status == "active"
    # Once the number's webhook is the flow, it alone hears the next text.
    town.webhook(asking.fetch().webhook_url)
    town.carrier.text(customer, DEMO_NUMBER, "Ada again")
    town.carrier.wait_for(customer, "flow hello")
    town.executions(asking, 1, "ended")
    assert town.carrier.received(customer) == ["flow: your name?", "the webhook's answer", "flow hello"]
    assert len(site.asked("/in")) == 1


def test_of_two_flows_the_one_that_the_webhook_names_answers(town: Town) -> None:
    waiting = town.publish(greeting("waiting", on="incomingRequest"))
    named = town.publish(greeting("named"))
    town.webhook(named.fetch().webhook_url)
    customer = fresh()
    made = waiting.executions.create(to=customer, from_=DEMO_NUMBER)
    town.carrier.wait_for(customer, "waiting: your name?")
    town.carrier.text(customer, DEMO_NUMBER, "hi")
    town.carrier.wait_for(customer, "named: your name?")
    town.carrier.text(customer, DEMO_NUMBER, "Ada")
    town.carrier.wait_for(customer, "named hello")
    town.executions(named, 1, "ended")
    assert waiting.executions(made.sid).fetch().status == "active"
    assert town.carrier.received(customer) == ["waiting: your name?", "named: your name?", "named hello"]


def test_a_webhook_may_redirect_to_a_flow(town: Town, site: Site) -> None:
    """The address is the vendor's, as migrated programs have it: the flow is here, so nobody out there is called."""
    named = town.publish(greeting("redirected"))
    address = f"https://webhooks.twilio.com/v1/Accounts/{town.client.account_sid}/Flows/{named.fetch().sid}"
    town.webhook(site.says("/in", f"<Response><Message>One moment</Message><Redirect>{address}</Redirect></Response>"))
    customer = fresh()
    town.carrier.text(customer, DEMO_NUMBER, "hi")
    town.carrier.wait_for(customer, "redirected: your name?")
    assert town.carrier.received(customer) == ["One moment", "redirected: your name?"]


def test_the_fallback_answers_where_the_flow_is_gone(town: Town, site: Site) -> None:
    gone = town.publish(greeting("gone"))
    fallback = site.says("/fallback", "<Response><Message>Sorry</Message></Response>")
    town.webhook(gone.fetch().webhook_url, sms_fallback_url=fallback)
    gone.delete()
    customer = fresh()
    town.carrier.text(customer, DEMO_NUMBER, "hi")
    town.carrier.wait_for(customer, "Sorry")
    [heard] = site.asked("/fallback")
    assert (heard.parameters["ErrorCode"], heard.parameters["Body"]) == ("11200", "hi")


def test_a_flow_as_the_fallback_answers_where_the_webhook_cannot(town: Town, site: Site) -> None:
    second = town.publish(greeting("second"))
    town.webhook(site.says("/in", "", status=500), sms_fallback_url=second.fetch().webhook_url)
    customer = fresh()
    town.carrier.text(customer, DEMO_NUMBER, "hi")
    town.carrier.wait_for(customer, "second: your name?")
    (run,) = second.executions.list()
    told = second.executions(run.sid).execution_context().fetch().context["trigger"]["message"]
    assert (told["Body"], told["From"], told["To"]) == ("hi", customer, DEMO_NUMBER)


def test_a_flow_that_was_never_published_says_nothing(town: Town) -> None:
    made = town.client.studio.v2.flows.create(friendly_name="Draft", status="draft", definition=greeting("draft"))
    town.webhook(made.webhook_url)
    customer = fresh()
    town.carrier.text(customer, DEMO_NUMBER, "hi")
    eventually(lambda: "never published" in town.server.log.read_text(), what="the warning")
    assert town.carrier.received(customer) == []
