"""What a caller of the REST API sees of addresses, services and configuration (conversations.md §8)."""

import pytest
from twilio.rest import Client

from tests.conftest import LiveServer
from tests.conversations.calls import number, own_number, raw, refusal
from tests.requirements import requirement

KEYS = {
    "sid", "account_sid", "type", "address", "friendly_name", "address_country", "auto_creation", "date_created",
    "date_updated", "url",
}  # fmt: skip


@requirement("S38")
def test_an_address_is_found_by_sid_and_by_itself(twilio: Client) -> None:
    address = number()
    status, body = raw(
        twilio, "POST", "/v1/Configuration/Addresses", Type="SmS", Address=address, FriendlyName="Shop",
        **{
            "AutoCreation.Enabled": "true", "AutoCreation.Type": "webhook",
            "AutoCreation.WebhookUrl": "https://example.com/x", "AutoCreation.WebhookMethod": "get",
            "AutoCreation.WebhookFilters": ["onMessageAdded", "onParticipantAdded"],
        },
    )  # fmt: skip
    assert status == 201
    assert body.keys() == KEYS
    assert body["type"] == "sms"
    assert body["auto_creation"] == {
        "enabled": True, "type": "webhook", "conversation_service_sid": None, "webhook_url": "https://example.com/x",
        "webhook_method": "GET", "webhook_filters": ["onMessageAdded", "onParticipantAdded"],
    }  # fmt: skip
    context = twilio.conversations.v1.address_configurations
    assert context(address).fetch().sid == body["sid"]
    changed = context(address).update(auto_creation_type="default", auto_creation_enabled=False)
    assert changed.auto_creation == {"enabled": False, "type": "default", "conversation_service_sid": None}
    assert refusal(context.create, type="sms", address=address).status == 409
    assert body["sid"] in {row.sid for row in context.list(type="sms")}
    assert body["sid"] not in {row.sid for row in context.list(type="chat")}
    assert context(body["sid"]).delete()
    assert refusal(context(address).fetch).code == 20404


def test_a_chat_address_is_any_label(twilio: Client) -> None:
    made = twilio.conversations.v1.address_configurations.create(type="chat", address=f"web-{number()}")
    assert made.type == "chat"


FLOW = {
    "description": "waits",
    "states": [{"name": "Trigger", "type": "trigger", "transitions": [], "properties": {"offset": {"x": 0, "y": 0}}}],
    "initial_state": "Trigger",
    "flags": {"allow_concurrent_calls": True},
}


@requirement("S7")
def test_an_address_with_a_flow_attaches_the_flow_to_conversations(twilio: Client) -> None:
    flow = twilio.studio.v2.flows.create(friendly_name="Waits", status="published", definition=FLOW)
    context = twilio.conversations.v1.address_configurations
    made = context.create(
        type="sms",
        address=number(),
        auto_creation_enabled=True,
        auto_creation_type="studio",
        auto_creation_studio_flow_sid=flow.sid,
        auto_creation_studio_retry_count=3,
    )
    assert made.auto_creation == {
        "enabled": True, "type": "studio", "conversation_service_sid": None, "studio_flow_sid": flow.sid,
        "studio_retry_count": 3,
    }  # fmt: skip
    assert refusal(context(made.sid).update, auto_creation_webhook_url="https://example.com").code == 20001
    assert refusal(context(made.sid).update, auto_creation_studio_retry_count=4).code == 20001
    conversation = twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)
    hook = conversation.webhooks.create(target="studio", configuration_flow_sid=flow.sid)
    assert (hook.target, hook.configuration) == ("studio", {"flow_sid": flow.sid})
    error = refusal(conversation.webhooks(hook.sid).update, configuration_url="https://example.com")
    assert error.code == 20001


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "fax", "address": "+15550001111"},
        {"type": "email", "address": "a@example.com"},
        {"type": "sms", "address": "whatsapp:+15550001111"},
        {"type": "whatsapp", "address": "+15550001111"},
        {"type": "sms", "address": ""},
        {"type": "sms", "address": "+15550001112", "address_country": "Canada"},
        {"type": "sms", "address": "+15550001112", "auto_creation_type": "studio"},
        {"type": "sms", "address": "+15550001112", "auto_creation_type": "other"},
        {
            "type": "sms",
            "address": "+15550001112",
            "auto_creation_type": "studio",
            "auto_creation_studio_flow_sid": "FW" + "0" * 32,
        },
        {"type": "sms", "address": "+15550001112", "auto_creation_conversation_service_sid": "IS" + "0" * 32},
        {"type": "sms", "address": "+15550001112", "auto_creation_type": "webhook"},
    ],
)
def test_a_wrong_address_is_refused(twilio: Client, parameters: dict[str, str]) -> None:
    assert refusal(twilio.conversations.v1.address_configurations.create, **parameters).status == 400


@requirement("S39")
def test_the_configuration_names_the_default_service(twilio: Client) -> None:
    _, body = raw(twilio, "GET", "/v1/Configuration")
    assert body.keys() == {
        "account_sid", "default_chat_service_sid", "default_messaging_service_sid", "default_inactive_timer",
        "default_closed_timer", "url", "links",
    }  # fmt: skip
    service = twilio.conversations.v1.services(body["default_chat_service_sid"]).fetch()
    assert twilio.conversations.v1.conversations.create().chat_service_sid == service.sid
    _, shown = raw(twilio, "GET", f"/v1/Services/{service.sid}/Configuration")
    assert shown.keys() == {
        "chat_service_sid", "default_conversation_creator_role_sid", "default_conversation_role_sid",
        "default_chat_service_role_sid", "url", "links", "reachability_enabled",
    }  # fmt: skip


def test_a_new_service_has_four_roles_and_its_own_defaults(twilio: Client) -> None:
    status, body = raw(twilio, "POST", "/v1/Services", FriendlyName="Second")
    assert status == 201
    assert body.keys() == {"account_sid", "sid", "friendly_name", "date_created", "date_updated", "url", "links"}
    service = twilio.conversations.v1.services(body["sid"])
    roles = {role.friendly_name: role for role in service.roles.list()}
    assert roles.keys() == {"service admin", "service user", "channel admin", "channel user"}
    changed = service.configuration().update(default_conversation_role_sid=roles["channel admin"].sid)
    assert changed.default_conversation_role_sid == roles["channel admin"].sid
    made = service.conversations.create()
    person = service.conversations(made.sid).participants.create(identity="zoe")
    assert person.role_sid == roles["channel admin"].sid
    assert (
        refusal(service.configuration().update, default_chat_service_role_sid=roles["channel user"].sid).code == 50102
    )
    assert body["sid"] in {row.sid for row in twilio.conversations.v1.services.list()}


def test_a_deleted_service_is_gone_with_its_conversations(frozen_server: LiveServer) -> None:
    twilio = frozen_server.client()
    sid = twilio.conversations.v1.services.create(friendly_name="Brief").sid
    service = twilio.conversations.v1.services(sid)
    pair = {"messaging_binding_address": number(), "messaging_binding_proxy_address": own_number(twilio)}
    service.conversations(service.conversations.create().sid).participants.create(**pair)
    for _ in range(25):
        service.conversations.create()
    address = twilio.conversations.v1.address_configurations.create(
        type="sms", address=number(), auto_creation_conversation_service_sid=sid
    )
    assert refusal(service.delete).status == 409
    assert twilio.conversations.v1.address_configurations(address.sid).delete()
    assert service.delete()
    assert refusal(service.fetch).code == 20404
    assert refusal(service.conversations.create).code == 20404
    frozen_server.settle()
    other = twilio.conversations.v1.conversations(twilio.conversations.v1.conversations.create().sid)
    assert other.participants.create(**pair).sid
    default = twilio.conversations.v1.configuration().fetch().default_chat_service_sid
    assert refusal(twilio.conversations.v1.services(default).delete).status == 409


def test_a_conversation_that_took_messages_is_out_of_reach_without_its_service_once_the_default_is_another(
    twilio: Client,
) -> None:
    api = twilio.conversations.v1
    before = api.configuration().fetch().default_chat_service_sid
    conversation = api.conversations.create()
    for body in ("one", "two"):
        conversation.messages.create(author="ana", body=body)
    api.configuration().update(default_chat_service_sid=api.services.create(friendly_name="Another").sid)
    try:
        code = refusal(lambda: conversation.messages.create(author="ana", body="three")).code
        in_its_service = api.services(before).conversations(conversation.sid).messages
        in_its_service.create(author="ana", body="three, by its service")
    finally:
        api.configuration().update(default_chat_service_sid=before)
    assert code == 20404
    assert [message.body for message in conversation.messages.list()] == ["one", "two", "three, by its service"]
