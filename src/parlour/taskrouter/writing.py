"""Conditions written out again, so that one of them can be named (taskrouter.md §4.1)."""

from parlour.kit.wire import json_text
from parlour.taskrouter.grammar import (
    Array,
    Comparison,
    Condition,
    Every,
    Literal,
    Not,
    Operand,
    Reference,
    Some,
)


def clauses(condition: Condition) -> list[Condition]:
    """The conditions that must all hold, in the order in which they stand."""
    if isinstance(condition, Every):
        return [part for each in condition.conditions for part in clauses(each)]
    return [condition]


def written(condition: Condition) -> str:
    """The condition as text, in the canonical spelling."""
    match condition:
        case Comparison(operator, left, right):
            return f"{_operand(left)} {operator} {_operand(right)}"
        case Not(inner):
            return f"NOT ({written(inner)})"
        case Every(conditions):
            return " AND ".join(
                f"({written(each)})" if isinstance(each, Some) else written(each) for each in conditions
            )
        case Some(conditions):
            return " OR ".join(written(each) for each in conditions)


def _operand(operand: Operand) -> str:
    match operand:
        case Literal(value):
            return f"'{value}'" if isinstance(value, str) and "'" not in value else json_text(value)
        case Reference(path, _):
            first, *rest = path
            return str(first) + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in rest)
        case Array(items):
            return "[" + ", ".join(_operand(each) for each in items) + "]"
