"""Numbers and the message log as the official client sees them (channels.md §1.1, §1.2, §1.5)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.kit.errors import ContractError
from parlour.messaging import dates, log, segments
from parlour.messaging.store import log as store
from parlour.messaging.store.log import Filter
from parlour.store.unit import UnitOfWork
from tests.requirements import requirement

counter = iter(range(10_000_000, 99_999_999))


def fresh_number() -> str:
    return f"+1555{next(counter)}"


def refused(call: Callable[[], Any]) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refusal:
        call()
    return refusal.value.status, refusal.value.code


def test_a_number_is_attached_changed_found_and_given_back(twilio: Client) -> None:
    phone_number = fresh_number()
    made = twilio.incoming_phone_numbers.create(
        phone_number=phone_number, friendly_name="Shop", sms_url="https://a.example/x"
    )
    assert (made.phone_number, made.friendly_name, made.sms_url) == (phone_number, "Shop", "https://a.example/x")
    assert made.capabilities == {"voice": False, "sms": True, "mms": True, "fax": False}
    changed = twilio.incoming_phone_numbers(made.sid).update(friendly_name="Desk", sms_method="GET")
    assert (changed.friendly_name, changed.sms_method) == ("Desk", "GET")
    assert [one.sid for one in twilio.incoming_phone_numbers.list(phone_number=phone_number)] == [made.sid]
    assert [
        one.sid for one in twilio.incoming_phone_numbers.list(phone_number=phone_number[:4] + "*" + phone_number[5:])
    ] == [made.sid]
    assert [one.sid for one in twilio.incoming_phone_numbers.list(friendly_name="Desk")] == [made.sid]
    assert twilio.incoming_phone_numbers.list(friendly_name="Shop") == []
    assert twilio.incoming_phone_numbers.local.list(phone_number=phone_number) != []
    assert twilio.incoming_phone_numbers.mobile.list(phone_number=phone_number) == []
    assert twilio.incoming_phone_numbers(made.sid).delete()
    assert refused(twilio.incoming_phone_numbers(made.sid).fetch) == (404, 20404)


def test_a_number_is_refused_with_the_contracts_code(twilio: Client) -> None:
    phone_number = fresh_number()
    twilio.incoming_phone_numbers.create(phone_number=phone_number)
    create = twilio.incoming_phone_numbers.create
    assert refused(lambda: create(phone_number=phone_number)) == (400, 21422)
    assert refused(lambda: create(phone_number="12")) == (400, 21421)
    assert refused(lambda: create(friendly_name="no digits")) == (400, 21402)
    assert refused(lambda: create(phone_number=fresh_number(), sms_fallback_url="https://a.example")) == (400, 21406)
    assert refused(lambda: create(phone_number=fresh_number(), voice_url="https://a.example")) == (400, 20001)
    assert refused(lambda: create(area_code="415")) == (400, 20001)


def test_a_direct_text_is_queued_listed_redacted_and_deleted(twilio: Client) -> None:
    sender, to = fresh_number(), fresh_number()
    twilio.incoming_phone_numbers.create(phone_number=sender)
    first = twilio.messages.create(to=to, from_=sender, body="one")
    second = twilio.messages.create(to=to, from_=sender, body="x" * 200)
    assert (first.direction, first.num_media, first.num_segments) == ("outbound-api", "0", "1")
    assert second.num_segments == "2"
    assert [one.sid for one in twilio.messages.list(to=to)] == [second.sid, first.sid]
    assert [one.sid for one in twilio.messages.list(from_=sender, page_size=1)] == [second.sid, first.sid]
    assert twilio.messages.list(to=sender) == []
    assert twilio.messages(first.sid).update(body="").body == ""
    assert refused(lambda: twilio.messages(first.sid).update(status="canceled")) == (400, 30409)
    assert twilio.messages(first.sid).delete()
    assert [one.sid for one in twilio.messages.list(to=to)] == [second.sid]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"to": "12"}, 21211),
        ({"from_": "+15550000000"}, 21606),
        ({"body": ""}, 21602),
        ({"body": "a" * 1601}, 21617),
        ({"media_url": ["nonsense"]}, 21620),
        ({"media_url": ["http://a.example/x"] * 11}, 21623),
        ({"status_callback": "nonsense"}, 21609),
        ({"status_callback": "https://under_score.example"}, 21609),
        ({"messaging_service_sid": "MG" + "0" * 32}, 21701),
    ],
)
def test_a_bad_order_is_refused(twilio: Client, given: dict[str, Any], code: int) -> None:
    sender = fresh_number()
    twilio.incoming_phone_numbers.create(phone_number=sender)
    order = {"to": fresh_number(), "from_": sender, "body": "hi", **given}
    assert refused(lambda: twilio.messages.create(**order)) == (400, code)
    assert twilio.messages.list(from_=sender) == []


Step = Callable[[Callable[[UnitOfWork], Awaitable[Any]]], Awaitable[Any]]


@pytest.fixture
def step(program: Program, account: Credentials) -> Step:
    return lambda work: program.database.step(account.account_sid, work)


@requirement("S34")
async def test_lists_are_filtered_by_the_day_and_moment_of_sending(
    program: Program, account: Credentials, step: Step
) -> None:
    row, _ = await step(
        lambda uow: log.record_inbound(uow, from_address="+15550001111", to_address="+15550002222", body="x")
    )

    async def listed(which: Filter) -> list[str]:
        rows = await program.database.read(
            account.account_sid, lambda reader: store.page(reader, which, after=None, limit=5)
        )
        return [one.sid for one in rows]

    at = row.date_created
    assert await listed(Filter(sent_from=at, sent_before=at + timedelta(seconds=1))) == [row.sid]
    assert await listed(Filter(sent_from=at + timedelta(seconds=1))) == []
    assert await listed(Filter(sent_before=at)) == []


async def test_a_status_only_moves_forward(step: Step) -> None:
    row = await step(
        lambda uow: log.record_outbound(uow, from_address="+15550001111", to_address="+15550002222", body="x")
    )

    async def told(status: str) -> Any:
        return await step(lambda uow: log.set_status(uow, row.sid, status, provider_sid="SMup"))

    seen = [await told(status) for status in ("sending", "delivered", "sent", "failed")]
    assert [now.status for now in seen] == ["sending", "delivered", "delivered", "delivered"]
    assert seen[-1].date_sent is not None
    assert seen[-1].provider_sid == "SMup"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-02", 86400),
        ("2026-01-02T03:04:05Z", 1),
        ("2026-01-02 03:04:05.250", 1),
        ("Fri, 02 Jan 2026 03:04:05 +0000", 1),
        ("01/02/2026 03:04:05 UTC", 1),
    ],
)
def test_every_form_of_date_in_the_examples_is_understood(text: str, seconds: int) -> None:
    begin, end = dates.span("DateSent", text)
    assert (begin.year, begin.month, begin.day) == (2026, 1, 2)
    assert (end - begin).total_seconds() == seconds
    with pytest.raises(ContractError, match="DateSent"):
        dates.span("DateSent", "soon")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1), ("a" * 160, 1), ("a" * 161, 2), ("€" * 80, 1), ("€" * 81, 2), ("a" * 152 + "€" + "a" * 10, 2),
        ("ж" * 70, 1), ("ж" * 71, 2), ("👋" * 35, 1), ("👋" * 36, 2), ("a" * 1600, 11), ("ж" * 1600, 24),
    ],
)  # fmt: skip
def test_segments_are_counted_as_on_the_air(text: str, count: int) -> None:
    assert segments.number_of_segments(text) == count
