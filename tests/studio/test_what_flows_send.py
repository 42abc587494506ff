"""Content templates and files that a flow sends into a conversation (studio.md §2.3.2, conversations.md §4.1, §5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList

from tests.carrier import eventually
from tests.conftest import LiveServer
from tests.studio.building import flow, widget
from tests.studio.site import Site, running_site

PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 500


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site() as made:
        made.page("/cat.png", PNG, kind="image/png")
        yield made


@pytest.fixture(scope="module")
def client(frozen_server: LiveServer) -> Client:
    return frozen_server.client()


def template(client: Client, types: dict[str, Any], **variables: str) -> str:
    """Make a content template."""
    body = {"friendly_name": "t", "language": "en", "variables": variables, "types": ContentList.Types({})}
    body["types"].__dict__.update({name.replace("/", "_").replace("-", "_"): each for name, each in types.items()})
    return str(client.content.v1.contents.create(ContentList.ContentCreateRequest(body)).sid)


def words(client: Client, text: str, **variables: str) -> str:
    return template(client, {"twilio/text": ContentList.TwilioText({"body": text})}, **variables)


class Talk:
    """One conversation under a flow of one widget, in which a customer wrote."""

    def __init__(self, client: Client, server: LiveServer, kind: str = "send-message", **properties: Any) -> None:
        self.client, self.server = client, server
        exits: dict[str, str | None] = (
            {"sent": None, "failed": None}
            if kind == "send-message"
            else {"incomingMessage": None, "timeout": None, "deliveryFailure": None}
        )
        state = widget("say", kind, exits, **{"from": "Bot", **properties})
        made = client.studio.v2.flows.create(
            friendly_name="Says", status="published", definition=flow(state, on="incomingConversationMessage")
        )
        self.flow = client.studio.v2.flows(made.sid)
        row = client.conversations.v1.conversations.create(attributes='{"name": "Ada"}')
        self.conversation = client.conversations.v1.conversations(row.sid)
        self.conversation.participants.create(identity="ada")
        self.conversation.webhooks.create(target="studio", configuration_flow_sid=made.sid)
        self.write("hi")

    def write(self, body: str) -> None:
        self.conversation.messages.create(author="ada", body=body, x_twilio_webhook_enabled="true")

    def settle(self) -> Talk:
        self.server.settle()
        (self.run,) = self.flow.executions.list()
        self.steps = list(reversed(self.flow.executions(self.run.sid).steps.list()))
        self.exit = self.steps[-1].name
        self.output = self.flow.executions(self.run.sid).execution_context().fetch().context["widgets"].get("say", {})
        return self

    def said(self) -> list[Any]:
        return [each for each in self.conversation.messages.list() if each.author == "Bot"]

    def log(self) -> list[tuple[int, str]]:
        step = self.flow.executions(self.run.sid).steps(self.steps[-1].sid)
        return [(each["code"], each["message"]) for each in step.step_context().fetch().context.get("log", [])]


@pytest.fixture
def talk(client: Client, frozen_server: LiveServer) -> Any:
    return lambda kind="send-message", **properties: Talk(client, frozen_server, kind, **properties)


def failed(done: Talk, code: int, words: str, *, event: str = "failed") -> None:
    assert done.exit == event
    assert done.output["outbound"]["ErrorCode"] == code
    assert words in done.output["outbound"]["ErrorMessage"]
    ((logged, message),) = done.log()
    assert (logged, f"({code})" in message) == (81011, True), message
    assert done.said() == []


@pytest.mark.parametrize("kind", ["send-message", "send-and-wait-for-reply"])
def test_a_content_template_says_its_words_with_rendered_values(talk: Any, client: Client, kind: str) -> None:
    sid = words(client, "Hello {{1}}, order {{2}}, {{3}}", **{"3": "thanks"})
    done = talk(
        kind,
        message_type="content_template",
        content_sid=sid,
        content_variables=[
            {"key": "1", "value": "{{trigger.conversation.ChannelAttributes.name | upcase}}"},
            {"key": "{{2}}", "value": "{{trigger.conversation.Body}}"},
        ],
        body="never said",
    )
    if kind != "send-message":
        done.server.settle()
        done.write("yes")
    done.settle()
    assert done.exit == ("sent" if kind == "send-message" else "incomingMessage")
    (message,) = done.said()
    assert (message.body, message.content_sid) == ("Hello ADA, order hi, thanks", sid)
    assert done.output["outbound"]["Body"] == message.body


def test_a_content_sid_may_be_a_template_of_liquid(talk: Any, client: Client) -> None:
    sid = words(client, "Good day")
    condition = "{% if trigger.conversation.Body == 'hi' %}" + sid + "{% endif %}"
    assert talk(message_type="content_template", content_sid=condition).settle().said()[0].body == "Good day"


@pytest.mark.parametrize("sid", ["", "{{nothing}}", "HX{{nothing}}" + "0" * 32, "word"])
def test_a_content_template_that_there_is_not_fails_with_50526(talk: Any, sid: str) -> None:
    failed(talk(message_type="content_template", content_sid=sid, body="x").settle(), 50526, "ContentSid")


def test_a_content_template_without_a_type_for_conversations_fails_with_50542(talk: Any, client: Client) -> None:
    body = ContentList.WhatsappAuthentication({"add_security_recommendation": True, "code_expiration_minutes": 5})
    sid = template(client, {"whatsapp/authentication": body})
    done = talk("send-and-wait-for-reply", message_type="content_template", content_sid=sid).settle()
    failed(done, 50542, sid, event="deliveryFailure")


def test_custom_messages_say_their_body_whatever_content_they_name(talk: Any, client: Client) -> None:
    sid = words(client, "template")
    done = talk(body="own", content_sid=sid, message_type="custom").settle()
    assert [(each.body, each.content_sid) for each in done.said()] == [("own", None)]


@pytest.mark.parametrize("body", ["Look", ""])
def test_a_file_is_fetched_and_goes_with_the_message(talk: Any, site: Site, body: str) -> None:
    done = talk(
        body=body, media_url=f"{site.url}/{{{{trigger.conversation.Body | replace: 'hi', 'cat'}}}}.png"
    ).settle()
    assert done.exit == "sent"
    (message,) = done.said()
    assert message.body == (body or None)
    (file,) = message.media
    assert (file["content_type"], file["size"], file["filename"]) == ("image/png", len(PNG), "cat.png")
    row = done.client.conversations.v1.conversations(done.conversation._solution["sid"]).fetch()
    auth = (done.client.username, done.client.password)
    url = f"{done.server.url}/mcs/v1/Services/{row.chat_service_sid}/Media/{file['sid']}/Content"
    assert requests.get(url, auth=auth, timeout=30).content == PNG
    assert [each["sid"] for each in done.output["outbound"]["Media"]] == [file["sid"]]


def test_a_question_with_a_file_waits_for_its_reply(talk: Any, site: Site) -> None:
    done = talk("send-and-wait-for-reply", body="Well?", media_url=f"{site.url}/cat.png", timeout="60")
    done.settle()
    assert (done.run.status, len(done.said())) == ("active", 1)
    done.write("yes")
    done.settle()
    assert (done.exit, done.output["inbound"]["Body"]) == ("incomingMessage", "yes")


def test_redirects_to_a_file_are_followed_and_the_guard_looks_at_each(talk: Any, site: Site) -> None:
    site.page("/moved", "", status=302, Location="/cat.png")
    assert talk(media_url=f"{site.url}/moved").settle().said()[0].media[0]["filename"] == "cat.png"
    site.page("/inside", "", status=302, Location="http://169.254.169.254/cat.png")
    failed(talk(media_url=f"{site.url}/inside").settle(), 63019, "169.254.169.254")
    site.page("/round", "", status=302, Location="/round")
    failed(talk(media_url=f"{site.url}/round").settle(), 63019, "more than 5 redirects")


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("ftp://example.org/cat.png", 21620, "not an http or https URL"),
        ("cat.png", 21620, "not an http or https URL"),
        ("http://169.254.169.254/cat.png", 63019, "not on the public internet"),
        ("{site}/nothing", 63019, "status 404"),
        ("{site}/silent", 63019, "within 10 seconds"),
        ("{site}/huge", 50512, "too large"),
        ("{site}/liar", 50511, "image/jpeg"),
        ("http://127.0.0.1:9/cat.png", 63019, "no connection"),
    ],
)
def test_a_file_that_cannot_be_had_takes_the_failure_exit(
    talk: Any, site: Site, url: str, code: int, words: str
) -> None:
    site.page("/huge", b"x" * (16 * 1024 * 1024 + 1), kind="application/octet-stream")
    site.page("/liar", PNG, kind="image/jpeg")
    failed(talk(body="Look", media_url=url.format(site=site.url)).settle(), code, words)


def test_an_execution_ended_while_a_file_is_fetched_says_nothing(talk: Any, site: Site) -> None:
    before = sum(each.path == "/silent" for each in site.book)
    slow = talk(body="late", media_url=f"{site.url}/silent")
    eventually(lambda: before < sum(each.path == "/silent" for each in site.book))
    (run,) = slow.flow.executions.list()
    slow.flow.executions(run.sid).update(status="ended")
    slow.settle()
    assert (slow.run.status, slow.said()) == ("ended", [])
    assert [step.transitioned_from for step in slow.steps] == ["Trigger"]
