"""Texts between handsets and conversations, through a real carrier's wire (channels.md §1.9, §8)."""

import hashlib
import struct
import urllib.request
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from tests.carrier import eventually
from tests.channels.street import FAST, Street, post, street
from tests.requirements import requirement


def png(width: int = 8, height: int = 8) -> bytes:
    rows = b"".join(b"\0" + bytes((x * 16 + y) % 256 for x in range(width * 3)) for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("street")) as one:
        yield one


@pytest.fixture(autouse=True)
def no_faults(world: Street) -> None:
    world.carrier.faults(**FAST)


def begun(world: Street) -> tuple[str, str, str]:
    """Return handset, number and conversation after a first text."""
    handset, number = world.fresh_address()
    world.carrier.text(handset, number, "Hello")
    return handset, number, eventually(lambda: world.conversation_of(handset))


def receipts_of(world: Street, conversation: str, message: str) -> list[Any]:
    said = world.client.conversations.v1.conversations(conversation).messages(message)
    return list(said.delivery_receipts.list())


def say(world: Street, conversation: str, body: str, **more: Any) -> Any:
    return world.client.conversations.v1.conversations(conversation).messages.create(author="ana", body=body, **more)


def test_a_first_text_makes_a_conversation_and_the_next_ones_join_it(world: Street) -> None:
    handset, number, conversation = begun(world)
    world.carrier.text(handset, number, "Still me")
    assert eventually(lambda: len(world.texts(conversation)) == 2)
    assert world.texts(conversation) == ["Hello", "Still me"]
    [first, _] = world.client.conversations.v1.conversations(conversation).messages.list()
    assert (first.author, first.index) == (handset, 0)
    [logged, other] = world.client.messages.list(from_=handset, to=number)
    assert (logged.body, other.body, logged.direction, logged.status) == ("Still me", "Hello", "inbound", "received")


def test_an_answer_reaches_the_handset_and_its_receipt_comes_back(world: Street) -> None:
    handset, number, conversation = begun(world)
    message = say(world, conversation, "Good morning!")
    world.carrier.wait_for(handset, "Good morning!", state="delivered")
    [receipt] = eventually(
        lambda: [one for one in receipts_of(world, conversation, message.sid) if one.status == "delivered"]
    )
    [record] = world.client.messages.list(from_=number, to=handset)
    assert receipt.channel_message_sid == record.sid
    assert (record.direction, record.status, record.body) == ("outbound-api", "delivered", "Good morning!")
    assert record.date_sent is not None
    fetched = world.client.conversations.v1.conversations(conversation).messages(message.sid).fetch()
    assert fetched.delivery == {
        "total": 1, "sent": "all", "delivered": "all", "read": "none", "failed": "none", "undelivered": "none",
    }  # fmt: skip


@requirement("S5")
def test_a_picture_has_the_same_bytes_at_both_ends_in_both_directions(world: Street) -> None:
    handset, number, conversation = begun(world)
    theirs = png(20, 20)
    world.carrier.text(handset, number, "look", picture=theirs)
    message = eventually(
        lambda: [one for one in world.client.conversations.v1.conversations(conversation).messages.list() if one.media]
    )[0]
    [media] = message.media
    assert (message.body, media["content_type"], media["filename"]) == ("look", "image/png", "picture.png")
    assert hashlib.sha256(content_of(world, message, media["sid"])).hexdigest() == hashlib.sha256(theirs).hexdigest()
    [record] = [one for one in world.client.messages.list(from_=handset) if one.num_media == "1"]
    assert record.sid.startswith("MM")

    ours = png(30, 10)
    say(world, conversation, "and this", media_sid=upload(world, conversation, ours))
    shown = world.carrier.wait_for(handset, "and this", state="delivered")
    assert [one["sha256"] for one in shown["media"]] == [hashlib.sha256(ours).hexdigest()]


def content_of(world: Street, message: Any, media_sid: str) -> bytes:
    service = world.client.conversations.v1.conversations(message.conversation_sid).fetch().chat_service_sid
    return call(world, f"/mcs/v1/Services/{service}/Media/{media_sid}/Content")


def upload(world: Street, conversation: str, content: bytes) -> str:
    import json

    service = world.client.conversations.v1.conversations(conversation).fetch().chat_service_sid
    headers = {"Content-Type": "image/png"}
    return str(json.loads(call(world, f"/mcs/v1/Services/{service}/Media?Filename=a.png", content, headers))["sid"])


def call(world: Street, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    import base64

    known = world.server.credentials
    pair = base64.b64encode(f"{known.account_sid}:{known.auth_token}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310
        world.server.url + path, body, {**(headers or {}), "Authorization": f"Basic {pair}"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return bytes(answer.read())


def test_lines_of_an_agent_never_swap_even_when_the_carrier_is_slow_or_busy(world: Street) -> None:
    handset, _, conversation = begun(world)
    world.carrier.faults(
        **FAST,
        rules=[
            {"match": {"op": "create", "text_regex": "line 0"}, "action": "delay", "ms": 400},
            {"match": {"op": "create", "text_regex": "line 2"}, "action": "http", "status": 429},
        ],
    )
    lines = [f"line {number}" for number in range(5)]
    for line in lines:
        say(world, conversation, line)
    world.carrier.wait_for(handset, "line 4")
    assert world.carrier.received(handset) == lines


def test_an_answer_cut_after_the_carrier_took_it_is_found_there_and_never_doubled(world: Street) -> None:
    handset, number, conversation = begun(world)
    world.carrier.faults(**FAST, rules=[{"match": {"op": "create"}, "action": "timeout_after"}])
    message = say(world, conversation, "only once")
    say(world, conversation, "afterwards")
    world.carrier.wait_for(handset, "afterwards", state="delivered")
    assert world.carrier.received(handset) == ["only once", "afterwards"]
    eventually(lambda: [r.status for r in receipts_of(world, conversation, message.sid)] == ["delivered"])
    eventually(lambda: {one.status for one in world.client.messages.list(from_=number, to=handset)} == {"delivered"})


def test_a_status_before_the_carriers_answer_is_understood(world: Street) -> None:
    handset, _, conversation = begun(world)
    world.carrier.faults(**FAST, rules=[{"match": {"op": "create"}, "action": "callback_first"}])
    message = say(world, conversation, "quick")
    world.carrier.wait_for(handset, "quick", state="delivered")
    eventually(lambda: [r.status for r in receipts_of(world, conversation, message.sid)] == ["delivered"])


def test_a_refused_text_fails_with_the_carriers_code_and_the_next_one_goes_on(world: Street) -> None:
    handset, _, conversation = begun(world)
    world.carrier.faults(
        **FAST,
        rules=[{"match": {"op": "create", "text_regex": "bad"}, "action": "http", "status": 400, "code": 21610}],
    )
    message = say(world, conversation, "bad")
    say(world, conversation, "good")
    world.carrier.wait_for(handset, "good")
    [receipt] = receipts_of(world, conversation, message.sid)
    assert (receipt.status, receipt.error_code) == ("failed", 21610)


def test_an_undelivered_text_says_why(world: Street) -> None:
    handset, number, conversation = begun(world)
    world.carrier.faults(**FAST, rules=[{"match": {"op": "create"}, "action": "fail", "code": 30005}])
    message = say(world, conversation, "nobody there")
    [receipt] = eventually(
        lambda: [one for one in receipts_of(world, conversation, message.sid) if one.status == "undelivered"]
    )
    assert receipt.error_code == 30005
    [record] = world.client.messages.list(from_=number, to=handset)
    assert (record.status, record.error_code, record.error_message) == (
        "undelivered",
        30005,
        "Unknown destination handset",
    )


def test_a_text_too_long_for_the_channel_fails_with_21617_and_is_not_sent(world: Street) -> None:
    handset, _, conversation = begun(world)
    message = say(world, conversation, "x" * 1601)
    [receipt] = eventually(lambda: receipts_of(world, conversation, message.sid))
    assert (receipt.status, receipt.error_code) == ("failed", 21617)
    assert world.carrier.received(handset) == []


def test_copies_of_a_webhook_in_any_order_are_stored_once(world: Street) -> None:
    handset, number, conversation = begun(world)
    world.carrier.faults(
        **FAST,
        rules=[
            {"match": {"op": "inbound"}, "action": "duplicate", "n": 5, "times": 0},
            {"match": {"op": "inbound", "nth": 2}, "action": "delay", "ms": 50, "times": 0},
        ],
    )
    sids = [world.carrier.text(handset, number, f"copy {count}") for count in range(4)]
    eventually(lambda: len(world.texts(conversation)) >= 5)
    for sid in sids:
        world.carrier.call("/_sim/repeat", {"sid": sid})
    eventually(lambda: len(world.carrier.ledger("inbound.attempt")) >= 40)
    world.carrier.text(handset, number, "the end")
    eventually(lambda: "the end" in world.texts(conversation))
    assert sorted(world.texts(conversation)) == sorted(["Hello", *(f"copy {count}" for count in range(4)), "the end"])
    assert len(world.client.messages.list(from_=handset)) == 6


@pytest.mark.parametrize("how", ["unsigned", "wrong", "changed body", "other public address", "other connection"])
def test_a_webhook_that_the_carrier_did_not_sign_is_refused_and_nothing_is_stored(world: Street, how: str) -> None:
    handset, number = world.fresh_address()
    form = {"MessageSid": f"SM{abs(hash(how)):032x}"[:34], "From": handset, "To": number, "Body": "let me in"}
    signer = RequestValidator(world.carrier.auth_token)
    url, signed_url, signed_form = world.inbound_url, world.inbound_url, dict(form)
    if how == "changed body":
        signed_form["Body"] = "other"
    if how == "other public address":
        signed_url = signed_url.replace("127.0.0.1", "parlour.example.com")
    if how == "other connection":
        url = signed_url = url.replace("/carrier/CX", "/carrier/CXff")
    signature: str | None = signer.compute_signature(signed_url, signed_form)
    if how == "wrong":
        signature = str(signature)[::-1]
    assert post(url, form, None if how == "unsigned" else signature) == 403
    assert post(world.inbound_url, {**form, "MessageSid": "SM" + "0" * 32}, None) == 403
    good = signer.compute_signature(world.inbound_url, {**form, "Body": "good"})
    assert post(world.inbound_url, {**form, "Body": "good"}, good) == 200
    conversation = eventually(lambda: world.conversation_of(handset))
    assert world.texts(conversation) == ["good"]


def test_a_text_that_no_address_wants_is_logged_only(world: Street) -> None:
    handset, number = world.fresh()
    world.carrier.text(handset, number, "anybody?")
    [record] = eventually(lambda: world.client.messages.list(from_=handset))
    assert (record.body, record.to) == ("anybody?", number)
    assert world.conversation_of(handset) == ""


def test_a_sender_by_name_is_logged_and_the_next_texts_go_on(world: Street) -> None:
    handset, number = world.fresh_address()
    form = {"MessageSid": f"SM{'ab' * 16}", "From": "MYBANK", "To": number, "Body": "zero \x00 balance"}
    signature = RequestValidator(world.carrier.auth_token).compute_signature(world.inbound_url, form)
    assert post(world.inbound_url, form, signature) == 200
    world.carrier.text(handset, number, "hi")
    eventually(lambda: world.conversation_of(handset))
    [record] = eventually(lambda: world.client.messages.list(from_="MYBANK"))
    assert record.body == "zero  balance"


def test_a_picture_that_cannot_be_had_is_said_in_its_place(world: Street) -> None:
    handset, number = world.fresh_address()
    broken = {"match": {"op": "media"}, "action": "http", "status": 404, "times": 0}
    world.carrier.faults(**FAST, rules=[broken])
    world.carrier.text(handset, number, "see this", picture=png())
    conversation = eventually(lambda: world.conversation_of(handset))
    assert eventually(lambda: world.texts(conversation)) == ["see this\n[attachment unavailable]"]


def test_a_picture_that_comes_late_is_waited_for(world: Street) -> None:
    handset, number = world.fresh_address()
    flaky = {"match": {"op": "media"}, "action": "http", "status": 503, "times": 1}
    world.carrier.faults(**FAST, rules=[flaky])
    world.carrier.text(handset, number, "", picture=png(9, 9))
    conversation = eventually(lambda: world.conversation_of(handset))
    messages = world.client.conversations.v1.conversations(conversation).messages
    [message] = eventually(messages.list)
    assert [one["content_type"] for one in message.media] == ["image/png"]
    assert message.body is None


def test_a_direct_text_goes_through_the_carrier(world: Street) -> None:
    handset, number = world.fresh()
    record = world.client.messages.create(to=handset, from_=number, body="Your code is 7")
    assert record.status == "queued"
    world.carrier.wait_for(handset, "Your code is 7", state="delivered")
    assert eventually(lambda: world.client.messages(record.sid).fetch().status == "delivered")
    assert world.conversation_of(handset) == ""


def test_a_proxy_that_is_no_number_of_the_account_is_refused_for_a_participant(world: Street) -> None:
    conversation = world.client.conversations.v1.conversations.create()
    with pytest.raises(Exception, match=r"50413|[Pp]roxy"):
        conversation.participants.create(
            messaging_binding_address="+15550101234", messaging_binding_proxy_address="+15557654321"
        )


def test_a_status_callback_names_the_message_and_its_status(world: Street) -> None:
    url = world.inbound_url.removesuffix("inbound") + "status"
    form = {"MessageSid": "SM" + "0" * 32}
    signature = RequestValidator(world.carrier.auth_token).compute_signature(url, form)
    assert post(url, form, signature) == 400
