"""What a caller of the REST API sees of participants and users (conversations.md §3, §9)."""

import pytest
from twilio.rest import Client
from twilio.rest.conversations.v1.conversation import ConversationContext

from tests.conversations.calls import number, own_number, raw, refusal
from tests.requirements import requirement

KEYS = {
    "account_sid", "conversation_sid", "sid", "identity", "attributes", "messaging_binding", "role_sid",
    "date_created", "date_updated", "url", "last_read_message_index", "last_read_timestamp",
}  # fmt: skip
LOOKUP_KEYS = {
    "account_sid", "chat_service_sid", "participant_sid", "participant_user_sid", "participant_identity",
    "participant_messaging_binding", "conversation_sid", "conversation_unique_name", "conversation_friendly_name",
    "conversation_attributes", "conversation_date_created", "conversation_date_updated", "conversation_created_by",
    "conversation_state", "conversation_timers", "links",
}  # fmt: skip


@pytest.fixture
def conversation(twilio: Client) -> ConversationContext:
    """A new conversation."""
    return twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)


def test_a_chat_participant_gets_the_guest_role_and_a_user(twilio: Client, conversation: ConversationContext) -> None:
    sid = conversation.fetch().sid
    status, body = raw(twilio, "POST", f"/v1/Conversations/{sid}/Participants", Identity="alice", Attributes='{"a":1}')
    assert status == 201
    assert body.keys() == KEYS
    assert (body["identity"], body["messaging_binding"], body["attributes"]) == ("alice", None, '{"a":1}')
    role = twilio.conversations.v1.roles(body["role_sid"]).fetch()
    assert (role.friendly_name, role.type) == ("guest", "conversation")
    user = twilio.conversations.v1.users("alice").fetch()
    assert twilio.conversations.v1.users(user.sid).fetch().identity == "alice"
    assert twilio.conversations.v1.roles(user.role_sid).fetch().type == "service"
    assert conversation.participants("alice").fetch().sid == body["sid"]
    error = refusal(conversation.participants.create, identity="alice")
    assert (error.status, error.code) == (409, 50433)


def test_an_sms_participant_shows_its_binding(twilio: Client, conversation: ConversationContext) -> None:
    customer, shop = number(), own_number(twilio)
    made = conversation.participants.create(
        messaging_binding_address=customer, messaging_binding_proxy_address=shop, attributes="{}"
    )
    assert made.messaging_binding == {"type": "sms", "address": customer, "proxy_address": shop}
    assert made.identity is None
    found = twilio.conversations.v1.participant_conversations.list(address=customer)
    assert [row.conversation_sid for row in found] == [made.conversation_sid]
    assert found[0].participant_messaging_binding == {
        "type": "sms", "address": customer, "proxy_address": shop, "level": None, "name": None,
        "projected_address": None,
    }  # fmt: skip


def test_a_pair_is_in_one_open_conversation_and_the_refusal_names_it(
    twilio: Client, conversation: ConversationContext
) -> None:
    pair = {"messaging_binding_address": number(), "messaging_binding_proxy_address": own_number(twilio)}
    first = conversation.participants.create(**pair)
    other = twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)
    error = refusal(other.participants.create, **pair)
    assert (error.status, error.code) == (409, 50416)
    assert error.msg.endswith(
        "A binding for this participant and proxy address already exists in Conversation " + first.conversation_sid
    )
    conversation.update(state="inactive")
    assert refusal(other.participants.create, **pair).code == 50416
    conversation.update(state="closed")
    assert other.participants.create(**pair).sid
    assert other.participants(other.participants.list()[0].sid).delete()
    third = twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)
    assert third.participants.create(**pair).sid


@pytest.mark.parametrize(
    ("address", "proxy_address", "code"),
    [
        ("555", "", 50412),
        ("", "+15550001111", 50411),
        ("abc", "+15550001111", 50407),
        ("+15550002222", "abc", 50408),
        ("+15550003333", "+15550003333", 50409),
        ("whatsapp:+15550004444", "+15550001111", 50414),
        ("whatsapp:abc", "whatsapp:+15550001111", 50407),
    ],
)
def test_a_malformed_binding_is_refused_with_its_own_code(
    conversation: ConversationContext, address: str, proxy_address: str, code: int
) -> None:
    error = refusal(
        conversation.participants.create,
        messaging_binding_address=address,
        messaging_binding_proxy_address=proxy_address,
    )
    assert (error.status, error.code) == (400, code)


def test_a_proxy_that_is_not_a_number_of_the_account_is_refused(conversation: ConversationContext) -> None:
    binding = {"messaging_binding_address": number(), "messaging_binding_proxy_address": number()}
    error = refusal(conversation.participants.create, **binding)
    assert (error.status, error.code) == (400, 50413)


def test_an_identity_with_an_address_is_refused(conversation: ConversationContext) -> None:
    error = refusal(conversation.participants.create, identity="bob", messaging_binding_address=number())
    assert error.code == 50211
    assert refusal(conversation.participants.create).status == 400
    assert refusal(conversation.participants.create, identity="x" * 257).code == 50207
    assert refusal(conversation.participants.create, identity="p", role_sid="RL" + "0" * 32).code == 50109
    assert refusal(conversation.participants.create, messaging_binding_projected_address=number()).code == 50439


def test_a_participant_is_changed_and_its_read_position_cleared(conversation: ConversationContext) -> None:
    made = conversation.participants.create(identity="carol")
    changed = conversation.participants(made.sid).update(
        attributes='{"b":2}', last_read_message_index=3, last_read_timestamp="2026-01-02T03:04:05Z"
    )
    assert (changed.attributes, changed.last_read_message_index) == ('{"b":2}', 3)
    assert changed.last_read_timestamp == "2026-01-02T03:04:05Z"
    assert conversation.participants("carol").update(last_read_message_index="null").last_read_message_index is None
    assert refusal(conversation.participants("carol").update, last_read_message_index=-1).code == 50421
    assert refusal(conversation.participants("carol").update, last_read_timestamp="now").code == 50405
    assert refusal(conversation.participants("carol").update).code == 20161
    assert refusal(conversation.participants("carol").update, messaging_binding_proxy_address=number()).code == 50441


def test_a_proxy_may_be_moved_and_removed(twilio: Client, conversation: ConversationContext) -> None:
    customer, old, new = number(), own_number(twilio), own_number(twilio)
    made = conversation.participants.create(messaging_binding_address=customer, messaging_binding_proxy_address=old)
    person = conversation.participants(made.sid)
    assert person.update(messaging_binding_proxy_address=new).messaging_binding["proxy_address"] == new
    other = twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)
    other.participants.create(messaging_binding_address=customer, messaging_binding_proxy_address=old)
    assert refusal(person.update, messaging_binding_proxy_address=old).code == 50416
    assert "proxy_address" not in person.update(messaging_binding_proxy_address="null").messaging_binding
    assert refusal(person.update, messaging_binding_proxy_address="null").code == 50440


def test_a_removed_participant_is_gone_and_its_messages_stay(conversation: ConversationContext) -> None:
    made = conversation.participants.create(identity="dave")
    message = conversation.messages.create(author="dave", body="hi")
    assert message.participant_sid == made.sid
    assert conversation.participants("dave").delete()
    assert refusal(conversation.participants(made.sid).fetch).code == 20404
    assert conversation.participants.list() == []
    assert conversation.messages.list()[0].participant_sid == made.sid
    assert conversation.participants.create(identity="dave").sid != made.sid


def test_participants_are_listed_in_pages_in_the_order_of_their_making(conversation: ConversationContext) -> None:
    sids = [conversation.participants.create(identity=f"p{n}").sid for n in range(5)]
    assert [row.sid for row in conversation.participants.list(page_size=2)] == sids


def test_the_lookup_by_participant_takes_exactly_one_parameter(
    twilio: Client, conversation: ConversationContext
) -> None:
    conversation.participants.create(identity="erin")
    _, body = raw(twilio, "GET", "/v1/ParticipantConversations?Identity=erin")
    assert body["conversations"][0].keys() == LOOKUP_KEYS
    assert body["conversations"][0]["conversation_created_by"] == "system"
    assert body["meta"]["key"] == "conversations"
    for query in ("", "?Identity=erin&Address=%2B1"):
        status, body = raw(twilio, "GET", f"/v1/ParticipantConversations{query}")
        assert (status, body["code"]) == (400, 50451)


def test_a_user_is_changed_and_its_role_checked(twilio: Client, conversation: ConversationContext) -> None:
    conversation.participants.create(identity="frank")
    _, body = raw(twilio, "POST", "/v1/Users/frank", FriendlyName="Frank", Attributes='{"d":1}')
    assert body.keys() == {
        "sid", "account_sid", "chat_service_sid", "role_sid", "identity", "friendly_name", "attributes", "is_online",
        "is_notifiable", "date_created", "date_updated", "url", "links",
    }  # fmt: skip
    assert (body["friendly_name"], body["attributes"]) == ("Frank", '{"d":1}')
    agent = next(role for role in twilio.conversations.v1.roles.list() if role.friendly_name == "agent")
    assert refusal(twilio.conversations.v1.users("frank").update, role_sid=agent.sid).code == 50102
    assert refusal(twilio.conversations.v1.users.create, identity="frank").code == 50201
    assert "frank" in {user.identity for user in twilio.conversations.v1.users.list()}


@requirement("S51")
def test_the_agent_role_has_exactly_the_seven_permissions(twilio: Client) -> None:
    roles = {(role.friendly_name, role.type): role for role in twilio.conversations.v1.roles.list()}
    assert set(roles["agent", "conversation"].permissions) == {
        "editConversationAttributes", "sendMessage", "sendMediaMessage", "leaveConversation", "editOwnMessage",
        "editOwnMessageAttributes", "deleteOwnMessage",
    }  # fmt: skip
    assert {("guest", "conversation"), ("service user", "service"), ("channel user", "conversation")} <= roles.keys()


def test_a_role_is_made_changed_and_deleted_unless_somebody_has_it(
    twilio: Client, conversation: ConversationContext
) -> None:
    create = twilio.conversations.v1.roles.create
    role = create(friendly_name="watcher", type="conversation", permission=["sendMessage", "leaveConversation"])
    assert role.permissions == ["sendMessage", "leaveConversation"]
    assert twilio.conversations.v1.roles(role.sid).update(permission=["sendMessage"]).permissions == ["sendMessage"]
    conversation.participants.create(identity="gina", role_sid=role.sid)
    assert refusal(twilio.conversations.v1.roles(role.sid).delete).status == 409
    conversation.participants("gina").delete()
    assert twilio.conversations.v1.roles(role.sid).delete()
    assert refusal(create, friendly_name="x", type="service", permission=["sendMessage"]).code == 50104
    assert refusal(create, friendly_name="x", type="other", permission=["sendMessage"]).code == 50105


def test_a_user_sees_unread_messages_and_may_mute_and_leave(twilio: Client, conversation: ConversationContext) -> None:
    person = conversation.participants.create(identity="hugo")
    for n in range(3):
        conversation.messages.create(body=str(n))
    sid = person.conversation_sid
    _, body = raw(twilio, "GET", f"/v1/Users/hugo/Conversations/{sid}")
    assert body.keys() == {
        "account_sid", "chat_service_sid", "conversation_sid", "unread_messages_count", "last_read_message_index",
        "participant_sid", "user_sid", "friendly_name", "conversation_state", "timers", "attributes", "date_created",
        "date_updated", "created_by", "notification_level", "unique_name", "url", "links",
    }  # fmt: skip
    assert (body["unread_messages_count"], body["notification_level"]) == (None, "default")
    mine = twilio.conversations.v1.users("hugo").user_conversations
    changed = mine(sid).update(last_read_message_index=0, notification_level="muted")
    assert (changed.unread_messages_count, changed.last_read_message_index) == (2, 0)
    assert changed.notification_level == "muted"
    assert conversation.participants("hugo").fetch().last_read_message_index == 0
    assert refusal(mine(sid).update, notification_level="loud").code == 50210
    assert [row.conversation_sid for row in mine.list()] == [sid]
    assert mine(sid).delete()
    assert mine.list() == []
    assert conversation.participants.list() == []


def test_a_deleted_user_leaves_every_conversation(twilio: Client, conversation: ConversationContext) -> None:
    conversation.participants.create(identity="iris")
    other = twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)
    other.participants.create(identity="iris")
    assert twilio.conversations.v1.users("iris").delete()
    assert conversation.participants.list() == []
    assert other.participants.list() == []
    assert refusal(twilio.conversations.v1.users("iris").fetch).code == 20404


def test_a_conversation_is_made_with_its_participants_or_not_at_all(twilio: Client) -> None:
    create = twilio.conversations.v1.conversation_with_participants.create
    shop = own_number(twilio)
    pair = f'{{"messaging_binding": {{"address": "{number()}", "proxy_address": "{shop}"}}}}'
    made = create(friendly_name="Trio", participant=['{"identity": "jack"}', '{"identity": "kate"}', pair])
    assert "export" not in made.links
    people = twilio.conversations.v1.conversations(made.sid).participants.list()
    assert [person.identity for person in people] == ["jack", "kate", None]
    assert refusal(create, unique_name="trio", participant=['{"identity": "l"}', pair]).code == 50416
    assert refusal(twilio.conversations.v1.conversations("trio").fetch).code == 20404
    assert refusal(create, participant=['{"identity": "m"}'] * 11).code == 50426
    assert refusal(create, participant=["[]"]).code == 20001
    assert refusal(create, participant=['{"messaging_binding": {"projected_address": "+1"}}']).code == 50439
    status, _ = raw(twilio, "POST", "/v1/ConversationWithParticipants", FriendlyName="Empty")
    assert status == 201
    status, _ = raw(twilio, "POST", "/v1/ConversationWithParticipants", Participant='{"identity": "nina"}')
    assert status == 202
