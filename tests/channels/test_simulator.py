"""The carrier simulator behaves like a carrier (channels.md §1, §7.1)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator
from yarl import URL

from parlour.channels.sms.simulator.app import Carrier, Settings

from .receiving import Received, Receiver, receiving, serving

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
HANDSET, NUMBER = "+15550100001", "+15550190001"


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class World:
    """A running carrier, a receiver, and a caller."""

    def __init__(self, carrier: Carrier, receiver: Receiver, url: str, http: aiohttp.ClientSession) -> None:
        self.carrier, self.receiver, self.url, self.http = carrier, receiver, url, http
        self.base = f"{url}/2010-04-01/Accounts/{carrier.account_sid}"
        self.auth = basic(carrier.account_sid, carrier.auth_token)

    async def send(self, **form: str) -> tuple[int, dict[str, Any]]:
        """Create a message through the API."""
        given = {"To": HANDSET, "From": NUMBER, "StatusCallback": f"{self.receiver.url}/status?r=DY1", **form}
        async with self.http.post(f"{self.base}/Messages.json", data=given, headers=self.auth) as response:
            return response.status, await response.json()

    async def get(self, path: str) -> dict[str, Any]:
        """GET below the account."""
        async with self.http.get(f"{self.base}{path}", headers=self.auth) as response:
            assert response.status == 200, await response.text()
            shown: dict[str, Any] = await response.json()
            return shown

    async def say(self, body: str, **more: object) -> str:
        """A handset texts."""
        given = {"from": HANDSET, "to": NUMBER, "body": body, **more}
        async with self.http.post(f"{self.url}/_sim/inbound", json=given) as response:
            assert response.status == 201, await response.text()
            return str((await response.json())["sid"])

    async def faults(self, **wire: object) -> None:
        """Set the faults."""
        wire = {"sent_after_ms": 5, "delivered_after_ms": 10, **wire}
        async with self.http.put(f"{self.url}/_sim/faults", json=wire) as response:
            assert response.status == 200, await response.text()

    async def book(self, kind: str = "") -> list[dict[str, Any]]:
        """The carrier's book."""
        async with self.http.get(f"{self.url}/_sim/ledger?kind={kind}") as response:
            lines: list[dict[str, Any]] = (await response.json())["lines"]
            return lines


@pytest.fixture
async def world() -> AsyncIterator[World]:
    carrier = Carrier(Settings(seed=7))
    async with receiving() as receiver, serving(carrier) as url, aiohttp.ClientSession() as http:
        carrier.put_number(NUMBER, sms_url=f"{receiver.url}/inbound")
        one = World(carrier, receiver, url, http)
        await one.faults()
        yield one


def statuses(seen: list[Received]) -> list[str]:
    return [one.form["MessageStatus"] for one in seen if "MessageStatus" in one.form]


def signed(world: World, one: Received) -> bool:
    validator = RequestValidator(world.carrier.auth_token)
    return bool(validator.validate(one.url, one.form, one.headers["X-Twilio-Signature"]))


async def test_a_text_to_a_handset_is_queued_then_reported_sent_and_delivered(world: World) -> None:
    status, message = await world.send(Body="Hello there")
    assert (status, message["status"], message["direction"]) == (201, "queued", "outbound-api")
    assert message["num_media"] == "0"
    assert message["num_segments"] == "1"
    seen = await world.receiver.until(lambda seen: "delivered" in statuses(seen))
    assert sorted(statuses(seen)) == ["delivered", "sent"]
    assert all(one.form["MessageSid"] == message["sid"] and one.url.endswith("?r=DY1") for one in seen)
    assert all(signed(world, one) for one in seen)
    assert (await world.get(f"/Messages/{message['sid']}.json"))["status"] == "delivered"
    assert [line["body"] for line in await world.book("handset.received")] == ["Hello there"]


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"To": ""}, 400, 21604),
        ({"From": ""}, 400, 21603),
        ({"To": "12"}, 400, 21211),
        ({"From": "+15550109999"}, 400, 21606),
        ({"To": NUMBER}, 400, 63031),
        ({"Body": ""}, 400, 21602),
        ({"Body": "a" * 1601}, 400, 21617),
        ({"StatusCallback": "nonsense"}, 400, 21609),
        ({"ValidityPeriod": "0"}, 400, 21624),
        ({"MediaUrl": "http://127.0.0.1:1/none"}, 400, 21620),
    ],
)
async def test_a_bad_order_is_refused_with_the_contracts_code(
    world: World, form: dict[str, str], status: int, code: int
) -> None:
    answered, error = await world.send(**{"Body": "x", **form})
    assert (answered, error["code"]) == (status, code)
    assert await world.book("send.accepted") == []


async def test_a_caller_without_the_token_is_refused(world: World) -> None:
    wrong = basic(world.carrier.account_sid, "wrong")
    async with world.http.post(f"{world.base}/Messages.json", data={}, headers=wrong) as response:
        assert response.status == 401
        assert (await response.json())["code"] == 20003


async def test_a_picture_reaches_the_handset_with_equal_bytes(world: World) -> None:
    world.receiver.files["cat.png"] = ("image/png", PNG)
    status, message = await world.send(Body="look", MediaUrl=f"{world.receiver.url}/files/cat.png")
    assert status == 201
    assert message["sid"].startswith("MM")
    [media] = (await world.get(f"/Messages/{message['sid']}/Media.json"))["media_list"]
    async with world.http.get(f"{world.base}/Messages/{message['sid']}/Media/{media['sid']}") as response:
        assert response.status == 401
    async with world.http.get(world.url + media["uri"][: -len(".json")], headers=world.auth) as response:
        assert response.content_type == "image/png"
        assert await response.read() == PNG
    await world.receiver.until(lambda seen: "sent" in statuses(seen))
    assert (await world.book("handset.received"))[0]["media"] == [hashlib.sha256(PNG).hexdigest()]


async def test_a_handsets_text_arrives_signed_with_its_picture(world: World) -> None:
    media = {"content_type": "image/png", "filename": "cat.png", "base64": base64.b64encode(PNG).decode()}
    sid = await world.say("Häälp 👋", media=[media])
    [webhook] = await world.receiver.until(lambda seen: len(seen) == 1)
    form = webhook.form
    assert (form["From"], form["To"], form["Body"], form["NumMedia"]) == (HANDSET, NUMBER, "Häälp 👋", "1")
    assert form["MessageSid"] == form["SmsSid"] == form["SmsMessageSid"] == sid
    assert signed(world, webhook)
    async with world.http.get(form["MediaUrl0"], headers=world.auth) as response:
        assert await response.read() == PNG


async def test_an_unanswered_webhook_is_repeated_with_the_same_token_until_2xx(world: World) -> None:
    await world.faults(retry={"until_2xx": True, "wait_ms": 1})
    world.receiver.answers = [web.Response(status=503), web.Response(status=500), web.Response(status=403)]
    await world.say("try hard")
    seen = await world.receiver.until(lambda seen: len(seen) == 4)
    assert len({one.headers["I-Twilio-Idempotency-Token"] for one in seen}) == 1
    assert [line["status"] for line in await world.book("inbound.attempt")] == [503, 500, 403, 200]


async def test_the_answer_of_the_webhook_is_sent_to_the_handset(world: World) -> None:
    twiml = "<Response><Message>Plain</Message><Message><Body>Two</Body></Message></Response>"
    world.receiver.answers = [web.Response(text=twiml, content_type="text/xml")]
    await world.say("hi")
    await world.receiver.until(lambda seen: len(seen) == 1)
    lines = await _until(lambda: world.book("handset.received"), 2)
    assert sorted(line["body"] for line in lines) == ["Plain", "Two"]
    listed = (await world.get(f"/Messages.json?To={HANDSET.replace('+', '%2B')}"))["messages"]
    assert {one["direction"] for one in listed} == {"outbound-reply"}


async def _until(ask: Any, count: int) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for _ in range(400):
        lines = await ask()
        if len(lines) >= count:
            return lines
        await asyncio.sleep(0.01)
    raise AssertionError(f"only {len(lines)} of {count}")


async def test_lists_are_newest_first_by_pair_and_paged(world: World) -> None:
    for text in ("one", "two", "three"):
        await world.send(Body=text)
    await world.send(Body="other", To="+15550100002")
    pair = f"To={HANDSET.replace('+', '%2B')}&From={NUMBER.replace('+', '%2B')}"
    first = await world.get(f"/Messages.json?{pair}&PageSize=2")
    assert [one["body"] for one in first["messages"]] == ["three", "two"]
    async with world.http.get(URL(world.url + first["next_page_uri"], encoded=True), headers=world.auth) as r:
        second = await r.json()
    assert [one["body"] for one in second["messages"]] == ["one"]
    assert second["next_page_uri"] is None


async def test_throttling_and_breaks_happen_where_they_are_asked_for(world: World) -> None:
    rules = [
        {"match": {"op": "create", "text_regex": "busy"}, "action": "http", "status": 429},
        {"match": {"op": "create", "text_regex": "lost"}, "action": "timeout_before"},
        {"match": {"op": "create", "text_regex": "cut"}, "action": "timeout_after"},
    ]
    await world.faults(rules=rules)
    status, error = await world.send(Body="busy")
    assert (status, error["code"]) == (429, 20429)
    for body in ("lost", "cut"):
        with pytest.raises(aiohttp.ClientError):
            await world.send(Body=body)
    assert (await world.send(Body="busy"))[0] == 201
    assert [line["body"] for line in await world.book("send.accepted")] == ["cut", "busy"]


async def test_a_status_can_come_before_the_answer(world: World) -> None:
    await world.faults(rules=[{"match": {"op": "create"}, "action": "callback_first"}])
    status, message = await world.send(Body="fast")
    assert status == 201
    assert statuses(world.receiver.seen) == ["sent"]
    assert world.receiver.seen[0].form["MessageSid"] == message["sid"]


async def test_webhooks_are_doubled_swapped_and_wrongly_signed_when_asked(world: World) -> None:
    rules: list[dict[str, Any]] = [
        {"match": {"op": "inbound", "text_regex": "twice"}, "action": "duplicate", "n": 3},
        {"match": {"op": "inbound", "text_regex": "first"}, "action": "reorder"},
        {"match": {"op": "inbound", "text_regex": "forged"}, "action": "bad_signature"},
        {"match": {"op": "inbound", "text_regex": "odd"}, "action": "extra_param"},
    ]
    await world.faults(rules=rules)
    await world.say("twice")
    await world.receiver.until(lambda seen: len(seen) == 3)
    await world.say("first")
    await world.say("second")
    seen = await world.receiver.until(lambda seen: len(seen) == 5)
    assert [one.form["Body"] for one in seen[3:]] == ["second", "first"]
    await world.say("forged")
    await world.say("odd")
    seen = await world.receiver.until(lambda seen: len(seen) == 7)
    by_body = {one.form["Body"]: one for one in seen[5:]}
    assert not signed(world, by_body["forged"])
    assert signed(world, by_body["odd"])
    assert by_body["odd"].form["Änderung"] == "ümlaut ✓"


async def test_magic_recipients_fail_bounce_and_stay_silent_only_when_asked(world: World) -> None:
    await world.faults(magic_recipients=True)
    assert (await world.send(Body="x", To="+15550100029"))[0] == 429
    assert (await world.send(Body="x", To="+15550100029"))[0] == 201
    assert (await world.send(Body="x", To="+15550100050"))[0] == 500
    _, failed = await world.send(Body="x", To="+15550100005")
    seen = await world.receiver.until(lambda seen: "undelivered" in statuses(seen))
    assert [one.form["ErrorCode"] for one in seen if one.form.get("MessageStatus") == "undelivered"] == ["30005"]
    assert failed["sid"] not in [line["message_sid"] for line in await world.book("handset.received")]


async def test_an_unknown_fault_is_refused_by_name(world: World) -> None:
    async with world.http.put(f"{world.url}/_sim/faults", json={"sender_rat": 1}) as response:
        assert response.status == 400
        assert "sender_rat" in (await response.json())["message"]


async def test_a_page_sees_messages_and_ticks_live(world: World) -> None:
    async with world.http.get(f"{world.url}/handset/%2B15550100001/events") as stream:
        events: list[dict[str, Any]] = []
        await world.say("from me")
        await world.send(Body="to me")
        async for raw in stream.content:
            if raw.startswith(b'data: {"sid"'):
                events.append(json.loads(raw[6:]))
            if {(one["body"], one["state"]) for one in events} >= {
                ("from me", "delivered"),
                ("to me", "delivered"),
            }:
                break
    states = [one["state"] for one in events if one["body"] == "to me"]
    assert states == sorted(states, key=["queued", "sent", "delivered"].index)


async def test_the_ledger_survives_a_stop_and_unfinished_texts_go_on(tmp_path: Path) -> None:
    settings = Settings(ledger=tmp_path / "ledger.db", seed=1)
    async with receiving() as receiver:
        carrier = Carrier(settings)
        carrier.put_number(NUMBER, sms_url="http://127.0.0.1:1/nobody")
        carrier.faults.put({"retry": {"until_2xx": True, "wait_ms": 1}})
        async with serving(carrier):
            message = carrier.text(HANDSET, NUMBER, "still there?")
        again = Carrier(settings)
        assert (again.account_sid, again.auth_token) == (carrier.account_sid, carrier.auth_token)
        again.put_number(NUMBER, sms_url=receiver.url)
        async with serving(again):
            seen = await receiver.until(lambda seen: len(seen) == 1)
        assert seen[0].form["MessageSid"] == message.sid


def test_the_same_seed_gives_the_same_sids() -> None:
    one, two = Carrier(Settings(seed=3)), Carrier(Settings(seed=3))
    assert (one.account_sid, one.new_sid("SM")) == (two.account_sid, two.new_sid("SM"))
    one.ledger.close()
    two.ledger.close()


async def test_a_sender_has_its_rate_and_an_opted_out_handset_its_peace_only_when_asked(world: World) -> None:
    await world.faults(sender_rate=20.0, opt_out=True)
    for count in range(3):
        await world.send(Body=f"paced {count}")
    lines = await _until(lambda: world.book("handset.received"), 3)
    assert lines[2]["at"] - lines[0]["at"] >= 0.09
    await world.say("STOP")
    status, error = await world.send(Body="still here")
    assert (status, error["code"]) == (400, 21610)
    await world.say("start")
    assert (await world.send(Body="welcome back"))[0] == 201
