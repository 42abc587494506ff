"""The workflow configuration document: parsed, checked and walked (taskrouter.md §3.1, §3.2)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from parlour.taskrouter import grammar
from parlour.taskrouter.expression import Context, Expression, ExpressionSyntaxError, compile_expression, walk
from parlour.taskrouter.grammar import Path

MAX_BYTES = 1_038_576  # taskrouter.md §10
DEFAULT_FILTER = -1  # the position of default_filter among the filters
_TARGET_ROOTS = frozenset({"task", "worker"})
_SKIP_ROOTS = frozenset({"workers", "task"})
_ORDER_CLAUSE = re.compile(r"^(?P<path>\S+?)(?:\s+(?P<direction>ASC|DESC))?$", re.IGNORECASE)


class ConfigurationError(ValueError):
    """The document is no workflow configuration; the message says where and why."""


@dataclass(frozen=True, slots=True)
class OrderClause:
    """One ``worker.<path> ASC|DESC`` of order_by; the path starts below ``worker``."""

    path: Path
    descending: bool


@dataclass(frozen=True, slots=True)
class Target:
    """One step of a filter; ``timeout`` in seconds."""

    queue_sid: str
    expression: Expression | None = None
    priority: int | None = None
    timeout: int | None = None
    order_by: tuple[OrderClause, ...] = ()
    order_text: str = ""
    skip_if: Expression | None = None
    known_worker_sid: Path | None = None
    known_worker_friendly_name: Path | None = None

    @property
    def known_worker(self) -> Path | None:
        """The task path that names the only worker of this target, below ``task``."""
        return self.known_worker_sid or self.known_worker_friendly_name

    @property
    def task_paths(self) -> tuple[Path, ...]:
        """The task attribute paths that decide which workers fit, in a stable order."""
        paths = {path[1:] for path in (self.expression.references if self.expression else ()) if path[0] == "task"}
        if self.known_worker is not None:
            paths.add(self.known_worker)
        return tuple(sorted(paths, key=repr))


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on task attributes and the targets of the tasks which meet it."""

    name: str
    expression: Expression | None
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the workflow: the filter (DEFAULT_FILTER for default_filter) and the target within it."""

    filter: int
    target: int


@dataclass(frozen=True, slots=True)
class Workflow:
    """A checked configuration."""

    filters: tuple[Filter, ...]
    default: Filter | None

    @property
    def queue_sids(self) -> frozenset[str]:
        """Every queue the document names."""
        every = [*self.filters, *([self.default] if self.default else [])]
        return frozenset(target.queue_sid for each in every for target in each.targets)

    @property
    def reads_channels(self) -> bool:
        """Whether some target's expression reads a worker's channels, which change with every reservation."""
        every = [*self.filters, *([self.default] if self.default else [])]
        expressions = (target.expression for each in every for target in each.targets)
        return any(path[:2] == ("worker", "channel") for e in expressions if e for path in e.references)

    def filter_at(self, position: Position) -> Filter | None:
        """The filter of a position, None when the document no longer has it."""
        if position.filter == DEFAULT_FILTER:
            return self.default
        return self.filters[position.filter] if position.filter < len(self.filters) else None

    def target_at(self, position: Position) -> Target | None:
        """The target of a position, None when the document no longer has it."""
        found = self.filter_at(position)
        return found.targets[position.target] if found and position.target < len(found.targets) else None

    def enter(self, attributes: Context) -> Position | None:
        """Where a new task goes: the first filter that holds, else default_filter (§3.2 step 1)."""
        return self._first_matching(0, attributes, with_default=True)

    def passed(self, position: Position, attributes: Context) -> list[dict[str, str | int | None]]:
        """The filters before a position that do not hold, each with the condition that does not."""
        end = len(self.filters) if position.filter == DEFAULT_FILTER else position.filter
        return [
            {"filter_number": index + 1, "filter_name": each.name, "clause": each.expression.failing(attributes)}
            for index, each in enumerate(self.filters[:end])
            if each.expression is not None
        ]

    def after_timeout(self, position: Position, attributes: Context) -> Position | None:
        """Where a task goes when its target's time is over; None ends it (§3.2 step 6)."""
        return self._following(position) or self._later(position, attributes, with_default=False)

    def after_skip(self, position: Position, attributes: Context) -> Position | None:
        """Where a task goes when its target is skipped; None ends it (§3.2 step 4)."""
        return self._following(position) or self._later(position, attributes, with_default=True)

    def _following(self, position: Position) -> Position | None:
        following = Position(position.filter, position.target + 1)
        return following if self.target_at(following) else None

    def _later(self, position: Position, attributes: Context, *, with_default: bool) -> Position | None:
        if position.filter == DEFAULT_FILTER:
            return None
        return self._first_matching(position.filter + 1, attributes, with_default=with_default)

    def _first_matching(self, start: int, attributes: Context, *, with_default: bool) -> Position | None:
        for index, each in enumerate(self.filters[start:], start):
            if each.expression is None or each.expression.matches(attributes):
                return Position(index, 0)
        return Position(DEFAULT_FILTER, 0) if with_default and self.default else None


@lru_cache(maxsize=512)
def parse_configuration(text: str) -> Workflow:
    """Parse and check a configuration document as it was sent.

    Raises ConfigurationError. Unknown JSON keys are allowed and kept by the stored text (§3.1). Whether a
    queue exists is asked by the caller, who has the database.
    """
    if len(text.encode()) > MAX_BYTES:
        raise ConfigurationError(f"Configuration must not exceed {MAX_BYTES} bytes")
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"Configuration is not valid JSON: {error}") from error
    routing = document.get("task_routing") if isinstance(document, Mapping) else None
    if not isinstance(routing, Mapping):
        raise ConfigurationError("Configuration must have an object 'task_routing'")
    filters = routing.get("filters")
    if filters is None:
        filters = []
    if not isinstance(filters, list):
        raise ConfigurationError("task_routing.filters must be a list")
    default = routing.get("default_filter")
    return Workflow(
        tuple(_filter(raw, f"task_routing.filters[{index}]") for index, raw in enumerate(filters)),
        None if default is None else _default(default),
    )


def _filter(raw: object, where: str) -> Filter:
    fields = _object(raw, where)
    source = _text(fields, "expression", where)
    if source is None:
        raise ConfigurationError(f"{where}.expression is required")
    targets = fields.get("targets")
    if not isinstance(targets, list) or not targets:
        raise ConfigurationError(f"{where}.targets must be a list with at least one target")
    name = _text(fields, "filter_friendly_name", where) or _text(fields, "friendly_name", where) or ""
    return Filter(name, _expression(source, f"{where}.expression", None), tuple(_targets(targets, where)))


def _default(raw: object) -> Filter:
    """default_filter is one target with a queue; it never has a timeout (§3.1)."""
    where = "task_routing.default_filter"
    fields = {key: value for key, value in _object(raw, where).items() if key != "timeout"}
    return Filter("Default Filter", None, (_target(fields, where, None),))


def _targets(raw: list[object], where: str) -> Iterator[Target]:
    queue: str | None = None
    for index, each in enumerate(raw):
        target = _target(_object(each, f"{where}.targets[{index}]"), f"{where}.targets[{index}]", queue)
        queue = target.queue_sid
        yield target


def _target(fields: Mapping[str, object], where: str, inherited: str | None) -> Target:
    queue = _text(fields, "queue", where) or inherited
    if queue is None:
        raise ConfigurationError(f"{where}.queue is required")
    sources = {key: _text(fields, key, where) or None for key in ("expression", "skip_if", "order_by")}
    by_sid, by_name = (_known(fields, key, where) for key in ("known_worker_sid", "known_worker_friendly_name"))
    if by_sid and by_name:
        raise ConfigurationError(f"{where}: known_worker_sid and known_worker_friendly_name exclude each other")
    expression, skip_if, order_by = sources["expression"], sources["skip_if"], sources["order_by"]
    return Target(
        queue_sid=queue,
        expression=_expression(expression, f"{where}.expression", _TARGET_ROOTS) if expression else None,
        priority=_integer(fields, "priority", where, least=0),
        timeout=_integer(fields, "timeout", where, least=1),
        order_by=_order(order_by, f"{where}.order_by") if order_by else (),
        order_text=order_by or "",
        skip_if=_expression(skip_if, f"{where}.skip_if", _SKIP_ROOTS) if skip_if else None,
        known_worker_sid=by_sid,
        known_worker_friendly_name=by_name,
    )


def _object(raw: object, where: str) -> Mapping[str, object]:
    if not isinstance(raw, Mapping):
        raise ConfigurationError(f"{where} must be an object")
    return raw


def _text(fields: Mapping[str, object], key: str, where: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"{where}.{key} must be a string")
    return value


def _integer(fields: Mapping[str, object], key: str, where: str, *, least: int) -> int | None:
    """A number or a numeric string, as official samples have both (§3.1)."""
    value = fields.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
        raise ConfigurationError(f"{where}.{key} must be a whole number of at least {least}")
    return value


def _expression(source: str, where: str, roots: frozenset[str] | None) -> Expression:
    try:
        return compile_expression(source, roots)
    except ExpressionSyntaxError as error:
        raise ConfigurationError(f"{where}: {error}") from error


def _known(fields: Mapping[str, object], key: str, where: str) -> Path | None:
    source = _text(fields, key, where)
    if not source:
        return None
    path = _path(source, f"{where}.{key}")
    if path[0] != "task" or len(path) < 2:
        raise ConfigurationError(f"{where}.{key} must be a reference to a task attribute, as task.agent")
    return path[1:]


def _order(source: str, where: str) -> tuple[OrderClause, ...]:
    clauses: list[OrderClause] = []
    for part in source.split(","):
        match = _ORDER_CLAUSE.match(part.strip())
        path = _path(match["path"], where) if match else ()
        if match is None or path[0] != "worker" or len(path) < 2:
            raise ConfigurationError(f"{where} must be a list such as 'worker.level DESC, worker.cost ASC'")
        clauses.append(OrderClause(path[1:], (match["direction"] or "ASC").upper() == "DESC"))
    return tuple(clauses)


def _path(source: str, where: str) -> Path:
    try:
        return grammar.parse_reference(source.strip()).path
    except ExpressionSyntaxError as error:
        raise ConfigurationError(f"{where}: {error}") from error


def order_key(clauses: tuple[OrderClause, ...], worker: Context) -> tuple[tuple[bool, int], ...]:
    """The sort key of a worker under order_by: integers as the clause says, absent ones last (§4.5)."""
    key: list[tuple[bool, int]] = []
    for clause in clauses:
        value = walk(worker, clause.path)
        usable = isinstance(value, int) and not isinstance(value, bool)
        number = value if isinstance(value, int) and usable else 0
        key.append((not usable, -number if clause.descending else number))
    return tuple(key)
