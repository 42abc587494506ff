"""Whose webhook answers a text that no conversation takes: the service's or the number's own (channels.md §1.8)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.carrier import eventually
from tests.channels.street import Street, parlour, street
from tests.messaging.pages import Site, running_site
from tests.webhooks.receiver import Heard

PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 500
counter = iter(range(10_000, 99_999))


@pytest.fixture(scope="module")
def the_street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("answering")) as one:
        yield one


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as one:
        yield one


class Line:
    """A new number on the street, and a handset that writes to it."""

    def __init__(self, the_street: Street, **settings: Any) -> None:
        self.street = the_street
        self.client = the_street.client
        self.number = f"+15558{next(counter)}"
        self.handset = the_street.fresh()[0]
        self.sent = ""
        the_street.attach(self.number)
        self.sid = str(self.client.incoming_phone_numbers.list(phone_number=self.number)[0].sid)
        if settings:
            self.set(**settings)

    def set(self, **settings: Any) -> None:
        """Change the number."""
        self.client.incoming_phone_numbers(self.sid).update(**settings)

    def text(self, body: str, picture: bytes | None = None) -> None:
        """Write from the handset."""
        self.sent = self.street.carrier.text(self.handset, self.number, body, picture=picture)

    def logged(self) -> list[Any]:
        """Return the texts that came in."""
        return list(self.client.messages.list(to=self.number))

    def wait_until_taken(self) -> None:
        """Wait until the text was answered 2xx and its job is done."""
        carrier, lane = self.street.carrier, f"sms-in:{self.number}:{self.handset}"
        eventually(lambda: self.sent and self.sent in str(carrier.call("/_sim/webhook-log")), what="the webhook")
        listed = ("jobs", "list", "--json", "--data", str(self.street.data))
        eventually(lambda: lane not in parlour(*listed), what="the end of the job")

    def wait_for(self, text: str) -> dict[str, Any]:
        """Wait for a text on the handset."""
        return self.street.carrier.wait_for(self.handset, text)

    def signed(self, heard: Heard) -> bool:
        """Say whether a request has the account's signature."""
        return heard.signed_by(self.client.password)


def saying(listed: Callable[[], list[Any]], body: str) -> Any:
    """Wait for a message that says this, and return the first."""
    return eventually(lambda: [one for one in listed() if one.body == body], what=body)[0]


def test_the_numbers_webhook_is_asked_and_its_answer_sent(the_street: Street, site: Site) -> None:
    line = Line(the_street, sms_url=site.says("/in", "<Response><Message>Welcome</Message></Response>"))
    line.text("hello")
    line.wait_for("Welcome")
    [heard] = site.asked("/in")
    [inbound] = line.logged()
    told = {name: value for name, value in heard.parameters.items() if not name.startswith(("From", "To"))}
    assert told == {
        "MessageSid": inbound.sid,
        "SmsSid": inbound.sid,
        "SmsMessageSid": inbound.sid,
        "AccountSid": line.client.username,
        "Body": "hello",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
    }
    assert (heard.parameters["From"], heard.parameters["To"]) == (line.handset, line.number)
    assert line.signed(heard)
    [reply] = line.client.messages.list(to=line.handset)
    assert (reply.direction, reply.from_, reply.body) == ("outbound-reply", line.number, "Welcome")


def test_an_answer_sends_files_and_leads_on(the_street: Street, site: Site) -> None:
    site.says("/shop/cat.png", PNG, kind="image/png")
    site.says("/shop/more", "<Response><Message>That is all</Message></Response>")
    body = (
        "<Response><Message><Body>A cat</Body><Media>cat.png</Media></Message>"
        "<Redirect method='GET'>more?page=2</Redirect></Response>"
    )
    line = Line(the_street, sms_url=site.says("/shop/in", body))
    line.text("cats")
    line.wait_for("A cat")
    line.wait_for("That is all")
    [asked] = site.asked("/shop/more")
    assert (asked.method, asked.parameters["page"], asked.parameters["Body"]) == ("GET", "2", "cats")
    assert line.signed(asked)
    assert [one.num_media for one in line.client.messages.list(to=line.handset)] == ["0", "1"]


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ({"body": "", "status": 500}, "11200"),
        ({"body": "<Response>"}, "12100"),
        ({"body": "<Response><Dial>1</Dial></Response>"}, "14110"),
        ({"body": "{}", "kind": "application/json"}, "12300"),
    ],
)
def test_the_fallback_is_asked_where_the_answer_cannot_be_obeyed(
    the_street: Street, site: Site, page: dict[str, Any], code: str
) -> None:
    url = site.says("/in", **page)
    fallback = site.says("/fallback", "<Response><Message>Sorry</Message></Response>")
    line = Line(the_street, sms_url=url, sms_fallback_url=fallback, sms_fallback_method="GET")
    line.text("hello")
    line.wait_for("Sorry")
    [heard] = site.asked("/fallback")
    assert (heard.method, heard.parameters["ErrorCode"], heard.parameters["ErrorUrl"]) == ("GET", code, url)
    assert heard.parameters["Body"] == "hello"
    assert line.signed(heard)


def test_a_webhook_that_is_away_is_called_again_at_once_and_then_the_fallback(the_street: Street, site: Site) -> None:
    fallback = site.says("/fallback", "<Response><Message>Sorry</Message></Response>")
    line = Line(the_street, sms_url="http://127.0.0.1:9/in", sms_fallback_url=fallback)
    line.text("hello")
    line.wait_for("Sorry")
    assert site.asked("/fallback")[0].parameters["ErrorCode"] == "11205"


def test_a_picture_is_fetched_at_its_address_with_the_accounts_credentials(the_street: Street, site: Site) -> None:
    line = Line(the_street, sms_url=site.says("/in", "<Response/>"))
    line.text("look", PNG)
    [heard] = site.asked("/in")
    assert (heard.parameters["NumMedia"], heard.parameters["MediaContentType0"]) == ("1", "image/png")
    url = heard.parameters["MediaUrl0"]
    answer = requests.get(url, auth=(line.client.username, line.client.password), timeout=30)
    assert (answer.content, answer.headers["Content-Type"]) == (PNG, "image/png")
    assert requests.get(url, timeout=30).status_code == 401
    [message] = line.logged()
    media = line.client.messages(message.sid).media
    assert [(one.content_type, one.parent_sid) for one in media.list()] == [("image/png", message.sid)]
    assert media(media.list()[0].sid).delete()
    assert requests.get(url, auth=(line.client.username, line.client.password), timeout=30).status_code == 404


def test_files_of_a_text_are_in_the_log_and_in_its_conversation_each_on_its_own(the_street: Street) -> None:
    line = Line(the_street)
    line.client.conversations.v1.address_configurations.create(
        type="sms", address=line.number, auto_creation_enabled=True, auto_creation_type="default"
    )
    auth = (line.client.username, line.client.password)
    lost = []
    for number in range(2):
        line.text(f"look {number}", PNG)
        message = saying(line.logged, f"look {number}")
        assert message.num_media == "1"
        [held] = line.client.conversations.v1.participant_conversations.list(address=line.handset)
        conversation = line.client.conversations.v1.conversations(held.conversation_sid)
        said = saying(conversation.messages.list, f"look {number}")
        [logged] = line.client.messages(message.sid).media.list()
        assert (logged.content_type, logged.parent_sid) == ("image/png", message.sid)
        in_log = f"{line.street.server.url}/api{logged.uri.removesuffix('.json')}"
        service = conversation.fetch().chat_service_sid
        in_talk = f"{line.street.server.url}/mcs/v1/Services/{service}/Media/{said.media[0]['sid']}/Content"
        assert requests.get(in_log, auth=auth, timeout=30).content == PNG
        assert requests.get(in_talk, auth=auth, timeout=30).content == PNG
        gone, left = (in_log, in_talk) if number else (in_talk, in_log)
        assert line.client.messages(message.sid).media(logged.sid).delete() if number else said.delete()
        assert requests.get(gone, auth=auth, timeout=30).status_code == 404
        lost.append(left)
    eventually(
        lambda: "delete_files" not in parlour("jobs", "list", "--json", "--data", str(line.street.data)),
        what="the end of the jobs that delete files",
    )
    assert [requests.get(url, auth=auth, timeout=30).content for url in lost] == [PNG, PNG]


def test_an_address_takes_the_texts_and_hands_the_number_back_when_it_is_removed(
    the_street: Street, site: Site
) -> None:
    line = Line(the_street, sms_url=site.says("/in", "<Response><Message>From the number</Message></Response>"))
    addresses = line.client.conversations.v1.address_configurations
    address = addresses.create(
        type="sms", address=line.number, auto_creation_enabled=True, auto_creation_type="default"
    )
    line.text("to the address")
    conversation = eventually(lambda: the_street.conversation_of(line.handset), what="the conversation")
    line.client.conversations.v1.address_configurations(address.sid).delete()
    line.text("to the conversation that is open still")
    eventually(lambda: len(the_street.texts(conversation)) == 2, what="the second text in it")
    line.client.conversations.v1.conversations(conversation).update(state="closed")
    line.text("to the number")
    line.wait_for("From the number")
    assert [heard.parameters["Body"] for heard in site.book] == ["to the number"]
    assert the_street.texts(conversation) == ["to the address", "to the conversation that is open still"]


def test_an_address_that_is_switched_off_leaves_the_texts_to_the_number(the_street: Street, site: Site) -> None:
    line = Line(the_street, sms_url=site.says("/in", "<Response/>"))
    addresses = line.client.conversations.v1.address_configurations
    addresses.create(type="sms", address=line.number, auto_creation_enabled=False)
    line.text("hello")
    site.asked("/in")
    assert the_street.conversation_of(line.handset) == ""


def service(line: Line, **settings: Any) -> str:
    """Put a number into a new service."""
    made = line.client.messaging.v1.services.create(friendly_name="Desk", **settings)
    line.client.messaging.v1.services(made.sid).phone_numbers.create(phone_number_sid=line.sid)
    return str(made.sid)


def test_a_services_webhook_comes_before_the_numbers_unless_it_says_otherwise(the_street: Street, site: Site) -> None:
    line = Line(the_street, sms_url=site.says("/number", "<Response/>"))
    desk = service(line, inbound_request_url=site.says("/service", "<Response/>"), inbound_method="GET")
    line.text("one")
    [heard] = site.asked("/service")
    assert (heard.method, heard.parameters["MessagingServiceSid"]) == ("GET", desk)
    line.client.messaging.v1.services(desk).update(use_inbound_webhook_on_number=True)
    line.text("two")
    assert site.asked("/number")[0].parameters["Body"] == "two"
    assert [one.messaging_service_sid for one in line.logged()] == [desk, desk]
    assert len(site.book) == 2


def test_a_service_without_a_webhook_does_not_hear_a_text_that_no_conversation_takes(
    the_street: Street, site: Site
) -> None:
    line = Line(the_street, sms_url=site.says("/number", "<Response/>"))
    desk = service(line)
    line.text("unheard")
    line.wait_until_taken()
    line.client.messaging.v1.services(desk).update(inbound_request_url=site.says("/service", "<Response/>"))
    line.text("heard")
    site.asked("/service")
    assert [one.body for one in line.logged()] == ["heard"]
    assert [heard.parameters["Body"] for heard in site.book] == ["heard"]


def test_a_service_that_is_set_so_makes_conversations_of_its_texts(the_street: Street) -> None:
    line = Line(the_street)
    desk = service(line)
    url = f"{the_street.server.url}/parlour/v1/MessagingServices/{desk}"
    auth = (line.client.username, line.client.password)
    assert requests.get(url, auth=auth, timeout=30).json()["autocreate"] is False
    assert requests.post(url, data={"Autocreate": "true"}, auth=auth, timeout=30).json()["autocreate"] is True
    line.text("hello")
    sid = eventually(lambda: the_street.conversation_of(line.handset), what="the conversation")
    made = line.client.conversations.v1.conversations(sid)
    assert made.fetch().messaging_service_sid == desk
    assert made.webhooks.list() == []
    assert [one.body for one in made.messages.list()] == ["hello"]
