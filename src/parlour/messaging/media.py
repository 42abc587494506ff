"""Files of inbound texts, kept with the log; a conversation that takes a text has its own (channels.md §1.2)."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

from parlour.messaging.store import log
from parlour.messaging.store import media as store
from parlour.messaging.store.media import MessageMedia
from parlour.outbox.timers import schedule
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork

DELETE_FILES: Final = "messaging.delete_files"


class Files(Protocol):
    """Where the bytes lie."""

    def open(self, key: str) -> AsyncIterator[bytes]:
        """Return the bytes of a file in blocks."""
        ...

    async def delete(self, key: str) -> None:
        """Delete a file; one that is gone is no error."""
        ...


def record(uow: UnitOfWork, message_sid: str, *, key: str, content_type: str, size: int) -> None:
    """Keep a stored file with an inbound text."""
    row = MessageMedia(
        account_sid=uow.account_sid,
        sid=uow.new_sid("ME"),
        message_sid=message_sid,
        key=key,
        content_type=content_type,
        size=size,
        date_created=uow.now,
        date_updated=uow.now,
    )
    store.insert(uow, row)


async def fetch(reader: Reader, message_sid: str, sid: str) -> MessageMedia:
    """Return a file's row.

    :raises ContractError: 404.
    """
    await check_message(reader, message_sid)
    row = await store.fetch(reader, message_sid, sid)
    if row is None:
        raise not_found(f"{message_sid}/{sid}")
    return row


async def check_message(reader: Reader, message_sid: str) -> None:
    """Refuse a text that is not in the log.

    :raises ContractError: 404.
    """
    if await log.fetch(reader, message_sid) is None:
        raise not_found(message_sid)


async def remove(uow: UnitOfWork, message_sid: str, sid: str) -> None:
    """Delete a file of a text.

    :raises ContractError: 404.
    """
    await fetch(uow, message_sid, sid)
    _forget(uow, await store.delete(uow, message_sid, sid))


async def remove_of_message(uow: UnitOfWork, message_sid: str) -> None:
    """Delete the files of a text that is deleted from the log."""
    _forget(uow, await store.delete(uow, message_sid))


def _forget(uow: UnitOfWork, keys: Sequence[str]) -> None:
    if keys:
        schedule(uow, DELETE_FILES, lane=f"messaging:files:{keys[0]}", payload={"keys": list(keys)})
