"""JSON that comes from customers and flows, read within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

MAX_DEPTH: Final = 64
"""Levels of objects and arrays: deeper data would not survive being nested in a context."""
MAX_INTEGER: Final = 2**63 - 1


def read_json(text: str) -> object:
    """Decode JSON text. Errors: ValueError when it is none, or nested too deeply."""
    try:
        value: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ValueError(str(error)) from error
    if too_deep(value):
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    return value


def too_deep(value: object) -> bool:
    """Say whether data has more than `MAX_DEPTH` levels."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for each in level for child in _children(each)]
        if not level:
            return False
    return True


def _children(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []
