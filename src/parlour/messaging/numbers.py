"""Numbers: attached to an account and to the carrier connection that serves them (channels.md §1.5)."""

import re
from typing import Final

from parlour.messaging import errors
from parlour.messaging.store import numbers as store
from parlour.messaging.store.numbers import Number
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork

E164: Final = re.compile(r"\+[1-9]\d{6,14}")
API_VERSION: Final = "2010-04-01"


def is_phone_number(text: str) -> bool:
    """Say whether a text has the form of a phone number with its country code."""
    return E164.fullmatch(text) is not None


async def create(
    uow: UnitOfWork,
    *,
    phone_number: str,
    friendly_name: str = "",
    sms_url: str = "",
    sms_method: str = "POST",
    sms_fallback_url: str = "",
    sms_fallback_method: str = "POST",
    connection_sid: str | None = None,
    type: str = "local",  # noqa: A002 - the contract's word
    api_version: str = API_VERSION,
) -> Number:
    """Attach a number to the account.

    :param connection_sid: the carrier connection that carries its texts.
    :raises ContractError: 21421 not a phone number, 21422 the account has it, 21406 fallback without `sms_url`.
    """
    if not is_phone_number(phone_number):
        raise errors.bad_number(phone_number)
    if sms_fallback_url and not sms_url:
        raise errors.FALLBACK_WITHOUT_URL
    row = Number(
        account_sid=uow.account_sid,
        sid=uow.new_sid("PN"),
        phone_number=phone_number,
        friendly_name=friendly_name or phone_number,
        type=type,
        connection_sid=connection_sid,
        sms_url=sms_url,
        sms_method=sms_method,
        sms_fallback_url=sms_fallback_url,
        sms_fallback_method=sms_fallback_method,
        api_version=api_version,
        date_created=uow.now,
        date_updated=uow.now,
    )
    if not await store.insert(uow, row):
        raise errors.number_taken(phone_number)
    return row


async def update(
    uow: UnitOfWork,
    sid: str,
    *,
    friendly_name: str | None = None,
    sms_url: str | None = None,
    sms_method: str | None = None,
    sms_fallback_url: str | None = None,
    sms_fallback_method: str | None = None,
    api_version: str | None = None,
    connection_sid: str | None = None,
) -> Number:
    """Change what is given of a number.

    :raises ContractError: 404; 21406 fallback without `sms_url`.
    """
    row = await store.lock(uow, sid)
    if row is None:
        raise not_found(sid)
    given = {
        "friendly_name": friendly_name,
        "sms_url": sms_url,
        "sms_method": sms_method,
        "sms_fallback_url": sms_fallback_url,
        "sms_fallback_method": sms_fallback_method,
        "api_version": api_version,
        "connection_sid": connection_sid,
    }
    for name, value in given.items():
        if value is not None:
            setattr(row, name, value)
    if row.sms_fallback_url and not row.sms_url:
        raise errors.FALLBACK_WITHOUT_URL
    row.date_updated = uow.now
    await store.update(uow, row)
    return row


async def fetch(reader: Reader, sid: str) -> Number:
    """Return a number.

    :raises ContractError: 404.
    """
    row = await store.fetch(reader, sid)
    if row is None:
        raise not_found(sid)
    return row


async def by_number(reader: Reader, phone_number: str) -> Number | None:
    """Return the account's number with these digits, or None."""
    return await store.by_number(reader, phone_number)


async def remove(uow: UnitOfWork, sid: str) -> None:
    """Give a number back.

    :raises ContractError: 404.
    """
    if not await store.delete(uow, sid):
        raise not_found(sid)
