"""Bad-input cells: what may be wrong with a good call, generated from the operation (ACCEPTANCE 3)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote, unquote

from parlour.rest.forms import Choice, Field, JsonObject, Limit, Ref, plan_of
from parlour.rest.operations import BODY_LIMIT, PUBLIC, Operation
from tests.contract.exceptions import bad_values
from tests.contract.inprocess import JSON, Request
from tests.contract.published import Parameter, Published

SID_PATTERN: Final = re.compile(r"^\^([A-Z]{2})\[0-9a-fA-F\]\{32\}\$$")
_SID: Final = re.compile(r"^[A-Z]{2}[0-9a-f]{32}$")
_KINDS: Final[Mapping[str, str]] = {"_integer": "many", "_boolean": "perhaps", "_date": "yesterday"}
_PUBLISHED_KINDS: Final[Mapping[str, str]] = {"integer": "many", "boolean": "perhaps", "date-time": "yesterday"}


@dataclass(frozen=True)
class Cell:
    """One bad call.

    :ivar kind: what is wrong, such as ``limit``.
    :ivar names: texts of which the message must have one.
    :ivar code: of the answer; None: any code of the contract.
    """

    kind: str
    parameter: str
    request: Request
    status: int
    code: int | None
    names: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return kind and parameter, as exceptions name them."""
        return f"{self.kind} {self.parameter}"


@dataclass(frozen=True)
class Good:
    """A good call of an operation by its own account, and the same by another.

    :ivar foreign: a SID of the other account for each prefix that it has.
    """

    operation: Operation
    published: Published | None
    own: Request
    other: Request
    foreign: Mapping[str, str]


def cells(good: Good) -> list[Cell]:
    """Return every bad call of an operation."""
    found = [*_path_cells(good), *_parameter_cells(good), *_body_cells(good)]
    if good.operation.callers != PUBLIC:
        found.append(_unauthenticated(good))
    return found


def variables(operation: Operation, request: Request) -> dict[str, str]:
    """Return the values of the path's variables in a request."""
    names = re.findall(r"\{([^}]*)\}", operation.path)
    pattern = re.sub(r"\\\{[^}]*\\\}", "([^/]+)", re.escape(operation.path.removesuffix(".json")))
    match = re.fullmatch(pattern, request.path.removesuffix(".json"))
    if match is None:
        raise ValueError(f"the good call of {operation.path} went to {request.path}")
    return dict(zip(names, (unquote(value) for value in match.groups()), strict=True))


def _path_cells(good: Good) -> Iterator[Cell]:
    own = variables(good.operation, good.own)
    other = variables(good.operation, good.other)
    for name, value in own.items():
        is_sid = bool(_SID.match(value))
        unknown = f"{value[:2]}{'0' * 28}beef" if is_sid else "no-such-thing"
        yield _path_cell(good, "unknown", own, name, unknown)
        if is_sid:
            yield _path_cell(good, "malformed", own, name, f"{value[:2]}-nothing")
        if other[name] != value and _SID.match(other[name]):
            yield _path_cell(good, "foreign", own, name, other[name])


def _path_cell(good: Good, kind: str, own: Mapping[str, str], name: str, value: str) -> Cell:
    path = good.operation.path
    values = {**own, name: value}
    for variable, kept in values.items():
        path = path.replace("{" + variable + "}", quote(kept, safe=""))
    return Cell(f"{kind} path", name, replace(good.own, path=path), 404, 20404, (*values.values(), path))


def _parameter_cells(good: Good) -> Iterator[Cell]:
    plan = plan_of(good.operation.form)
    published = good.published.parameters if good.published is not None else {}
    for name, field in plan.fields.items():
        sent = name in dict(good.own.query + good.own.form)
        required = field.required or (name in published and published[name].required)
        if required and sent:
            yield _parameter(good, "missing", name, None, 400, 20001)
        yield from _marked(good, field)
    for name, parameter in published.items():
        if name == "If-Match":
            stale = good.own.with_header("If-Match", "999999")
            yield Cell("stale", name, stale, 412, None, (name, *variables(good.operation, good.own).values()))
        if name in plan.fields:
            yield from _published(good, plan.fields[name], parameter)
    operation = f"{good.operation.method} {good.operation.product} {good.operation.path}"
    for bad in bad_values(operation):
        request = good.own.with_form(bad.parameter, bad.value)
        yield Cell("value", bad.parameter, request, 400, bad.code, bad.names)
    for name in good.operation.refused:
        yield _parameter(good, "refused", name, "1", 400, 20001)


def _published(good: Good, field: Field, parameter: Parameter) -> Iterator[Cell]:
    """Return the cells of what is published but checked by a rule, not by the form: any code of the contract."""
    inner = parameter.schema.get("items", parameter.schema)
    kinds = {type(mark) for mark in field.marks}
    match = SID_PATTERN.match(str(inner.get("pattern", "")))
    if match and Ref not in kinds:
        yield _parameter(good, "foreign", field.name, _foreign(good, match[1]), 400, None)
        yield _parameter(good, "malformed", field.name, "XX-nothing", 400, None)
    if (parameter.enum or inner.get("format") == "http-method") and Choice not in kinds:
        yield _parameter(good, "choice", field.name, "no-such-choice", 400, None)
    wrong = _PUBLISHED_KINDS.get(inner.get("format", inner.get("type")))
    if wrong is not None and getattr(field.convert, "__name__", "") not in _KINDS:
        yield _parameter(good, "type", field.name, wrong, 400, None)


def _marked(good: Good, field: Field) -> Iterator[Cell]:
    for mark in field.marks:
        if isinstance(mark, Limit):
            yield from _limits(good, field, mark)
        elif isinstance(mark, Choice):
            yield _parameter(good, "choice", field.name, "no-such-choice", 400, mark.code)
        elif isinstance(mark, JsonObject):
            yield _parameter(good, "json", field.name, "[1", 400, mark.code)
            yield _parameter(good, "json object", field.name, "[1]", 400, mark.code)
        elif isinstance(mark, Ref):
            yield _parameter(good, "malformed", field.name, "XX-nothing", 400, mark.code)
            foreign = _foreign(good, mark.prefixes[0])
            yield _parameter(good, "foreign", field.name, foreign, mark.status, mark.code)
    wrong = _KINDS.get(getattr(field.convert, "__name__", ""))
    if wrong is not None:
        yield _parameter(good, "type", field.name, wrong, 400, None)


def _limits(good: Good, field: Field, mark: Limit) -> Iterator[Cell]:
    is_number = field.convert.__name__ == "_integer"
    if mark.max is not None:
        yield _parameter(
            good, "limit", field.name, str(mark.max + 1) if is_number else "x" * (mark.max + 1), 400, mark.code
        )
    if mark.min is not None and (is_number or mark.min > 0):
        yield _parameter(
            good, "minimum", field.name, str(mark.min - 1) if is_number else "x" * (mark.min - 1), 400, mark.code
        )


def _parameter(good: Good, kind: str, name: str, value: str | None, status: int, code: int | None) -> Cell:
    return Cell(kind, name, good.own.with_form(name, value), status, code, (name,))


def _foreign(good: Good, prefix: str) -> str:
    return good.foreign.get(prefix, f"{prefix}{'0' * 28}beef")


def _body_cells(good: Good) -> Iterator[Cell]:
    operation, own = good.operation, good.own
    if operation.method == "GET" or operation.method == "DELETE" or operation.body == "raw":
        return
    large: dict[str, Any] = {"form": (), "body": b"x" * (BODY_LIMIT + 1)}
    yield Cell("large", "body", replace(own, **large), 413, 20001, ("body",))
    if operation.body == "json":
        yield Cell("malformed", "body", replace(own, form=(), body=b'{"half": '), 400, 20001, ("JSON",))
        return
    typed = replace(own, form=(), body=b'{"FriendlyName": "x"}').with_header("Content-Type", JSON)
    yield Cell("content type", "body", typed, 415, 20001, ("content type",))


def _unauthenticated(good: Good) -> Cell:
    headers = tuple(pair for pair in good.own.headers if pair[0].lower() != "authorization")
    return Cell("credentials", "Authorization", replace(good.own, headers=headers), 401, 20003, ("Authenticate",))
