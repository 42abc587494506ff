"""The rules of SQL: every statement of a floor is of one account, and none reads a clock (DESIGN 2.2, 2.10)."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import parlour

ROOT = Path(parlour.__file__).parent
GROUND = ("store", "outbox")  # floors that serve every account
STATEMENT = re.compile(r"^\s*(WITH|SELECT|INSERT|UPDATE|DELETE)\s", re.IGNORECASE)
TABLES = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN)\s+(?!unnest|LATERAL|jsonb_|\()[a-z_]+", re.IGNORECASE)
CLOCK = re.compile(
    r"\b(now\(\)|current_timestamp|current_date|current_time\b|localtime|clock_timestamp|statement_timestamp"
    r"|transaction_timestamp|timeofday|'now')",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Statement:
    """A statement in the sources: where it stands, the constant's name, its text with ? for what is put in."""

    place: str
    name: str
    sql: str


def statements(path: Path) -> Iterator[Statement]:
    """Yield the statements of a module, named by the constant that they are assigned to."""
    tree = ast.parse(path.read_text())
    names: dict[int, str] = {}
    for node in ast.walk(tree):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Name) and node.value is not None:
            names.update((id(part), target.id) for part in ast.walk(node.value))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        text = _text(node)
        if text is not None and id(node) not in inside and STATEMENT.match(text):
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            yield Statement(where, names.get(id(node), ""), text)


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or " ? " for part in node.values)
    return None


def sources() -> list[Path]:
    """Return the modules of all floors."""
    return sorted(ROOT.rglob("*.py"))


def store_modules() -> list[Path]:
    """Return the modules that may hold SQL: store*.py and packages called store, above the ground floors."""
    floors = [path for path in sources() if path.relative_to(ROOT).parts[0] not in GROUND]
    return [
        path
        for path in floors
        if path.stem.endswith("store") or path.stem.startswith("store") or path.parent.name == "store"
    ]


def constants(module: Path) -> dict[str, str]:
    """Return a module's statements by name, as they are sent."""
    loaded = import_module("parlour." + ".".join(module.relative_to(ROOT).with_suffix("").parts))
    values = {name: value for name, value in vars(loaded).items() if isinstance(value, str)}
    return {name: value for name, value in values.items() if STATEMENT.match(value) and name != "__doc__"}


def breaches(module: Path) -> list[str]:
    """Return the statements of a module that are not of one account: its constants, and what its functions write."""
    where = str(module.relative_to(ROOT))
    found = []
    for name, sql in constants(module).items():
        system = module.stem == "store_system" and name.startswith("SYSTEM_")
        if not system and TABLES.search(sql) and "account_sid" not in sql:
            found.append(f"{where} {name}")
    for node in ast.walk(ast.parse(module.read_text())):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if writes_sql(node) and "account_sid" not in ast.unparse(node):
            found.append(f"{where} {node.name}")
    return found


def writes_sql(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether a function has a statement of its own in it."""
    body = [part for node in function.body for part in ast.walk(node)]
    texts = [text for text in map(_text, body) if text is not None and text != ast.get_docstring(function, clean=False)]
    return any(STATEMENT.match(text) and TABLES.search(text) for text in texts)


def test_there_are_statements_to_look_at() -> None:
    assert sum(len(constants(module)) for module in store_modules()) > 100


def test_every_statement_of_a_floor_is_of_one_account() -> None:
    assert [breach for module in store_modules() for breach in breaches(module)] == []


def test_no_statement_reads_a_clock() -> None:
    # The doctor compares the database's clock with ours: that is its question.
    modules = [path for path in sources() if path.name != "doctor.py"]
    reading = [each.place for path in modules for each in statements(path) if CLOCK.search(each.sql)]
    assert reading == []


def test_a_breach_would_be_found() -> None:
    module = ROOT / "accounts" / "store.py"
    told = [each.name for each in statements(module)]
    assert "FETCH_ACCOUNT" in told
    assert CLOCK.search("SELECT now()")
    assert not CLOCK.search("SELECT known FROM snow")
    assert TABLES.search("SELECT 1 FROM account")
    assert not TABLES.search("SELECT * FROM unnest($1::text[])")
