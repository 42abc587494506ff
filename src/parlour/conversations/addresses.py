"""Address configurations: which conversation a first message makes (conversations.md §8.1)."""

from collections.abc import Sequence
from typing import Final

import msgspec

from parlour.conversations import bindings, checks, errors, webhooks
from parlour.conversations.store import addresses as store
from parlour.conversations.store.addresses import AddressConfiguration
from parlour.kit.sids import is_sid
from parlour.kit.wire import pascal
from parlour.rest.errors import invalid_parameter, not_found
from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

__all__ = ["AddressConfiguration", "AutoCreation", "create", "fetch", "find", "remove", "update"]

TYPES: Final = ("sms", "whatsapp", "messenger", "chat")
UNSUPPORTED_TYPES: Final = ("gbm", "email", "rcs", "apple")
AUTO_CREATION_TYPES: Final = ("default", "webhook", "studio")
RETRIES_MAX: Final = 3
_ALL: Final = ("enabled", "type", "conversation_service_sid")
_TAKES: Final = {
    "default": _ALL,
    "webhook": (*_ALL, "webhook_url", "webhook_method", "webhook_filters"),
    "studio": (*_ALL, "studio_flow_sid", "studio_retry_count"),
}


class AutoCreation(msgspec.Struct, kw_only=True):
    """What becomes of a first message; None leaves a field as it is, or at its default."""

    enabled: bool | None = None
    type: str | None = None
    conversation_service_sid: str | None = None
    webhook_url: str | None = None
    webhook_method: str | None = None
    webhook_filters: Sequence[str] | None = None
    studio_flow_sid: str | None = None
    studio_retry_count: int | None = None


async def create(
    uow: UnitOfWork,
    *,
    type: str,  # noqa: A002 - the contract's word
    address: str,
    friendly_name: str | None = None,
    auto_creation: AutoCreation | None = None,
    address_country: str | None = None,
) -> AddressConfiguration:
    """Configure an address of type `sms`, `whatsapp`, `messenger`, `chat`, or of a registered channel.

    Errors: 20001 a malformed parameter, 409/20409 the address is configured, 50367, 50369-50372 auto-creation.
    """
    kind = _type(type)
    _check_address(kind, address)
    if address_country and not (len(address_country) == 2 and address_country.isalpha()):
        raise invalid_parameter("AddressCountry", f"'{address_country[:64]}' is not an ISO 3166-1 alpha-2 code")
    row = AddressConfiguration(
        account_sid=uow.account_sid,
        sid=uow.new_sid("IG"),
        type=kind,
        address=address,
        friendly_name=checks.friendly_name(friendly_name) or "",
        address_country=address_country,
        enabled=False,
        auto_creation_type="default",
        conversation_service_sid=None,
        webhook_url=None,
        webhook_method=None,
        webhook_filters=None,
        studio_flow_sid=None,
        studio_retry_count=None,
        date_created=uow.now,
        date_updated=uow.now,
    )
    await _apply(uow, row, auto_creation or AutoCreation())
    if not await store.insert(uow, row):
        holder = await store.fetch(uow, address)
        raise errors.ADDRESS_EXISTS.error(address=address, sid=holder.sid if holder else "")
    return row


def _type(text: str) -> str:
    kind = text.lower()
    known = (*TYPES, *bindings.further())
    if kind in UNSUPPORTED_TYPES and kind not in known:
        raise invalid_parameter("Type", f"{kind} addresses are not supported here")
    if kind not in known:
        raise invalid_parameter("Type", f"'{text[:64]}' is not one of {', '.join(known)}")
    return kind


def _check_address(kind: str, address: str) -> None:
    if not address or len(address) > checks.ADDRESS_MAX:
        raise invalid_parameter("Address", f"1 to {checks.ADDRESS_MAX} characters")
    if kind != bindings.CHAT and bindings.channel_of(address) != kind:
        raise invalid_parameter("Address", f"'{address}' is not an address of type {kind}")


async def _apply(reader: Reader, row: AddressConfiguration, given: AutoCreation) -> None:
    if given.enabled is not None:
        row.enabled = given.enabled
    if given.type is not None:
        kind = given.type.lower()
        if kind not in AUTO_CREATION_TYPES:
            raise invalid_parameter(
                "AutoCreation.Type", f"'{given.type}' is not one of {', '.join(AUTO_CREATION_TYPES)}"
            )
        row.auto_creation_type = kind
    for name in given.__struct_fields__:
        if getattr(given, name) is not None and name not in _TAKES[row.auto_creation_type]:
            parameter = f"AutoCreation.{pascal(name)}"
            raise invalid_parameter(parameter, f"auto-creation of type {row.auto_creation_type} does not take it")
    if given.conversation_service_sid is not None:
        await _check_ref(reader, "AutoCreation.ConversationServiceSid", given.conversation_service_sid, "IS")
        row.conversation_service_sid = given.conversation_service_sid
    if given.studio_flow_sid:
        await _check_ref(reader, "AutoCreation.StudioFlowSid", given.studio_flow_sid, "FW")
    if row.auto_creation_type == "webhook":
        _apply_webhook(row, given)
    elif row.auto_creation_type == "studio":
        _apply_studio(row, given)


def _apply_webhook(row: AddressConfiguration, given: AutoCreation) -> None:
    url, method = given.webhook_url or row.webhook_url, given.webhook_method or row.webhook_method
    filters = given.webhook_filters or row.webhook_filters or ()
    row.webhook_url = webhooks.check_url(url, "AutoCreation.WebhookUrl")
    row.webhook_method = webhooks.check_method(method, "AutoCreation.WebhookMethod").upper()
    row.webhook_filters = webhooks.check_filters(filters, "AutoCreation.WebhookFilters")
    row.studio_flow_sid = row.studio_retry_count = None


def _apply_studio(row: AddressConfiguration, given: AutoCreation) -> None:
    flow_sid = given.studio_flow_sid or row.studio_flow_sid
    if not flow_sid:
        raise invalid_parameter("AutoCreation.StudioFlowSid", "needed for auto-creation of type studio")
    retries = given.studio_retry_count if given.studio_retry_count is not None else row.studio_retry_count or 0
    if not 0 <= retries <= RETRIES_MAX:
        raise invalid_parameter("AutoCreation.StudioRetryCount", f"0 to {RETRIES_MAX}")
    row.studio_flow_sid, row.studio_retry_count = flow_sid, retries
    row.webhook_url = row.webhook_method = row.webhook_filters = None


async def _check_ref(reader: Reader, name: str, sid: str, prefix: str) -> None:
    if not is_sid(sid, prefix) or not await refs.check(reader, sid):
        raise invalid_parameter(name, f"{sid} was not found in this account")


async def fetch(reader: Reader, sid_or_address: str) -> AddressConfiguration:
    """Return an address configuration by SID or address. Error: 404/20404."""
    row = await store.fetch(reader, sid_or_address)
    if row is None:
        raise not_found(sid_or_address)
    return row


async def find(reader: Reader, address: str) -> AddressConfiguration | None:
    """Return the configuration of an address, None if it has none."""
    return await store.fetch(reader, address)


async def update(
    uow: UnitOfWork,
    sid_or_address: str,
    *,
    friendly_name: str | None = None,
    auto_creation: AutoCreation | None = None,
) -> AddressConfiguration:
    """Change an address configuration; conversations that exist are not touched. Errors: 404/20404, as in `create`."""
    row = await store.lock(uow, sid_or_address)
    if row is None:
        raise not_found(sid_or_address)
    if friendly_name is not None:
        row.friendly_name = checks.friendly_name(friendly_name) or ""
    await _apply(uow, row, auto_creation or AutoCreation())
    row.date_updated = uow.now
    await store.update(uow, row)
    return row


async def remove(uow: UnitOfWork, sid_or_address: str) -> None:
    """Delete an address configuration; auto-creation stops at once. Error: 404/20404."""
    await store.delete(uow, (await fetch(uow, sid_or_address)).sid)
