"""Timers and delivery, on a clock that is moved by hand (conversations.md §2.2, §4.6)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.rest import Client

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import conversations, durations, messages, participants, receipts
from parlour.conversations.delivery import moves_forward, summary
from parlour.conversations.store import messages as message_store
from parlour.store.unit import UnitOfWork
from tests.conftest import LiveServer
from tests.conversations.calls import own_number, refusal


@pytest.fixture
def twilio(frozen_server: LiveServer) -> Client:
    """The official client of the server whose clock stands."""
    return frozen_server.client()


def date(text: str) -> datetime:
    """Read a wire date."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def test_both_timers_count_from_the_last_message(frozen_server: LiveServer, twilio: Client) -> None:
    made = twilio.conversations.v1.conversations.create(timers_inactive="PT1H", timers_closed="P1D")
    start = made.date_created
    assert abs(date(made.timers["date_inactive"]) - start - timedelta(hours=1)) <= timedelta(seconds=1)
    conversation = twilio.conversations.v1.conversations(made.sid)
    frozen_server.advance(1800)
    conversation.messages.create(body="still here")
    moved = conversation.fetch().timers
    assert date(moved["date_inactive"]) - date(made.timers["date_inactive"]) == timedelta(minutes=30)
    assert date(moved["date_closed"]) - date(made.timers["date_closed"]) == timedelta(minutes=30)
    frozen_server.advance(1801)
    assert conversation.fetch().state == "active"
    frozen_server.advance(1800)
    assert conversation.fetch().state == "inactive"
    conversation.messages.create(body="back")
    assert conversation.fetch().state == "active"
    frozen_server.advance(3601)
    assert conversation.fetch().state == "inactive"
    frozen_server.advance(86400)
    assert conversation.fetch().state == "closed"
    assert refusal(conversation.messages.create, body="late").code == 50377


def test_only_a_closed_timer_keeps_the_conversation_active_until_it_closes(
    frozen_server: LiveServer, twilio: Client
) -> None:
    made = twilio.conversations.v1.conversations.create(timers_closed="PT10M")
    conversation = twilio.conversations.v1.conversations(made.sid)
    assert made.timers.keys() == {"date_closed"}
    frozen_server.advance(590)
    assert conversation.fetch().state == "active"
    frozen_server.advance(20)
    assert conversation.fetch().state == "closed"


def test_a_timer_set_later_counts_from_then_and_zero_removes_it(frozen_server: LiveServer, twilio: Client) -> None:
    conversation = twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)
    frozen_server.advance(300)
    assert conversation.update(timers_inactive="PT1M").timers.keys() == {"date_inactive"}
    assert conversation.update(timers_inactive="PT0S").timers == {}
    frozen_server.advance(120)
    assert conversation.fetch().state == "active"


def test_a_closed_timer_frees_the_pair(frozen_server: LiveServer, twilio: Client) -> None:
    pair = {"messaging_binding_address": "+15557770001", "messaging_binding_proxy_address": own_number(twilio)}
    made = twilio.conversations.v1.conversations.create(timers_closed="PT10M")
    twilio.conversations.v1.conversations(made.sid).participants.create(**pair)
    frozen_server.advance(601)
    other = twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)
    assert other.participants.create(**pair).sid


def test_account_defaults_are_taken_by_new_conversations(frozen_server: LiveServer, twilio: Client) -> None:
    configuration = twilio.conversations.v1.configuration()
    changed = configuration.update(default_closed_timer="PT20M", default_inactive_timer="PT2M")
    assert (changed.default_inactive_timer, changed.default_closed_timer) == ("PT2M", "PT20M")
    made = twilio.conversations.v1.conversations.create()
    assert made.timers.keys() == {"date_inactive", "date_closed"}
    assert refusal(configuration.update, default_closed_timer="PT1M").code == 50376
    cleared = configuration.update(default_closed_timer="PT0S", default_inactive_timer="PT0S")
    assert (cleared.default_inactive_timer, cleared.default_closed_timer) == (None, None)
    assert twilio.conversations.v1.conversations.create().timers == {}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT1M", 60), ("P1D", 86400), ("P1DT2H3M4S", 93784), ("P1W", 604800), ("PT0S", 0), ("P1Y", 31536000)],
)
def test_durations_are_read(text: str, seconds: int) -> None:
    assert durations.parse(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "PT1", "P1H", "PT-1M", "P1DT", "P999Y"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is"):
        durations.parse(text)


def test_a_summary_is_cumulative() -> None:
    statuses = ["sent", "delivered", "delivered", "read", "read"]
    assert summary(statuses, total=5) == {
        "total": 5, "sent": "all", "delivered": "some", "read": "some", "failed": "none", "undelivered": "none",
    }  # fmt: skip
    assert summary([], total=0) is None
    assert summary([None], total=2) == {
        "total": 2, "sent": "none", "delivered": "none", "read": "none", "failed": "none", "undelivered": "none",
    }  # fmt: skip


def test_a_receipt_moves_forward_only() -> None:
    assert moves_forward(None, "sent")
    assert moves_forward("sent", "undelivered")
    assert moves_forward("delivered", "read")
    for current, status in (("read", "delivered"), ("delivered", "sent"), ("failed", "sent"), ("delivered", "failed")):
        assert not moves_forward(current, status)


async def test_receipts_move_the_summary_of_their_message(program: Program, account: Credentials) -> None:
    async def post(uow: UnitOfWork) -> dict[str, Any]:
        made = await conversations.create(uow)
        people = [
            await participants.add(uow, made.sid, address=f"rcs:+1555000000{n}", proxy_address="rcs:+15559990000")
            for n in range(2)
        ]
        message = await messages.create(uow, made.sid, body="hi", author="agent")
        await uow.flush()
        rows = [
            await receipts.create(
                uow, conversation_sid=made.sid, message_sid=message.sid, participant_sid=person.sid,
                channel_message_sid="SM" + str(n) * 32,
            )
            for n, person in enumerate(people)
        ]  # fmt: skip
        again = await receipts.create(
            uow, conversation_sid=made.sid, message_sid=message.sid, participant_sid=people[0].sid,
            channel_message_sid="SM" + "9" * 32,
        )  # fmt: skip
        assert again.sid == rows[0].sid
        await receipts.advance(uow, rows[0].sid, "sent")
        await receipts.advance(uow, rows[0].sid, "delivered")
        late = await receipts.advance(uow, rows[0].sid, "sent")
        assert late.status == "delivered"
        failed = await receipts.advance(uow, rows[1].sid, "failed", error_code=30005)
        assert failed.error_code == 30005
        found = await receipts.by_channel_message(uow, "SM" + "0" * 32)
        assert found is not None
        assert found.sid == rows[0].sid
        return {"conversation": made.sid, "message": message.sid}

    sids = await program.database.step(account.account_sid, post)
    row = await program.database.read(
        account.account_sid, lambda reader: message_store.fetch(reader, sids["conversation"], sids["message"])
    )
    assert row is not None
    assert row.delivery == {
        "total": 2, "sent": "some", "delivered": "some", "read": "none", "failed": "some", "undelivered": "none",
    }  # fmt: skip
