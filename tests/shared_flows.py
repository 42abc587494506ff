"""The real flow definitions beside the clone, where they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def folder() -> Path | None:
    """Give `shared/flows` beside this checkout or beside one of its parents, None where there is none."""
    for parent in Path(__file__).resolve().parents:
        flows = parent.parent / "shared" / "flows"
        if flows.is_dir():
            return flows
    return None


def files() -> list[Path]:
    """List the definitions."""
    where = folder()
    return sorted(where.glob("*.json")) if where else []


def path(number: str) -> Path:
    """Give the file whose name starts with the number."""
    return next(each for each in files() if each.name.startswith(f"{number}-"))


def load(number: str, **mapping: str) -> Any:
    """Load the definition whose file name starts with the number, placeholders and SIDs replaced."""
    text = path(number).read_text()
    for foreign, ours in mapping.items():
        text = text.replace("${" + foreign + "}", ours).replace(foreign, ours)
    return json.loads(text)
