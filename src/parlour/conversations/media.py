"""Media: files of messages (conversations.md §5).

An upload lives five minutes unless a message takes it. Bytes lie in a `MediaStore`; its files are deleted by a job
after the rows are gone.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from parlour.conversations import errors
from parlour.conversations.files import LINK_LIFETIME, MediaStore, Stored, link_path
from parlour.conversations.store import media as store
from parlour.conversations.store.media import Media
from parlour.kit.sids import is_sid
from parlour.outbox.timers import schedule
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork

__all__ = ["Media", "attach", "describe", "discard", "fetch", "record", "remove_of_conversation", "remove_of_message"]

UNATTACHED_LIFETIME: Final = timedelta(minutes=5)
REST_AUTHOR: Final = "sender"  # of uploads by the account; no identity has these as its own (§5.1)
UNATTACHED: Final = "media.unattached"
DELETE_FILES: Final = "media.delete_files"
CATEGORIES: Final = ("media", "body", "history")

remove_of_conversation = store.remove_of_conversation
remove_of_message = store.remove_of_message


async def record(
    uow: UnitOfWork,
    stored: Stored,
    *,
    service_sid: str,
    filename: str | None = None,
    author: str | None = None,
    category: str = "media",
    is_multipart_upstream: bool = False,
) -> Media:
    """Make the row of a stored file; it goes after five minutes unless a message takes it."""
    row = Media(
        account_sid=uow.account_sid,
        sid=uow.new_sid("ME"),
        service_sid=service_sid,
        channel_sid=None,
        message_sid=None,
        size=stored.size,
        content_type=stored.content_type,
        filename=filename,
        author=author,
        category=category,
        sha256=stored.sha256,
        key=stored.key,
        is_multipart_upstream=is_multipart_upstream,
        date_created=uow.now,
        date_updated=uow.now,
        removed_at=None,
    )
    await store.insert(uow, row)
    schedule(uow, UNATTACHED, lane=f"timer:media:{row.sid}", at=uow.now + UNATTACHED_LIFETIME, payload={"sid": row.sid})
    return row


async def unattached_timer_fired(uow: UnitOfWork, sid: str) -> None:
    """Remove an upload that no message took within five minutes."""
    await discard(uow, await store.remove_unattached(uow, sid))


async def discard(uow: UnitOfWork, keys: Sequence[str]) -> None:
    """Have the files of removed media deleted after this unit."""
    if keys:
        schedule(uow, DELETE_FILES, lane=f"media:files:{keys[0]}", payload={"keys": list(keys)})


async def fetch(reader: Reader, sid: str, *, service_sid: str | None = None) -> Media:
    """Return a media row. Error: 404/20404."""
    row = await store.fetch(reader, sid)
    if row is None:
        raise not_found(sid)
    if service_sid is not None and row.service_sid != service_sid:
        raise not_found(f"{service_sid}/{sid}")
    return row


async def attach(
    uow: UnitOfWork,
    sids: Sequence[str],
    *,
    service_sid: str,
    conversation_sid: str,
    message_sid: str,
) -> list[dict[str, Any]]:
    """Bind uploads to a message and return its `media`, in the order given.

    Errors: 50510 malformed SID, 50507 unknown, expired or of another service, 50508 taken by a message (§5.1).
    """
    wanted = list(dict.fromkeys(sids))
    for sid in wanted:
        if not is_sid(sid, "ME"):
            raise errors.MEDIA_SID_INVALID.error(sid=sid)
    found = {row.sid: row for row in await store.lock_all(uow, wanted)}
    for sid in wanted:
        row = found.get(sid)
        if row is None or row.service_sid != service_sid:
            raise errors.MEDIA_NOT_FOUND.error(sid=sid)
        if row.message_sid is not None:
            raise errors.MEDIA_ALREADY_SENT.error(sid=sid)
    await store.attach(uow, wanted, message_sid=message_sid, conversation_sid=conversation_sid)
    return [describe(found[sid]) for sid in wanted]


def describe(row: Media) -> dict[str, Any]:
    """Return what a message keeps of one of its media."""
    return {
        "sid": row.sid,
        "size": row.size,
        "content_type": row.content_type,
        "filename": row.filename,
        "category": row.category,
    }


async def signed_path(
    reader: Reader, media_store: MediaStore, sid: str, lifetime: timedelta = timedelta(seconds=LINK_LIFETIME)
) -> str:
    """Return the path below the `mcs` product at which anybody may fetch a file for `lifetime`. Error: 404/20404."""
    row = await fetch(reader, sid)
    return link_path(
        media_store.secret,
        account_sid=row.account_sid,
        media_sid=row.sid,
        expires=reader.now + lifetime,
        filename=row.filename,
    )
