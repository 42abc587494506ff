"""The console's errors that docs/flex-ui.md explains, each with its reason."""

import re
from functools import lru_cache
from typing import Final

from tests.desktop.conftest import ROOT

PAGE: Final = ROOT / "docs" / "flex-ui.md"
ROW: Final = re.compile(r"^\| `(?P<text>[^`]+)` \| (?P<reason>.{10,}) \|$", re.MULTILINE)


@lru_cache
def recorded() -> dict[str, str]:
    """Return the texts with their reasons."""
    section = PAGE.read_text().split("## What the console says")[1].split("\n## ")[0]
    found = {match["text"]: match["reason"] for match in ROW.finditer(section)}
    assert found, f"{PAGE} lists no error"
    return found


def explained(text: str) -> bool:
    """Say whether an error of the console is a recorded one."""
    return any(known in text for known in recorded())
