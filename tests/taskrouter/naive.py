"""A second reading of the expression language, as plain as its rules (taskrouter.md §4.3): slow, and not compiled.

Expressions are nested tuples: ``("or", …)``, ``("and", …)``, ``("not", one)``, ``(operator, left, right)``; operands
are ``("literal", value)``, ``("path", "a.b[0]", steps)`` and ``("array", …)``.
"""

import json
import math
import operator as operators
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Tree = tuple[Any, ...]
SIZES: dict[str, Callable[[Any, Any], bool]] = {
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}
SPELLINGS = {
    "==": ("==", "="),
    "!=": ("!=",),
    "<": ("<",),
    "<=": ("<=",),
    ">": (">",),
    ">=": (">=",),
    "CONTAINS": ("CONTAINS", "contains"),
    "NOT CONTAINS": ("NOT CONTAINS", "not contains"),
    "HAS": ("HAS", "has", ">-"),
    "NOT HAS": ("NOT HAS", "Not Has"),
    "IN": ("IN", "in", "<-"),
    "NOT IN": ("NOT IN", "not in"),
}


def holds(tree: Tree, context: Any) -> bool:
    """Say whether an expression holds."""
    head = tree[0]
    if head == "or":
        return any(holds(each, context) for each in tree[1:])
    if head == "and":
        return all(holds(each, context) for each in tree[1:])
    if head == "not":
        return not holds(tree[1], context)
    left, right = value(tree[1], context), value(tree[2], context)
    if head in ("HAS", "NOT HAS"):
        left, right = right, left
        head = head.replace("HAS", "IN")
    return relation(head, left, right)


def value(operand: Tree, context: Any) -> Any:
    """Return what an operand stands for; NULL is None (rule 1)."""
    if operand[0] == "literal":
        return operand[1]
    if operand[0] == "array":
        return [value(each, context) for each in operand[1:]]
    found = context
    for step in operand[2]:
        if isinstance(step, int):
            found = found[step] if isinstance(found, list) and step < len(found) else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return found


def relation(operator: str, left: Any, right: Any) -> bool:
    """Say whether two values stand in a relation (rules 2 to 9); array operators have the array on the right."""
    if operator == "IN":
        return isinstance(right, list) and scalar(left) and any(equal(left, each) for each in right)
    if operator == "NOT IN":
        if not isinstance(right, list) or isinstance(left, list | dict):
            return False
        return left is None or not any(equal(left, each) for each in right)
    if operator in ("==", "!=") and (left is None or right is None):
        return (left is None and right is None) == (operator == "==")
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return False
    if operator == "==":
        return equal(left, right)
    if operator == "!=":
        return not equal(left, right)
    if operator == "CONTAINS":
        return left is not None and right is not None and as_text(right) in as_text(left)
    if operator == "NOT CONTAINS":
        return left is None or right is None or as_text(right) not in as_text(left)
    return before(operator, left, right)


def scalar(thing: Any) -> bool:
    """Say whether a value is a text, number or boolean."""
    return isinstance(thing, str | int | float | bool)


def equal(left: Any, right: Any) -> bool:
    """Equality of two scalars: a text that spells a number equals that number, a boolean only itself (rule 6)."""
    if not scalar(left) or not scalar(right):
        return False
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool) and left == right
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    one, other = as_number(left), as_number(right)
    return one is not None and other is not None and one == other


def before(operator: str, left: Any, right: Any) -> bool:
    """Compare by size: two texts by their letters, else numbers (rule 6)."""
    if isinstance(left, str) and isinstance(right, str):
        return SIZES[operator](left, right)
    one, other = as_number(left), as_number(right)
    return one is not None and other is not None and SIZES[operator](one, other)


def as_number(thing: Any) -> float | int | None:
    """Return the number that a value is or spells."""
    if isinstance(thing, bool) or thing is None:
        return None
    if isinstance(thing, str):
        try:
            number = float(thing)
        except ValueError:
            return None
        return number if math.isfinite(number) else None
    found: float | int = thing
    return found


def as_text(thing: Any) -> str:
    """Return a scalar as CONTAINS sees it."""
    if isinstance(thing, bool):
        return "true" if thing else "false"
    return str(thing)


def literal(thing: Any) -> str:
    """Return the text of a literal."""
    if thing is None:
        return "null"
    if isinstance(thing, bool):
        return "true" if thing else "false"
    if isinstance(thing, str):
        return "'" + thing.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return json.dumps(thing)


def text(tree: Tree, spelling: int = 0) -> str:
    """Return an expression as somebody would write it, with no more parentheses than it needs."""
    head = tree[0]
    if head == "literal":
        return literal(tree[1])
    if head == "path":
        return str(tree[1])
    if head == "array":
        return "[" + ", ".join(text(each) for each in tree[1:]) + "]"
    if head == "or":
        return (" OR ", " or ")[spelling % 2].join(text(each, spelling) for each in tree[1:])
    if head == "and":
        return (" AND ", " And ")[spelling % 2].join(
            f"({text(each, spelling)})" if each[0] == "or" else text(each, spelling) for each in tree[1:]
        )
    if head == "not":
        return f"NOT ({text(tree[1], spelling)})"
    forms = SPELLINGS[head]
    gap = " " if head[0].isalpha() else ("", " ")[spelling % 2]
    return f"{text(tree[1])}{gap}{forms[spelling % len(forms)]}{gap}{text(tree[2])}"


NAMES = ("skills", "level", "lvl", "name", "vip", "nested", "gone", "language")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(0, 12)
    | st.sampled_from([0.5, 5.0, 10.25])
    | st.sampled_from(["", "5", "10", "5.0", "a", "ab", "support", "true", "it's", "\\", "null"])
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(NAMES),
    SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), SCALARS, max_size=2),
    max_size=8,
)


@st.composite
def paths(draw: st.DrawFn) -> Tree:
    """Return a reference."""
    name = draw(st.sampled_from(NAMES))
    kind = draw(st.sampled_from(["", "index", "key"]))
    if kind == "index":
        index = draw(st.integers(0, 3))
        return ("path", f"{name}[{index}]", (name, index))
    if kind == "key":
        key = draw(st.sampled_from(["a", "b", "in"]))
        return ("path", f"{name}.{key}", (name, key))
    return ("path", name, (name,))


LITERALS = SCALARS.map(lambda thing: ("literal", thing))
OPERANDS = paths() | LITERALS | st.lists(LITERALS | paths(), max_size=3).map(lambda items: ("array", *items))
COMPARISONS = st.tuples(st.sampled_from(list(SPELLINGS)), OPERANDS, OPERANDS)
TREES = st.recursive(
    COMPARISONS,
    lambda inner: (
        st.tuples(st.just("not"), inner)
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: ("and", *parts))
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: ("or", *parts))
    ),
    max_leaves=6,
)
