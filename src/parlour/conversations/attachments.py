"""What files an account lets its people send on which channel (conversations.md §5.2, §5.3).

Nothing is limited here before the account says so; what a channel itself cannot carry is the channel's matter.
"""

import mimetypes
from collections.abc import Sequence
from typing import Any, Final

from parlour.conversations import errors, group_mms, mediatypes
from parlour.conversations.store import attachments as store
from parlour.conversations.store.attachments import Limits
from parlour.conversations.store.media import Media
from parlour.store.unit import Reader, UnitOfWork

__all__ = ["Limits", "channels_of", "check", "configure"]

WEB: Final = "web"  # the channel of a conversation that has nobody outside chat


async def configure(uow: UnitOfWork, limits: Sequence[Limits]) -> None:
    """Put an account's limits in place of those it had."""
    await store.replace(uow, limits)


def channels_of(listeners: dict[str, Any]) -> list[str]:
    """Return the channels on which a conversation's files go out."""
    types = {str(recipient["type"]) for recipient in listeners["recipients"]}
    if group_mms.GROUP in listeners:
        types.add(group_mms.CHANNEL)
    return sorted(types) or [WEB]


async def check(reader: Reader, channels: Sequence[str], files: Sequence[Media]) -> None:
    """Refuse files that the account does not let out on one of the channels.

    Errors: 50511 not allowed, or of another type; 50512 too large, alone or together, or too many.
    """
    for limits in await store.of_types(reader, channels):
        _check(limits, files)


def _check(limits: Limits, files: Sequence[Media]) -> None:
    channel = limits.address_type
    if not limits.enabled:
        raise errors.ATTACHMENTS_DISABLED.error(channel=channel)
    if len(files) > limits.number_of_attachments:
        raise errors.TOO_MANY_ATTACHMENTS.error(maximum=limits.number_of_attachments, channel=channel)
    for file in files:
        if limits.accepted_extensions and not _extensions(file) & set(limits.accepted_extensions):
            raise errors.ATTACHMENT_TYPE.error(sid=file.sid, channel=channel)
        if file.size > limits.max_file_size:
            raise errors.ATTACHMENT_TOO_LARGE.error(sid=file.sid, maximum=limits.max_file_size, channel=channel)
    if sum(file.size for file in files) > limits.max_total_file_size:
        raise errors.ATTACHMENTS_TOO_LARGE.error(maximum=limits.max_total_file_size, channel=channel)


def _extensions(file: Media) -> set[str]:
    """Return what a file of this type may be called; its own name says nothing about its bytes."""
    kind = mediatypes.essence(file.content_type)
    found = {extension.lstrip(".") for extension in mimetypes.guess_all_extensions(kind)}
    return found or {kind.partition("/")[2]}
