"""What docs/permissions.md says: the expectations of these tests come from there."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
CREDENTIALS: Final = ("Auth token", "Main key", "Standard key", "Access token")


@dataclass(frozen=True)
class Line:
    """One line of the table of what tokens may do.

    :ivar who: who is asked first.
    :ivar permissions: one of these is needed.
    :ivar own: these suffice for what is one's own.
    :ivar roles: ``type: name`` of a role to ``yes``, ``own`` or ``no``.
    """

    what: str
    who: str
    permissions: tuple[str, ...]
    own: tuple[str, ...]
    roles: Mapping[str, str]

    @property
    def needs_none(self) -> bool:
        """Say whether roles are not asked."""
        return not self.permissions


@dataclass(frozen=True)
class Page:
    """The tables.

    :ivar credentials: operation (``METHOD product path``) to ``yes``, ``no`` or ``open`` for each of ``CREDENTIALS``.
    :ivar lines: by what they allow.
    :ivar for_tokens: operation to what it does.
    """

    credentials: Mapping[str, Mapping[str, str]]
    lines: Mapping[str, Line]
    for_tokens: Mapping[str, tuple[str, ...]]


def read() -> Page:
    """Return the page's tables."""
    tables = list(_tables(PAGE.read_text()))
    assert len(tables) == 3, "docs/permissions.md has three tables"
    credentials, rights, for_tokens = tables
    return Page(
        {row["Operation"].strip("`"): {name: row[name] for name in CREDENTIALS} for row in credentials},
        {row["What"]: _line(row) for row in rights},
        {row["Operation"].strip("`"): tuple(row["What it does"].split("; ")) for row in for_tokens},
    )


def _line(row: dict[str, str]) -> Line:
    own = tuple(re.findall(r"own: `(\w+)`", row["Permission"]))
    every = tuple(re.findall(r"`(\w+)`", row["Permission"]))
    roles = {name: cell for name, cell in row.items() if name not in ("What", "Who", "Permission")}
    return Line(row["What"], row["Who"], tuple(one for one in every if one not in own), own, roles)


def _tables(text: str) -> Iterator[list[dict[str, str]]]:
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        head, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in block.splitlines()]
        yield [dict(zip(head, row, strict=True)) for row in rows]
