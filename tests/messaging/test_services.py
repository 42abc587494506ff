"""Messaging services, their pools, and what they do for texts and conversations (channels.md §1.5)."""

from collections.abc import Callable
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.conftest import LiveServer
from tests.conversations.calls import number, refusal


def refused(call: Callable[[], Any]) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as caught:
        call()
    return caught.value.status, caught.value.code


def own(twilio: Client, phone_number: str) -> str:
    """Attach a number and return its SID."""
    return str(twilio.incoming_phone_numbers.create(phone_number=phone_number).sid)


def test_a_service_is_made_changed_listed_and_deleted(twilio: Client) -> None:
    made = twilio.messaging.v1.services.create(friendly_name="Desk", inbound_request_url="https://a.example/in")
    assert (made.friendly_name, made.inbound_request_url, made.inbound_method) == (
        "Desk", "https://a.example/in", "POST"
    )  # fmt: skip
    assert (made.sticky_sender, made.validity_period, made.usecase) == (True, 36000, "undeclared")
    changed = twilio.messaging.v1.services(made.sid).update(inbound_request_url="", area_code_geomatch=False)
    assert (changed.inbound_request_url, changed.area_code_geomatch, changed.friendly_name) == (None, False, "Desk")
    assert made.sid in {one.sid for one in twilio.messaging.v1.services.list()}
    assert refused(lambda: twilio.messaging.v1.services(made.sid).update(validity_period=36001)) == (400, 20001)
    assert refused(lambda: twilio.messaging.v1.services(made.sid).update(fallback_url="nonsense")) == (400, 20001)
    assert twilio.messaging.v1.services(made.sid).delete()
    assert refused(twilio.messaging.v1.services(made.sid).fetch) == (404, 20404)


def test_a_number_is_in_one_pool(twilio: Client) -> None:
    first = twilio.messaging.v1.services(twilio.messaging.v1.services.create(friendly_name="One").sid)
    other = twilio.messaging.v1.services(twilio.messaging.v1.services.create(friendly_name="Two").sid)
    phone_number = "+14155550123"
    sid = own(twilio, phone_number)
    pooled = first.phone_numbers.create(phone_number_sid=sid)
    assert (pooled.sid, pooled.phone_number, pooled.country_code) == (sid, phone_number, "US")
    assert sorted(pooled.capabilities) == ["MMS", "SMS"]
    assert refused(lambda: first.phone_numbers.create(phone_number_sid=sid)) == (409, 21710)
    assert refused(lambda: other.phone_numbers.create(phone_number_sid=sid)) == (409, 21712)
    assert refused(lambda: other.phone_numbers.create(phone_number_sid="PN" + "0" * 32)) == (400, 21704)
    assert refused(other.phone_numbers(sid).fetch) == (404, 20404)
    assert first.phone_numbers(sid).delete()
    assert other.phone_numbers.create(phone_number_sid=sid).service_sid == other.fetch().sid
    twilio.incoming_phone_numbers(sid).delete()
    assert other.phone_numbers.list() == []


def test_a_text_through_a_service_comes_from_its_pool(twilio: Client) -> None:
    made = twilio.messaging.v1.services.create(friendly_name="Senders")
    service = twilio.messaging.v1.services(made.sid)
    assert refused(lambda: twilio.messages.create(to=number(), messaging_service_sid=made.sid, body="hi")) == (
        400, 21703
    )  # fmt: skip
    senders = ["+12125550001", "+13105550002", "+14405550003"]
    for sender in senders:
        service.phone_numbers.create(phone_number_sid=own(twilio, sender))
    near = twilio.messages.create(to="+13105559999", messaging_service_sid=made.sid, body="hi")
    assert (near.from_, near.messaging_service_sid) == ("+13105550002", made.sid)
    assert near.status == "accepted"
    chosen = twilio.messages.create(to="+13105559999", from_=senders[2], messaging_service_sid=made.sid, body="hi")
    assert chosen.from_ == senders[2]
    sticky = twilio.messages.create(to="+13105559999", messaging_service_sid=made.sid, body="hi")
    assert sticky.from_ == senders[2], "the number that texted last"
    service.update(sticky_sender=False)
    assert twilio.messages.create(to="+13105559999", messaging_service_sid=made.sid, body="hi").from_ == senders[1]
    service.update(area_code_geomatch=False)
    assert twilio.messages.create(to="+13105559999", messaging_service_sid=made.sid, body="hi").from_ == senders[0]
    stranger = number()
    own(twilio, stranger)
    outside = {"to": number(), "from_": stranger, "messaging_service_sid": made.sid, "body": "hi"}
    assert refused(lambda: twilio.messages.create(**outside)) == (400, 21606)


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
        shop = number()
        own(twilio, shop)
        binding = {"messaging_binding_address": number(), "messaging_binding_proxy_address": shop}
        error = refusal(participants.create, **binding)
        assert (error.status, error.code) == (400, 50373)
        assert participants.create(identity="alice").identity == "alice"
        twilio.conversations.v1.conversations(made.sid).update(messaging_service_sid=default)
        assert participants.create(**binding).messaging_binding["type"] == "sms"
    finally:
        configuration.update(default_messaging_service_sid=default)
