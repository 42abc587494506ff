"""Reads ``exceptions.toml``: bad cells whose answer differs from the rule, each with a reference and a reason."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from tests.contract.published import HERE


@dataclass(frozen=True)
class Deviation:
    """What is answered instead.

    :ivar status: None: the call is not bad at all.
    """

    operation: str
    cell: str
    status: int | None
    code: int | None
    names: tuple[str, ...]


def exception(operation: str, cell: str) -> Deviation | None:
    """Return the first entry for a cell of an operation; both may have ``*``."""
    return next((e for e in _entries() if fnmatchcase(operation, e.operation) and fnmatchcase(cell, e.cell)), None)


@cache
def _entries() -> tuple[Deviation, ...]:
    found = []
    for entry in tomllib.loads((HERE / "exceptions.toml").read_text())["exception"]:
        if not entry["reference"] or not entry["why"]:
            raise ValueError(f"the exception for {entry['operation']} has no reference or reason")
        for cell in entry["cells"]:
            operation = entry["operation"].replace("[", "[[]")
            names = tuple(entry.get("names", ()))
            found.append(Deviation(operation, cell, entry.get("status"), entry.get("code"), names))
    return tuple(found)
