"""A web chat: a visitor's conversation at a chat address (flex.md §4.2)."""

from typing import Any, Final
from uuid import uuid4

import msgspec

from parlour.conversations import addresses, attachments, conversations, inbound, participants, roles, users
from parlour.conversations.addresses import AddressConfiguration
from parlour.flex.web_chats import errors
from parlour.kit.wire import decode_json, json_text
from parlour.store.unit import Reader, UnitOfWork

DATA_MAX: Final = 16 * 1024  # bytes of pre-engagement data
GUEST: Final = "guest"
CHAT: Final = "chat"
ANYBODY: Final = "Customer"  # a visitor who gave no name


class WebChat(msgspec.Struct, frozen=True, kw_only=True):
    """A chat that was opened."""

    conversation_sid: str
    identity: str
    chat_service_sid: str


def new_identity() -> str:
    """Return an identity for a visitor who has none."""
    return f"FX{uuid4().hex}"


def read_data(text: str | None) -> Any:
    """Read the data of the form that a visitor filled in.

    :raises ContractError: 45731 too large, 45733 not JSON.
    """
    if not text:
        return None
    if len(text.encode()) > DATA_MAX:
        raise errors.data_too_large(DATA_MAX)
    try:
        return decode_json(text)
    except msgspec.DecodeError as error:
        raise errors.data_not_json(str(error)) from error


async def address_of(reader: Reader, sid: str) -> AddressConfiguration:
    """Return an address that makes web chats.

    :raises ContractError: 45765 not found, 45762 not a chat address, 45761 switched off.
    """
    found = await addresses.find(reader, sid)
    if found is None or found.sid != sid:
        raise errors.address_not_found(sid)
    if found.type != CHAT:
        raise errors.address_type(sid, found.type)
    if not found.enabled:
        raise errors.address_disabled(sid)
    return found


async def open_chat(
    uow: UnitOfWork,
    address: AddressConfiguration,
    *,
    identity: str,
    customer_name: str | None,
    chat_name: str | None,
    data: Any,
) -> WebChat:
    """Make the visitor, the conversation with its integration, and put the visitor in.

    The integration hears of the visitor's first message, not of this.

    :param data: of the pre-engagement form; kept in the conversation's attributes.
    :raises ContractError: 50206, 50207 identity, 50003 names.
    """
    attributes = {} if data is None else {"pre_engagement_data": data}
    made = await conversations.create(
        uow,
        friendly_name=chat_name,
        attributes=json_text(attributes),
        chat_service_sid=address.conversation_service_sid,
        created_by="system",
        address_sid=address.sid,
    )
    service_sid = str(made.chat_service_sid)
    user = await users.ensure(uow, chat_service_sid=service_sid, identity=identity)
    name = customer_name or user.friendly_name or ANYBODY
    if user.friendly_name != name:
        await users.update(uow, user.sid, chat_service_sid=service_sid, friendly_name=name)
    attachments.set_scope(uow, made.sid, inbound.ADDRESS_TYPES[CHAT])
    await inbound.integrate(uow, made.sid, address)
    guest = await roles.by_name(uow, chat_service_sid=service_sid, friendly_name=GUEST, type="conversation")
    await participants.add(uow, made.sid, identity=identity, role_sid=None if guest is None else guest.sid)
    return WebChat(conversation_sid=made.sid, identity=identity, chat_service_sid=service_sid)
