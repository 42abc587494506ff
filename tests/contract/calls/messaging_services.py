"""Good calls of messaging services and their pools of numbers (channels.md §1.5)."""

from collections.abc import Callable
from typing import Any

from tests.contract.good_calls import good
from tests.contract.world import World

SERVICES = "/v1/Services"
POOL = f"{SERVICES}/{{ServiceSid}}/PhoneNumbers"
USECASES = ("notifications", "marketing", "verification", "discussion", "poll", "undeclared")


def options(world: World) -> dict[str, Any]:
    """Return what may be set of a service."""
    return {
        "friendly_name": world.unique("Desk"),
        "inbound_request_url": f"https://example.com/{world.unique('in')}",
        "inbound_method": world.pick("GET", "POST"),
        "fallback_url": f"https://example.com/{world.unique('fallback')}",
        "fallback_method": world.pick("GET", "POST"),
        "status_callback": f"https://example.com/{world.unique('status')}",
        "sticky_sender": world.pick(True, False),
        "mms_converter": world.pick(True, False),
        "smart_encoding": world.pick(True, False),
        "scan_message_content": world.pick("inherit", "enable", "disable"),
        "fallback_to_long_code": world.pick(True, False),
        "area_code_geomatch": world.pick(True, False),
        "validity_period": world.pick(600, 36_000),
        "synchronous_validation": world.pick(True, False),
        "usecase": world.pick(*USECASES),
        "use_inbound_webhook_on_number": world.pick(True, False),
    }


def service(world: World) -> Any:
    """Return the context of a new service."""
    root = world.client.messaging.v1
    return root.services(root.services.create(friendly_name=world.unique("Desk")).sid)


def number_sid(world: World) -> str:
    """Return a new number of the account."""
    return str(world.client.incoming_phone_numbers.create(phone_number=world.phone()).sid)


def with_numbers(world: World, count: int) -> tuple[Any, list[str]]:
    """Return a new service and the numbers of its pool."""
    made = service(world)
    return made, [made.phone_numbers.create(phone_number_sid=number_sid(world)).sid for _ in range(count)]


@good("POST", "messaging", SERVICES)
def create_service(world: World) -> Callable[[], Any]:
    return lambda: [world.client.messaging.v1.services.create(**options(world)) for _ in range(6)]


@good("GET", "messaging", SERVICES)
def list_services(world: World) -> Callable[[], Any]:
    for _ in range(2):
        service(world)
    return lambda: world.client.messaging.v1.services.list(limit=3, page_size=1)


@good("GET", "messaging", f"{SERVICES}/{{Sid}}")
def fetch_service(world: World) -> Callable[[], Any]:
    return service(world).fetch  # type: ignore[no-any-return]


@good("POST", "messaging", f"{SERVICES}/{{Sid}}")
def update_service(world: World) -> Callable[[], Any]:
    made = service(world)
    return lambda: [made.update(**options(world)) for _ in range(6)]


@good("DELETE", "messaging", f"{SERVICES}/{{Sid}}")
def delete_service(world: World) -> Callable[[], Any]:
    return service(world).delete  # type: ignore[no-any-return]


@good("POST", "messaging", POOL)
def add_number(world: World) -> Callable[[], Any]:
    made, number = service(world), number_sid(world)
    return lambda: made.phone_numbers.create(phone_number_sid=number)


@good("GET", "messaging", POOL)
def list_numbers(world: World) -> Callable[[], Any]:
    made, _ = with_numbers(world, 3)
    return lambda: made.phone_numbers.list(limit=3, page_size=1)


@good("GET", "messaging", f"{POOL}/{{Sid}}")
def fetch_number(world: World) -> Callable[[], Any]:
    made, numbers = with_numbers(world, 1)
    return made.phone_numbers(numbers[0]).fetch  # type: ignore[no-any-return]


@good("DELETE", "messaging", f"{POOL}/{{Sid}}")
def delete_number(world: World) -> Callable[[], Any]:
    made, numbers = with_numbers(world, 1)
    return made.phone_numbers(numbers[0]).delete  # type: ignore[no-any-return]
