"""What a caller of the REST API sees of messages and scoped webhooks (conversations.md §4, §6.7)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from twilio.rest import Client
from twilio.rest.conversations.v1.conversation import ConversationContext

from tests.conversations.calls import number, own_number, raw, refusal

KEYS = {
    "sid", "account_sid", "conversation_sid", "body", "media", "author", "participant_sid", "attributes",
    "date_created", "date_updated", "index", "delivery", "content_sid", "url", "links",
}  # fmt: skip


@pytest.fixture
def conversation(twilio: Client) -> ConversationContext:
    """A new conversation."""
    return twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)


def test_a_message_shows_every_published_key(twilio: Client, conversation: ConversationContext) -> None:
    sid = conversation.fetch().sid
    status, body = raw(twilio, "POST", f"/v1/Conversations/{sid}/Messages", Body="hi", Author="bob")
    assert status == 201
    assert body.keys() == KEYS
    assert (body["index"], body["author"], body["participant_sid"], body["delivery"]) == (0, "bob", None, None)
    assert (body["media"], body["content_sid"], body["attributes"]) == (None, None, "{}")
    assert body["links"].keys() == {"delivery_receipts", "channel_metadata"}
    service = twilio.conversations.v1.services(conversation.fetch().chat_service_sid)
    assert service.conversations(sid).messages(body["sid"]).fetch().chat_service_sid == service.fetch().sid


def test_twenty_writers_get_indexes_without_gaps(conversation: ConversationContext) -> None:
    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(lambda n: conversation.messages.create(body=str(n)).index, range(60)))
    assert sorted(made) == list(range(60))
    assert [message.index for message in conversation.messages.list(page_size=25)] == list(range(60))


def test_messages_are_listed_in_both_orders_by_numeric_tokens(
    twilio: Client, conversation: ConversationContext
) -> None:
    sid = conversation.fetch().sid
    for n in range(5):
        conversation.messages.create(body=str(n))
    assert [m.body for m in conversation.messages.list(order="desc", page_size=2)] == ["4", "3", "2", "1", "0"]
    _, body = raw(twilio, "GET", f"/v1/Conversations/{sid}/Messages?Order=dEsC&PageSize=2")
    assert body["meta"]["next_page_url"].endswith("Order=dEsC&PageSize=2&Page=1&PageToken=3")
    status, body = raw(twilio, "GET", f"/v1/Conversations/{sid}/Messages?PageToken=-1")
    assert (status, body["code"]) == (400, 19038)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, 50503),
        ({"body": ""}, 50503),
        ({"body": "x" * 32769}, 50504),
        ({"body": "x", "attributes": "["}, 50304),
        ({"body": "x", "attributes": '"' + "x" * 4096 + '"'}, 50303),
        ({"body": "x", "author": "x" * 257}, 50310),
        ({"body": "x", "subject": "x" * 257}, 20001),
        ({"body": "x", "date_created": "then"}, 50308),
        ({"media_sid": "ME" + "0" * 32}, 50507),
        ({"media_sid": "picture"}, 50510),
        ({"content_sid": "HX" + "0" * 32}, 50526),
    ],
)
def test_a_wrong_parameter_is_refused_and_takes_no_index(
    conversation: ConversationContext, parameters: dict[str, str], code: int
) -> None:
    error = refusal(conversation.messages.create, **parameters)
    assert (error.status, error.code) == (400, code)
    assert conversation.messages.create(body="next").index == 0


def test_an_edited_message_keeps_its_index(conversation: ConversationContext) -> None:
    person = conversation.participants.create(identity="ann")
    made = conversation.messages.create(body="helo")
    changed = conversation.messages(made.sid).update(body="hello", author="ann", attributes='{"e":1}')
    assert (changed.body, changed.index, changed.participant_sid) == ("hello", 0, person.sid)
    assert refusal(conversation.messages(made.sid).update).code == 20161
    assert refusal(conversation.messages(made.sid).update, body="").code == 50503


def test_a_deleted_message_leaves_its_index_unused(conversation: ConversationContext) -> None:
    first = conversation.messages.create(body="one")
    conversation.messages.create(body="two")
    assert conversation.messages(first.sid).delete()
    assert refusal(conversation.messages(first.sid).fetch).code == 20404
    assert [m.index for m in conversation.messages.list()] == [1]
    assert conversation.messages.create(body="three").index == 2


def test_a_message_to_a_handset_counts_its_recipients(twilio: Client, conversation: ConversationContext) -> None:
    customer = number()
    conversation.participants.create(
        messaging_binding_address=customer, messaging_binding_proxy_address=own_number(twilio)
    )
    assert conversation.messages.create(body="to you", author="agent").delivery == {
        "total": 1, "sent": "none", "delivered": "none", "read": "none", "failed": "none", "undelivered": "none",
    }  # fmt: skip
    assert conversation.messages.create(body="from you", author=customer).delivery is None


def test_a_message_has_no_channel_metadata(twilio: Client, conversation: ConversationContext) -> None:
    made = conversation.messages.create(body="x")
    path = f"/v1/Conversations/{made.conversation_sid}/Messages/{made.sid}/ChannelMetadata"
    status, body = raw(twilio, "GET", path)
    assert (status, body["code"], body["status"]) == (404, 50530, 404)


def test_a_scoped_webhook_is_made_listed_changed_and_deleted(conversation: ConversationContext) -> None:
    made = conversation.webhooks.create(
        target="webhook", configuration_url="https://example.com/a", configuration_filters=["onMessageAdded"]
    )
    assert made.configuration == {"url": "https://example.com/a", "method": "post", "filters": ["onMessageAdded"]}
    keyword = conversation.webhooks.create(
        target="trigger", configuration_url="https://example.com/b", configuration_triggers=["help"],
        configuration_method="GET",
    )  # fmt: skip
    assert keyword.configuration == {"url": "https://example.com/b", "method": "get", "triggers": ["help"]}
    assert [hook.sid for hook in conversation.webhooks.list()] == [made.sid, keyword.sid]
    changed = conversation.webhooks(made.sid).update(configuration_filters=["onParticipantAdded"])
    assert changed.configuration["filters"] == ["onParticipantAdded"]
    assert conversation.webhooks(made.sid).delete()
    assert refusal(conversation.webhooks(made.sid).fetch).code == 20404


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"target": ""}, 50368),
        ({"target": "pager"}, 50364),
        ({"target": "webhook", "configuration_filters": ["onMessageAdded"]}, 50369),
        ({"target": "webhook", "configuration_url": "https://example.com"}, 50370),
        ({"target": "webhook", "configuration_url": "ftp://x", "configuration_filters": ["onMessageAdded"]}, 50388),
        ({"target": "webhook", "configuration_url": "https://e.com", "configuration_filters": ["onMessageAdd"]}, 50365),
        ({"target": "trigger", "configuration_url": "https://example.com"}, 50371),
        (
            {"target": "trigger", "configuration_url": "https://e.com", "configuration_triggers": list("abcdef")},
            50362,
        ),
        ({"target": "trigger", "configuration_url": "https://e.com", "configuration_triggers": ["x" * 249]}, 50366),
        ({"target": "webhook", "configuration_url": "https://e.com/" + "x" * 512}, 50372),
        ({"target": "studio"}, 50367),
        ({"target": "studio", "configuration_flow_sid": "FW" + "0" * 32}, 50367),
        (
            {
                "target": "webhook",
                "configuration_url": "https://e.com",
                "configuration_filters": ["onMessageAdded"],
                "configuration_replay_after": -1,
            },
            20001,
        ),
    ],
)
def test_a_wrong_webhook_is_refused_with_its_own_code(
    conversation: ConversationContext, parameters: dict[str, object], code: int
) -> None:
    error = refusal(conversation.webhooks.create, **parameters)
    assert (error.status, error.code) == (400, code)


def test_a_conversation_has_at_most_five_webhooks(conversation: ConversationContext) -> None:
    def attach() -> object:
        return conversation.webhooks.create(
            target="webhook", configuration_url="https://example.com", configuration_filters=["onMessageAdded"]
        )

    for _ in range(5):
        attach()
    assert refusal(attach).code == 50361
