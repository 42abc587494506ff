"""WhatsApp and Messenger over the HTTP carrier kind (channels.md §1.2, §6; conversations.md §3.1, §5.2, §12.4)."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.carrier import eventually
from tests.channels.street import FAST, Street, parlour, street
from tests.channels.test_street import png
from tests.conversations.calls import refusal

SHOP, PAGE = "whatsapp:+15550900077", "messenger:104794531907950"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("whatsapp")) as one:
        one.attach(SHOP, PAGE)
        for sender, kind in ((SHOP, "whatsapp"), (PAGE, "messenger")):
            one.client.conversations.v1.address_configurations.create(
                type=kind, address=sender, auto_creation_enabled=True, auto_creation_type="default"
            )
        one.carrier.faults(**FAST)
        yield one


def begun(world: Street, sender: str = SHOP) -> tuple[str, Any]:
    """Return a customer and its conversation after a first message."""
    world.used += 1
    customer = f"whatsapp:+155502{world.used:05}" if sender == SHOP else f"messenger:25{world.used:05}"
    world.carrier.text(customer, sender, "Hello")
    sid = eventually(lambda: world.conversation_of(customer))
    return customer, world.client.conversations.v1.conversations(sid)


def receipt(conversation: Any, message_sid: str, status: str) -> Any:
    """Wait for a receipt of that status."""
    receipts = conversation.messages(message_sid).delivery_receipts
    return eventually(lambda: next((one for one in receipts.list() if one.status == status), None), what=status)


@pytest.mark.parametrize(("sender", "kind"), [(SHOP, "whatsapp"), (PAGE, "messenger")])
def test_a_customer_writes_and_is_answered(world: Street, sender: str, kind: str) -> None:
    customer, conversation = begun(world, sender)
    [person] = conversation.participants.list()
    assert person.messaging_binding == {"type": kind, "address": customer, "proxy_address": sender}
    [first] = conversation.messages.list()
    assert (first.author, first.body, first.participant_sid) == (customer, "Hello", person.sid)
    answer = conversation.messages.create(author="ana", body="Good morning!")
    world.carrier.wait_for(customer, "Good morning!", state="delivered")
    assert receipt(conversation, answer.sid, "delivered").error_code in (0, None)


def test_a_read_message_is_read_up_to_there(world: Street) -> None:
    customer, conversation = begun(world)
    answer = conversation.messages.create(author="ana", body="See you at 5")
    receipt(conversation, answer.sid, "delivered")
    [line] = [one for one in world.carrier.ledger("send.accepted") if one["to"] == customer]
    world.carrier.call("/_sim/receipt", {"sid": line["message_sid"], "status": "read"})
    receipt(conversation, answer.sid, "read")
    [person] = conversation.participants.list()
    assert person.last_read_message_index == answer.index
    assert conversation.messages(answer.sid).fetch().delivery["read"] == "all"


def test_a_photo_comes_in_and_a_file_goes_out(world: Street) -> None:
    customer, conversation = begun(world)
    world.carrier.text(customer, SHOP, "my receipt", picture=png())
    photo = eventually(lambda: next((one for one in conversation.messages.list() if one.media), None))
    assert (photo.body, photo.media[0]["content_type"]) == ("my receipt", "image/png")
    service = conversation.fetch().chat_service_sid
    auth = (world.server.credentials.account_sid, world.server.credentials.auth_token)
    sent = requests.post(
        f"{world.server.url}/mcs/v1/Services/{service}/Media?Filename=a.pdf", data=b"%PDF-1.7 hello", auth=auth,
        headers={"Content-Type": "application/pdf"}, timeout=30,
    )  # fmt: skip
    answer = conversation.messages.create(author="ana", body="your bill", media_sid=sent.json()["sid"])
    receipt(conversation, answer.sid, "delivered")
    shown = world.carrier.wait_for(customer, "your bill")
    assert len(shown["media"]) == 1


def test_a_sender_of_another_account_or_without_whatsapp_is_refused(world: Street) -> None:
    conversation = world.client.conversations.v1.conversations(world.client.conversations.v1.conversations.create().sid)
    create = conversation.participants.create
    pair = {"messaging_binding_address": "whatsapp:+15550200001"}
    assert refusal(create, **pair, messaging_binding_proxy_address="whatsapp:+15559999999").code == 50413
    number = world.client.incoming_phone_numbers.create(phone_number="+15550200099").phone_number
    assert refusal(create, **pair, messaging_binding_proxy_address=f"whatsapp:{number}").code == 50415
    by_id = create(messaging_binding_address="whatsapp:US.13491208655302741918", messaging_binding_proxy_address=SHOP)
    assert by_id.messaging_binding["address"] == "whatsapp:US.13491208655302741918"


def test_customers_on_three_channels_talk_in_one_conversation(world: Street) -> None:
    customer, conversation = begun(world)
    friend, number = world.fresh()
    conversation.participants.create(messaging_binding_address=friend, messaging_binding_proxy_address=number)
    guest = f"messenger:99{world.used:05}"
    conversation.participants.create(messaging_binding_address=guest, messaging_binding_proxy_address=PAGE)
    conversation.participants.create(identity="ana")
    world.carrier.text(friend, number, "hi all")
    for other in (customer, guest):
        world.carrier.wait_for(other, "hi all")
    message = conversation.messages.create(author="ana", body="welcome")
    assert message.delivery["total"] == 3
    for everybody in (customer, friend, guest):
        world.carrier.wait_for(everybody, "welcome")
    assert [one for one in world.carrier.received(friend) if one == "hi all"] == []


def test_the_command_attaches_all_senders_or_none(world: Street) -> None:
    with pytest.raises(AssertionError, match="no sender"):
        parlour("carriers", "attach", "+15550900088", "pigeon:home", "--to", "street", "--data", str(world.data))
    assert world.client.incoming_phone_numbers.list(phone_number="+15550900088") == []
