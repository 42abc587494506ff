"""What of a conversation's message goes into a text (conversations.md §5.2, channels.md §6)."""

from dataclasses import dataclass
from typing import Any, Final

MEDIA_MAX: Final = 10  # files of one text
BODY_MAX: Final = 1600  # characters (21617)
MMS_TYPES: Final = frozenset(
    {"image/jpeg", "image/jpg", "image/png", "audio/mpeg", "audio/mp3", "audio/amr", "video/mp4", "application/pdf"}
)
MMS_MAX: Final = 5 * 1024 * 1024  # bytes
TOO_LONG: Final = 21617
NOT_AS_MMS: Final = 30011
TOO_LARGE: Final = 30019


@dataclass(frozen=True)
class Parts:
    """Body and media that are sent; `error_code` when nothing can be."""

    body: str
    media: list[dict[str, Any]]
    error_code: int | None = None


def of_message(body: str | None, media: list[dict[str, Any]] | None, content: dict[str, Any] | None = None) -> Parts:
    """Return what is sent of a message: of several media only the first, and then without the text.

    `content`: the template it was made of, whose files go out by their addresses.

    Media of other types than MMS takes, or too large for it, stay in the conversation.
    """
    text = body or ""
    if content is not None and content["media"] and len(text) <= BODY_MAX:
        return Parts(text, [{"url": url} for url in content["media"][:MEDIA_MAX]])
    fitting = [one for one in media or () if _essence(one) in MMS_TYPES and int(one["size"]) <= MMS_MAX]
    if not text and not fitting:
        large = any(_essence(one) in MMS_TYPES for one in media or ())
        return Parts("", [], TOO_LARGE if large else NOT_AS_MMS)
    if len(text) > BODY_MAX:
        return Parts(text, [], TOO_LONG)
    if len(media or ()) > 1 and fitting:
        return Parts("", [{"sid": fitting[0]["sid"]}])
    return Parts(text, [{"sid": one["sid"]} for one in fitting])


def _essence(one: dict[str, Any]) -> str:
    return str(one["content_type"]).partition(";")[0].strip().lower()
