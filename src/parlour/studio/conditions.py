"""The 17 operators of split-based-on (studio.md §3). Both sides are trimmed and compared without case."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from parlour.studio.patterns import matches


def holds(kind: str, subject: str, value: str) -> bool:
    """Say whether a condition holds.

    Params: `kind`, the operator; `subject`, the rendered input; `value`, the rendered value of the condition.
    An unknown operator never holds. Reference: studio.md §3.
    """
    operator = OPERATORS.get(kind)
    return operator is not None and operator(subject.strip(), value.strip())


def _equal(subject: str, value: str) -> bool:
    return subject.casefold() == value.casefold()


def _any_of(subject: str, value: str) -> bool:
    return subject.casefold() in [each.strip().casefold() for each in value.split(",")]


def _contains(subject: str, value: str) -> bool:
    return value.casefold() in subject.casefold()


def _starts_with(subject: str, value: str) -> bool:
    return subject.casefold().startswith(value.casefold())


def _blank(subject: str, _: str) -> bool:
    return subject == ""


def _number(text: str) -> float | None:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text, re.ASCII):
        return None
    return float(text)


def _less(subject: str, value: str) -> bool:
    left, right = _number(subject), _number(value)
    return left is not None and right is not None and left < right


def _greater(subject: str, value: str) -> bool:
    return _less(value, subject)


def _time(text: str) -> int | None:
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text, re.ASCII)
    return int(match[1]) * 60 + int(match[2]) if match else None


def _before_time(subject: str, value: str) -> bool:
    left, right = _time(subject), _time(value)
    return left is not None and right is not None and left < right


def _after_time(subject: str, value: str) -> bool:
    return _before_time(value, subject)


def _date(text: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _before_date(subject: str, value: str) -> bool:
    left, right = _date(subject), _date(value)
    return left is not None and right is not None and left < right


def _after_date(subject: str, value: str) -> bool:
    return _before_date(value, subject)


def _not(operator: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    return lambda subject, value: not operator(subject, value)


OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "equal_to": _equal,
    "not_equal_to": _not(_equal),
    "matches_any_of": _any_of,
    "does_not_match_any_of": _not(_any_of),
    "contains": _contains,
    "does_not_contain": _not(_contains),
    "starts_with": _starts_with,
    "does_not_start_with": _not(_starts_with),
    "is_blank": _blank,
    "is_not_blank": _not(_blank),
    "regex": lambda subject, value: matches(value, subject),
    "less_than": _less,
    "greater_than": _greater,
    "is_before_time": _before_time,
    "is_after_time": _after_time,
    "is_before_date": _before_date,
    "is_after_date": _after_date,
}
