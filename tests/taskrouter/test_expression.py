"""The published expression cases (taskrouter.md §12) and properties of the language (§4)."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.taskrouter.expression import ExpressionSyntaxError, Layered, compile_expression
from parlour.taskrouter.grammar import MAX_TOKENS
from parlour.taskrouter.workflow import ConfigurationError, order_key, parse_configuration
from tests.taskrouter import naive

W: dict[str, Any] = {
    "skills": ["support", "sales"],
    "languages": ["english"],
    "level": 5,
    "lvl_s": "6",
    "name": "Alice Smith",
    "active": True,
    "routing": {"skills": ["Phone"], "levels": {"Phone": 3}},
    "nums": [1, 2, 3],
    "contact_uri": "client:alice",
}
BUILT_IN: dict[str, Any] = {
    "sid": "WKa",
    "activity_name": "Available",
    "channel": {"chat": {"configured_capacity": 4, "assigned_tasks": 2, "available_capacity_percentage": 50}},
}
K: dict[str, Any] = {
    "type": "ticket",
    "customer_value": "Silver",
    "lang": "english",
    "agents": ["WKa", "WKb"],
    "amount_s": "10",
    "vip": False,
    "object": {"array": ["a", "b", "c"], "attr": "bar"},
    "empty": "",
    "nul": None,
    "skill": "Phone",
}
WORKER = Layered(W, BUILT_IN)
COUNTS = {"workers": {"available": 0, "unavailable": 3, "WA1": 1, "WA2": 5}}
CONTEXT: dict[str, Mapping[str, object] | Layered] = {
    "q": WORKER,
    "f": K,
    "t": {"task": K, "worker": WORKER},
    "s": COUNTS,
}

CASES: list[tuple[int, str, str, bool]] = [
    (1, "q", "1==1", True),
    (2, "q", "1 == 0", False),
    (3, "q", "1=0", False),
    (4, "q", "0 != 1", True),
    (5, "q", '"apple" != "orange"', True),
    (6, "q", 'skills HAS "support"', True),
    (7, "q", '(skills HAS "support") AND (languages HAS "english")', True),
    (8, "q", 'skills HAS "support" AND languages HAS "spanish"', False),
    (9, "q", "level > 4", True),
    (10, "q", "level >= 5.0", True),
    (11, "q", "level < 5", False),
    (12, "q", "lvl_s > 5", True),
    (13, "q", "lvl_s == 6", True),
    (14, "q", 'level HAS "support"', False),
    (15, "q", 'name HAS "Alice"', False),
    (16, "q", 'name CONTAINS "Smith"', True),
    (17, "q", 'name CONTAINS "smith"', False),
    (18, "q", 'skills CONTAINS "support"', False),
    (19, "q", 'skills == "support"', False),
    (20, "q", 'skills != "support"', False),
    (21, "q", "skills != null", True),
    (22, "q", "missing == null", True),
    (23, "q", "missing != null", False),
    (24, "q", 'missing = "foo"', False),
    (25, "q", "missing != true", True),
    (26, "q", "missing > 1", False),
    (27, "q", "routing.skills HAS 'Phone'", True),
    (28, "q", "routing.levels.Phone >= 3", True),
    (29, "q", "routing.levels.Chat >= 3", False),
    (30, "q", 'skills[0] == "support"', True),
    (31, "q", 'skills[9] == "support"', False),
    (32, "q", "nums HAS 2", True),
    (33, "q", 'skills >- "support"', True),
    (34, "q", '"english" <- languages', True),
    (35, "q", "active == 'true'", False),
    (37, "q", "", False),
    (38, "q", 'skills NOT IN ["a"]', False),
    (39, "f", "type == 'ticket' AND customer_value IN ['Silver','Bronze']", True),
    (40, "f", "customer_value NOT IN ['Gold']", True),
    (41, "f", "missing NOT IN ['x']", True),
    (42, "f", 'type in ["ticket"]', True),
    (43, "f", "type IN []", False),
    (44, "f", 'object.array[2] == "c"', True),
    (45, "f", 'object.attr != "apple"', True),
    (46, "f", 'object.array HAS "b"', True),
    (47, "f", "empty == ''", True),
    (48, "f", "missing == ''", False),
    (49, "f", "nul == null", True),
    (50, "f", "agents != null", True),
    (51, "f", "vip == false", True),
    (52, "f", "amount_s == 10", True),
    (53, "f", "'ticket' == type", True),
    (54, "f", "type=='x' OR type=='ticket' AND vip==true", False),
    (55, "f", "(type=='x' OR type=='ticket') AND vip==false", True),
    (56, "f", "Type == 'ticket'", False),
    (57, "f", 'worker.skills HAS "x"', False),
    (58, "f", "NOT (type == 'lead')", True),
    (59, "f", 'object.array NOT HAS "z"', True),
    (61, "t", "worker.sid IN task.agents", True),
    (62, "t", "worker.sid NOT IN task.agents", False),
    (63, "t", "task.lang IN worker.languages", True),
    (64, "t", "worker.languages HAS task.lang", True),
    (65, "t", "task.skill IN worker.routing.skills", True),
    (66, "t", "'Phone' IN worker.routing.skills", True),
    (67, "t", "worker.sid != task.ignoreAgent", True),
    (68, "t", "task.absent == worker.absent", True),
    (69, "t", "worker.activity_name in ['Available','VIP']", True),
    (70, "t", "worker.channel.chat.configured_capacity == 4", True),
    (71, "t", "worker.channel.chat.assigned_tasks <= 1", False),
    (72, "t", "worker.channel.chat.available_capacity_percentage <= 50", True),
    (73, "t", "worker.channel.fax.assigned_tasks == 0", False),
    (75, "s", "workers.available == 0", True),
    (76, "s", "workers.WA1 < 2 OR workers.WA2 < 2", True),
]


@pytest.mark.parametrize(("number", "scope", "text", "expected"), CASES, ids=[f"case{c[0]}" for c in CASES])
def test_published_case(number: int, scope: str, text: str, expected: bool) -> None:
    assert compile_expression(text).matches(CONTEXT[scope]) is expected


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("skill-level > 3", 5),
        ("type ==", 7),
        ("type", 4),
        ("a == 1 b", 7),
        ("a ~ 1", 2),
        ("(a == 1", 7),
        ("a NOT 1", 6),
    ],
)
def test_a_syntax_error_names_its_position(text: str, position: int) -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_expression(text)
    assert caught.value.position == position
    assert f"at position {position}" in str(caught.value)


def test_case74_a_target_expression_needs_a_prefix() -> None:
    with pytest.raises(ExpressionSyntaxError, match=r"must be prefixed with 'task\.' or 'worker\.'"):
        compile_expression('skills HAS "x"', frozenset({"task", "worker"}))


@pytest.mark.parametrize(
    ("number", "order_by", "workers", "expected"),
    [
        (77, "worker.finance ASC, worker.support ASC", {"A": (10, 8), "B": (10, 5)}, "BA"),
        (78, "worker.finance ASC, worker.support ASC", {"A": (10, 8), "B": (10, None)}, "AB"),
        (79, "worker.finance DESC", {"A": (None, 1), "B": (3, 1), "C": (9, 1)}, "CBA"),
        (80, "worker.finance ASC", {"A": ("z", 1), "B": ("a", 1)}, "AB"),
    ],
)
def test_order_by(number: int, order_by: str, workers: dict[str, tuple[Any, Any]], expected: str) -> None:
    target = {"queue": "WQ" + "0" * 32, "order_by": order_by}
    document = {"task_routing": {"filters": [{"expression": "1==1", "targets": [target]}]}}
    clauses = parse_configuration(json.dumps(document)).filters[0].targets[0].order_by
    attributes = {
        name: {key: value for key, value in zip(("finance", "support"), values, strict=True) if value is not None}
        for name, values in workers.items()
    }
    assert "".join(sorted(attributes, key=lambda name: order_key(clauses, attributes[name]))) == expected


def test_a_quoted_string_keeps_hyphens_and_escapes() -> None:
    context = {"mail": "a-b@c.d", "said": 'he said "no"'}
    assert compile_expression('mail == "a-b@c.d" AND said CONTAINS "\\"no\\""').matches(context)


def test_a_comma_list_after_an_equality_means_any_of_them() -> None:
    assert compile_expression("x == 'a', 'b'").matches({"x": "b"})
    assert not compile_expression("x == 'a', 'b' AND y == 1").matches({"x": "b", "y": 2})


def test_an_attribute_goes_before_the_built_in_of_its_name() -> None:
    assert compile_expression("sid == 'mine'").matches(Layered({"sid": "mine"}, BUILT_IN))
    assert compile_expression("sid == 'WKa'").matches(WORKER)


def test_deep_nesting_is_refused_not_a_crash() -> None:
    with pytest.raises(ExpressionSyntaxError, match="nested too deeply"):
        compile_expression("(" * 5000 + "1==1" + ")" * 5000)
    with pytest.raises(ConfigurationError, match="queue is required"):
        parse_configuration('{"task_routing":{"default_filter":{}}}')


def test_an_expression_has_a_largest_size() -> None:
    words = (MAX_TOKENS - 3) // 4
    assert compile_expression(" OR ".join(["a==1"] * words)).matches({"a": 1})
    with pytest.raises(ExpressionSyntaxError, match="more than 20000 words"):
        compile_expression(" OR ".join(["a==1"] * (words + 2)))


@given(tree=naive.TREES, document=naive.DOCUMENTS, spelling=st.integers(0, 5))
def test_it_means_what_the_plain_rules_say(tree: naive.Tree, document: dict[str, Any], spelling: int) -> None:
    written = naive.text(tree, spelling)
    assert compile_expression(written).matches(document) is naive.holds(tree, document), written


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)
OPERATORS = [
    "==",
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "CONTAINS",
    "HAS",
    "IN",
    "NOT IN",
    "NOT HAS",
    "NOT CONTAINS",
]


@given(left=VALUES, right=VALUES, operator=st.sampled_from(OPERATORS))
def test_any_two_values_give_a_boolean(left: object, right: object, operator: str) -> None:
    context = {"l": left, "r": right}
    result = compile_expression(f"l {operator} r").matches(context)
    assert isinstance(result, bool)
    assert compile_expression(f"NOT l {operator} r").matches(context) is not result


@given(left=VALUES, right=VALUES)
def test_mirrored_operators_agree(left: object, right: object) -> None:
    context = {"l": left, "r": right}

    def holds(text: str) -> bool:
        return compile_expression(text).matches(context)

    assert holds("l HAS r") is holds("r IN l")
    assert holds("l < r") is holds("r > l")
    assert holds("l <= r") is holds("r >= l")
    assert not (holds("l == r") and holds("l != r"))
    assert not (holds("l IN r") and holds("l NOT IN r"))


@given(text=st.text(alphabet="ab1.[]()'\"=!<>-, NOTINADRHS\\", max_size=30))
def test_any_text_compiles_or_is_refused_with_a_position(text: str) -> None:
    outcome: object
    try:
        outcome = compile_expression(text).matches(K)
    except ExpressionSyntaxError as error:
        outcome = 0 <= error.position <= len(text) or "a position outside the text"
    assert isinstance(outcome, bool)
