"""Messaging services as the official client sees them: the pool, and which number a text goes out from."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.carrier import eventually
from tests.channels.street import Street, street
from tests.requirements import requirement
from tests.webhooks.receiver import Heard, Receiver, running_receiver

# A receipt of the carrier may overtake its own answer, or another receipt; a status that was left behind is not told.
WAYS = (["sending", "sent", "delivered"], ["sending", "delivered"], ["sent", "delivered"], ["delivered"])

counter = iter(range(1000, 9999))


def fresh(area: str = "415") -> str:
    return f"+1{area}555{next(counter)}"


def refused(call: Callable[[], Any]) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refusal:
        call()
    return refusal.value.status, refusal.value.code


def service(twilio: Client, *numbers: str, **settings: Any) -> Any:
    """Make a service whose pool has these numbers."""
    made = twilio.messaging.v1.services.create(friendly_name="Desk", **settings)
    for number in numbers:
        sid = twilio.incoming_phone_numbers.create(phone_number=number).sid
        twilio.messaging.v1.services(made.sid).phone_numbers.create(phone_number_sid=sid)
    return made


def sender_of(twilio: Client, message_sid: str) -> str:
    """Return the number that a service chose, which it does after the answer."""

    def look() -> Any:
        found = twilio.messages(message_sid).fetch()
        return found if found.status != "accepted" else None

    found = eventually(look, what="the choice of a sender")
    return str(found.from_ or found.error_code)


@requirement("S39")
def test_a_service_is_made_changed_listed_and_deleted(twilio: Client) -> None:
    made = twilio.messaging.v1.services.create(friendly_name="Desk", inbound_request_url="https://a.example/in")
    assert (made.friendly_name, made.sticky_sender, made.validity_period) == ("Desk", True, 36_000)
    changed = twilio.messaging.v1.services(made.sid).update(
        friendly_name="Shop", inbound_request_url="", sticky_sender=False, inbound_method="get"
    )
    assert (changed.friendly_name, changed.inbound_request_url, changed.sticky_sender) == ("Shop", None, False)
    assert changed.inbound_method == "GET"
    assert made.sid in [one.sid for one in twilio.messaging.v1.services.list()]
    assert twilio.messaging.v1.services(made.sid).delete()
    assert refused(twilio.messaging.v1.services(made.sid).fetch) == (404, 20404)
    create = twilio.messaging.v1.services.create
    assert refused(lambda: create(friendly_name="x" * 65)) == (400, 20001)
    assert refused(lambda: create(friendly_name="x", fallback_url="nonsense")) == (400, 20001)
    assert refused(lambda: create(friendly_name="x", validity_period=36_001)) == (400, 20001)


def test_a_number_is_in_one_pool_only(twilio: Client) -> None:
    number = fresh()
    first, second = service(twilio, number), service(twilio)
    listed = twilio.messaging.v1.services(first.sid).phone_numbers.list()
    assert [(one.phone_number, one.country_code, one.capabilities) for one in listed] == [
        (number, "US", ["MMS", "SMS"])
    ]
    sid = listed[0].sid
    pool, other = (twilio.messaging.v1.services(one.sid).phone_numbers for one in (first, second))
    assert refused(lambda: pool.create(phone_number_sid=sid)) == (409, 21710)
    assert refused(lambda: other.create(phone_number_sid=sid)) == (409, 21712)
    assert refused(lambda: other(sid).fetch()) == (404, 20404)
    assert pool(sid).delete()
    assert other.create(phone_number_sid=sid).service_sid == second.sid
    assert twilio.incoming_phone_numbers(sid).delete()
    assert other.list() == []


def test_a_default_messaging_service_of_conversations_can_be_set(twilio: Client) -> None:
    made = service(twilio)
    changed = twilio.conversations.v1.configuration().update(default_messaging_service_sid=made.sid)
    assert changed.default_messaging_service_sid == made.sid


def test_a_text_through_a_service_has_no_sender_until_one_is_chosen(twilio: Client) -> None:
    near, far = fresh("628"), fresh("212")
    desk = service(twilio, far, near)
    made = twilio.messages.create(to="+16285550000", messaging_service_sid=desk.sid, body="hi")
    assert (made.status, made.from_, made.num_segments) == ("accepted", None, "0")
    assert made.messaging_service_sid == desk.sid
    assert sender_of(twilio, made.sid) == near
    assert twilio.messages(made.sid).fetch().num_segments == "1"


def test_a_sticky_service_keeps_to_the_number_that_the_recipient_knows(twilio: Client) -> None:
    numbers = [fresh() for _ in range(3)]
    sticky = service(twilio, *numbers, area_code_geomatch=False)
    evenly = service(twilio, *(fresh() for _ in range(3)), sticky_sender=False, area_code_geomatch=False)

    def senders(desk: Any) -> set[str]:
        sent = [
            twilio.messages.create(to="+4915550001", messaging_service_sid=desk.sid, body=str(n)).sid for n in range(3)
        ]
        return {sender_of(twilio, sid) for sid in sent}

    assert len(senders(sticky)) == 1
    assert len(senders(evenly)) == 3


def test_a_sender_that_the_service_does_not_have_is_refused(twilio: Client) -> None:
    own = fresh()
    desk, empty = service(twilio, own), service(twilio)
    stranger = twilio.incoming_phone_numbers.create(phone_number=fresh()).phone_number
    create = twilio.messages.create

    def order(**given: Any) -> Callable[[], Any]:
        return lambda: create(to="+16285550000", body="hi", **given)

    assert refused(order(messaging_service_sid=desk.sid, from_=stranger)) == (400, 21606)
    assert refused(order(messaging_service_sid=empty.sid)) == (400, 21704)
    assert order(messaging_service_sid=desk.sid, from_=own)().from_ == own
    only = twilio.messages.create(to=own, messaging_service_sid=desk.sid, body="to itself")
    assert sender_of(twilio, only.sid) == "21703"


@pytest.fixture(scope="module")
def the_street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("street")) as one:
        yield one


def test_a_status_callback_is_told_of_each_change_and_signed(the_street: Street) -> None:
    client = the_street.client
    handset, number = the_street.fresh()
    with running_receiver() as receiver:
        desk = client.messaging.v1.services.create(friendly_name="Desk", status_callback=f"{receiver.url}/service")
        sid = client.incoming_phone_numbers.list(phone_number=number)[0].sid
        client.messaging.v1.services(desk.sid).phone_numbers.create(phone_number_sid=sid)
        first = client.messages.create(to=handset, messaging_service_sid=desk.sid, body="one")
        heard = eventually(lambda: _told(receiver, first.sid, "delivered"), what="the callbacks of a service's text")
        second = client.messages.create(
            to=handset, from_=number, body="two", status_callback=f"{receiver.url}/own?order=7"
        )
        own = eventually(lambda: _told(receiver, second.sid, "delivered"), what="the callbacks of a direct text")
        client.messaging.v1.services(desk.sid).delete()
    assert _statuses(heard) in (["queued", *way] for way in WAYS)
    assert _statuses(own) in WAYS
    last = heard[-1]
    assert last.parameters == {
        "MessageSid": first.sid,
        "SmsSid": first.sid,
        "AccountSid": client.username,
        "From": number,
        "To": handset,
        "MessageStatus": "delivered",
        "SmsStatus": "delivered",
        "ApiVersion": "2010-04-01",
        "MessagingServiceSid": desk.sid,
    }
    assert all(each.url.endswith("/own?order=7") for each in own)
    assert all(each.signed_by(client.password) for each in (*heard, *own))


def _statuses(told: list[Heard]) -> list[str]:
    return [each.parameters["MessageStatus"] for each in told]


def _told(receiver: Receiver, message_sid: str, last: str) -> list[Heard]:
    """Return what was told of a message, once its last status was."""
    found = [each for each in receiver.answered if each.parameters["MessageSid"] == message_sid]
    return found if found and found[-1].parameters["MessageStatus"] == last else []
