"""Messaging services: a pool of numbers under one name, and what becomes of their texts (channels.md §1.5, §1.8)."""

from typing import Final
from urllib.parse import urlsplit

import msgspec
from phonenumbers import NumberParseException, parse, region_code_for_country_code, region_code_for_number

from parlour.messaging import errors
from parlour.messaging.store import services as store
from parlour.messaging.store.numbers import Number
from parlour.messaging.store.services import PoolNumber, Service
from parlour.outbox.facts import state
from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork

DEFAULT_NAME: Final = "Default Messaging Service for Conversations"
REMOVED: Final = "messaging_service.removed/1"
POOL_MAX: Final = 400  # numbers (21714)
VALIDITY: Final = 36_000  # seconds
NORTH_AMERICA: Final = "+1"
AREA_CODE_END: Final = 5  # characters of +1 and the area code

of_number = store.of_number
oldest = store.oldest


class Settings(msgspec.Struct, kw_only=True, frozen=True):
    """What may be set of a service; None leaves a field as it is, an empty URL takes it away."""

    friendly_name: str | None = None
    inbound_request_url: str | None = None
    inbound_method: str | None = None
    fallback_url: str | None = None
    fallback_method: str | None = None
    status_callback: str | None = None
    sticky_sender: bool | None = None
    mms_converter: bool | None = None
    smart_encoding: bool | None = None
    scan_message_content: str | None = None
    fallback_to_long_code: bool | None = None
    area_code_geomatch: bool | None = None
    validity_period: int | None = None
    synchronous_validation: bool | None = None
    usecase: str | None = None
    use_inbound_webhook_on_number: bool | None = None
    autocreate: bool | None = None


URLS: Final = {
    "inbound_request_url": "InboundRequestUrl",
    "fallback_url": "FallbackUrl",
    "status_callback": "StatusCallback",
}


def _apply(row: Service, given: Settings) -> None:
    for name in given.__struct_fields__:
        value = getattr(given, name)
        if value is None:
            continue
        if name in URLS:
            value = value or None
            if value is not None and not is_url(value):
                raise invalid_parameter(URLS[name], f"'{value[:200]}' is not an http or https URL")
        setattr(row, name, value)


def is_url(text: str) -> bool:
    """Say whether a text is an address that webhooks are sent to."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


async def create(uow: UnitOfWork, given: Settings) -> Service:
    """Make a service with an empty pool.

    :raises ContractError: 20001, a URL is none or the name is missing.
    """
    if not given.friendly_name:
        raise invalid_parameter("FriendlyName", "1 to 64 characters")
    row = Service(
        account_sid=uow.account_sid,
        sid=uow.new_sid("MG"),
        friendly_name=given.friendly_name,
        inbound_request_url=None,
        inbound_method="POST",
        fallback_url=None,
        fallback_method="POST",
        status_callback=None,
        sticky_sender=True,
        mms_converter=True,
        smart_encoding=True,
        scan_message_content="inherit",
        fallback_to_long_code=True,
        area_code_geomatch=True,
        validity_period=VALIDITY,
        synchronous_validation=False,
        usecase="undeclared",
        use_inbound_webhook_on_number=False,
        autocreate=False,
        date_created=uow.now,
        date_updated=uow.now,
    )
    _apply(row, given)
    await store.insert(uow, row)
    return row


async def create_default(uow: UnitOfWork) -> Service:
    """Make the service that an account's conversations have until it says otherwise (conversations.md §2.3)."""
    return await create(uow, Settings(friendly_name=DEFAULT_NAME))


async def update(uow: UnitOfWork, sid: str, given: Settings) -> Service:
    """Change what is given of a service.

    :raises ContractError: 404; 20001, a URL is none.
    """
    row = await store.lock(uow, sid)
    if row is None:
        raise not_found(sid)
    if given.friendly_name == "":
        raise invalid_parameter("FriendlyName", "1 to 64 characters")
    _apply(row, given)
    row.date_updated = uow.now
    await store.update(uow, row)
    return row


async def fetch(reader: Reader, sid: str) -> Service:
    """Return a service.

    :raises ContractError: 404.
    """
    row = await store.fetch(reader, sid)
    if row is None:
        raise not_found(sid)
    return row


async def remove(uow: UnitOfWork, sid: str) -> None:
    """Delete a service; its numbers are free again. States `messaging_service.removed/1`.

    :raises ContractError: 404.
    """
    row = await store.lock(uow, sid)
    if row is None:
        raise not_found(sid)
    await state(uow, REMOVED, stream=sid, object_sid=sid, snapshot=msgspec.to_builtins(row))
    await store.delete(uow, sid)


async def add_number(uow: UnitOfWork, service_sid: str, number_sid: str) -> PoolNumber:
    """Put a number of the account into the pool.

    :raises ContractError: 404; 21710 it is in this pool, 21712 in another, 21714 the pool is full.
    """
    if await store.lock(uow, service_sid) is None:
        raise not_found(service_sid)
    if await store.pool_size(uow, service_sid) >= POOL_MAX:
        raise errors.pool_full(POOL_MAX)
    if not await store.add_number(uow, service_sid, number_sid):
        raise errors.number_in_service(number_sid, here=await store.holder(uow, number_sid) == service_sid)
    return await fetch_number(uow, service_sid, number_sid)


async def fetch_number(reader: Reader, service_sid: str, number_sid: str) -> PoolNumber:
    """Return a number of the pool.

    :raises ContractError: 404.
    """
    await fetch(reader, service_sid)
    row = await store.fetch_number(reader, service_sid, number_sid)
    if row is None:
        raise not_found(number_sid)
    return row


async def remove_number(uow: UnitOfWork, service_sid: str, number_sid: str) -> None:
    """Take a number out of the pool; whoever knew the service by it gets another next time.

    :raises ContractError: 404.
    """
    await fetch(uow, service_sid)
    if not await store.remove_number(uow, service_sid, number_sid):
        raise not_found(number_sid)


async def choose_sender(uow: UnitOfWork, service: Service, recipient: str) -> Number | None:
    """Choose the number a text goes out from; None when the pool has none for this recipient.

    A sticky service keeps to the number that the recipient knows; else the number of the recipient's area code comes
    first (`area_code_geomatch`, in North America), and among equals the one that was not used for longest.
    """
    known = await store.sticky(uow, service.sid, recipient) if service.sticky_sender else None
    if known is not None:
        return known
    near = service.area_code_geomatch and recipient.startswith(NORTH_AMERICA)
    found = await store.choose(uow, service.sid, recipient, prefix=recipient[:AREA_CODE_END] if near else "")
    if found is not None and service.sticky_sender:
        await store.stick(uow, service.sid, recipient, found.sid)
    return found


def country_of(phone_number: str) -> str | None:
    """Return the ISO 3166-1 country of a number, None where it is not known."""
    try:
        number = parse(phone_number)
    except NumberParseException:
        return None
    region = region_code_for_number(number) or region_code_for_country_code(number.country_code or 0)
    return None if region in ("ZZ", "001") else str(region)
