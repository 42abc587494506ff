"""The mark by which a test says which requirements of the FAQ it proves: ``@requirement("S36")``."""

import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

TABLE: Final = Path(__file__).with_name("requirements.toml")


def rows() -> dict[str, Any]:
    """Return the table of requirements."""
    found: dict[str, Any] = tomllib.loads(TABLE.read_text())
    return found


def requirement(*names: str) -> pytest.MarkDecorator:
    """Mark a test as the proof of requirements."""
    unknown = [name for name in names if name not in rows()["rows"]]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no row of {TABLE.name}")
    return pytest.mark.requirement(*names)


def note(item: pytest.Item) -> None:
    """Write an item's requirements into the report of the run, from which scripts/checklist.py reads them."""
    for mark in item.iter_markers("requirement"):
        for name in mark.args:
            item.user_properties.append(("requirement", name))
