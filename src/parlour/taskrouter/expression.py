"""Expressions compiled to closures: what conditions on attributes mean (taskrouter.md §4.3)."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from parlour.taskrouter import grammar
from parlour.taskrouter.grammar import ExpressionSyntaxError, Path
from parlour.taskrouter.writing import clauses, written

__all__ = ["Context", "Expression", "ExpressionSyntaxError", "Layered", "compile_expression", "walk"]


class Layered:
    """A value looked up in ``first`` (attributes) and, when absent there, in ``second`` (built-ins)."""

    __slots__ = ("first", "second")

    def __init__(self, first: object, second: object) -> None:
        self.first = first
        self.second = second


Context: TypeAlias = "Mapping[str, object] | Layered"
Test: TypeAlias = Callable[[object], bool]
Value: TypeAlias = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition; ``references`` are the attribute paths it reads.

    :ivar clauses: the conditions that must all hold, each with its text.
    """

    source: str
    references: frozenset[Path]
    test: Test = field(compare=False, repr=False)
    clauses: "tuple[tuple[str, Test], ...]" = field(default=(), compare=False, repr=False)

    def matches(self, context: Context) -> bool:
        """True when the condition holds; an evaluation error counts as false (§4.3 rule 10)."""
        try:
            return self.test(context)
        except (TypeError, ValueError, OverflowError):
            return False

    def failing(self, context: Context) -> str | None:
        """The text of the first condition that does not hold, None where all of them do."""
        for text, test in self.clauses:
            try:
                if not test(context):
                    return text
            except (TypeError, ValueError, OverflowError):
                return text
        return None


NEVER = Expression("", frozenset(), lambda _context: False, (("(nobody)", lambda _context: False),))


@lru_cache(maxsize=4096)
def compile_expression(text: str, roots: frozenset[str] | None = None) -> Expression:
    """Compile the text; blank text matches nothing (§4.4). ``roots`` limits the first name of references.

    Raises ExpressionSyntaxError with the position; there is no semantic check (§1.5).
    """
    if not text.strip():
        return NEVER
    condition = grammar.parse(text)
    references: set[Path] = set()
    test = _condition(condition, references, roots)
    if not references:
        always = test({})
        test = lambda _context: always  # noqa: E731 - most queues are 1==1
    parts = tuple((written(each), _condition(each, references, roots)) for each in clauses(condition))
    return Expression(text, frozenset(references), test, parts)


def walk(value: object, path: Path) -> object:
    """The value at the path, or None (NULL): missing key, bad index, step into a scalar (§4.3 rule 1)."""
    for at, step in enumerate(path):
        if isinstance(value, Layered):
            found = walk(value.first, path[at:])
            return found if found is not None else walk(value.second, path[at:])
        if isinstance(step, str):
            if not isinstance(value, dict):
                return None
            value = value.get(step)
        elif isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
        if value is None:
            return None
    return value


def _condition(node: grammar.Condition, references: set[Path], roots: frozenset[str] | None) -> Test:
    match node:
        case grammar.Comparison(operator, left, right):
            return _comparison(operator, _operand(left, references, roots), _operand(right, references, roots))
        case grammar.Not(inner):
            test = _condition(inner, references, roots)
            return lambda context: not test(context)
        case grammar.Every(conditions):
            tests = [_condition(each, references, roots) for each in conditions]
            return lambda context: all(test(context) for test in tests)
        case grammar.Some(conditions):
            tests = [_condition(each, references, roots) for each in conditions]
            return lambda context: any(test(context) for test in tests)


def _operand(node: grammar.Operand, references: set[Path], roots: frozenset[str] | None) -> Value:
    match node:
        case grammar.Literal(value):
            return lambda _context: value
        case grammar.Reference(path, position):
            if roots is not None and path[0] not in roots:
                expected = " or ".join(f"'{root}.'" for root in sorted(roots))
                raise ExpressionSyntaxError(f"'{path[0]}' must be prefixed with {expected}", position)
            references.add(path)
            return lambda context: walk(context, path)
        case grammar.Array(items):
            values = [_operand(item, references, roots) for item in items]
            return lambda context: [value(context) for value in values]


def _comparison(operator: str, left: Value, right: Value) -> Test:
    compare = _OPERATORS[operator]
    return lambda context: compare(left(context), right(context))


def _compound(value: object) -> bool:
    return isinstance(value, (list, dict, Layered))


def _number(value: object) -> float | int | None:
    """The value as a number when it is one or a string that spells one (§4.3 rule 6)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return None
        return number if math.isfinite(number) else None
    return None


def _pair(left: object, right: object) -> tuple[float | int, float | int] | None:
    """Both as numbers when at least one is a number and the other one spells one."""
    if isinstance(left, str) and isinstance(right, str):
        return None
    first, second = _number(left), _number(right)
    if first is None or second is None:
        return None
    return first, second


def _same(left: object, right: object) -> bool:
    """Equality of two scalars (§4.3 rules 6 and 7)."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    pair = _pair(left, right)
    if pair is not None:
        return pair[0] == pair[1]
    return isinstance(left, str) and isinstance(right, str) and left == right


def _equal(left: object, right: object) -> bool:
    if left is None or right is None:
        return left is right
    return not _compound(left) and not _compound(right) and _same(left, right)


def _unequal(left: object, right: object) -> bool:
    if left is None or right is None:
        return left is not right
    return not _compound(left) and not _compound(right) and not _same(left, right)


def _ordered(holds: Callable[[int], bool]) -> Callable[[object, object], bool]:
    """A test on the order (-1, 0, 1) of two scalars; false where there is none."""

    def compare(left: object, right: object) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            return holds((left > right) - (left < right))
        pair = _pair(left, right)
        return pair is not None and holds((pair[0] > pair[1]) - (pair[0] < pair[1]))

    return compare


def _text(value: object) -> str | None:
    """A scalar as text for CONTAINS; None for NULL and for what is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _contains(left: object, right: object) -> bool:
    whole, part = _text(left), _text(right)
    return whole is not None and part is not None and part in whole


def _not_contains(left: object, right: object) -> bool:
    if _compound(left) or _compound(right):
        return False
    return not _contains(left, right)


def _in(left: object, right: object) -> bool:
    if not isinstance(right, list) or left is None or _compound(left):
        return False
    return any(_same(left, item) for item in right)


def _not_in(left: object, right: object) -> bool:
    """NULL is in no list; false where the right side is no list or the left side is one (§4.3 rule 5)."""
    return isinstance(right, list) and not _compound(left) and not _in(left, right)


_OPERATORS: dict[str, Callable[[object, object], bool]] = {
    "==": _equal,
    "!=": _unequal,
    "<": _ordered(lambda order: order < 0),
    "<=": _ordered(lambda order: order <= 0),
    ">": _ordered(lambda order: order > 0),
    ">=": _ordered(lambda order: order >= 0),
    "CONTAINS": _contains,
    "NOT CONTAINS": _not_contains,
    "IN": _in,
    "NOT IN": _not_in,
    "HAS": lambda left, right: _in(right, left),
    "NOT HAS": lambda left, right: _not_in(right, left),
}
