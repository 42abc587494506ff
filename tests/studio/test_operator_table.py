"""Each operator of a split against every kind of value a flow can hold, through the engine (studio.md §3, §4.4)."""

from __future__ import annotations

import pytest

from parlour.studio.catalogue import CONDITION_TYPES
from tests.studio.building import flow, widget
from tests.studio.dry_run import DryRun

VALUES = {
    "string": "Sales",
    "number": 42,
    "list": ["vip", "new"],
    "blank": " \n ",
    "missing": None,
    "unicode": "Grüße 😀",
}
# Operator, value of the condition, and which kinds of subject it holds for.
TABLE = [
    ("equal_to", " SALES", {"string"}),
    ("equal_to", "42", {"number"}),
    ("equal_to", '["vip","new"]', {"list"}),
    ("equal_to", "", {"blank", "missing"}),
    ("equal_to", "GRÜSSE 😀", {"unicode"}),
    ("not_equal_to", "sales", {"number", "list", "blank", "missing", "unicode"}),
    ("not_equal_to", "grüße 😀", {"string", "number", "list", "blank", "missing"}),
    ("matches_any_of", "sales, 42", {"string", "number"}),
    ("matches_any_of", "x,grüße 😀 ", {"unicode"}),
    ("matches_any_of", "vip,new", set()),
    ("does_not_match_any_of", "sales, 42", {"list", "blank", "missing", "unicode"}),
    ("contains", "E", {"string", "list", "unicode"}),
    ("contains", "VIP", {"list"}),
    ("contains", "2", {"number"}),
    ("contains", "😀", {"unicode"}),
    ("does_not_contain", "vip", {"string", "number", "blank", "missing", "unicode"}),
    ("starts_with", "sa", {"string"}),
    ("starts_with", "4", {"number"}),
    ("starts_with", '["VIP', {"list"}),
    ("starts_with", "GRÜ", {"unicode"}),
    ("does_not_start_with", "4", {"string", "list", "blank", "missing", "unicode"}),
    ("is_blank", "Is Blank", {"blank", "missing"}),
    ("is_not_blank", "Is Not Blank", {"string", "number", "list", "unicode"}),
    ("regex", "[a-z]+", {"string"}),
    ("regex", r"\d+", {"number"}),
    ("regex", r"\[.*\]", {"list"}),
    ("regex", "", {"blank", "missing"}),
    ("regex", "GRÜ.e .", {"unicode"}),
    ("less_than", "50", {"number"}),
    ("less_than", "42", set()),
    ("greater_than", "41.5", {"number"}),
    ("greater_than", "x", set()),
    ("is_before_time", "23:59", set()),
    ("is_after_time", "00:00", set()),
    ("is_before_date", "2999-01-01", set()),
    ("is_after_date", "1000-01-01", set()),
]


@pytest.mark.parametrize("kind", list(VALUES))
@pytest.mark.parametrize(("operator", "value", "holds"), TABLE, ids=lambda part: str(part)[:24])
def test_an_operator_holds_for_these_kinds_of_values(operator: str, value: str, holds: set[str], kind: str) -> None:
    subject = "{{trigger.conversation." + kind + "}}"
    condition = {"friendly_name": "c", "arguments": [subject], "type": operator, "value": value}
    split = widget("split", "split-based-on", {"noMatch": None}, input=subject)
    split["transitions"].append({"event": "match", "conditions": [condition]})
    given = {name: each for name, each in VALUES.items() if each is not None}
    run = DryRun(flow(split, on="incomingConversationMessage"), first=given).start()
    assert run.path[-1] == ("split", "match" if kind in holds else "noMatch", "Ended")


def test_the_table_has_every_published_operator() -> None:
    assert {row[0] for row in TABLE} == set(CONDITION_TYPES)
