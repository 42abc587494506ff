"""Reads ``exceptions.toml`` (bad cells whose answer differs from the rule) and ``bad_values.toml`` (further ones)."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

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


@dataclass(frozen=True)
class BadValue:
    """A value of a parameter that a rule of the contract refuses."""

    parameter: str
    value: str
    code: int
    names: tuple[str, ...]


def bad_values(operation: str) -> list[BadValue]:
    """Return the bad values of an operation's parameters."""
    found = []
    for entry in _values():
        patterns = [_pattern(pattern) for pattern in entry["operations"]]
        if not entry["reference"] or not any(fnmatchcase(operation, pattern) for pattern in patterns):
            continue
        for bad in entry["values"]:
            value = bad["value"] if "value" in bad else "x" * (bad["longer_than"] + 1)
            found.append(BadValue(bad["parameter"], value, bad["code"], tuple(bad.get("names", [bad["parameter"]]))))
    return found


@cache
def _values() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads((HERE / "bad_values.toml").read_text())["bad"]
    return found


def _pattern(operation: str) -> str:
    return operation.replace("[", "[[]")


@cache
def _entries() -> tuple[Deviation, ...]:
    found = []
    for entry in tomllib.loads((HERE / "exceptions.toml").read_text())["exception"]:
        if not entry["reference"] or not entry["why"]:
            raise ValueError(f"the exception for {entry['operation']} has no reference or reason")
        for cell in entry["cells"]:
            operation = _pattern(entry["operation"])
            names = tuple(entry.get("names", ()))
            found.append(Deviation(operation, cell, entry.get("status"), entry.get("code"), names))
    return tuple(found)
