"""Coverage by use: what the tests did with the published contract, from recorded traffic (ACCEPTANCE 1)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from parlour.rest.operations import Operation
from tests.contract.published import Document, Published, find
from tests.contract.traffic import Recorded

Key = tuple[str, str, str]  # document, method, path

HEAD: Final = """# Coverage by use

Computed from the recorded traffic of the test run; `make coverage` writes this page, and the build fails where it
differs. Titles are the published documents. A parameter counts when successful calls sent it with two different
values; an enum value is a pair of parameter name and value; both count calls that answered 2xx only.
"""


@dataclass
class Use:
    """What was done with one published operation.

    :ivar values: parameter to the values sent in successful calls.
    """

    served: Operation | None = None
    by_sdk: bool = False
    values: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """The figures of one document."""

    document: str
    operations: int
    served: int
    called: int
    parameters: int
    used: int
    refused: int
    enum_values: int
    enum_used: int


class Coverage:
    """Joins the published documents, the served operations and the recorded calls."""

    def __init__(
        self, documents: Mapping[str, Document], served: Iterable[Operation], calls: Iterable[Recorded]
    ) -> None:
        self._documents = documents
        self._uses: dict[Key, Use] = {
            _key(operation): Use() for document in documents.values() for operation in document.operations
        }
        self.unpublished: list[str] = []
        for operation in served:
            published = find(operation.product, operation.method, operation.path)
            if published is None:
                self.unpublished.append(f"{operation.method} {operation.product} {operation.path}")
            else:
                self._uses[_key(published)].served = operation
        for call in calls:
            self._count(call)

    def rows(self) -> list[Row]:
        """Return the figures of every document, in the order of the documents."""
        return [self._row(document) for document in self._documents.values()]

    def page(self) -> str:
        """Return the page `docs/coverage.md`."""
        lines = [HEAD, *self._table(), ""]
        for document in self._documents.values():
            lines += self._section(document)
        if self.unpublished:
            lines += ["## Served beside the documents", "", *(f"- `{name}`" for name in sorted(self.unpublished)), ""]
        return "\n".join(lines)

    def _count(self, call: Recorded) -> None:
        published = call.published
        if published is None or not 200 <= call.status < 300:
            return
        use = self._uses[_key(published)]
        use.by_sdk = use.by_sdk or call.by_sdk
        for name, values in call.sent.items():
            if name in published.parameters:
                use.values.setdefault(name, set()).update(values)

    def _row(self, document: Document) -> Row:
        uses = [(operation, self._uses[_key(operation)]) for operation in document.operations]
        published = {pair for operation in document.operations for pair in _enum_pairs(operation)}
        sent = {pair for operation, use in uses for pair in _sent_pairs(operation, use)}
        return Row(
            document.name,
            len(uses),
            sum(use.served is not None for _, use in uses),
            sum(use.by_sdk for _, use in uses),
            sum(len(operation.parameters) for operation, _ in uses),
            sum(len(values) > 1 for _, use in uses for values in use.values.values()),
            sum(len(_refused(operation, use)) for operation, use in uses),
            len(published),
            len(published & sent),
        )

    def _table(self) -> Iterator[str]:
        yield (
            "| document | operations | served | called by an SDK, 2xx | parameters | two values | refused by name "
            "| enum values | exercised |"
        )
        yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
        for row in self.rows():
            yield (
                f"| {row.document} | {row.operations} | {row.served} | {row.called} | {row.parameters} | {row.used} "
                f"| {row.refused} | {row.enum_values} | {row.enum_used} |"
            )

    def _section(self, document: Document) -> list[str]:
        uses = [(operation, self._uses[_key(operation)]) for operation in document.operations]
        served = [(operation, use) for operation, use in uses if use.served is not None]
        if not served:
            return []
        lines = [f"## {document.name}", ""]
        lines += _list("Served, but no SDK call succeeded", (o.name for o, use in served if not use.by_sdk))
        lines += _list("Parameters refused by name", (line for o, use in served for line in _refusals(o, use)))
        lines += _list("Stored and shown, without effect yet", (line for o, use in served for line in _stored(o, use)))
        lines += _list("Taken, and without effect by the contract", (x for o, use in served for x in _without(o, use)))
        lines += _list("Parameters not sent with two values", (line for o, use in served for line in _unused(o, use)))
        lines += _list("Enum values not exercised", _idle_enums(served))
        return lines


def _key(operation: Published) -> Key:
    return operation.document, operation.method, operation.path


def _list(title: str, items: Iterable[str]) -> list[str]:
    found = sorted(set(items))
    return [f"### {title}", "", *(f"- {item}" for item in found), ""] if found else []


def _refused(operation: Published, use: Use) -> Mapping[str, str]:
    refused = {} if use.served is None else use.served.refused
    return {name: reason for name, reason in refused.items() if name in operation.parameters}


def _refusals(operation: Published, use: Use) -> Iterator[str]:
    yield from _by_reason(operation, _refused(operation, use))


def _stored(operation: Published, use: Use) -> Iterator[str]:
    yield from _by_reason(operation, {} if use.served is None else use.served.stored_only)


def _without(operation: Published, use: Use) -> Iterator[str]:
    ignored = frozenset() if use.served is None else use.served.ignored
    names = sorted(ignored & operation.parameters.keys())
    if names:
        yield f"`{operation.method} {operation.path}`: {', '.join(names)}"


def _by_reason(operation: Published, parameters: Mapping[str, str]) -> Iterator[str]:
    names: dict[str, list[str]] = {}
    for name, reason in sorted(parameters.items()):
        names.setdefault(reason, []).append(name)
    for reason, group in names.items():
        yield f"`{operation.method} {operation.path}`: {', '.join(group)} ({reason})"


def _unused(operation: Published, use: Use) -> Iterator[str]:
    refused = _refused(operation, use)
    left_out = {*refused, *(() if use.served is None else use.served.ignored)}
    names = [name for name in operation.parameters if name not in left_out and len(use.values.get(name, ())) < 2]
    if names:
        yield f"`{operation.method} {operation.path}`: {', '.join(sorted(names))}"


def _enum_pairs(operation: Published) -> Iterator[tuple[str, str]]:
    for parameter in operation.parameters.values():
        for value in parameter.enum:
            yield parameter.name, value


def _sent_pairs(operation: Published, use: Use) -> Iterator[tuple[str, str]]:
    for name, values in use.values.items():
        lower = {value.lower() for value in values}
        for value in operation.parameters[name].enum:
            if value.lower() in lower:
                yield name, value


def _idle_enums(served: list[tuple[Published, Use]]) -> Iterator[str]:
    published = {pair for operation, _ in served for pair in _enum_pairs(operation)}
    sent = {pair for operation, use in served for pair in _sent_pairs(operation, use)}
    missing: dict[str, list[str]] = {}
    for name, value in sorted(published - sent):
        missing.setdefault(name, []).append(value)
    for name, values in missing.items():
        yield f"{name}: {', '.join(values)}"
