"""What happens between the shop's people, its webhooks and the calendar."""

import time
from datetime import datetime, timedelta

from outside import Refused, refusal, until
from shop import Shop
from twilio.base.exceptions import TwilioRestException


def chat_and_texts_meet(shop: Shop) -> None:
    """12.5"""
    shop.answer_texts("default")
    customer = shop.outside.phone()
    talk = shop.talk("alice", customer=customer)
    shop.login("alice")
    shop.browsers.do("alice", "send", conversation=talk.sid, body="hello from alice")
    told = shop.webhooks.event("onMessageAdded", ConversationSid=talk.sid, Body="hello from alice")
    assert (told["Source"], told["ClientIdentity"], told["Author"]) == ("SDK", "alice", "alice")
    shop.outside.receives(customer, "hello from alice")
    (said,) = talk.messages.list()
    until(lambda: [one.status for one in said.delivery_receipts.list()] == ["delivered"], "delivery")
    shop.outside.text(customer, shop.number, "hello alice")
    heard = shop.browsers.do("alice", "hears", conversation=talk.sid, body="hello alice")
    assert heard["author"] == customer
    answer = shop.conversation(talk.sid).messages(heard["sid"]).fetch()
    assert answer.delivery is None
    assert answer.delivery_receipts.list() == []
    stranger = talk.messages.create(author="bob", body="this is bob")
    assert stranger.participant_sid is None
    shop.outside.receives(customer, "this is bob")
    shop.browsers.do("alice", "hears", conversation=talk.sid, body="this is bob")
    assert len(shop.outside.inbox(customer)) == 2
    (leaving,) = [one for one in talk.participants.list() if one.identity is None]
    leaving.delete()
    shop.outside.text(customer, shop.number, "anybody?")
    fresh = until(lambda: shop.open_conversation_of(customer), "a new conversation")
    assert fresh.conversation_sid != talk.sid


def a_webhook_refuses_and_changes_what_is_said(shop: Shop) -> None:
    """12.7"""
    talk = shop.talk("alice")
    shop.login("alice")
    shop.webhooks.answers["onMessageAdd"] = (403, {})
    refused = refusal(Refused, lambda: shop.browsers.do("alice", "send", conversation=talk.sid, body="a bad word"))
    assert "50056" in str(refused), refused
    asked = shop.webhooks.event("onMessageAdd", ConversationSid=talk.sid)
    assert asked["Body"] == "a bad word"
    assert not {"MessageSid", "Index"} & asked.keys()
    assert talk.messages.list() == []
    shop.webhooks.answers["onMessageAdd"] = (200, {"body": "***"})
    shop.browsers.do("alice", "send", conversation=talk.sid, body="another bad word")
    del shop.webhooks.answers["onMessageAdd"]
    (kept,) = talk.messages.list()
    assert (kept.index, kept.body) == (0, "***")
    shop.webhooks.event("onMessageAdded", ConversationSid=talk.sid, Body="***")
    assert len(shop.webhooks.events("onMessageAdded", ConversationSid=talk.sid)) == 1
    shop.webhooks.answers["onMessageAdd"] = None
    began = time.monotonic()
    shop.browsers.do("alice", "send", conversation=talk.sid, body="into the silence")
    assert 4.5 < time.monotonic() - began < 9.5
    del shop.webhooks.answers["onMessageAdd"]
    assert shop.bodies(talk.sid) == ["***", "into the silence"]
    shop.webhooks.event("onMessageAdded", ConversationSid=talk.sid, Body="into the silence")


def a_message_is_edited(shop: Shop) -> None:
    """12.8"""
    customer = shop.outside.phone()
    talk = shop.talk("alice", customer=customer)
    shop.login("alice")
    mute = shop.service.roles.create(friendly_name="no edits", type="conversation", permission=["sendMessage"])
    (member,) = [one for one in talk.participants.list() if one.identity == "alice"]
    member.update(role_sid=mute.sid)
    index = shop.browsers.do("alice", "send", conversation=talk.sid, body="helo")
    (before,) = talk.messages.list()
    edit = {"conversation": talk.sid, "index": index, "body": "hello"}
    refused = refusal(Refused, lambda: shop.browsers.do("alice", "edit", **edit))
    assert "50107" in str(refused), refused
    shop.service.roles(mute.sid).update(permission=["sendMessage", "editOwnMessage"])
    shop.browsers.do("alice", "edit", **edit)
    asked = shop.webhooks.event("onMessageUpdate", MessageSid=before.sid)
    assert (asked["Index"], asked["Body"]) == (str(index), "hello")
    shop.webhooks.event("onMessageUpdated", MessageSid=before.sid, Body="hello")
    shop.browsers.do("alice", "seesUpdate", conversation=talk.sid, reason="body")
    (after,) = talk.messages.list()
    assert (after.sid, after.index, after.body) == (before.sid, before.index, "hello")
    assert after.date_updated >= before.date_updated
    shop.outside.receives(customer, "helo")
    assert [one["body"] for one in shop.outside.inbox(customer)] == ["helo"]


def time_closes_a_conversation(shop: Shop) -> None:
    """12.6"""
    shop.answer_texts("default")
    customer = shop.outside.phone()
    talk = shop.talk(customer=customer, timers_inactive="PT1H", timers_closed="P1D")

    def dates() -> list[datetime]:
        timers = talk.fetch().timers
        return [datetime.fromisoformat(timers[name][:-1]) for name in ("date_inactive", "date_closed")]

    inactive, closed = dates()
    assert closed - inactive == timedelta(hours=23)
    shop.outside.wait(1800)
    talk.messages.create(author="shop", body="are you there?")
    assert dates() == [inactive + timedelta(minutes=30), closed + timedelta(minutes=30)]
    shop.outside.wait(3601)
    until(lambda: talk.fetch().state == "inactive", "inactive")
    told = shop.webhooks.event("onConversationStateUpdated", ConversationSid=talk.sid)
    assert (told["StateFrom"], told["StateTo"], told["Reason"]) == ("active", "inactive", "TIMER")
    shop.outside.wait(23 * 3600)
    until(lambda: talk.fetch().state == "closed", "closed")
    told = shop.webhooks.event("onConversationStateUpdated", ConversationSid=talk.sid, StateTo="closed")
    assert (told["StateFrom"], told["Reason"]) == ("inactive", "TIMER")
    for write in (lambda: talk.messages.create(body="late"), lambda: talk.update(attributes="{}")):
        refused = refusal(TwilioRestException, write)
        assert (refused.status, refused.code) == (400, 50377)
    shop.outside.text(customer, shop.number, "here I am")
    fresh = until(lambda: shop.open_conversation_of(customer), "a new conversation")
    assert fresh.conversation_sid != talk.sid


SEQUENCES = (
    chat_and_texts_meet,
    a_webhook_refuses_and_changes_what_is_said,
    a_message_is_edited,
    time_closes_a_conversation,
)
