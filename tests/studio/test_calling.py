"""make-http-request and run-function against a site of the test's own (studio.md §2.3.6, §2.3.7)."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.carrier import eventually
from tests.conftest import LiveServer
from tests.requirements import requirement
from tests.studio.building import flow, variables, widget
from tests.studio.site import Site, running_site

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site() as made:
        yield made


@pytest.fixture(scope="module")
def client(frozen_server: LiveServer) -> Client:
    return frozen_server.client()


class Outcome:
    """What became of one run of one widget."""

    def __init__(self, client: Client, server: LiveServer, definition: dict[str, Any], parameters: Any = None) -> None:
        made = client.studio.v2.flows.create(friendly_name="Calls", status="published", definition=definition)
        known = client.studio.v2.flows(made.sid)
        run = known.executions.create(
            to=f"+1555{next(_numbers):07}", from_="+15559990000", parameters=parameters or {"name": "Ada"}
        )
        server.settle()
        self.execution = known.executions(run.sid)
        self.status = self.execution.fetch().status
        self.steps = list(reversed(self.execution.steps.list()))
        self.path = [(step.transitioned_from, step.name) for step in self.steps]
        self.context = self.execution.execution_context().fetch().context
        self.output = self.context["widgets"].get("call", {})

    def log(self, number: int = 1) -> list[tuple[int, str]]:
        context = self.execution.steps(self.steps[number].sid).step_context().fetch().context
        return [(entry["code"], entry["message"]) for entry in context.get("log", [])]


@pytest.fixture
def request_of(client: Client, frozen_server: LiveServer) -> Any:
    """Run a make-http-request widget with these properties."""

    def run(**properties: Any) -> Outcome:
        state = widget("call", "make-http-request", {"success": None, "failed": None}, **properties)
        return Outcome(client, frozen_server, flow(state))

    return run


@pytest.fixture
def function_of(client: Client, frozen_server: LiveServer) -> Any:
    """Run a run-function widget with these properties."""

    def run(**properties: Any) -> Outcome:
        state = widget("call", "run-function", {"success": None, "fail": None}, **properties)
        return Outcome(client, frozen_server, flow(state))

    return run


def test_a_post_brings_parameters_as_a_form_and_shows_the_answer(site: Site, request_of: Any) -> None:
    site.page("/form", {"open": True, "queue": {"name": "sales"}})
    done = request_of(
        method="POST",
        url=f"{site.url}/form?x=1",
        content_type="application/x-www-form-urlencoded;charset=utf-8",
        parameters=[{"key": "who", "value": "{{flow.data.name | upcase}}"}, {"key": "blank", "value": "{{nothing}}"}],
    )
    asked = site.book[-1]
    assert (asked.method, asked.query, asked.form) == ("POST", {"x": "1"}, {"who": "ADA", "blank": ""})
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded;charset=utf-8"
    assert done.path == [("Trigger", "incomingRequest"), ("call", "success")]
    assert done.output["status_code"] == 200
    assert done.output["content_type"] == "application/json"
    assert done.output["parsed"] == {"open": True, "queue": {"name": "sales"}}


def test_a_json_body_is_sent_as_it_is_rendered(site: Site, request_of: Any) -> None:
    site.page("/json", "ok", kind="text/plain")
    done = request_of(
        method="POST",
        url=f"{site.url}/json",
        content_type="application/json;charset=utf-8",
        body='{"who": {{flow.data.name | to_json}}}',
        parameters=[{"key": "a", "value": "b c"}],
    )
    asked = site.book[-1]
    assert (asked.body, asked.query) == ('{"who": "Ada"}', {"a": "b c"})
    assert asked.headers["content-type"] == "application/json;charset=utf-8"
    assert (done.path[-1], done.output["body"]) == (("call", "success"), "ok")
    assert "parsed" not in done.output


def test_a_get_brings_parameters_in_its_query(site: Site, request_of: Any) -> None:
    site.page("/get", [1, 2])
    done = request_of(method="GET", url=f"{site.url}/get?a=1", parameters=[{"key": "b", "value": "ü&"}])
    asked = site.book[-1]
    assert (asked.method, asked.query, asked.body) == ("GET", {"a": "1", "b": "ü&"}, "")
    assert done.path[-1] == ("call", "success")
    assert "parsed" not in done.output  # the top level is no object


def test_user_and_password_of_the_url_are_basic_auth(site: Site, request_of: Any) -> None:
    site.page("/auth", {})
    request_of(method="GET", url=f"{site.url.replace('://', '://ada:secret@')}/auth")
    assert site.book[-1].headers["authorization"] == "Basic " + base64.b64encode(b"ada:secret").decode()


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (307, "POST")])
def test_redirects_are_followed(site: Site, request_of: Any, status: int, method: str) -> None:
    site.page("/here", {"arrived": True})
    site.page("/there", "", status=status, Location="/here")
    done = request_of(method="POST", url=f"{site.url}/there", parameters=[{"key": "a", "value": "1"}])
    assert [(each.method, each.path) for each in site.book[-2:]] == [("POST", "/there"), (method, "/here")]
    assert done.output["parsed"] == {"arrived": True}
    assert site.book[-1].form == ({} if method == "GET" else {"a": "1"})


def failed(done: Outcome, code: int, words: str) -> None:
    assert done.path[-1][1] in ("failed", "fail")
    assert done.status == "ended"
    ((found, message),) = done.log()
    assert found == code
    assert words in message


def test_redirects_without_end_fail(site: Site, request_of: Any) -> None:
    site.page("/loop", "", status=302, Location="/loop")
    done = request_of(method="GET", url=f"{site.url}/loop")
    failed(done, 81016, "more than 5 redirects")
    assert done.output == {}


def test_a_redirect_to_an_address_off_the_internet_is_refused(site: Site, request_of: Any) -> None:
    site.page("/inside", "", status=302, Location="http://169.254.169.254/latest/meta-data")
    failed(request_of(method="GET", url=f"{site.url}/inside"), 81016, "169.254.169.254")


def test_an_address_off_the_internet_is_refused(request_of: Any) -> None:
    done = request_of(method="GET", url="http://169.254.169.254/latest/meta-data")
    failed(done, 81016, "not on the public internet")


def test_an_answer_within_64_kb_is_taken_and_a_larger_one_is_not(site: Site, request_of: Any) -> None:
    site.page("/large", b"x" * 65536, kind="text/plain")
    done = request_of(method="GET", url=f"{site.url}/large")
    assert (done.path[-1], len(done.output["body"])) == (("call", "success"), 65536)
    site.page("/larger", b"x" * 65537, kind="text/plain")
    done = request_of(method="GET", url=f"{site.url}/larger")
    failed(done, 81016, "larger than 65536 bytes")
    assert done.output == {}


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_a_status_that_is_no_success_fails_with_the_answer(site: Site, request_of: Any, status: int) -> None:
    site.page("/sad", {"why": "because"}, status=status)
    done = request_of(method="GET", url=f"{site.url}/sad")
    failed(done, 81016, f"status {status}")
    assert done.output["status_code"] == status
    assert done.output["parsed"] == {"why": "because"}


def test_json_that_is_none_fails_with_the_body(site: Site, request_of: Any) -> None:
    site.page("/broken", '{"a": 1', kind="application/json; charset=utf-8")
    done = request_of(method="GET", url=f"{site.url}/broken")
    failed(done, 81016, "not valid JSON")
    assert done.output["body"] == '{"a": 1'
    assert "parsed" not in done.output


def test_a_site_that_is_silent_fails_after_ten_seconds(site: Site, request_of: Any) -> None:
    done = request_of(method="GET", url=f"{site.url}/silent")
    failed(done, 81016, "10 seconds")
    assert done.output == {}


def test_a_port_where_nobody_listens_fails(request_of: Any) -> None:
    failed(request_of(method="GET", url="http://127.0.0.1:9/"), 81016, "no connection")


@pytest.mark.parametrize("url", ["", "{{nothing}}", "ftp://example.org/", "example.org", "http://", "http://a b/"])
def test_what_is_no_url_fails_without_a_request(request_of: Any, url: str) -> None:
    failed(request_of(method="GET", url=url), 81014, "not an http or https URL")


def test_a_reserved_parameter_name_fails_without_a_request(site: Site, request_of: Any) -> None:
    before = len(site.book)
    done = request_of(method="GET", url=site.url, parameters=[{"key": "method", "value": "x"}])
    failed(done, 81014, "method")
    assert len(site.book) == before


@pytest.mark.parametrize("own", ["https://api.twilio.com", "{server}/api"])
def test_the_accounts_credentials_go_to_the_api_here(
    request_of: Any, frozen_server: LiveServer, client: Client, own: str
) -> None:
    base = own.format(server=frozen_server.url)
    url = f"{base}/2010-04-01/Accounts/{client.account_sid}/Messages.json"
    done = request_of(method="GET", url=url, add_twilio_auth=True)
    assert done.path[-1] == ("call", "success"), done.log()
    assert "messages" in done.output["parsed"]


def test_the_accounts_credentials_go_to_nobody_else(site: Site, request_of: Any) -> None:
    before = len(site.book)
    failed(request_of(method="GET", url=f"{site.url}/x", add_twilio_auth=True), 81014, "add_twilio_auth")
    assert len(site.book) == before


def test_a_second_run_merges_what_it_parsed_and_overwrites_the_rest(
    site: Site, client: Client, frozen_server: LiveServer
) -> None:
    site.page("/1", {"a": 1, "b": {"c": 1}})
    site.page("/2", {"b": {"d": 2}})
    states = [
        widget(
            "call",
            "make-http-request",
            {"success": "count", "failed": None},
            method="GET",
            url=site.url + "/{{flow.variables.n | default: 1}}",
        ),
        variables("count", "again", n="{{ flow.variables.n | default: 1 | plus: 1 }}"),
        widget("again", "split-based-on", {"noMatch": None}, input="{{flow.variables.n}}"),
    ]
    condition = {"friendly_name": "two", "arguments": [""], "type": "equal_to", "value": "2"}
    states[2]["transitions"].append({"event": "match", "next": "call", "conditions": [condition]})
    done = Outcome(client, frozen_server, flow(*states))
    assert done.output["parsed"] == {"a": 1, "b": {"d": 2}}
    assert done.output["body"] == '{"b": {"d": 2}}'


def test_a_function_is_called_signed_with_its_parameters(
    site: Site, function_of: Any, frozen_server: LiveServer
) -> None:
    site.page("/function", {"isOpen": False}, X_Twilio_Function_Concurrency="7")
    done = function_of(
        url=f"{site.url}/function?v=2",
        service_sid="default",
        environment_sid="ZE" + "1" * 32,
        function_sid="ZH" + "1" * 32,
        parameters=[{"key": "name", "value": "{{flow.data.name}}"}, {"key": "all", "value": "{{flow.data}}"}],
    )
    asked = site.book[-1]
    assert asked.method == "POST"
    assert asked.form == {"name": "Ada", "all": '{"name":"Ada"}'}
    validator = RequestValidator(frozen_server.credentials.auth_token)
    assert validator.validate(f"{site.url}/function?v=2", asked.form, asked.headers["x-twilio-signature"])
    assert done.path[-1] == ("call", "success")
    assert done.output["parsed"] == {"isOpen": False}
    assert done.output["headers"] == {"x-twilio-function-concurrency": "7"}


@pytest.mark.parametrize(("status", "event"), [(204, "success"), (302, "success"), (404, "fail"), (500, "fail")])
def test_a_function_succeeds_with_2xx_and_3xx(site: Site, function_of: Any, status: int, event: str) -> None:
    site.page("/status", "", status=status, kind="text/plain", Location="/elsewhere")
    done = function_of(url=f"{site.url}/status")
    assert done.path[-1] == ("call", event)
    assert site.book[-1].path == "/status"
    if event == "fail":
        failed(done, 81010, f"status {status}")


@requirement("S45")
def test_a_function_whose_json_is_broken_fails_with_81017(site: Site, function_of: Any) -> None:
    site.page("/broken", "{")
    failed(function_of(url=f"{site.url}/broken"), 81017, "not valid JSON")


def test_a_function_without_a_url_fails_with_81010(function_of: Any) -> None:
    failed(function_of(url=""), 81010, "not an http or https URL")


def test_an_execution_ended_while_it_calls_stays_ended(site: Site, client: Client, frozen_server: LiveServer) -> None:
    state = widget(
        "call", "make-http-request", {"success": None, "failed": None}, method="GET", url=f"{site.url}/silent"
    )
    made = client.studio.v2.flows.create(friendly_name="Calls", status="published", definition=flow(state))
    known = client.studio.v2.flows(made.sid)
    asked_before = sum(each.path == "/silent" for each in site.book)
    run = known.executions.create(to="+15550009999", from_="+15559990000")
    eventually(lambda: asked_before < sum(each.path == "/silent" for each in site.book))
    ended = known.executions(run.sid).update(status="ended")
    frozen_server.settle()
    assert ended.status == "ended"
    assert [step.transitioned_from for step in known.executions(run.sid).steps.list()] == ["Trigger"]
