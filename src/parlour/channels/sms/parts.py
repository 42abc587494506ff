"""What of a conversation's message goes into a text (conversations.md §5.2, channels.md §6)."""

from dataclasses import dataclass
from typing import Any, Final

BODY_MAX: Final = 1600  # characters (21617)
TOO_LONG: Final = 21617
NOT_AS_MMS: Final = 30011
TOO_LARGE: Final = 30019
MIB: Final = 1024 * 1024  # bytes
_COMMON: Final = frozenset(
    {"image/jpeg", "image/jpg", "image/png", "audio/mpeg", "audio/mp3", "audio/amr", "video/mp4", "application/pdf"}
)


@dataclass(frozen=True)
class Bounds:
    """What one message on a channel carries; sizes in bytes, texts in characters.

    :ivar types: of files; None takes any.
    :ivar refused: the error of a file of another type, and of one that is too large.
    """

    body: int
    files: int
    size: int
    types: frozenset[str] | None
    refused: tuple[int, int]


BOUNDS: Final = {
    "sms": Bounds(BODY_MAX, 10, 5 * MIB, _COMMON, (NOT_AS_MMS, TOO_LARGE)),
    "whatsapp": Bounds(BODY_MAX, 1, 16 * MIB, _COMMON, (63021, 63034)),
    "messenger": Bounds(2000, 1, 25 * MIB, None, (63021, 63034)),
}


@dataclass(frozen=True)
class Parts:
    """Body and media that are sent; `error_code` when nothing can be."""

    body: str
    media: list[dict[str, Any]]
    error_code: int | None = None


def of_message(
    body: str | None,
    media: list[dict[str, Any]] | None,
    content: dict[str, Any] | None = None,
    *,
    channel: str = "sms",
) -> Parts:
    """Return what is sent of a message: of several media only the first, and then without the text.

    Media of other types than the channel takes, or too large for it, stay in the conversation. `content`: the template
    it was made of, whose files go out by their addresses.
    """
    bounds = BOUNDS[channel]
    text = body or ""
    if len(text) > bounds.body:
        return Parts(text, [], TOO_LONG)
    if content is not None and content["media"]:
        return Parts(text, [{"url": url} for url in content["media"][: bounds.files]])
    typed = [one for one in media or () if bounds.types is None or _essence(one) in bounds.types]
    fitting = [one for one in typed if int(one["size"]) <= bounds.size]
    if not text and not fitting:
        return Parts("", [], bounds.refused[1] if typed else bounds.refused[0])
    if len(media or ()) > 1 and fitting:
        return Parts("", [{"sid": fitting[0]["sid"]}])
    return Parts(text, [{"sid": one["sid"]} for one in fitting])


def _essence(one: dict[str, Any]) -> str:
    return str(one["content_type"]).partition(";")[0].strip().lower()
