"""Sends whose answer was lost: looked for at the carrier, else unknown until a person decides (DESIGN 2.13)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.channels.sms import asking, connections, outbound
from parlour.channels.sms.carrier import Listed
from parlour.channels.sms.kinds import CHANNEL
from parlour.channels.sms.simulator.app import Carrier, Settings
from parlour.channels.sms.store import sends as store
from parlour.channels.sms.store.sends import Send
from parlour.cli.main import main
from parlour.conversations import conversations, messages, participants
from parlour.conversations.store import messages as message_store
from parlour.messaging import numbers
from parlour.store.unit import UnitOfWork

from .receiving import serving

HANDSET, NUMBER = "+15550130001", "+15550190009"
AT = datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=UTC)


class Line:
    """A conversation with a handset through an in-process carrier."""

    def __init__(self, program: Program, account_sid: str, carrier: Carrier) -> None:
        self.program, self.account_sid, self.carrier = program, account_sid, carrier
        self.conversation_sid = ""

    async def step(self, work: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        return await self.program.database.step(self.account_sid, work)

    async def open(self, url: str, *, lists_at_once: bool) -> None:
        async def work(uow: UnitOfWork) -> None:
            row = await connections.create(
                uow,
                self.program.box,
                name="simulator",
                base_url=url,
                upstream_account_sid=self.carrier.account_sid,
                auth_token=self.carrier.auth_token,
                lists_at_once=lists_at_once,
            )
            await numbers.create(uow, phone_number=NUMBER, connection_sid=row.sid)
            conversation = await conversations.create(uow)
            self.conversation_sid = conversation.sid
            await participants.add(uow, conversation.sid, address=HANDSET, proxy_address=NUMBER)

        await self.step(work)

    async def say(self, body: str) -> str:
        return str(
            (await self.step(lambda uow: messages.create(uow, self.conversation_sid, author="ana", body=body))).sid
        )

    async def until(self, state: str) -> Send:
        rows: list[Any] = []
        for _ in range(300):
            rows = await self.program.database.read(
                self.account_sid,
                lambda reader: reader.fetch(
                    "SELECT sid, state FROM carrier_send WHERE account_sid = $1", reader.account_sid
                ),
            )
            for row in rows:
                if row["state"] == state:
                    return await self.send(row["sid"])
            await asyncio.sleep(0.02)
        raise AssertionError(f"no send became {state}: {rows}")

    async def send(self, sid: str) -> Send:
        found: Send | None = await self.step(lambda uow: store.lock(uow, sid))
        assert found is not None
        return found

    def on_handset(self) -> list[str]:
        return [line["body"] for line in self.carrier.ledger.lines(0, 1000, "handset.received")]


@pytest.fixture
async def line(program: Program, account: Credentials, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setattr(asking, "WAIT", timedelta(seconds=0.4))
    monkeypatch.setattr(asking, "WAIT_LISTED", timedelta(seconds=0.3))
    carrier = Carrier(Settings(seed=5))
    async with serving(carrier) as url:
        carrier.put_number(NUMBER)
        carrier.faults.put(
            {
                "sent_after_ms": 1,
                "delivered_after_ms": 1,
                "rules": [{"match": {"op": "create"}, "action": "timeout_before"}],
            }
        )

        async def opened(*, lists_at_once: bool) -> Line:
            one = Line(program, account.account_sid, carrier)
            await one.open(url, lists_at_once=lists_at_once)
            return one

        yield opened


async def test_a_send_that_the_carrier_does_not_show_is_unknown_until_somebody_sends_it_again(line: Any) -> None:
    one = await line(lists_at_once=False)
    message_sid = await one.say("are you there?")
    send = await one.until("unknown")
    assert one.on_handset() == []
    assert send.error_code == 30008
    receipt = await one.program.database.read(
        one.account_sid, lambda reader: message_store.receipt_of(reader, message_sid, send.participant_sid)
    )
    assert receipt.status is None
    await one.step(lambda uow: outbound.resend(uow, send.sid, lane_of=CHANNEL.pair_lane))
    sent = await one.until("sent")
    assert sent.provider_sid is not None
    database = ["--database-url", one.program.database.dsn, "--data", str(one.program.settings.data)]
    again = ["carriers", "resend", send.sid, "--account", one.account_sid, *database]
    said = await asyncio.to_thread(CliRunner().invoke, main, again)
    assert (said.exit_code, "only a send whose outcome is unknown" in said.output) == (1, True)


async def test_a_carrier_that_lists_at_once_is_believed_that_it_never_had_a_text(line: Any) -> None:
    one = await line(lists_at_once=True)
    await one.say("first")
    await one.until("sent")
    accepted = [line["body"] for line in one.carrier.ledger.lines(0, 1000, "send.accepted")]
    assert accepted == ["first"]


def send(**given: Any) -> Send:
    columns: dict[str, Any] = dict.fromkeys(Send.__struct_fields__)
    return Send(**{**columns, "body": "ok", "media": [], "called_at": AT, **given})


def listed(sid: str, *, body: str = "ok", media: int = 0, seconds: float = 0) -> Listed:
    return Listed(sid, body, media, AT.replace(microsecond=0) + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("shown", "owned", "found"),
    [
        ([listed("SM1")], set(), "SM1"),
        ([listed("SM2"), listed("SM1")], {"SM1"}, "SM2"),
        ([listed("SM2"), listed("SM1")], set(), "SM1"),
        ([listed("SM1", body="okay")], set(), None),
        ([listed("SM1", media=1)], set(), None),
        ([listed("SM1", seconds=-6)], set(), None),
        ([listed("SM1", seconds=-5)], set(), "SM1"),
        ([], set(), None),
    ],
)
def test_the_message_is_recognized_in_the_carriers_list(
    shown: list[Listed], owned: set[str], found: str | None
) -> None:
    assert asking.match(send(), shown, owned) == found
