"""The catalogue of errors, as scripts/errors.py reads it from the code (conversations.md §10)."""

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT.parent / "shared" / "reference" / "conversations.md"
sys.path.insert(0, str(ROOT / "scripts"))

import errors  # noqa: E402 - a script beside the package


def test_a_condition_stands_in_the_catalogue_once() -> None:
    found = Counter((entry.code, entry.status, entry.message) for entry in errors.entries())
    assert [one for one, count in found.items() if count > 1] == []


def test_a_code_that_does_not_occur_has_one_reason() -> None:
    absent = [code for row in errors.exceptions()["absent"] for code in row["codes"]]
    assert [code for code, count in Counter(absent).items() if count > 1] == []


@pytest.mark.needs_shared
def test_every_code_of_the_reference_occurs_or_has_a_reason_why_not() -> None:
    text = REFERENCE.read_text()
    chapter = text[text.index("## 10. Error codes") : text.index("## 11. Limits")]
    named = {int(code) for code in re.findall(r"\b(?:50\d{3}|19\d{3}|20\d{3})\b", chapter)}
    for first, last in re.findall(r"\b(50\d{3}|20\d{3})-(50\d{3}|20\d{3})\b", chapter):
        if int(last) - int(first) < 20:
            named |= set(range(int(first), int(last) + 1))
    known = {entry.code for entry in errors.entries()}
    known |= {code for row in errors.exceptions()["absent"] for code in row["codes"]}
    assert sorted(named - known) == []
