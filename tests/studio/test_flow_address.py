"""A flow's webhook_url over HTTP: a carrier of the operator's own posts texts to it (studio.md §5.7)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
import requests
from twilio.request_validator import RequestValidator

from parlour.demo import DEMO_NUMBER
from tests.studio.building import ask, flow, variables
from tests.studio.town import Town, fresh


class Line:
    """A flow that asks and keeps what it hears, and who posts texts to its address."""

    def __init__(self, town: Town) -> None:
        client = town.client
        self.client, self.server, self.customer, self.count = client, town.server, fresh(), 0
        definition = flow(
            ask("well", "Well?", "keep", **{"from": "{{flow.channel.address}}"}),
            variables("keep", said="{{widgets.well.inbound.Body}}", city="{{trigger.message.FromCity}}"),
            on="incomingMessage",
        )
        made = client.studio.v2.flows.create(friendly_name="Line", status="published", definition=definition)
        self.flow, self.url = client.studio.v2.flows(made.sid), made.webhook_url

    def form(self, body: str, **more: str) -> dict[str, str]:
        self.count += 1
        told = {"MessageSid": f"SM{self.count:032x}", "AccountSid": "AC" + "9" * 32, "NumMedia": "0"}
        return {**told, "From": self.customer, "To": DEMO_NUMBER, "Body": body, "FromCity": "ÅRHUS", **more}

    def post(self, form: dict[str, str], *, query: str = "", token: str | None = None, **headers: str) -> Any:
        url = self.url + query
        made = RequestValidator(token or self.server.credentials.auth_token).compute_signature(url, form)
        return requests.post(url, data=form, headers={"X-Twilio-Signature": made, **headers}, timeout=30)

    def runs(self) -> list[Any]:
        return list(self.flow.executions.list())

    def variables(self) -> Any:
        (run,) = self.runs()
        return self.flow.executions(run.sid).execution_context().fetch().context["flow"]["variables"]


@pytest.fixture
def line(town: Town) -> Line:
    return Line(town)


def test_texts_posted_to_the_address_start_and_resume_an_execution(line: Line) -> None:
    answer = line.post(line.form("hi"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml")
    root = ElementTree.fromstring(answer.content)  # noqa: S314 - our own answer
    assert (root.tag, list(root)) == ("Response", [])
    (run,) = line.runs()
    assert (run.status, run.initiated_by, run.contact_channel_address) == ("active", f"SM{1:032x}", line.customer)
    (asked,) = line.client.messages.list(to=line.customer)
    assert (asked.body, asked.from_) == ("Well?", DEMO_NUMBER)
    assert line.post(line.form("Ada & co=ü"), query="?x=a%20b").status_code == 200
    assert line.variables() == {"said": "Ada & co=ü", "city": "ÅRHUS"}


def test_texts_may_be_told_by_get(line: Line) -> None:
    url = f"{line.url}?{urlencode(line.form('hi'))}"
    made = RequestValidator(line.server.credentials.auth_token).compute_signature(url, {})
    assert requests.get(url, headers={"X-Twilio-Signature": made}, timeout=30).status_code == 200
    assert line.runs()[0].status == "active"


def test_a_text_that_is_posted_again_is_answered_and_not_heard_twice(line: Line) -> None:
    first, reply = line.form("hi"), line.form("Ada")
    for form in (first, first, reply, reply, first):
        assert line.post(form).status_code == 200
    assert line.variables()["said"] == "Ada"


@pytest.mark.parametrize("spoil", ["token", "query", "form", "none"])
def test_what_the_account_did_not_sign_is_refused_and_nothing_starts(line: Line, spoil: str) -> None:
    form = line.form("hi")
    url, made = line.url, RequestValidator(line.server.credentials.auth_token).compute_signature(line.url, form)
    if spoil == "token":
        made = RequestValidator("x" * 32).compute_signature(line.url, form)
    elif spoil == "query":
        url += "?x=1"
    elif spoil == "form":
        form["Body"] = "ho"
    headers = {} if spoil == "none" else {"X-Twilio-Signature": made}
    answer = requests.post(url, data=form, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (403, 20403)
    assert line.runs() == []


@pytest.mark.parametrize("name", ["MessageSid", "From", "To"])
def test_a_text_without_its_parts_is_refused_by_their_name(line: Line, name: str) -> None:
    form = {each: value for each, value in line.form("hi").items() if each != name}
    answer = line.post(form)
    assert (answer.status_code, answer.json()["code"]) == (400, 20001)
    assert name in answer.json()["message"]
    assert line.runs() == []


def test_an_address_of_a_flow_that_is_not_there_is_unknown(line: Line) -> None:
    sid = line.flow.fetch().sid
    line.flow.delete()
    answer = line.post(line.form("hi"))
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)
    assert sid in answer.json()["message"]


def test_the_address_of_another_account_takes_nothing(line: Line) -> None:
    line.url = line.url.replace(line.client.account_sid, "AC" + "0" * 32)
    assert line.post(line.form("hi")).status_code == 403


def test_a_call_is_rejected_and_starts_nothing(line: Line) -> None:
    answer = line.post({"CallSid": "CA" + "1" * 32, "From": line.customer, "To": DEMO_NUMBER})
    assert [each.tag for each in ElementTree.fromstring(answer.content)] == ["Reject"]  # noqa: S314 - our own answer
    assert line.runs() == []


def test_a_redirect_that_returns_is_no_text(line: Line) -> None:
    assert line.post({"FlowEvent": "return", "From": line.customer, "To": DEMO_NUMBER}).status_code == 200
    assert line.runs() == []


def test_a_form_is_expected(line: Line) -> None:
    url = line.url
    made = RequestValidator(line.server.credentials.auth_token).compute_signature(url, {})
    answer = requests.post(url, json={"From": "x"}, headers={"X-Twilio-Signature": made}, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (415, 20001)
