"""Segments of a text (channels.md §2.3)."""

from typing import Final

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED: Final = frozenset("\f^{}\\[~]|€")
GSM7_SINGLE, GSM7_PART = 160, 153  # septets
UCS2_SINGLE, UCS2_PART = 70, 67  # UTF-16 units


def number_of_segments(text: str) -> int:
    """Return how many segments a text takes; an empty one takes one.

    A pair of septets or of surrogates is never split.
    """
    if all(character in BASIC or character in EXTENDED for character in text):
        return _parts([1 if character in BASIC else 2 for character in text], GSM7_SINGLE, GSM7_PART)
    return _parts([2 if ord(character) > 0xFFFF else 1 for character in text], UCS2_SINGLE, UCS2_PART)


def _parts(widths: list[int], single: int, part: int) -> int:
    if sum(widths) <= single:
        return 1
    parts, room = 1, part
    for width in widths:
        if width > room:
            parts, room = parts + 1, part
        room -= width
    return parts
