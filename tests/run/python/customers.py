"""What happens between customers' telephones and the shop."""

import json
from typing import Any

import requests
from outside import refusal, until
from shop import Desk, Shop
from twilio.base.exceptions import TwilioRestException

PICTURE = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"  # a GIF


def flow(workflow_sid: str) -> dict[str, Any]:
    """Return a flow that greets, and hands over to the people of a workflow."""
    return {
        "description": "Greets and hands over",
        "states": [
            {
                "name": "Trigger",
                "type": "trigger",
                "transitions": [
                    {"event": "incomingMessage"},
                    {"event": "incomingCall"},
                    {"event": "incomingConversationMessage", "next": "greet"},
                    {"event": "incomingRequest"},
                    {"event": "incomingParent"},
                ],
                "properties": {"offset": {"x": 0, "y": 0}},
            },
            {
                "name": "greet",
                "type": "send-and-wait-for-reply",
                "transitions": [
                    {"event": "incomingMessage", "next": "hand_over"},
                    {"event": "timeout"},
                    {"event": "deliveryFailure"},
                ],
                "properties": {
                    "offset": {"x": 0, "y": 100},
                    "service": "{{trigger.conversation.InstanceSid}}",
                    "channel": "{{trigger.conversation.ChannelSid}}",
                    "from": "{{flow.channel.address}}",
                    "timeout": "3600",
                    "body": "Welcome! You wrote: {{trigger.conversation.Body}}",
                },
            },
            {
                "name": "hand_over",
                "type": "send-to-flex",
                "transitions": [{"event": "callComplete"}, {"event": "failedToEnqueue"}, {"event": "callFailure"}],
                "properties": {
                    "offset": {"x": 0, "y": 200},
                    "workflow": workflow_sid,
                    "channel": "chat",
                    "attributes": json.dumps(
                        {"wrote": "{{trigger.conversation.Body}}", "wants": "{{widgets.greet.inbound.Body}}"}
                    ),
                },
            },
        ],
        "initial_state": "Trigger",
        "flags": {"allow_concurrent_calls": True},
    }


def a_first_text_makes_a_conversation(shop: Shop) -> None:
    """12.1"""
    desk = Desk(shop)
    made = shop.client.studio.v2.flows.create(
        friendly_name="Greeter", status="published", definition=flow(desk.workflow_sid)
    )
    shop.answer_texts("studio", studio_flow_sid=made.sid, studio_retry_count=3)
    customer = shop.outside.phone()
    shop.outside.text(customer, shop.number, "hello shop")
    found = until(lambda: shop.open_conversation_of(customer), "a conversation")
    asked = shop.webhooks.event("onConversationAdd", MessageBody="hello shop")
    assert asked["MessagingBinding.Address"] == customer
    assert asked["MessagingBinding.ProxyAddress"] == shop.number
    assert "ConversationSid" not in asked
    sid = found.conversation_sid
    shop.webhooks.event("onMessageAdded", ConversationSid=sid, Body="hello shop")
    told = [one["EventType"] for one in shop.webhooks.heard if one.get("ConversationSid") == sid]
    assert told[:3] == ["onConversationAdded", "onParticipantAdded", "onMessageAdded"], told
    conversation = shop.conversation(sid).fetch()
    assert (conversation.state, conversation.attributes) == ("active", "{}")
    (participant,) = conversation.participants.list()
    assert participant.identity is None
    assert participant.messaging_binding == {"type": "sms", "address": customer, "proxy_address": shop.number}
    first = conversation.messages.list()[0]
    assert (first.index, first.author, first.participant_sid) == (0, customer, participant.sid)
    assert first.delivery is None
    (hook,) = conversation.webhooks.list()
    assert (hook.target, hook.configuration["flow_sid"]) == ("studio", made.sid)
    shop.outside.receives(customer, "Welcome! You wrote: hello shop")
    assert shop.bodies(sid) == ["hello shop", "Welcome! You wrote: hello shop"]
    shop.outside.text(customer, shop.number, "a person, please")
    offer = desk.offer()
    task = desk.workspace.tasks(offer.task_sid).fetch()
    said = json.loads(task.attributes)
    assert (said["wrote"], said["wants"], said["conversationSid"]) == ("hello shop", "a person, please", sid)
    desk.accept(offer)
    (agent,) = [one for one in conversation.participants.list() if one.identity is not None]
    assert shop.service.roles(agent.role_sid).fetch().friendly_name == "agent"
    assert shop.webhooks.event("onParticipantAdded", ConversationSid=sid, Identity=agent.identity)
    conversation.messages.create(author=agent.identity, body="how may I help?")
    shop.outside.receives(customer, "how may I help?")
    desk.complete(offer)
    until(lambda: conversation.fetch().state == "closed", "closed")


def a_text_goes_on_in_the_conversation_that_is_there(shop: Shop) -> None:
    """12.2"""
    shop.answer_texts("default")
    customer, friend = shop.outside.phone(), shop.outside.phone()
    talk = shop.talk("alice", customer=customer)
    shop.add_customer(talk, friend)
    talk.update(state="inactive")
    shop.login("alice")
    shop.outside.text(customer, shop.number, "still there?")
    shop.browsers.do("alice", "hears", conversation=talk.sid, body="still there?")
    shop.outside.receives(friend, "still there?")
    changed = shop.webhooks.event("onConversationStateUpdated", ConversationSid=talk.sid)
    assert (changed["StateFrom"], changed["StateTo"], changed["Reason"]) == ("inactive", "active", "EVENT")
    assert shop.webhooks.event("onMessageAdd", ConversationSid=talk.sid)["Body"] == "still there?"
    shop.webhooks.event("onMessageAdded", ConversationSid=talk.sid)
    assert talk.fetch().state == "active"
    (message,) = talk.messages.list()
    assert (message.index, message.author) == (0, customer)
    (receipt,) = until(message.delivery_receipts.list, "the friend's receipt")
    assert receipt.participant_sid != message.participant_sid
    assert not shop.webhooks.events("onConversationAdd", **{"MessagingBinding.Address": customer})


def a_group_of_telephones_shares_a_conversation(shop: Shop) -> None:
    """12.3"""
    first, second = shop.outside.phone(), shop.outside.phone()
    talk = shop.group(
        {"identity": "alice", "messaging_binding": {"projected_address": shop.number}},
        {"messaging_binding": {"address": first}},
        {"messaging_binding": {"address": second}},
    )
    until(lambda: talk.fetch().state == "active", "active")
    assert len(talk.participants.list()) == 3
    shop.login("alice")
    refused = refusal(TwilioRestException, lambda: talk.messages.create(author="a stranger", body="hi"))
    assert (refused.status, refused.code) == (400, 50513)
    message = talk.messages.create(author="alice", body="hi both")
    for phone in (first, second):
        assert shop.outside.receives(phone, "hi both")["number"] == shop.number
    until(lambda: [one.status for one in message.delivery_receipts.list()] == ["delivered"] * 2, "two receipts")
    shop.outside.text_all(first, shop.number, [second], "hi all")
    heard = shop.browsers.do("alice", "hears", conversation=talk.fetch().sid, body="hi all")
    assert heard["author"] == first
    assert talk.messages(heard["sid"]).fetch().delivery is None
    assert [one["body"] for one in shop.outside.inbox(second)] == ["hi both"]


def pictures_go_both_ways(shop: Shop) -> None:
    """12.4, by MMS"""
    shop.answer_texts("default")
    customer = shop.outside.phone()
    shop.outside.text(customer, shop.number, "look", picture=PICTURE)
    found = until(lambda: shop.open_conversation_of(customer), "a conversation")
    sid = found.conversation_sid
    talk = shop.conversation(sid)
    message = until(talk.messages.list, "the picture")[0]
    (media,) = message.media
    assert (message.body, media["content_type"]) == ("look", "image/gif")
    (told,) = json.loads(shop.webhooks.event("onMessageAdded", ConversationSid=sid)["Media"])
    assert (told["Sid"], told["ContentType"], int(told["Size"])) == (media["sid"], "image/gif", media["size"])
    account = shop.client.account_sid, shop.client.password
    url = f"https://mcs.us1.twilio.com/v1/Services/{shop.service_sid}/Media/{media['sid']}"
    link = requests.get(url, auth=account, timeout=20).json()["links"]["content_direct_temporary"]
    assert len(requests.get(link, timeout=20).content) == media["size"]
    talk.participants.create(identity="alice")
    shop.login("alice")
    shop.browsers.do("alice", "sendPicture", conversation=sid)
    until(lambda: [one for one in shop.outside.inbox(customer) if one["media"] == ["image/png"]], "the answer")


def whatsapp_carries_files_and_templates(shop: Shop) -> None:
    """12.4"""
    sender = f"whatsapp:{shop.number}"
    shop.answer_texts("default", address=sender, channel="whatsapp")
    customer = shop.outside.phone("whatsapp")
    shop.outside.text(customer, sender, "my receipt", picture=PICTURE)
    sid = until(lambda: shop.open_conversation_of(customer), "a conversation").conversation_sid
    talk = shop.conversation(sid)
    message = until(talk.messages.list, "the photo")[0]
    assert (message.author, message.body, message.media[0]["content_type"]) == (customer, "my receipt", "image/gif")
    (told,) = json.loads(shop.webhooks.event("onMessageAdded", ConversationSid=sid)["Media"])
    assert told["Sid"] == message.media[0]["sid"]
    (person,) = talk.participants.list()
    assert person.messaging_binding == {"type": "whatsapp", "address": customer, "proxy_address": sender}
    talk.participants.create(identity="alice")
    shop.login("alice")
    shop.browsers.do("alice", "sendPdf", conversation=sid)
    until(lambda: [one for one in shop.outside.inbox(customer) if one["media"] == ["application/pdf"]], "the bill")
    answer = talk.messages.create(author="alice", body="see you at five")
    shop.outside.receives(customer, "see you at five")
    until(lambda: [one.status for one in answer.delivery_receipts.list()] == ["delivered"], "delivery")
    shop.outside.read(customer, "see you at five")
    until(lambda: [one.status for one in answer.delivery_receipts.list()] == ["read"], "the tick")
    shop.webhooks.event("onDeliveryUpdated", MessageSid=answer.sid, Status="read")
    until(lambda: talk.participants(person.sid).fetch().last_read_message_index == answer.index, "the horizon")
    shop.outside.go_silent(customer, "Your order")
    late = talk.messages.create(author="alice", body="are you still there?")
    until(lambda: [one.status for one in late.delivery_receipts.list()] == ["failed"], "the refusal")
    (receipt,) = late.delivery_receipts.list()
    assert int(receipt.error_code) == 63016
    template: dict[str, Any] = {
        "friendly_name": "ready",
        "language": "en",
        "variables": {"1": "none"},
        "types": {"twilio/text": {"body": "Your order {{1}} is ready"}},
    }
    account = shop.client.account_sid, shop.client.password
    made = requests.post("https://content.twilio.com/v1/Content", json=template, auth=account, timeout=20).json()
    again = talk.messages.create(author="alice", content_sid=made["sid"], content_variables=json.dumps({"1": "17"}))
    shop.outside.receives(customer, "Your order 17 is ready")
    until(lambda: [one.status for one in again.delivery_receipts.list()] == ["delivered"], "delivery of the template")


def receipts_tell_what_became_of_a_text(shop: Shop) -> None:
    """12.9"""
    near, far = shop.outside.phone(), shop.outside.phone()
    shop.outside.unplug(far)
    talk = shop.talk("alice", customer=near)
    gone = shop.add_customer(talk, far)
    shop.login("alice")
    index = shop.browsers.do("alice", "send", conversation=talk.sid, body="good day")
    (message,) = talk.messages.list()
    assert message.index == index
    assert message.delivery["total"] == 2

    def settled() -> bool:
        states = {receipt.status for receipt in message.delivery_receipts.list()}
        return states == {"delivered", "undelivered"}

    until(settled, "both receipts")
    receipts = {receipt.participant_sid: receipt for receipt in message.delivery_receipts.list()}
    assert len(receipts) == 2
    assert int(receipts[gone.sid].error_code) == 30005
    assert all(receipt.channel_message_sid.startswith("SM") for receipt in receipts.values())
    delivery = message.fetch().delivery
    assert (delivery["sent"], delivery["delivered"], delivery["undelivered"]) == ("all", "some", "some")
    told = shop.webhooks.event("onDeliveryUpdated", MessageSid=message.sid, Status="undelivered")
    assert (told["ErrorCode"], told["ParticipantSid"]) == ("30005", gone.sid)
    shop.webhooks.event("onDeliveryUpdated", MessageSid=message.sid, Status="delivered")
    shop.browsers.do("alice", "seesUpdate", conversation=talk.sid, reason="deliveryReceipt")


def two_customers_share_a_conversation(shop: Shop) -> None:
    """12.10"""
    shop.answer_texts("default")
    first, second = shop.outside.phone(), shop.outside.phone()
    elsewhere = shop.talk(customer=second)
    talk = shop.talk("alice", customer=first)
    refused = refusal(TwilioRestException, lambda: shop.add_customer(talk, second))
    assert (refused.status, refused.code) == (409, 50416)
    assert elsewhere.sid in refused.msg
    elsewhere.update(state="closed")
    added = shop.add_customer(talk, second)
    shop.login("alice")
    shop.outside.text(first, shop.number, "from the first")
    shop.browsers.do("alice", "hears", conversation=talk.sid, body="from the first")
    assert shop.outside.receives(second, "from the first")["number"] == shop.number
    shop.outside.text(second, shop.number, "from the second")
    shop.browsers.do("alice", "hears", conversation=talk.sid, body="from the second")
    shop.outside.receives(first, "from the second")
    added.delete()
    shop.outside.text(second, shop.number, "and now?")
    fresh = until(lambda: shop.open_conversation_of(second), "a conversation of its own")
    assert fresh.conversation_sid not in (talk.sid, elsewhere.sid)
    assert shop.bodies(talk.sid) == ["from the first", "from the second"]


SEQUENCES = (
    a_first_text_makes_a_conversation,
    a_text_goes_on_in_the_conversation_that_is_there,
    a_group_of_telephones_shares_a_conversation,
    pictures_go_both_ways,
    whatsapp_carries_files_and_templates,
    receipts_tell_what_became_of_a_text,
    two_customers_share_a_conversation,
)
