"""Forms: PascalCase parameters, read into typed structs with the contract's limits (conversations.md §1.4)."""

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec

from parlour.kit.errors import ContractError
from parlour.kit.sids import is_sid
from parlour.kit.wire import decode_json, parse_iso, pascal
from parlour.rest.errors import invalid_parameter, missing_parameter

F = TypeVar("F", bound="Form")

TRUE: Final = frozenset({"true", "1", "yes"})
FALSE: Final = frozenset({"false", "0", "no", ""})


@dataclass(frozen=True)
class Limit:
    """Bounds of a parameter: characters of a text, value of a number.

    :param code: the contract's error code when the bound is broken.
    """

    max: int | None = None
    min: int | None = None
    code: int = 20001


@dataclass(frozen=True)
class Choice:
    """An enum of the contract; the case of the input does not matter, the canonical spelling is kept."""

    values: tuple[str, ...]
    code: int = 20001


@dataclass(frozen=True)
class Ref:
    """A SID of the account, of one of these prefixes; anything else is refused.

    :param code: the contract's error code for a SID of the right form that is no row of the account.
    """

    prefixes: tuple[str, ...]
    code: int = 20001
    status: int = 400


@dataclass(frozen=True)
class JsonObject:
    """A text that must be a JSON object; the exact text is kept."""

    code: int = 20001


def choice(*values: str, code: int = 20001) -> Choice:
    """Shorthand for an enum."""
    return Choice(values, code)


def ref(*prefixes: str, code: int = 20001, status: int = 400) -> Ref:
    """Shorthand for a SID that must be the account's."""
    return Ref(prefixes, code, status)


def param(name: str, *, default: Any = None, default_factory: Any = None) -> Any:
    """Give a field a wire name that is not the PascalCase of its own."""
    if default_factory is not None:
        return msgspec.field(name=name, default_factory=default_factory)
    return msgspec.field(name=name, default=default)


class Form(msgspec.Struct, rename=pascal, kw_only=True):
    """Parameters of an operation. A field without a default is required; ``list[str]`` takes repeated ones."""

    @classmethod
    def sent(cls, values: Mapping[str, object]) -> frozenset[str]:
        """Return the names of this form's parameters that the request has."""
        return frozenset(plan_of(cls).fields) & values.keys()


class NoForm(Form):
    """No parameters."""


@dataclass(frozen=True)
class Field:
    """How one parameter is read."""

    name: str
    attribute: str
    required: bool
    many: bool
    nullable: bool
    convert: Callable[[str, str], Any]
    marks: tuple[object, ...]


@dataclass(frozen=True)
class Plan:
    """How a form is read."""

    fields: dict[str, Field]
    refs: tuple[tuple[Field, Ref], ...]


_plans: Final[dict[type[Form], Plan]] = {}


def plan_of(form: type[Form]) -> Plan:
    """Return the reading plan of a form, made at its first use."""
    plan = _plans.get(form)
    if plan is None:
        hints = typing.get_type_hints(form, include_extras=True)
        fields = {}
        for info in msgspec.structs.fields(form):
            fields[info.encode_name] = _field(info, hints[info.name])
        refs = tuple((field, mark) for field in fields.values() for mark in field.marks if isinstance(mark, Ref))
        plan = _plans[form] = Plan(fields, refs)
    return plan


def read_form(form: type[F], values: Mapping[str, Sequence[str]]) -> F:
    """Read a form from request parameters; names it does not have are left alone.

    :param values: wire name to the values in the order sent.
    :raises ContractError: a parameter is missing or breaks its limits; the message names it.
    """
    plan = plan_of(form)
    found: dict[str, Any] = {}
    for field in plan.fields.values():
        sent = values.get(field.name)
        if not sent:
            if field.required:
                raise missing_parameter(field.name)
            continue
        if field.many:
            found[field.attribute] = [_one(field, value) for value in sent]
        else:
            found[field.attribute] = _one(field, sent[-1])
    return form(**found)


def _one(field: Field, text: str) -> Any:
    for mark in field.marks:
        if isinstance(mark, Choice):
            text = _choose(field.name, text, mark)
        elif isinstance(mark, JsonObject):
            _check_json(field.name, text, mark)
        elif isinstance(mark, Ref) and text and not is_sid(text, *mark.prefixes):
            raise invalid_parameter(field.name, f"'{text}' is not a SID of {' or '.join(mark.prefixes)}", mark.code)
    value = field.convert(field.name, text)
    for mark in field.marks:
        if isinstance(mark, Limit):
            _check_limit(field.name, value, mark)
    return value


def _choose(name: str, text: str, mark: Choice) -> str:
    for value in mark.values:
        if value.lower() == text.lower():
            return value
    raise invalid_parameter(name, f"'{text[:64]}' is not one of {', '.join(mark.values)}", mark.code)


def _check_json(name: str, text: str, mark: JsonObject) -> None:
    try:
        value = decode_json(text)
    except msgspec.DecodeError as error:
        raise invalid_parameter(name, f"not valid JSON ({error})", mark.code) from error
    if not isinstance(value, dict):
        raise invalid_parameter(name, "must be a JSON object", mark.code)


def _check_limit(name: str, value: Any, mark: Limit) -> None:
    size = len(value) if isinstance(value, str) else value
    unit = " characters" if isinstance(value, str) else ""
    if mark.max is not None and size > mark.max:
        raise invalid_parameter(name, f"at most {mark.max}{unit}", mark.code)
    if mark.min is not None and size < mark.min:
        raise invalid_parameter(name, f"at least {mark.min}{unit}", mark.code)


def _field(info: Any, hint: Any) -> Field:
    marks: list[object] = []
    kind, nullable = _unwrap(hint, marks)
    many = typing.get_origin(kind) is list
    if many:
        kind, _ = _unwrap(typing.get_args(kind)[0], marks)
    return Field(
        name=info.encode_name,
        attribute=info.name,
        required=info.required,
        many=many,
        nullable=nullable,
        convert=_CONVERTERS[kind],
        marks=tuple(marks),
    )


def _unwrap(hint: Any, marks: list[object]) -> tuple[Any, bool]:
    nullable = False
    while True:
        origin = typing.get_origin(hint)
        if origin is Annotated:
            marks.extend(hint.__metadata__)
            hint = hint.__origin__
        elif origin in (typing.Union, types.UnionType):
            arms = [arm for arm in typing.get_args(hint) if arm is not type(None)]
            if len(arms) != 1:
                raise TypeError(f"a form field has one type, not {hint}")
            nullable = True
            hint = arms[0]
        else:
            return hint, nullable


def _text(_name: str, text: str) -> str:
    return text


def _integer(name: str, text: str) -> int:
    try:
        return int(text.strip())
    except ValueError as error:
        raise invalid_parameter(name, f"'{text[:64]}' is not a whole number") from error


def _boolean(name: str, text: str) -> bool:
    lower = text.strip().lower()
    if lower in TRUE:
        return True
    if lower in FALSE:
        return False
    raise invalid_parameter(name, f"'{text[:64]}' is neither true nor false")


def _date(name: str, text: str) -> datetime:
    try:
        return parse_iso(text.strip())
    except ValueError as error:
        raise invalid_parameter(name, f"'{text[:64]}' is not an ISO 8601 date") from error


_CONVERTERS: Final[dict[Any, Callable[[str, str], Any]]] = {
    str: _text,
    int: _integer,
    bool: _boolean,
    datetime: _date,
}


def unsupported(name: str, reason: str) -> ContractError:
    """Refuse a published parameter that is out of scope, by name."""
    return invalid_parameter(name, f"this parameter is not supported here ({reason})")
