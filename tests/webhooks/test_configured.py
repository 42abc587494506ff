"""Webhooks of services and of the account (conversations.md §6.1-6.3)."""

from collections.abc import Iterator
from typing import Any

import pytest
from twilio.rest import Client

from tests.conftest import LiveServer
from tests.conversations.calls import refusal
from tests.webhooks.receiver import Receiver, running_receiver

ALL = [
    "onConversationAdded",
    "onConversationUpdated",
    "onConversationStateUpdated",
    "onConversationRemoved",
    "onMessageAdded",
    "onMessageUpdated",
    "onParticipantAdded",
    "onUserAdded",
    "onUserUpdated",
]


@pytest.fixture
def service(twilio: Client) -> Any:
    """A new service."""
    made = twilio.conversations.v1.services.create(friendly_name="Hooked")
    return twilio.conversations.v1.services(made.sid)


@pytest.fixture
def account_hooks(twilio: Client) -> Iterator[Any]:
    """The account's webhooks, which are taken away again."""
    hooks = twilio.conversations.v1.configuration.webhooks()
    yield hooks
    hooks.update(post_webhook_url="", pre_webhook_url="", filters=[""])


def test_what_was_never_set_is_null(service: Any, twilio: Client) -> None:
    hooks = service.configuration.webhooks().fetch()
    assert (hooks.pre_webhook_url, hooks.post_webhook_url, hooks.filters, hooks.method) == (None, None, None, None)
    of_account = twilio.conversations.v1.configuration.webhooks().fetch()
    assert (of_account.method, of_account.target) == ("POST", "webhook")


def test_what_was_set_is_shown_and_stays_until_it_is_changed(service: Any) -> None:
    hooks = service.configuration.webhooks()
    hooks.update(
        post_webhook_url="https://example.com/post",
        pre_webhook_url="https://example.com/pre",
        filters=["ONMESSAGEADDED", "onMessageAdd"],
        method="get",
    )
    shown = hooks.update(method="POST")
    assert shown.post_webhook_url == "https://example.com/post"
    assert shown.pre_webhook_url == "https://example.com/pre"
    assert shown.filters == ["onMessageAdded", "onMessageAdd"]
    assert shown.method == "POST"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"method": "PUT"}, 50055),
        ({"pre_webhook_url": "ftp://e.com"}, 50077),
        ({"post_webhook_url": "nowhere"}, 50078),
        ({"post_webhook_url": "https://e.com/" + "x" * 512}, 50078),
        ({"filters": ["onNothing"]}, 50365),
        ({}, 20161),
    ],
)
def test_wrong_parameters_are_refused(service: Any, twilio: Client, parameters: dict[str, Any], code: int) -> None:
    assert refusal(service.configuration.webhooks().update, **parameters).code == code
    assert refusal(twilio.conversations.v1.configuration.webhooks().update, **parameters).code == code


def test_a_service_tells_all_its_conversations_and_users(service: Any, server: LiveServer, receiver: Receiver) -> None:
    service.configuration.webhooks().update(post_webhook_url=receiver.url, filters=ALL)
    talk = service.conversations.create(friendly_name="One", x_twilio_webhook_enabled="true")
    talk.messages.create(author="bob", body="hello", x_twilio_webhook_enabled="true")
    user = service.users.create(identity="ann", friendly_name="Ann", x_twilio_webhook_enabled="true")
    service.users(user.sid).update(friendly_name="Anna", x_twilio_webhook_enabled="true")
    added = receiver.one("onConversationAdded").parameters
    assert (added["ConversationSid"], added["FriendlyName"], added["State"]) == (talk.sid, "One", "active")
    assert receiver.one("onMessageAdded").parameters["Body"] == "hello"
    assert "WebhookSid" not in receiver.one("onMessageAdded").parameters
    told = receiver.one("onUserUpdated").parameters
    assert (told["UserSid"], told["Identity"], told["FriendlyName"]) == (user.sid, "ann", "Anna")
    assert receiver.one("onUserAdded").parameters["ChatServiceSid"] == talk.chat_service_sid
    assert all(heard.signed_by(server.credentials.auth_token) for heard in receiver.book)


def test_the_accounts_webhooks_hear_of_services_without_their_own(
    service: Any, account_hooks: Any, receiver: Receiver
) -> None:
    account_hooks.update(post_webhook_url=receiver.url, filters=["onMessageAdded"], method="GET")
    talk = service.conversations.create()
    talk.messages.create(author="bob", body="to the account", x_twilio_webhook_enabled="true")
    heard = receiver.one("onMessageAdded")
    assert heard.method == "GET"
    with running_receiver() as own:
        service.configuration.webhooks().update(post_webhook_url=own.url, filters=["onMessageAdded"])
        talk.messages.create(author="bob", body="to the service", x_twilio_webhook_enabled="true")
        assert own.one("onMessageAdded").parameters["Body"] == "to the service"
        service.configuration.webhooks().update(post_webhook_url="")
        talk.messages.create(author="bob", body="to the account again", x_twilio_webhook_enabled="true")
        told = [each.parameters["Body"] for each in receiver.wait_for("onMessageAdded", 2)]
    assert told == ["to the account", "to the account again"]
    assert len(own.book) == 1


def test_a_scoped_webhook_hears_beside_the_services(service: Any, receiver: Receiver) -> None:
    service.configuration.webhooks().update(post_webhook_url=receiver.url, filters=["onMessageAdded"])
    talk = service.conversations.create()
    talk.webhooks.create(
        target="webhook", configuration_url=receiver.url + "/scoped", configuration_filters=["onMessageAdded"]
    )
    talk.messages.create(author="bob", body="twice", x_twilio_webhook_enabled="true")
    heard = receiver.wait_for("onMessageAdded", 2)
    assert sorted("WebhookSid" in each.parameters for each in heard) == [False, True]
    assert len({each.headers["i-twilio-idempotency-token"] for each in heard}) == 2


def test_a_target_flex_calls_nobody(service: Any, account_hooks: Any, receiver: Receiver) -> None:
    account_hooks.update(post_webhook_url=receiver.url, filters=["onMessageAdded"], target="flex")
    talk = service.conversations.create()
    talk.messages.create(author="bob", body="not told", x_twilio_webhook_enabled="true")
    account_hooks.update(target="webhook")
    talk.messages.create(author="bob", body="told", x_twilio_webhook_enabled="true")
    receiver.wait_for("onMessageAdded")
    assert [heard.parameters["Body"] for heard in receiver.book] == ["told"]


def test_a_timer_is_told_without_a_header(frozen_server: LiveServer, receiver: Receiver) -> None:
    api = frozen_server.client().conversations.v1
    own = api.services(api.services.create(friendly_name="Timed").sid)
    own.configuration.webhooks().update(post_webhook_url=receiver.url, filters=["onConversationStateUpdated"])
    own.conversations.create(timers_inactive="PT1H")
    frozen_server.advance(3601)
    told = receiver.one("onConversationStateUpdated").parameters
    assert (told["StateFrom"], told["StateTo"], told["Reason"]) == ("active", "inactive", "TIMER")
