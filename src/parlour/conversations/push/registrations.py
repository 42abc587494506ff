"""Devices of users that asked for push: made by clients, read and deleted by the account (conversations.md §9)."""

from collections.abc import Sequence
from typing import Any, Final

from parlour.conversations import reachability
from parlour.conversations.push import store
from parlour.conversations.push.schemas import TYPES
from parlour.conversations.push.store import Binding
from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork

MESSAGE_TYPES: Final = ("new_message", "added_to_conversation", "removed_from_conversation")
_PREFIX: Final = "twilio.conversations."
ADDRESS_MAX: Final = 4096  # characters


async def register(
    uow: UnitOfWork,
    *,
    chat_service_sid: str,
    identity: str,
    credential_sid: str | None,
    endpoint: str | None,
    body: dict[str, Any],
) -> Binding:
    """Register a user's device; one that is known moves to this user.

    `credential_sid`, `endpoint`: of the chat grant. Errors: 20001 malformed, or the grant names no credential of the
    device's type (realtime-protocol.md §12).
    """
    kind, address = _type(body.get("channel_type")), _address(body)
    credential = await store.fetch_credential(uow, credential_sid or "")
    if credential is None or credential.type != kind:
        raise invalid_parameter("push_credential_sid", f"the chat grant names no credential of type {kind}")
    row = Binding(
        account_sid=uow.account_sid,
        sid=uow.new_sid("BS"),
        chat_service_sid=chat_service_sid,
        credential_sid=credential.sid,
        identity=identity,
        endpoint=endpoint or address,
        address=address,
        binding_type=kind,
        message_types=_message_types(body.get("message_types")),
        date_created=uow.now,
        date_updated=uow.now,
    )
    before = await store.owner_of_device(uow, chat_service_sid, kind, address)
    registered = await store.put_binding(uow, row)
    await reachability.devices_changed(uow, chat_service_sid, [identity, *([] if before is None else [before])])
    return registered


def _type(given: object) -> str:
    kind = given.lower() if isinstance(given, str) else ""
    if kind not in TYPES:
        raise invalid_parameter("channel_type", f"must be one of {', '.join(TYPES)}", 50209)
    return kind


def _address(body: dict[str, Any]) -> str:
    data = body.get("data")
    address = data.get("registration_id") if isinstance(data, dict) else None
    if not isinstance(address, str) or not 0 < len(address) <= ADDRESS_MAX:
        raise invalid_parameter("data.registration_id", f"a text of 1 to {ADDRESS_MAX} characters")
    return address


def _message_types(given: object) -> list[str]:
    """Return the published ones among the names a client gives; it also names some that are no push."""
    names = given if isinstance(given, list) else []
    known = [name.removeprefix(_PREFIX) for name in names if isinstance(name, str)]
    return [name for name in MESSAGE_TYPES if name in known]


async def unregister(
    uow: UnitOfWork, *, chat_service_sid: str, identity: str, sid: str = "", binding_type: str = "", address: str = ""
) -> None:
    """Delete a user's own device by SID, or by type and address. Error: 404/20404."""
    if not await store.delete_binding_of(
        uow, chat_service_sid, identity, sid=sid, binding_type=binding_type.lower(), address=address
    ):
        raise not_found(sid or address)
    await reachability.devices_changed(uow, chat_service_sid, [identity])


async def fetch(reader: Reader, chat_service_sid: str, sid: str) -> Binding:
    """Return a device of a service. Error: 404/20404."""
    row = await store.fetch_binding(reader, chat_service_sid, sid)
    if row is None:
        raise not_found(sid)
    return row


async def page(
    reader: Reader, chat_service_sid: str, *, types: Sequence[str], identities: Sequence[str], after: str, limit: int
) -> list[Binding]:
    """Return devices of a service in the order of their making."""
    return await store.page_of_bindings(
        reader, chat_service_sid, types=types, identities=identities, after=after, limit=limit
    )


async def remove(uow: UnitOfWork, chat_service_sid: str, sid: str) -> None:
    """Delete a device. Error: 404/20404."""
    identity = await store.delete_binding(uow, chat_service_sid, sid)
    if identity is None:
        raise not_found(sid)
    await reachability.devices_changed(uow, chat_service_sid, [identity])
