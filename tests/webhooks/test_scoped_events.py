"""What a webhook of a conversation is told (conversations.md §6.2-6.5, §6.7, §6.8)."""

import base64
import json
import re
import urllib.request
from typing import Any

import pytest
from twilio.rest import Client

from tests.conftest import LiveServer
from tests.conversations.calls import number, own_number
from tests.webhooks.conftest import conversation_told_to
from tests.webhooks.receiver import Heard, Receiver

MILLIS = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


@pytest.fixture
def talk(twilio: Client, receiver: Receiver) -> Any:
    """A conversation whose events the receiver is told."""
    return conversation_told_to(twilio, receiver)


def exactly(heard: Heard, **expected: str | None) -> None:
    """Compare all parameters; those named with None must be dates with milliseconds."""
    told = heard.parameters
    assert set(told) == {name.replace("_", ".") for name in expected}
    for name, value in expected.items():
        given = told[name.replace("_", ".")]
        assert MILLIS.match(given) if value is None else given == value, name


def common(talk: Any, hook_sid: str, event: str, **further: str | None) -> dict[str, str | None]:
    """Return the parameters that every event of a scoped webhook has."""
    return {
        "AccountSid": talk.account_sid,
        "EventType": event,
        "Source": "API",
        "WebhookSid": hook_sid,
        "ConversationSid": talk.sid,
        "ChatServiceSid": talk.chat_service_sid,
        "MessagingServiceSid": talk.messaging_service_sid,
        "RetryCount": "0",
        **further,
    }


@pytest.fixture
def hook_sid(talk: Any) -> str:
    """The SID of the conversation's webhook."""
    return str(talk.webhooks.list()[0].sid)


def test_a_message_added_is_told_with_its_parameters(talk: Any, hook_sid: str, receiver: Receiver) -> None:
    sent = talk.messages.create(
        author="bob", body="grüße & 1+1=2", attributes='{"a": 1}', x_twilio_webhook_enabled="true"
    )
    expected = common(
        talk,
        hook_sid,
        "onMessageAdded",
        MessageSid=sent.sid,
        Index="0",
        DateCreated=None,
        Body="grüße & 1+1=2",
        Author="bob",
        Attributes='{"a": 1}',
    )
    exactly(receiver.one("onMessageAdded"), **expected)


def test_an_edited_and_a_deleted_message_are_told(talk: Any, hook_sid: str, receiver: Receiver) -> None:
    sent = talk.messages.create(author="bob", body="one")
    sent.update(body="two", x_twilio_webhook_enabled="true")
    own = {"MessageSid": sent.sid, "Index": "0", "Author": "bob", "Attributes": "{}", "Body": "two"}
    dates = {"DateCreated": None, "DateUpdated": None}
    updated = receiver.one("onMessageUpdated")
    exactly(updated, **common(talk, hook_sid, "onMessageUpdated", **own, **dates))


def test_the_conversations_own_changes_are_told(talk: Any, hook_sid: str, receiver: Receiver) -> None:
    talk.update(friendly_name="New", x_twilio_webhook_enabled="true")
    own: dict[str, str | None] = {
        "DateCreated": None,
        "DateUpdated": None,
        "FriendlyName": "New",
        "Attributes": "{}",
        "State": "active",
    }
    exactly(receiver.one("onConversationUpdated"), **common(talk, hook_sid, "onConversationUpdated", **own))


def test_a_closed_conversation_says_from_where_and_why(talk: Any, hook_sid: str, receiver: Receiver) -> None:
    talk.update(state="closed", x_twilio_webhook_enabled="true")
    expected = common(
        talk,
        hook_sid,
        "onConversationStateUpdated",
        StateUpdated=None,
        StateFrom="active",
        StateTo="closed",
        Reason="API",
    )
    exactly(receiver.one("onConversationStateUpdated"), **expected)


def test_a_chat_participant_comes_changes_and_goes(talk: Any, hook_sid: str, receiver: Receiver) -> None:
    joined = talk.participants.create(identity="alice", x_twilio_webhook_enabled="true")
    own: dict[str, str | None] = {
        "ParticipantSid": joined.sid,
        "Identity": "alice",
        "MessagingBinding.Type": "CHAT",
        "RoleSid": joined.role_sid,
        "Attributes": "{}",
        "DateCreated": None,
    }
    exactly(receiver.one("onParticipantAdded"), **common(talk, hook_sid, "onParticipantAdded", **own))
    talk.messages.create(author="bob", body="read me")
    joined.update(last_read_message_index=0, x_twilio_webhook_enabled="true")
    changed = own | {"DateUpdated": None, "LastReadMessageIndex": "0"}
    exactly(receiver.one("onParticipantUpdated"), **common(talk, hook_sid, "onParticipantUpdated", **changed))


def test_an_address_is_told_with_its_binding(talk: Any, twilio: Client, hook_sid: str, receiver: Receiver) -> None:
    address, proxy = number(), own_number(twilio)
    joined = talk.participants.create(
        messaging_binding_address=address, messaging_binding_proxy_address=proxy, x_twilio_webhook_enabled="true"
    )
    told = receiver.one("onParticipantAdded").parameters
    assert told["ParticipantSid"] == joined.sid
    assert (told["MessagingBinding.Address"], told["MessagingBinding.ProxyAddress"]) == (address, proxy)
    assert told["MessagingBinding.Type"] == "SMS"


def test_every_request_is_signed_as_the_official_package_checks(
    talk: Any, server: LiveServer, receiver: Receiver
) -> None:
    talk.messages.create(author="bob", body="signed ✓", x_twilio_webhook_enabled="true")
    heard = receiver.one("onMessageAdded")
    assert heard.url.endswith("/hook?a=b")
    assert heard.signed_by(server.credentials.auth_token)
    assert not heard.signed_by("another token")


def test_get_puts_the_parameters_into_the_query_and_signs_the_url(
    twilio: Client, server: LiveServer, receiver: Receiver
) -> None:
    talk = conversation_told_to(twilio, receiver, method="GET", path="/hook?kept=a%20b")
    talk.messages.create(author="bob", body="a & b", x_twilio_webhook_enabled="true")
    heard = receiver.one("onMessageAdded")
    assert (heard.method, heard.body) == ("GET", b"")
    assert "/hook?kept=a%20b&AccountSid=" in heard.url
    assert heard.parameters["Body"] == "a & b"
    assert heard.signed_by(server.credentials.auth_token)


def test_credentials_and_fragment_of_the_url_are_neither_sent_nor_signed(
    twilio: Client, server: LiveServer, receiver: Receiver
) -> None:
    talk = twilio.conversations.v1.conversations.create()
    talk.webhooks.create(
        target="webhook",
        configuration_url=receiver.url.replace("://", "://user:pass@") + "/hook#rt=3000",
        configuration_filters=["onMessageAdded"],
    )
    talk.messages.create(author="bob", body="hello", x_twilio_webhook_enabled="true")
    heard = receiver.one("onMessageAdded")
    assert heard.url == receiver.url + "/hook"
    assert heard.headers["authorization"] == "Basic dXNlcjpwYXNz"
    assert heard.signed_by(server.credentials.auth_token)


def test_only_events_of_the_filter_are_told(twilio: Client, receiver: Receiver) -> None:
    talk = twilio.conversations.v1.conversations.create()
    talk.webhooks.create(target="webhook", configuration_url=receiver.url, configuration_filters=["onMessageUpdated"])
    sent = talk.messages.create(author="bob", body="one", x_twilio_webhook_enabled="true")
    sent.update(body="two", x_twilio_webhook_enabled="true")
    receiver.wait_for("onMessageUpdated")
    assert [heard.event for heard in receiver.book] == ["onMessageUpdated"]


def test_rest_is_silent_unless_the_header_asks(talk: Any, receiver: Receiver) -> None:
    talk.messages.create(author="bob", body="silent")
    talk.messages.create(author="bob", body="refused", x_twilio_webhook_enabled="false")
    talk.messages.create(author="bob", body="heard", x_twilio_webhook_enabled="true")
    assert receiver.one("onMessageAdded").parameters["Body"] == "heard"
    assert len(receiver.book) == 1


def test_a_trigger_hears_only_messages_with_a_keyword(twilio: Client, receiver: Receiver) -> None:
    talk = twilio.conversations.v1.conversations.create()
    talk.webhooks.create(target="trigger", configuration_url=receiver.url, configuration_triggers=["HELP", "stop"])
    for body in ("hello", "please Help me", "bye", "STOP"):
        talk.messages.create(author="bob", body=body, x_twilio_webhook_enabled="true")
    heard = receiver.wait_for("onMessageAdded", 2)
    assert [each.parameters["Body"] for each in heard] == ["please Help me", "STOP"]


def test_replay_after_tells_the_stored_messages_from_that_index_first(twilio: Client, receiver: Receiver) -> None:
    talk = twilio.conversations.v1.conversations.create()
    for index in range(4):
        talk.messages.create(author="bob", body=f"stored {index}")
    talk.webhooks.create(
        target="webhook",
        configuration_url=receiver.url,
        configuration_filters=["onMessageAdded"],
        configuration_replay_after=2,
    )
    talk.messages.create(author="bob", body="new", x_twilio_webhook_enabled="true")
    heard = receiver.wait_for("onMessageAdded", 3)
    assert [each.parameters["Index"] for each in heard] == ["2", "3", "4"]
    assert [each.parameters["Body"] for each in heard] == ["stored 2", "stored 3", "new"]


def deleted(twilio: Client, path: str) -> None:
    """Delete with the header, which the official package takes and does not send."""
    url = f"https://conversations.twilio.com/v1{path}"
    assert twilio.request("DELETE", url, headers={"X-Twilio-Webhook-Enabled": "true"}).status_code == 204


def test_removals_are_told_and_the_conversations_own_comes_last(
    talk: Any, hook_sid: str, twilio: Client, receiver: Receiver
) -> None:
    sent = talk.messages.create(author="bob", body="gone")
    joined = talk.participants.create(identity="alice")
    deleted(twilio, f"/Conversations/{talk.sid}/Messages/{sent.sid}")
    deleted(twilio, f"/Conversations/{talk.sid}/Participants/{joined.sid}")
    deleted(twilio, f"/Conversations/{talk.sid}")
    own: dict[str, str | None] = {
        "FriendlyName": "Hooked",
        "Attributes": "{}",
        "State": "active",
        "DateCreated": None,
        "DateUpdated": None,
        "DateRemoved": None,
    }
    exactly(receiver.one("onConversationRemoved"), **common(talk, hook_sid, "onConversationRemoved", **own))
    assert [heard.event for heard in receiver.book] == [
        "onMessageRemoved",
        "onParticipantRemoved",
        "onConversationRemoved",
    ]
    assert receiver.book[0].parameters["Body"] == "gone"
    assert all("DateRemoved" in heard.parameters for heard in receiver.book)


def upload(server: LiveServer, service_sid: str) -> str:
    """Return the SID of an uploaded text file of five bytes."""
    credentials = server.credentials
    basic = base64.b64encode(f"{credentials.account_sid}:{credentials.auth_token}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310
        f"{server.url}/_tw/mcs.us1.twilio.com/v1/Services/{service_sid}/Media?Filename=a.txt",
        data=b"hello",
        headers={"Authorization": f"Basic {basic}", "Content-Type": "text/plain"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return str(json.load(answer)["sid"])


def test_media_are_told_as_json(talk: Any, server: LiveServer, receiver: Receiver) -> None:
    media_sid = upload(server, talk.chat_service_sid)
    talk.messages.create(author="bob", media_sid=media_sid, x_twilio_webhook_enabled="true")
    told = receiver.one("onMessageAdded").parameters
    assert "Body" not in told
    assert json.loads(told["Media"]) == [
        {"Sid": media_sid, "Filename": "a.txt", "ContentType": "text/plain", "Size": 5}
    ]


def test_a_removed_webhook_hears_nothing_more(talk: Any, hook_sid: str, twilio: Client, receiver: Receiver) -> None:
    talk.webhooks(hook_sid).delete()
    talk.webhooks.create(target="webhook", configuration_url=receiver.url, configuration_filters=["onMessageAdded"])
    talk.messages.create(author="bob", body="hello", x_twilio_webhook_enabled="true")
    assert receiver.one("onMessageAdded").parameters["WebhookSid"] != hook_sid
    assert len(receiver.book) == 1
