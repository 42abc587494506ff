"""Messaging services: a pool of numbers that send under one SID (channels.md §1.5)."""

from typing import Any, Final

import msgspec

from parlour.messaging import errors
from parlour.messaging.store import numbers as number_store
from parlour.messaging.store import services as store
from parlour.messaging.store.services import Pooled, Service
from parlour.outbox.facts import state
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork

__all__ = ["Pooled", "Service", "add_number", "create", "fetch", "fetch_number", "pick_sender", "remove", "update"]

DEFAULT_NAME: Final = "Default Messaging Service for Conversations"
REMOVED: Final = "messaging_service.removed/1"
POOL_MAX: Final = 400  # numbers of one service (21714)
AREA_CODE: Final = 5  # characters of a number with country code 1 up to its area code


async def create(uow: UnitOfWork, *, friendly_name: str, **given: Any) -> Service:
    """Create a service; `given` are values of its columns."""
    row = Service(
        account_sid=uow.account_sid,
        sid=uow.new_sid("MG"),
        friendly_name=friendly_name,
        date_created=uow.now,
        date_updated=uow.now,
        **given,
    )
    await store.insert(uow, row)
    return row


async def create_default(uow: UnitOfWork) -> Service:
    """Create the service that an account's conversations have until others are made."""
    return await create(uow, friendly_name=DEFAULT_NAME)


async def fetch(reader: Reader, sid: str) -> Service:
    """Return a service. Error: 404/20404."""
    row = await store.fetch(reader, sid)
    if row is None:
        raise not_found(sid)
    return row


async def oldest(reader: Reader) -> Service | None:
    """Return the account's first service."""
    return await store.oldest(reader)


async def update(uow: UnitOfWork, sid: str, **given: Any) -> Service:
    """Change columns of a service. Error: 404/20404."""
    row = await store.lock(uow, sid)
    if row is None:
        raise not_found(sid)
    for name, value in given.items():
        setattr(row, name, value)
    row.date_updated = uow.now
    await store.update(uow, row)
    return row


async def remove(uow: UnitOfWork, sid: str) -> None:
    """Delete a service; its numbers stay the account's. Error: 404/20404."""
    row = await store.lock(uow, sid)
    if row is None:
        raise not_found(sid)
    await state(uow, REMOVED, stream=sid, object_sid=sid, snapshot=msgspec.to_builtins(row))
    await store.delete(uow, sid)


async def add_number(uow: UnitOfWork, sid: str, number_sid: str) -> Pooled:
    """Put a number into the pool.

    Errors: 404/20404 no such service, 21704 no such number, 409/21710 it is in the pool, 409/21712 in another's,
    21714 the pool is full.
    """
    if await store.lock(uow, sid) is None:
        raise not_found(sid)
    if await number_store.fetch(uow, number_sid) is None:
        raise errors.no_number(number_sid)
    if await store.count_numbers(uow, sid) >= POOL_MAX:
        raise errors.POOL_FULL
    if not await store.add_number(uow, sid, number_sid):
        holder = await store.pooled(uow, number_sid)
        raise errors.in_service(number_sid) if holder and holder.service_sid == sid else errors.elsewhere(number_sid)
    return await fetch_number(uow, sid, number_sid)


async def fetch_number(reader: Reader, sid: str, number_sid: str) -> Pooled:
    """Return a number of the pool. Error: 404/20404."""
    row = await store.fetch_number(reader, sid, number_sid)
    if row is None:
        raise not_found(f"{sid}/{number_sid}")
    return row


async def remove_number(uow: UnitOfWork, sid: str, number_sid: str) -> None:
    """Take a number out of the pool. Error: 404/20404."""
    if not await store.remove_number(uow, sid, number_sid):
        raise not_found(f"{sid}/{number_sid}")


async def pick_sender(reader: Reader, sid: str, to_address: str, wanted: str | None = None) -> str:
    """Return the number of the pool that texts a recipient: the one wanted, the last one, the nearest, the first.

    `wanted` must be in the pool. Errors: 21701 no such service, 21703 its pool is empty, 21606 not in the pool.
    """
    row = await store.fetch(reader, sid)
    if row is None:
        raise errors.no_service(sid)
    pool = [one.phone_number for one in await store.page_of_numbers(reader, sid, after="", limit=POOL_MAX)]
    if not pool:
        raise errors.no_sender(sid)
    if wanted:
        if wanted not in pool:
            raise errors.bad_from(wanted)
        return wanted
    last = await store.last_sender(reader, to_address, pool) if row.sticky_sender else None
    near = next((one for one in pool if _same_area(one, to_address)), None) if row.area_code_geomatch else None
    return last or near or pool[0]


def _same_area(one: str, other: str) -> bool:
    return one.startswith("+1") and one[:AREA_CODE] == other[:AREA_CODE]
