"""How many executions start in a second, and how long they live and are kept (studio.md §5.4)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from parlour.demo import DEMO_NUMBER, MESSAGING_NUMBER
from tests.carrier import Carrier, eventually, running_carrier
from tests.conftest import LiveServer, running_server
from tests.messaging.pages import running_site
from tests.studio.building import ask, flow, say, variables
from tests.studio.town import Town, fresh

DAY = 24 * 3600
SENDER = {"from": "{{flow.channel.address}}"}


def limited(folder: Path, monkeypatch: pytest.MonkeyPatch, carrier: Carrier, **settings: int) -> Any:
    for name, value in settings.items():
        monkeypatch.setenv(f"PARLOUR_{name.upper()}", str(value))
    return running_server(
        folder, "start", "--demo", "--data", str(folder / "data"), "--simulator-url", carrier.url_with_credentials
    )


def test_rest_starts_so_many_a_second_and_then_429(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLOUR_REST_EXECUTIONS_PER_SECOND", "2")
    with running_server(tmp_path, "start", "--ephemeral") as server:
        client = server.client()
        made = client.studio.v2.flows.create(friendly_name="L", status="published", definition=flow(variables("a")))
        refused = []
        for version in (client.studio.v2, client.studio.v1):
            for _ in range(12):
                try:
                    version.flows(made.sid).executions.create(to=fresh(), from_=DEMO_NUMBER)
                except TwilioRestException as refusal:
                    refused.append((refusal.status, refusal.code, refusal.msg))
        assert refused
        assert {each[:2] for each in refused} == {(429, 20429)}
        assert "at most 2 new Executions a second" in refused[0][2]
        started = client.studio.v2.flows(made.sid).executions.list()
        assert len(started) == 24 - len(refused)


def test_texts_over_the_limit_go_to_the_fallback_and_conversations_wait_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        running_site() as site,
        running_carrier(tmp_path / "ledger.sqlite") as carrier,
        limited(tmp_path, monkeypatch, carrier, executions_per_second=1) as server,
    ):
        town = Town(server, carrier, server.client())
        for address in town.client.conversations.v1.address_configurations.list():
            if address.address == DEMO_NUMBER:
                address.delete()
        known = town.publish(flow(say("a", "from the flow", **SENDER), on="incomingMessage"))
        fallback = site.says("/fallback", "<Response><Message>from the fallback</Message></Response>")
        town.webhook(known.fetch().webhook_url, sms_fallback_url=fallback)
        customers = [fresh() for _ in range(8)]
        for each in customers:
            carrier.text(each, DEMO_NUMBER, "hi")
        got = [eventually(partial(carrier.received, each), what=each) for each in customers]
        assert {text for (text,) in got} == {"from the flow", "from the fallback"}
        codes = [heard.parameters["ErrorCode"] for heard in site.asked("/fallback")]
        assert codes == ["20429"] * sum(text == "from the fallback" for (text,) in got)
        talk = town.publish(flow(say("a", "from the conversation"), on="incomingConversationMessage"))
        for address in town.client.conversations.v1.address_configurations.list():
            address.update(auto_creation_studio_flow_sid=talk.fetch().sid)
        customers = [fresh() for _ in range(4)]
        began = time.monotonic()
        for each in customers:
            carrier.text(each, MESSAGING_NUMBER, "hi")
        for each in customers:
            carrier.wait_for(each, "from the conversation", seconds=40)
        assert time.monotonic() - began > 1.5
        assert len(talk.executions.list()) == len(customers)


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[LiveServer]:
    with running_server(tmp_path, "start", "--ephemeral", "--test-clock") as server:
        yield server


def test_an_execution_ends_after_30_days_and_is_kept_30_days_more(lasting: LiveServer) -> None:
    client = lasting.client()
    state = flow(ask("a", "Well?", "a", timeout=str(29 * DAY)), on="incomingConversationMessage")
    state["states"][1]["transitions"][1]["next"] = "a"  # a time-out asks again
    made = client.studio.v2.flows.create(friendly_name="L", status="published", definition=state)
    known = client.studio.v2.flows(made.sid)
    row = client.conversations.v1.conversations.create()
    conversation = client.conversations.v1.conversations(row.sid)
    conversation.participants.create(identity="ada")
    conversation.webhooks.create(target="studio", configuration_flow_sid=made.sid)
    conversation.messages.create(author="ada", body="hi", x_twilio_webhook_enabled="true")
    lasting.settle()
    (run,) = known.executions.list()
    lasting.advance(30 * DAY - 1)
    assert known.executions(run.sid).fetch().status == "active"
    lasting.advance(1)
    assert known.executions(run.sid).fetch().status == "ended"
    steps = known.executions(run.sid).steps.list()
    assert [step.name for step in steps] == ["timeout", "incomingConversationMessage"]
    lasting.advance(29 * DAY)
    assert known.executions(run.sid).fetch().status == "ended"
    lasting.advance(2 * DAY)
    for look in (known.executions(run.sid).fetch, known.executions(run.sid).steps(steps[0].sid).fetch):
        with pytest.raises(TwilioRestException) as gone:
            look()
        assert (gone.value.status, gone.value.code) == (404, 20404)


@pytest.mark.parametrize(("kept", "gone"), [("3600", True), ("0", False)])
def test_how_long_ended_executions_are_kept_is_the_operators_to_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str, gone: bool
) -> None:
    monkeypatch.setenv("PARLOUR_ENDED_EXECUTIONS_KEPT", kept)
    with running_server(tmp_path, "start", "--ephemeral", "--test-clock") as server:
        client = server.client()
        made = client.studio.v2.flows.create(friendly_name="L", status="published", definition=flow(variables("a")))
        known = client.studio.v2.flows(made.sid)
        for _ in range(60):
            known.executions.create(to=fresh(), from_=DEMO_NUMBER)
        server.settle()
        assert len(known.executions.list(status="ended")) == 60
        server.advance(2 * DAY)
        assert len(known.executions.list()) == (0 if gone else 60)
