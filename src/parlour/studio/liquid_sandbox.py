"""The Liquid of flows: which tags and filters exist and how much they may do (studio.md §4.3, §4.4).

Imported lazily by `templates`, because the library is heavy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Final, TextIO

from liquid import Environment, Mode
from liquid.builtin.output import Output, OutputNode
from liquid.context import RenderContext
from liquid.exceptions import FilterArgumentError, LiquidError, LoopIterationLimitError
from liquid.filter import with_context
from liquid.stringify import to_liquid_string
from liquid.template import BoundTemplate
from liquid.undefined import Undefined

from parlour.studio.templates import MAX_RENDERED, MAX_TURNS, TemplateError

MAX_FILTER_INPUT: Final = 64 * 1024
"""Characters or items a filter takes and gives: bounds memory, not part of the contract."""
MAX_NUMBER: Final = 10**30
"""Largest integer a filter gives: bounds time, not part of the contract."""
LOCALS_BYTES: Final = 256 * 1024
"""Bytes that all variables of one template may hold."""
TAGS: Final = frozenset(
    {"#", "assign", "break", "capture", "case", "comment", "content", "continue", "cycle", "decrement"}
    | {"for", "if", "ifchanged", "illegal", "increment", "output", "unless"}
)
SPACED_DOT: Final = re.compile(r"(?<=[\w\]])\s*\.\s+(?=[A-Za-z_])")
TAG: Final = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})", re.DOTALL)
QUOTED: Final = re.compile(r"(\"[^\"]*\"|'[^']*')")


def plain(value: object) -> object:
    """Give a template value as plain JSON data; undefined is null."""
    if isinstance(value, Undefined):
        return None
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [plain(each) for each in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value


def as_json(value: object) -> str:
    """Write a template value as JSON text."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))


class _OutputNode(OutputNode):
    """An output tag that writes objects and arrays as JSON (studio.md §4.4)."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        if isinstance(value, (Mapping, list, tuple)) and not isinstance(value, Undefined):
            return buffer.write(as_json(value))
        return buffer.write(to_liquid_string(value, autoescape=False))


class _Output(Output):
    node_class = _OutputNode


class _Context(RenderContext):
    """A render context that holds each loop to the contract's number of turns."""

    __slots__ = ()

    def raise_for_loop_limit(self, length: int = 1) -> None:
        if length > MAX_TURNS:
            raise LoopIterationLimitError(f"a loop has more than {MAX_TURNS} turns", token=None)
        super().raise_for_loop_limit(length)


class _Template(BoundTemplate):
    context_class = _Context


class _Environment(Environment):
    template_class = _Template
    local_namespace_limit = LOCALS_BYTES
    loop_iteration_limit = MAX_TURNS**2
    output_stream_limit = MAX_RENDERED


def _bounded(name: str, filter_: Callable[..., object]) -> Callable[..., object]:
    """Refuse inputs and results of a size no flow needs, before memory is spent on them."""

    @wraps(filter_)
    def guarded(value: object, *args: object, **options: object) -> object:
        for each in (value, *args):
            if isinstance(each, (str, list, range)) and len(each) > MAX_FILTER_INPUT:
                raise FilterArgumentError(f"{name}: the value is too long", token=None)
        if name == "replace" and len(args) == 2:
            pieces = len(str(value)) // max(1, len(str(args[0]))) + 1
            if pieces * len(str(args[1])) > MAX_FILTER_INPUT:
                raise FilterArgumentError(f"{name}: the result is too long", token=None)
        result = filter_(value, *args, **options)
        if isinstance(result, int) and abs(result) > MAX_NUMBER:
            raise FilterArgumentError(f"{name}: the number is too large", token=None)
        return result

    return guarded


def _date_filter(library: Callable[..., object]) -> Callable[..., object]:
    """The library's `date`, but `now` is the domain time and zones are UTC."""

    @with_context
    def date_filter(value: object, fmt: object = None, *, context: RenderContext) -> object:
        if isinstance(value, str) and value.strip().lower() in ("now", "today"):
            value = context.globals["now"]
        elif isinstance(value, (int, float)) or (isinstance(value, str) and value.strip().isdigit()):
            try:
                value = datetime.fromtimestamp(int(value), UTC)
            except (OverflowError, OSError, ValueError) as error:
                raise FilterArgumentError("date: not a time", token=None) from error
        if fmt is None or isinstance(fmt, Undefined):
            return value.isoformat() if isinstance(value, datetime) else value
        return library(value, str(fmt), environment=context.env)

    return date_filter


def _environment() -> _Environment:
    environment = _Environment(tolerance=Mode.STRICT, strict_filters=True)
    for name in [name for name in environment.tags if name not in TAGS]:
        del environment.tags[name]
    environment.add_tag(_Output)
    library_date = environment.filters["date"]
    for name in ("safe", "escapejs", "date"):
        environment.filters.pop(name, None)
    environment.add_filter("to_json", as_json)
    for name, filter_ in list(environment.filters.items()):
        environment.add_filter(name, _bounded(name, filter_))
    environment.add_filter("date", _date_filter(library_date))
    return environment


def _joined_dots(source: str) -> str:
    """Close the space after the dot of a path, which real flows contain (studio.md §4.3)."""

    def inside(match: re.Match[str]) -> str:
        parts = QUOTED.split(match.group())
        return "".join(part if index % 2 else SPACED_DOT.sub(".", part) for index, part in enumerate(parts))

    return TAG.sub(inside, source)


class Sandbox:
    """Parses templates once and renders them within limits."""

    def __init__(self) -> None:
        self._environment = _environment()
        self._parsed = lru_cache(maxsize=2048)(self._parse)

    def render(self, source: str, context: Mapping[str, object], now: datetime) -> str:
        """Render to text. Errors: TemplateError."""
        template = self._template(source)
        try:
            return template.render({**context, "now": now, "today": now})
        except _FAILURES as error:
            raise TemplateError(_first_line(error)) from error

    def bare_value(self, source: str, context: Mapping[str, object], now: datetime) -> tuple[bool, object]:
        """Say whether the source is one output tag alone, and then give its value as plain data."""
        template = self._template(source.strip())
        if len(template.nodes) != 1 or not isinstance(template.nodes[0], OutputNode):
            return False, None
        scope = template.make_globals({**context, "now": now, "today": now})
        try:
            value = template.nodes[0].expression.evaluate(_Context(template, globals=scope))
        except _FAILURES as error:
            raise TemplateError(_first_line(error)) from error
        return True, plain(value)

    def _template(self, source: str) -> BoundTemplate:
        try:
            return self._parsed(source)
        except (LiquidError, RecursionError) as error:
            raise TemplateError(_first_line(error)) from error

    def _parse(self, source: str) -> BoundTemplate:
        return self._environment.from_string(_joined_dots(source))


_FAILURES: Final = (
    LiquidError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError,
)  # fmt: skip


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
