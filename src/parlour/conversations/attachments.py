"""Limits of attachments by address type (flex.md §3.3).

Conversations of an address or under Flex have them; they hold for what is written through the API and the SDKs, not
for what a customer sends in through a channel, which is kept as it comes.
"""

import mimetypes
from collections.abc import Mapping, Sequence
from typing import Any, Final

from parlour.conversations import errors
from parlour.conversations.mediatypes import essence
from parlour.conversations.store import attachments as store
from parlour.conversations.store.attachments import Limits
from parlour.store.unit import Reader

__all__ = ["FALLBACK", "Limits", "check", "check_upload", "replace", "set_scope"]

replace = store.replace
set_scope = store.set_scope

_MB: Final = 1024 * 1024
# What holds for an address type that the configuration does not name, as in the desktop (flex.md §3.3).
FALLBACK: Final = Limits(
    address_type="",
    chat_service_sid="",
    enabled=True,
    number_of_attachments=1,
    max_file_size=10 * _MB,
    max_total_file_size=10 * _MB,
    accepted_extensions=["jpg", "jpeg", "png", "gif", "txt", "pdf"],
)
# Where the registry of the machine knows other names than people use.
FURTHER_EXTENSIONS: Final = {
    "image/jpeg": {"jpg", "jpeg"},
    "audio/mpeg": {"mp3"},
    "audio/mp3": {"mp3"},
    "audio/amr": {"amr"},
    "audio/ogg": {"oga", "ogg"},
    "image/heic": {"heic"},
    "text/plain": {"txt"},
}


async def check(reader: Reader, conversation_sid: str, files: Sequence[Mapping[str, Any]]) -> None:
    """Refuse files that the limits of a conversation do not allow.

    :param files: as a message keeps them: `sid`, `size` (bytes), `content_type`, `filename`, `category`.
    :raises ContractError: 50511 attachments are off or the type is not accepted, 50512 too large, 20001 too many.
    """
    found = await store.of_conversation(reader, conversation_sid)
    wanted = [file for file in files if file["category"] == "media"]
    if found is None or not wanted:
        return
    kind, limits = found[0], found[1] or FALLBACK
    if not limits.enabled:
        raise errors.ATTACHMENTS_DISABLED.error(type=kind)
    if len(wanted) > limits.number_of_attachments:
        raise errors.ATTACHMENTS_TOO_MANY.error(type=kind, maximum=limits.number_of_attachments)
    for file in wanted:
        if not extensions_of(file) & set(limits.accepted_extensions):
            raise errors.ATTACHMENT_NOT_ACCEPTED.error(
                sid=file["sid"], type=kind, accepted=", ".join(limits.accepted_extensions)
            )
        if file["size"] > limits.max_file_size:
            raise errors.ATTACHMENT_TOO_LARGE.error(sid=file["sid"], type=kind, maximum=limits.max_file_size)
    if sum(file["size"] for file in wanted) > limits.max_total_file_size:
        raise errors.ATTACHMENTS_TOO_LARGE.error(type=kind, maximum=limits.max_total_file_size)


async def check_upload(reader: Reader, chat_service_sid: str) -> int | None:
    """Return how many bytes a user may upload into a service, None for no limit of this kind.

    Which conversation a file is for is not known yet, so the widest limit counts.

    :raises ContractError: 50511, attachments are off for every address type.
    """
    rows = await store.of_service(reader, chat_service_sid)
    if not rows:
        return None
    sizes = [row.max_file_size for row in rows if row.enabled]
    if not sizes:
        raise errors.ATTACHMENTS_DISABLED.error(type="every address type")
    return max(sizes)


def extensions_of(file: Mapping[str, Any]) -> set[str]:
    """Return the extensions that a file may go by: its own, else those of its type; lower case, without dot."""
    stem, dot, own = str(file["filename"] or "").rpartition(".")
    if dot and stem:
        return {own.lower()}
    kind = essence(str(file["content_type"]))
    known = {extension.lstrip(".") for extension in mimetypes.guess_all_extensions(kind)}
    return known | FURTHER_EXTENSIONS.get(kind, set())
