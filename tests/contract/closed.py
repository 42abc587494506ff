"""Compares an answer with its published schema, closed (ACCEPTANCE 2).

The published schemas accept an empty object and any further key. Here every published key must be there, no other
may be, and null is right only where an example of the document shows null or ``nullable.toml`` says why.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from tests.contract.published import HERE, Document, Published, documents, schema_name

NUMBER: Final = "api.v2010.account.incoming_phone_number.incoming_phone_number_"
ERROR_KEYS: Final = frozenset({"code", "message", "more_info", "status"})
_ISO: Final = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")
_DATE: Final = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_RFC_2822: Final = re.compile(r"^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} \+0000$")


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong with an answer: at which key of which schema."""

    schema: str
    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.schema}: {self.key} {self.what}"


@dataclass(frozen=True)
class Exceptions:
    """What ``nullable.toml`` allows: schema to keys."""

    nulls: Mapping[str, frozenset[str]]
    further: Mapping[str, frozenset[str]]
    free: Mapping[str, frozenset[str]]
    statuses: Mapping[str, frozenset[int]]


def check_answer(operation: Published, status: int, body: object) -> list[Problem]:
    """Return what is wrong with an answer of a published operation."""
    if status >= 400:
        return list(_check_error(operation, status, body))
    if status not in operation.answers and status not in exceptions().statuses.get(operation.name, ()):
        published = ", ".join(str(known) for known in sorted(operation.answers))
        return [Problem(operation.name, "status", f"is {status}, published: {published}")]
    schema = operation.answers.get(status, operation.answers[min(operation.answers)])
    if schema is None:
        return [] if body is None else [Problem(operation.name, "body", "is published as empty")]
    document = documents()[operation.document]
    return list(_Check(document).value(schema, body, operation.name, ""))


def canonical(schema: str) -> str:
    """Return the schema's name without its twins: all forms of a resource share what may be null."""
    parts = ("api.v2010.account.incoming_phone_number" if schema.startswith(NUMBER) else schema).split(".")
    kept = [part for number, part in enumerate(parts) if part != "service" or number == len(parts) - 1]
    return ".".join(part.removeprefix("service_") for part in kept)


@cache
def exceptions() -> Exceptions:
    """Read ``nullable.toml``; each entry needs a reference and a reason."""
    content = tomllib.loads((HERE / "nullable.toml").read_text())
    tables: dict[str, dict[str, frozenset[str]]] = {"null": {}, "further": {}, "free": {}}
    for kind, table in tables.items():
        for entry in content.get(kind, []):
            if not entry["reference"] or not entry["why"]:
                raise ValueError(f"an entry of nullable.toml for {entry['schema']} has no reference or reason")
            name = canonical(entry["schema"])
            table[name] = table.get(name, frozenset()) | frozenset(entry["keys"])
    statuses = {entry["operation"]: frozenset(entry["statuses"]) for entry in content.get("status", [])}
    return Exceptions(tables["null"], tables["further"], tables["free"], statuses)


@cache
def shown(document: str, *, empty: bool = False) -> Mapping[str, frozenset[str]]:
    """Return the keys that examples of a document show as null (or as an empty text), by canonical schema."""
    found: dict[str, frozenset[str]] = {}
    known = documents()[document]
    for name, keys in (known.empties if empty else known.nulls).items():
        found[canonical(name)] = found.get(canonical(name), frozenset()) | keys
    return found


class _Check:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._relative = document.name == "api_v2010"

    def value(self, schema: Mapping[str, Any], value: object, owner: str, key: str) -> Iterator[Problem]:
        """Compare one value; ``owner`` is the component schema that has ``key``."""
        name = schema_name(schema)
        if name is not None:
            schema = self._document.schemas[name]
        if value is None:
            if not self._may_be_null(schema, owner, key):
                yield Problem(owner, key, "is null, which neither an example nor nullable.toml shows")
            return
        if "properties" in schema:
            yield from self._object(schema, value, owner if name is None else name, key)
        elif schema.get("type") == "array":
            yield from self._array(schema, value, owner, key)
        elif value == "" and key in shown(self._document.name, empty=True).get(canonical(owner), ()):
            return
        elif "type" in schema and key not in exceptions().free.get(canonical(owner), ()):
            yield from self._scalar(schema, value, owner, key)

    def _may_be_null(self, schema: Mapping[str, Any], owner: str, key: str) -> bool:
        if owner not in self._document.schemas:
            return bool(schema.get("nullable"))
        name = canonical(owner)
        return key in shown(self._document.name).get(name, ()) or key in exceptions().nulls.get(name, ())

    def _object(self, schema: Mapping[str, Any], value: object, owner: str, key: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem(owner, key, f"is {_kind(value)}, published: object")
            return
        published = schema["properties"]
        allowed = exceptions().further.get(canonical(owner), frozenset())
        for missing in published.keys() - value.keys() - allowed:
            yield Problem(owner, missing, "is missing")
        for extra in value.keys() - published.keys() - allowed:
            yield Problem(owner, extra, "is not published")
        for name, inner in published.items():
            if name in value:
                yield from self.value(inner, value[name], owner, name)

    def _array(self, schema: Mapping[str, Any], value: object, owner: str, key: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield Problem(owner, key, f"is {_kind(value)}, published: array")
            return
        for row in value:
            yield from self.value(schema.get("items", {}), row, owner, key)

    def _scalar(self, schema: Mapping[str, Any], value: object, owner: str, key: str) -> Iterator[Problem]:
        kind = schema["type"]
        if not _KINDS[kind](value):
            yield Problem(owner, key, f"is {_kind(value)}, published: {kind}")
        elif "enum" in schema and value not in schema["enum"]:
            yield Problem(owner, key, f"is {value!r}, published: {', '.join(map(str, schema['enum']))}")
        elif "pattern" in schema and not re.match(schema["pattern"], str(value)):
            yield Problem(owner, key, f"is {value!r}, which is not {schema['pattern']}")
        elif not self._format(schema.get("format"), value, key):
            yield Problem(owner, key, f"is {value!r}, which is no {schema['format']}")

    def _format(self, name: str | None, value: object, key: str) -> bool:
        if name == "uri-map" and isinstance(value, dict):
            return all(isinstance(uri, str) and self._uri(uri, empty=False) for uri in value.values())
        if not isinstance(value, str):
            return True
        if name == "uri":
            return self._uri(value, empty=key not in ("url", "uri"))
        pattern = {"date-time": _ISO, "date": _DATE, "date-time-rfc-2822": _RFC_2822}.get(name or "")
        if pattern is not None:
            return pattern.match(value) is not None
        return name != "http-method" or value.upper() in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD")

    def _uri(self, value: str, *, empty: bool) -> bool:
        if not value:
            return empty
        if self._relative and value.startswith("/"):
            return True
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.netloc)


def _check_error(operation: Published, status: int, body: object) -> Iterator[Problem]:
    if not isinstance(body, dict):
        yield Problem(operation.name, str(status), f"has {_kind(body)} as its body, not the error envelope")
        return
    if body.keys() - {"details"} != ERROR_KEYS:
        yield Problem(operation.name, str(status), f"has the keys {', '.join(sorted(body))}")
    elif body["status"] != status or not isinstance(body["code"], int) or not body["message"]:
        yield Problem(operation.name, str(status), f"says {body}")


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__


_KINDS: Final[Mapping[str, Callable[[object], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
}
