"""The operation router: a trie of path segments for each product (dependencies.md B.3)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from parlour.rest.operations import Operation


@dataclass
class _Node:
    literal: dict[str, "_Node"] = field(default_factory=dict)
    variable: "_Node | None" = None
    operations: dict[str, tuple[Operation, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """An operation and the values of its path's variables; operation None: the path exists, the method does not."""

    operation: Operation | None
    path: dict[str, str]


class Router:
    """Finds the operation of a request.

    :param operations: everything that is served.
    :param absences: product, prefix of paths that are published and not served, and why.
    """

    def __init__(self, operations: Iterable[Operation], absences: Iterable[tuple[str, str, str]] = ()) -> None:
        self._roots: dict[str, _Node] = {}
        self._absences = tuple(absences)
        self.operations = list(operations)
        for operation in self.operations:
            self._add(operation)

    @property
    def products(self) -> frozenset[str]:
        """Return the products that have operations."""
        return frozenset(self._roots)

    def why_absent(self, product: str, path: str) -> str | None:
        """Return why a published path is not served, None where nothing is known of it."""
        for owner, prefix, why in self._absences:
            if product == owner and (path + "/").startswith(prefix + "/"):
                return why
        return None

    def match(self, method: str, product: str, path: str) -> Match | None:
        """Return the operation for a request, or None where the path is unknown.

        A trailing slash and the suffix ``.json`` do not matter.
        """
        root = self._roots.get(product)
        if root is None:
            return None
        values: list[str] = []
        node = root
        for segment in _segments(path):
            child = node.literal.get(segment)
            if child is None:
                child = node.variable
                if child is None:
                    return None
                values.append(unquote(segment) if "%" in segment else segment)
            node = child
        if not node.operations:
            return None
        found = node.operations.get(method)
        if found is None:
            return Match(None, {})
        operation, names = found
        return Match(operation, dict(zip(names, values, strict=True)))

    def _add(self, operation: Operation) -> None:
        node = self._roots.setdefault(operation.product, _Node())
        names = []
        for segment in _segments(operation.path):
            if segment.startswith("{"):
                names.append(segment.strip("{}"))
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literal.setdefault(segment, _Node())
        if operation.method in node.operations:
            raise ValueError(f"{operation.method} {operation.product} {operation.path} is served twice")
        node.operations[operation.method] = (operation, tuple(names))


def _segments(path: str) -> list[str]:
    return path.strip("/").removesuffix(".json").split("/")
