"""The 17 operators of a split (studio.md §3)."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.studio.catalogue import CONDITION_TYPES
from parlour.studio.conditions import OPERATORS, holds
from parlour.studio.patterns import matches

CASES = [
    ("equal_to", " Yes ", "yes", True),
    ("equal_to", "yes!", "yes", False),
    ("not_equal_to", "no", "yes", True),
    ("not_equal_to", "YES", "yes ", False),
    ("matches_any_of", "YES", "yes,yeah,yup", True),
    ("matches_any_of", "Parking", "Hours, Parking , Other", True),
    ("matches_any_of", "Hours, Parking", "Hours, Parking", False),
    ("does_not_match_any_of", "nope", "yes,yeah", True),
    ("does_not_match_any_of", "yeah", "yes,yeah", False),
    ("contains", "aab", "A", True),
    ("contains", '["vip","new"]', "VIP", True),
    ("contains", "abc", "d", False),
    ("does_not_contain", "abc", "d", True),
    ("starts_with", "Bot 7", "bot", True),
    ("starts_with", "a Bot", "bot", False),
    ("does_not_start_with", "+1555", "+44", True),
    ("is_blank", "  \n", "Is Blank", True),
    ("is_blank", "x", "Is Blank", False),
    ("is_not_blank", "0", "Is Not Blank", True),
    ("is_not_blank", "", "Is Not Blank", False),
    ("regex", "6", "[1-5]", False),
    ("regex", "5", "[1-5]", True),
    ("regex", "55", "[1-5]", False),
    ("regex", "JA", "ja|oui|sí", True),
    ("regex", "SÍ", "ja|oui|sí", True),
    ("regex", "abc1", r"(?=.*\d).{4,}", True),
    ("regex", "x", "(", False),
    ("less_than", "4.5", "5", True),
    ("less_than", "abc", "5", False),
    ("greater_than", "900", "1000", False),
    ("greater_than", " 10 ", "9", True),
    ("greater_than", "", "-1", False),
    ("greater_than", "infinity", "1", False),
    ("is_before_time", "17:00", "16:35", False),
    ("is_before_time", "08:59", "09:00", True),
    ("is_before_time", "8:59", "09:00", False),
    ("is_after_time", "17:00", "16:35", True),
    ("is_after_time", "25:00", "16:35", False),
    ("is_before_date", "2026-01-31", "2026-02-01", True),
    ("is_before_date", "2026-1-31", "2026-02-01", False),
    ("is_after_date", "2026-02-30", "2026-02-01", False),
    ("is_after_date", "2026-02-02", "2026-02-01", True),
]


@pytest.mark.parametrize(("kind", "subject", "value", "expected"), CASES)
def test_operator(kind: str, subject: str, value: str, *, expected: bool) -> None:
    assert holds(kind, subject, value) is expected


def test_each_published_operator_has_a_case() -> None:
    assert set(OPERATORS) == set(CONDITION_TYPES) == {case[0] for case in CASES}


def test_an_unknown_operator_never_holds() -> None:
    assert not holds("is_weekday", "Monday", "Monday")


PIECES = ["a", "b", "[ab]", "[^a]", ".", r"\d", r"\w", "a*", "(ab)+", "(a|b)?", "a{1,3}", "(?=a)", "(?!b)"]
MORE = [r"\b", "^", "$", "(a+)+", "[A-C]", "é", "(?:x|yy)*", "a+?", "(?<=a)", "(?<!b)", r"\s"]


@given(st.lists(st.sampled_from(PIECES + MORE), min_size=1, max_size=6), st.text("abABxy1 é", max_size=8))
def test_a_regex_matches_as_pythons_own_would(pieces: list[str], text: str) -> None:
    pattern = "".join(pieces)
    try:
        expected = re.fullmatch(pattern, text, re.IGNORECASE) is not None
    except re.error:
        return
    assert matches(pattern, text) is expected


def test_a_regex_of_nested_repeats_does_not_hold_the_server() -> None:
    started = time.process_time()
    assert not matches(r"^\w+([\.-]?\w+)*@\w+([\.-]?\w+)*(\.\w{2,3})+$", "a" * 1000 + "!")
    assert not matches(r"(a|aa|a*)*b", "a" * 1000)
    assert time.process_time() - started < 1


def test_a_back_reference_is_refused_and_never_matches() -> None:
    assert not matches(r"(a)\1", "aa")
