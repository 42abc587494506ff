"""Good calls of messaging services and their pools (channels.md §1.5)."""

from collections.abc import Callable
from typing import Any

from tests.contract.calls.messaging import number
from tests.contract.good_calls import good
from tests.contract.world import World

LIST = "/v1/Services"
POOL = f"{LIST}/{{ServiceSid}}/PhoneNumbers"


def messaging_service(world: World) -> str:
    """Return a messaging service."""
    return str(world.client.messaging.v1.services.create(friendly_name=world.unique("Desk")).sid)


def options(world: World) -> dict[str, Any]:
    """Return what may be set of a service."""
    urls = {
        name: f"https://example.com/{world.unique(name)}"
        for name in ("inbound_request_url", "fallback_url", "status_callback")
    }
    switches = {
        name: world.pick(True, False)
        for name in (
            "sticky_sender",
            "mms_converter",
            "smart_encoding",
            "fallback_to_long_code",
            "area_code_geomatch",
            "synchronous_validation",
            "use_inbound_webhook_on_number",
        )
    }
    return {
        **urls,
        **switches,
        "friendly_name": world.unique("Desk"),
        "inbound_method": world.pick("GET", "POST"),
        "fallback_method": world.pick("GET", "POST"),
        "validity_period": world.pick(60, 120),
        "scan_message_content": world.pick("inherit", "enable", "disable"),
        "usecase": world.pick("marketing", "poll"),
    }


@good("POST", "messaging", LIST)
def create_service(world: World) -> Callable[[], Any]:
    for _ in range(2):
        world.client.messaging.v1.services.create(**options(world))
    return lambda: world.client.messaging.v1.services.create(**options(world))


@good("GET", "messaging", LIST)
def list_services(world: World) -> Callable[[], Any]:
    for _ in range(3):
        messaging_service(world)
    return lambda: world.client.messaging.v1.services.list(limit=3, page_size=1)


@good("GET", "messaging", f"{LIST}/{{Sid}}")
def fetch_service(world: World) -> Callable[[], Any]:
    return world.client.messaging.v1.services(messaging_service(world)).fetch


@good("POST", "messaging", f"{LIST}/{{Sid}}")
def update_service(world: World) -> Callable[[], Any]:
    known = world.client.messaging.v1.services(messaging_service(world))
    for _ in range(2):
        known.update(**options(world))
    return lambda: known.update(**options(world))


@good("DELETE", "messaging", f"{LIST}/{{Sid}}")
def delete_service(world: World) -> Callable[[], Any]:
    return world.client.messaging.v1.services(messaging_service(world)).delete


def pooled(world: World) -> tuple[str, str]:
    """Return a service and a number of its pool."""
    sid, number_sid = messaging_service(world), number(world)._solution["sid"]
    world.client.messaging.v1.services(sid).phone_numbers.create(phone_number_sid=number_sid)
    return sid, number_sid


@good("POST", "messaging", POOL)
def add_number(world: World) -> Callable[[], Any]:
    pool = world.client.messaging.v1.services(messaging_service(world)).phone_numbers
    known = number(world)._solution["sid"]
    return lambda: pool.create(phone_number_sid=known)


@good("GET", "messaging", POOL)
def list_numbers(world: World) -> Callable[[], Any]:
    pool = world.client.messaging.v1.services(messaging_service(world)).phone_numbers
    for _ in range(3):
        pool.create(phone_number_sid=number(world)._solution["sid"])
    return lambda: pool.list(limit=3, page_size=1)


@good("GET", "messaging", f"{POOL}/{{Sid}}")
def fetch_number(world: World) -> Callable[[], Any]:
    sid, number_sid = pooled(world)
    return world.client.messaging.v1.services(sid).phone_numbers(number_sid).fetch


@good("DELETE", "messaging", f"{POOL}/{{Sid}}")
def remove_number(world: World) -> Callable[[], Any]:
    sid, number_sid = pooled(world)
    return world.client.messaging.v1.services(sid).phone_numbers(number_sid).delete
