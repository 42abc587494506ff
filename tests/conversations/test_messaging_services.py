"""The messaging service of a conversation (conversations.md §2.3, §3.2)."""

from twilio.rest import Client

from tests.conftest import LiveServer
from tests.conversations.calls import number, own_number, refusal


def test_a_conversation_has_the_service_it_was_given_else_the_accounts(twilio: Client) -> None:
    default = twilio.conversations.v1.configuration().fetch().default_messaging_service_sid
    assert default is not None
    conversations = twilio.conversations.v1.conversations
    assert conversations.create().messaging_service_sid == default
    given = twilio.messaging.v1.services.create(friendly_name="Given").sid
    made = conversations.create(messaging_service_sid=given)
    assert made.messaging_service_sid == given
    assert conversations(made.sid).update(messaging_service_sid=default).messaging_service_sid == default
    twilio.conversations.v1.configuration().update(default_messaging_service_sid=given)
    try:
        assert conversations.create().messaging_service_sid == given
    finally:
        twilio.conversations.v1.configuration().update(default_messaging_service_sid=default)


def test_without_a_messaging_service_no_address_can_take_part(frozen_server: LiveServer) -> None:
    twilio = frozen_server.client()
    configuration = twilio.conversations.v1.configuration()
    default = configuration.fetch().default_messaging_service_sid
    other = twilio.messaging.v1.services.create(friendly_name="Brief").sid
    configuration.update(default_messaging_service_sid=other)
    twilio.messaging.v1.services(other).delete()
    try:
        assert configuration.fetch().default_messaging_service_sid is None
        made = twilio.conversations.v1.conversations.create()
        assert made.messaging_service_sid is None
        participants = twilio.conversations.v1.conversations(made.sid).participants
        binding = {"messaging_binding_address": number(), "messaging_binding_proxy_address": own_number(twilio)}
        error = refusal(participants.create, **binding)
        assert (error.status, error.code) == (400, 50373)
        assert participants.create(identity="alice").identity == "alice"
        twilio.conversations.v1.conversations(made.sid).update(messaging_service_sid=default)
        assert participants.create(**binding).messaging_binding["type"] == "sms"
    finally:
        configuration.update(default_messaging_service_sid=default)
