"""Good calls of services, configurations and addresses (conversations.md §1.1, §8.1)."""

from collections.abc import Callable
from typing import Any

from tests.contract.calls.basics import messaging_service, role, service
from tests.contract.calls.studio import flow
from tests.contract.good_calls import good
from tests.contract.world import World

SERVICE = "/v1/Services/{ChatServiceSid}"
ADDRESSES = "/v1/Configuration/Addresses"


@good("POST", "conversations", "/v1/Services")
def create_service(world: World) -> Callable[[], Any]:
    return lambda: world.client.conversations.v1.services.create(friendly_name=world.unique("Service"))


@good("GET", "conversations", "/v1/Services")
def list_services(world: World) -> Callable[[], Any]:
    for _ in range(2):
        world.client.conversations.v1.services.create(friendly_name=world.unique("Service"))
    return lambda: world.client.conversations.v1.services.list(limit=3, page_size=1)


@good("GET", "conversations", SERVICE)
def fetch_service(world: World) -> Callable[[], Any]:
    return lambda: world.client.conversations.v1.services(service(world)).fetch()


@good("DELETE", "conversations", SERVICE)
def delete_service(world: World) -> Callable[[], Any]:
    made = world.client.conversations.v1.services.create(friendly_name=world.unique("Service"))
    return lambda: world.client.conversations.v1.services(made.sid).delete()


@good("GET", "conversations", f"{SERVICE}/Configuration")
def fetch_service_configuration(world: World) -> Callable[[], Any]:
    return lambda: world.client.conversations.v1.services(service(world)).configuration().fetch()


@good("POST", "conversations", f"{SERVICE}/Configuration")
def update_service_configuration(world: World) -> Callable[[], Any]:
    root = world.client.conversations.v1.services(
        world.client.conversations.v1.services.create(friendly_name="Configured").sid
    )
    creator, member, user = role(world, root), role(world, root), role(world, root, "service")
    return lambda: root.configuration().update(
        default_conversation_creator_role_sid=creator,
        default_conversation_role_sid=member,
        default_chat_service_role_sid=user,
        reachability_enabled=world.pick(True, False),
    )


@good("GET", "conversations", "/v1/Configuration")
def fetch_configuration(world: World) -> Callable[[], Any]:
    return lambda: world.client.conversations.v1.configuration().fetch()


@good("POST", "conversations", "/v1/Configuration")
def update_configuration(world: World) -> Callable[[], Any]:
    now = world.client.conversations.v1.configuration().fetch()
    messaging_sid = messaging_service(world)
    return lambda: world.client.conversations.v1.configuration().update(
        default_chat_service_sid=now.default_chat_service_sid,
        default_messaging_service_sid=messaging_sid,
        default_inactive_timer=world.pick("PT1H", "PT2H"),
        default_closed_timer=world.pick("P1D", "P2D"),
    )


@good("GET", "conversations", f"{SERVICE}/Configuration/Webhooks")
def fetch_service_webhooks(world: World) -> Callable[[], Any]:
    return lambda: world.client.conversations.v1.services(service(world)).configuration.webhooks().fetch()


@good("POST", "conversations", f"{SERVICE}/Configuration/Webhooks")
def update_service_webhooks(world: World) -> Callable[[], Any]:
    hooks = world.client.conversations.v1.services(service(world)).configuration.webhooks()
    return lambda: hooks.update(
        pre_webhook_url=f"https://example.com/{world.unique('pre')}",
        post_webhook_url=f"https://example.com/{world.unique('post')}",
        filters=world.pick(["onMessageUpdated"], ["onMessageRemoved", "onMessageRemove"]),
        method=world.pick("GET", "POST"),
    )


@good("GET", "conversations", "/v1/Configuration/Webhooks")
def fetch_account_webhooks(world: World) -> Callable[[], Any]:
    return lambda: world.client.conversations.v1.configuration.webhooks().fetch()


@good("POST", "conversations", "/v1/Configuration/Webhooks")
def update_account_webhooks(world: World) -> Callable[[], Any]:
    hooks = world.client.conversations.v1.configuration.webhooks()
    return lambda: hooks.update(
        method=world.pick("GET", "POST"),
        filters=world.pick(["onUserAdded"], ["onUserUpdated", "onUserUpdate"]),
        pre_webhook_url=f"https://example.com/{world.unique('pre')}",
        post_webhook_url=f"https://example.com/{world.unique('post')}",
        target=world.pick("webhook", "flex"),
    )


def address(world: World) -> Any:
    """Return the context of a new address configuration."""
    made = world.client.conversations.v1.address_configurations.create(type="sms", address=world.number())
    return world.client.conversations.v1.address_configurations(made.sid)


@good("POST", "conversations", ADDRESSES)
def create_address(world: World) -> Callable[[], Any]:
    addresses = world.client.conversations.v1.address_configurations
    addresses.create(type="whatsapp", address=f"whatsapp:{world.phone()}", auto_creation_enabled=False)
    addresses.create(type="messenger", address=f"messenger:{world.unique('page')}", auto_creation_enabled=False)
    addresses.create(type="chat", address=world.unique("web"), auto_creation_enabled=False)
    addresses.create(
        type="sms",
        address=world.number(),
        auto_creation_enabled=True,
        auto_creation_type="studio",
        auto_creation_studio_flow_sid=flow(world)._solution["sid"],
        auto_creation_studio_retry_count=world.pick(1, 2),
    )
    addresses.create(type="sms", address=world.number(), auto_creation_enabled=True, auto_creation_type="default")
    number = world.number()
    service_sid = service(world)
    return lambda: addresses.create(
        type="sms",
        address=number,
        friendly_name=world.unique("Shop"),
        auto_creation_enabled=True,
        auto_creation_type="webhook",
        auto_creation_conversation_service_sid=service_sid,
        auto_creation_webhook_url=f"https://example.com/{world.unique('hook')}",
        auto_creation_webhook_method=world.pick("GET", "POST"),
        auto_creation_webhook_filters=world.pick(["onMessageAdded"], ["onMessageAdded", "onMessageUpdated"]),
        address_country=world.pick("US", "CA"),
    )


@good("GET", "conversations", ADDRESSES)
def list_addresses(world: World) -> Callable[[], Any]:
    for _ in range(3):
        address(world)
    return lambda: world.client.conversations.v1.address_configurations.list(
        type=world.pick("sms", "whatsapp"), limit=3, page_size=1
    )


@good("GET", "conversations", f"{ADDRESSES}/{{Sid}}")
def fetch_address(world: World) -> Callable[[], Any]:
    return address(world).fetch  # type: ignore[no-any-return]


@good("POST", "conversations", f"{ADDRESSES}/{{Sid}}")
def update_address(world: World) -> Callable[[], Any]:
    known = address(world)
    known.update(
        auto_creation_type="studio",
        auto_creation_studio_flow_sid=flow(world)._solution["sid"],
        auto_creation_studio_retry_count=world.pick(1, 2),
    )
    known.update(auto_creation_type="default")
    service_sid = service(world)
    return lambda: known.update(
        friendly_name=world.unique("Shop"),
        auto_creation_enabled=world.pick(True, False),
        auto_creation_type="webhook",
        auto_creation_conversation_service_sid=service_sid,
        auto_creation_webhook_url=f"https://example.com/{world.unique('hook')}",
        auto_creation_webhook_method=world.pick("GET", "POST"),
        auto_creation_webhook_filters=world.pick(["onMessageAdded"], ["onMessageAdded", "onMessageUpdated"]),
    )


@good("DELETE", "conversations", f"{ADDRESSES}/{{Sid}}")
def delete_address(world: World) -> Callable[[], Any]:
    return address(world).delete  # type: ignore[no-any-return]
