"""How many segments a text takes on the air (channels.md §2.3)."""

from __future__ import annotations

GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")


def count(text: str) -> int:
    """Return the number of segments, at least 1."""
    if all(char in GSM7 or char in GSM7_EXTENSION for char in text):
        return _parts([2 if char in GSM7_EXTENSION else 1 for char in text], single=160, part=153)
    return _parts([len(char.encode("utf-16-be")) // 2 for char in text], single=70, part=67)


def _parts(widths: list[int], *, single: int, part: int) -> int:
    if sum(widths) <= single:
        return 1
    parts, used = 1, 0
    for width in widths:
        if used + width > part:
            parts, used = parts + 1, 0
        used += width
    return parts
