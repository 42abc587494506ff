"""Deleting a service: hidden at once, emptied afterwards in small units (conversations.md §1.1)."""

from typing import Final

from parlour.conversations import conversations, errors
from parlour.conversations.events import API, Origin
from parlour.conversations.store import conversations as conversation_store
from parlour.conversations.store import services as store
from parlour.outbox.timers import schedule
from parlour.rest.errors import not_found
from parlour.store.unit import UnitOfWork

HANDLER: Final = "service.empty"
BATCH: Final = 20  # conversations removed in one unit


async def remove(uow: UnitOfWork, sid: str) -> None:
    """Delete a service with all that is in it.

    Errors: 404/20404; 409/20409 it is the default service, or an address makes conversations in it.
    """
    if await store.lock_service(uow, sid) is None:
        raise not_found(sid)
    if await store.default_service_sid(uow) == sid:
        raise errors.SERVICE_IN_USE.error(sid=sid, user="the account, whose default it is,")
    address = await store.address_with_service(uow, sid)
    if address is not None:
        raise errors.SERVICE_IN_USE.error(sid=sid, user=f"address {address}")
    await store.remove_service(uow, sid)
    schedule(uow, HANDLER, lane=f"service:{sid}", payload={"sid": sid})


async def empty(uow: UnitOfWork, sid: str, *, origin: Origin = API) -> None:
    """Remove a batch of the conversations of a deleted service, and go on later if there are more."""
    rows = await conversation_store.page(uow, scope=sid, start=None, end=None, state=None, after=None, limit=BATCH)
    for row in rows:
        await conversations.remove(uow, row.sid, origin=origin)
    if len(rows) == BATCH:
        schedule(uow, HANDLER, lane=f"service:{sid}", payload={"sid": sid})
