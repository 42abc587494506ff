"""SIDs and placeholders a definition brings from elsewhere, and their mapping at import (studio.md §1.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SID: Final = re.compile(r"\b[A-Z]{2}[0-9a-fA-F]{32}\b")
PLACEHOLDER: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_.-]*\}")


@dataclass(frozen=True, slots=True)
class Reference:
    """One SID or placeholder found in a property of a widget.

    `whole` says that it is the entire value; otherwise it stands inside a longer text.
    """

    value: str
    widget: str
    field: str
    path: str
    whole: bool

    @property
    def placeholder(self) -> bool:
        """Whether this is a `${NAME}` to be filled at import."""
        return self.value.startswith("${")


def references(raw: Mapping[str, object]) -> list[Reference]:
    """List the SIDs and placeholders in the properties of a definition, in its order."""
    found: list[Reference] = []
    states = raw.get("states")
    for index, state in enumerate(states if isinstance(states, list) else ()):
        if not isinstance(state, Mapping):
            continue
        name = str(state.get("name", ""))
        places = [("properties", state.get("properties")), ("transitions", state.get("transitions"))]
        for room, content in places:
            for path, text in _texts(content, f"#/states/{index}/{room}"):
                field = path.split("/")[4] if room == "properties" else "transitions"
                for pattern in (SID, PLACEHOLDER):
                    found.extend(
                        Reference(match, name, field, path, whole=match == text.strip())
                        for match in pattern.findall(text)
                    )
    return found


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(each, f"{path}/{_escaped(str(key))}")
    elif isinstance(value, Sequence):
        for index, each in enumerate(value):
            yield from _texts(each, f"{path}/{index}")


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def mapped(raw: object, mapping: Mapping[str, str]) -> object:
    """Give the definition with each mapped SID or placeholder replaced in every string of its values.

    Params: `mapping`, from the foreign text to ours. The keys of objects and their order stay as they are.
    """
    if not mapping:
        return raw
    keys = sorted(mapping, key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(key) for key in keys))
    return _mapped(raw, pattern, mapping)


def _mapped(value: object, pattern: re.Pattern[str], mapping: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return pattern.sub(lambda match: mapping[match.group()], value)
    if isinstance(value, Mapping):
        return {key: _mapped(each, pattern, mapping) for key, each in value.items()}
    if isinstance(value, list):
        return [_mapped(each, pattern, mapping) for each in value]
    return value
