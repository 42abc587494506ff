"""Senders of channels other than texts: a WhatsApp number or a Messenger page of the account (channels.md §1.5, §6)."""

from parlour.messaging.store import senders as store
from parlour.messaging.store.senders import Sender
from parlour.store.unit import UnitOfWork

__all__ = ["Sender", "attach", "by_address"]

by_address = store.by_address


async def attach(uow: UnitOfWork, address: str, *, connection_sid: str | None) -> Sender:
    """Make a sender, or have another carrier serve the one that there is."""
    row = Sender(
        account_sid=uow.account_sid,
        sid=uow.new_sid("XE"),
        address=address,
        connection_sid=connection_sid,
        date_created=uow.now,
        date_updated=uow.now,
    )
    return await store.put(uow, row)
