"""Good calls of the message log and of numbers (channels.md §1)."""

import json
from collections.abc import Callable
from typing import Any

from tests.contract.calls.content import template
from tests.contract.calls.messaging_services import with_numbers
from tests.contract.good_calls import good
from tests.contract.world import World

BASE = "/2010-04-01/Accounts/{AccountSid}"
NUMBERS = f"{BASE}/IncomingPhoneNumbers"


def text(world: World) -> Any:
    """Return a new message of the log."""
    return world.client.messages.create(to=world.phone(), from_=world.keep("sender", world.number), body="Hello")


@good("POST", "api", f"{BASE}/Messages.json")
def create_message(world: World) -> Callable[[], Any]:
    sender, to = world.number(), world.phone()
    service, numbers = with_numbers(world, 1)
    number = world.client.incoming_phone_numbers(numbers[0]).fetch()
    service_sid = service.fetch().sid
    world.client.messages.create(to=to, messaging_service_sid=service_sid, body="Hello")
    for name in ("Ana", "Ben"):
        variables = json.dumps({"name": name})
        world.client.messages.create(to=to, from_=sender, content_sid=template(world), content_variables=variables)
    return lambda: [
        world.client.messages.create(
            to=to,
            body=world.unique("Hello"),
            media_url=[f"https://example.com/{world.unique('picture')}.png"],
            status_callback=f"https://example.com/{world.unique('status')}",
            **chosen,
        )
        for chosen in (
            {"from_": number.phone_number, "messaging_service_sid": service_sid},
            {"from_": sender},
        )
    ]


@good("GET", "api", f"{BASE}/Messages.json")
def list_messages(world: World) -> Callable[[], Any]:
    sent = [text(world) for _ in range(3)]
    day = world.pick("2020-01-01", "2021-01-01")
    before = world.pick("2090-01-01", "2091-01-01")
    world.client.messages.list(date_sent_after=day, date_sent_before=before, limit=3, page_size=1)
    world.client.messages.list(limit=3, page_size=1)
    world.client.messages.list(date_sent=day, limit=3)
    return lambda: world.client.messages.list(to=sent[0].to, from_=sent[0].from_, limit=3, page_size=1)


@good("GET", "api", f"{BASE}/Messages/{{Sid}}.json")
def fetch_message(world: World) -> Callable[[], Any]:
    known = text(world)
    return lambda: world.client.messages(known.sid).fetch()


@good("POST", "api", f"{BASE}/Messages/{{Sid}}.json")
def update_message(world: World) -> Callable[[], Any]:
    known = text(world)
    return lambda: world.client.messages(known.sid).update(body="")


@good("DELETE", "api", f"{BASE}/Messages/{{Sid}}.json")
def delete_message(world: World) -> Callable[[], Any]:
    known = text(world)
    return lambda: world.client.messages(known.sid).delete()


def options(world: World) -> dict[str, Any]:
    """Return what may be set of a number."""
    return {
        "friendly_name": world.unique("Shop"),
        "sms_url": f"https://example.com/{world.unique('sms')}",
        "sms_method": world.pick("GET", "POST"),
        "sms_fallback_url": f"https://example.com/{world.unique('sms')}",
        "sms_fallback_method": world.pick("GET", "POST"),
        "api_version": world.pick("2010-04-01", "2008-08-01"),
    }


def kind(path: str, of: Callable[[Any], Any]) -> None:
    """Register making and listing numbers of a kind."""

    def create(world: World) -> Callable[[], Any]:
        return lambda: of(world.client.incoming_phone_numbers).create(phone_number=world.phone(), **options(world))

    def read(world: World) -> Callable[[], Any]:
        numbers = of(world.client.incoming_phone_numbers)
        for _ in range(3):
            numbers.create(phone_number=world.phone(), friendly_name=world.pick("Shop", "Desk"))
        return lambda: numbers.list(
            phone_number=world.pick("+1415", "1415"),
            friendly_name=world.pick("Shop", "Desk"),
            beta=world.pick(True, False),
            origin=world.pick("twilio", "hosted"),
            limit=3,
            page_size=1,
        )

    good("POST", "api", f"{NUMBERS}{path}.json")(create)
    good("GET", "api", f"{NUMBERS}{path}.json")(read)


kind("", lambda numbers: numbers)
kind("/Local", lambda numbers: numbers.local)
kind("/Mobile", lambda numbers: numbers.mobile)
kind("/TollFree", lambda numbers: numbers.toll_free)


def number(world: World) -> Any:
    """Return the context of a new number."""
    return world.client.incoming_phone_numbers(
        world.client.incoming_phone_numbers.create(phone_number=world.phone()).sid
    )


@good("GET", "api", f"{NUMBERS}/{{Sid}}.json")
def fetch_number(world: World) -> Callable[[], Any]:
    return number(world).fetch  # type: ignore[no-any-return]


@good("POST", "api", f"{NUMBERS}/{{Sid}}.json")
def update_number(world: World) -> Callable[[], Any]:
    known = number(world)
    return lambda: known.update(**options(world))


@good("DELETE", "api", f"{NUMBERS}/{{Sid}}.json")
def delete_number(world: World) -> Callable[[], Any]:
    return number(world).delete  # type: ignore[no-any-return]
