"""Write docs/errors.md: every refusal of the program, read from its code: where, code, status and message.

usage: python scripts/errors.py [--check] [--record FILE]

--check fails where the committed page differs. --record fails where the refusals of a recorded test run and the
catalogue differ: an entry that no test provoked and that is not among the exceptions, or a refusal that is no entry.
"""

import argparse
import ast
import json
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "parlour"
PAGE = ROOT / "docs" / "errors.md"
EXCEPTIONS = ROOT / "tests" / "errors" / "exceptions.toml"
MADE_BY = ("ContractError", "Condition")
OTHERS = ("channels/sms/simulator", "kit/errors.py")  # a carrier's refusals; the class itself
HEAD = """# Error codes

Made by `python scripts/errors.py` from the code: every refusal with its code and HTTP status. `{…}` is what the message
names. `more_info` of an answer is the vendor's page of the code. Codes of the contract that do not occur here, and why,
stand [at the end](#codes-that-do-not-occur).

`make test` fails where no test provoked one of these, and names it.

"""


@dataclass(frozen=True, order=True)
class Entry:
    """One condition.

    :ivar message: with ``{…}`` where it names something.
    :ivar place: the module, below ``parlour``.
    """

    floor: str
    code: int
    status: int
    message: str
    place: str = field(compare=False, default="")

    @property
    def pattern(self) -> re.Pattern[str]:
        """Return what a message of it looks like."""
        return re.compile(".*".join(re.escape(part) for part in self.message.split("{…}")), re.DOTALL)

    def fits(self, code: int, status: int, message: str) -> bool:
        """Say whether a refusal is of this condition."""
        return (code, status) == (self.code, self.status) and self.pattern.fullmatch(message) is not None

    @property
    def name(self) -> str:
        """Return how the exceptions name it."""
        return f"{self.code} {self.status} {self.message}"


@dataclass
class Module:
    """A parsed module: its constants, and where its imported names come from."""

    name: str
    tree: ast.Module
    constants: dict[str, ast.expr] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)

    @property
    def floor(self) -> str:
        """Return the package that it belongs to."""
        return self.name.split(".")[0]


def modules() -> dict[str, Module]:
    """Return every module of the program by its name below ``parlour``."""
    found = {}
    for file in sorted(SOURCES.rglob("*.py")):
        path = file.relative_to(SOURCES)
        if str(path).startswith(OTHERS):
            continue
        module = Module(".".join(path.with_suffix("").parts), ast.parse(file.read_text()))
        for node in module.tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                module.constants |= {one.id: node.value for one in targets if isinstance(one, ast.Name)}
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("parlour."):
                origin = (node.module or "").removeprefix("parlour.")
                module.imported |= {one.asname or one.name: f"{origin}.{one.name}" for one in node.names}
        found[module.name] = module
    return found


def entries() -> list[Entry]:
    """Return the catalogue, sorted."""
    known = modules()
    wrappers = {name: wrapped for module in known.values() for name, wrapped in _wrappers(module)}
    found = set()
    for module in known.values():
        for function, call in _calls(module.tree):
            if _called(call, module) in MADE_BY and not _is_wrapped(module, function, wrappers):
                found |= set(_made(module, function, call))
            elif (wrapped := wrappers.get(_called(call, module))) is not None:
                found |= set(_wrapped(module, call, *wrapped))
    parameter = "Invalid parameter {…}: {…}"
    elsewhere = {entry.code for entry in found if entry.message == parameter}
    found |= {Entry("rest", code, 400, parameter, "forms") for code in _codes_of_forms() - elsewhere}
    return sorted(entry for entry in found if entry.message.strip("{…} "))  # the others repeat what another one says


def _calls(tree: ast.AST, function: ast.FunctionDef | None = None) -> Iterator[tuple[ast.FunctionDef | None, ast.Call]]:
    for node in ast.iter_child_nodes(tree):
        inner = node if isinstance(node, ast.FunctionDef) else function
        if isinstance(node, ast.Call):
            yield inner, node
        yield from _calls(node, inner)


def _called(call: ast.Call, module: Module) -> str:
    """Return the full name of what is called, or its last part where it is a class of errors."""
    text = ast.unparse(call.func)
    if text == "super().__init__" and len(call.args) >= 3:  # a class of its own below ContractError
        return MADE_BY[0]
    last = text.rpartition(".")[2]
    if last in MADE_BY:
        return last
    head, _, rest = text.partition(".")
    origin = module.imported.get(head, f"{module.name}.{head}")
    return f"{origin}.{rest}" if rest else origin


def _wrappers(module: Module) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Yield functions whose message is all their caller's: name to code, status and the argument's position."""
    for node in module.tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for _, call in _calls(node):
            if _called(call, module) in MADE_BY and len(call.args) >= 3 and isinstance(call.args[2], ast.Name):
                names = [one.arg for one in node.args.args]
                if call.args[2].id in names:
                    code = next(_numbers(module, node, call.args[0]))
                    status = next(_numbers(module, node, call.args[1]))
                    yield f"{module.name}.{node.name}", (code, status, names.index(call.args[2].id))


def _is_wrapped(module: Module, function: ast.FunctionDef | None, wrappers: Mapping[str, object]) -> bool:
    return function is not None and f"{module.name}.{function.name}" in wrappers


def _made(module: Module, function: ast.FunctionDef | None, call: ast.Call) -> Iterator[Entry]:
    if len(call.args) < 3:
        return
    template = _template(module, call.args[2])
    for code in _numbers(module, function, call.args[0]):
        for status in _numbers(module, function, call.args[1]):
            yield Entry(module.floor, code, status, template, module.name)


def _wrapped(module: Module, call: ast.Call, code: int, status: int, position: int) -> Iterator[Entry]:
    if position < len(call.args):
        yield Entry(module.floor, code, status, _template(module, call.args[position]), module.name)


def _numbers(module: Module, function: ast.FunctionDef | None, node: ast.expr) -> Iterator[int]:
    """Yield the numbers that an expression may be; none where it comes from elsewhere."""
    match node:
        case ast.Constant(value=int() as value):
            yield value
        case ast.Name(id=name) if name in module.constants:
            yield from _numbers(module, function, module.constants[name])
        case ast.Name(id=name) if function is not None:
            yield from _of_function(module, function, name)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"), args=[_, default]):
            table = module.constants.get(name)
            if isinstance(table, ast.Dict):
                for each in table.values:
                    yield from _numbers(module, function, each)
            yield from _numbers(module, function, default)


def _of_function(module: Module, function: ast.FunctionDef, name: str) -> Iterator[int]:
    """Yield the numbers that a name has in a function: its default, or what is assigned."""
    arguments = function.args.args
    defaults = dict(
        zip([one.arg for one in arguments][-len(function.args.defaults or [0]) :], function.args.defaults, strict=False)
    )
    if name in defaults:
        yield from _numbers(module, None, defaults[name])
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for value in [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]:
                target = node.targets[0]
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                    for one, each in zip(target.elts, value.elts, strict=True):
                        if isinstance(one, ast.Name) and one.id == name:
                            yield from _numbers(module, None, each)


def _template(module: Module, node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str() as text):
            return re.sub(r"\{[^}]*\}", "{…}", text)
        case ast.JoinedStr(values=values):
            parts = [one.value if isinstance(one, ast.Constant) else "{…}" for one in values]
            return re.sub(r"(\{…\})+", "{…}", "".join(str(part) for part in parts))
        case ast.Name(id=name) if name in module.constants:
            return _template(module, module.constants[name])
    return "{…}"


def _codes_of_forms() -> set[int]:
    """Return the codes that parameters have of their own."""
    from parlour.app import compose
    from parlour.rest.forms import plan_of
    from parlour.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        program = compose(Settings(data=Path(folder)), "postgresql://nowhere/none")
    fields = [each for one in program.router.operations for each in plan_of(one.form).fields.values()]
    codes = (getattr(mark, "code", None) for each in fields for mark in each.marks)
    return {code for code in codes if isinstance(code, int)}


def page() -> str:
    """Return the page as the program is now."""
    reasons = exceptions()
    text = HEAD
    catalogue = entries()
    for floor in sorted({entry.floor for entry in catalogue}):
        text += f"## {floor.capitalize()}\n\n| Code | Status | Message |\n|---|---|---|\n"
        for entry in (one for one in catalogue if one.floor == floor):
            text += f"| {entry.code} | {entry.status} | {entry.message.replace('|', '&#124;')} |\n"
        text += "\n"
    text += "## Codes that do not occur\n\n| Codes | Why |\n|---|---|\n"
    occurring = {entry.code for entry in catalogue}
    for row in reasons["absent"]:
        codes = [str(code) for code in row["codes"] if code not in occurring]
        text += f"| {' '.join(codes)} | {row['why']} |\n" if codes else ""
    return text


def exceptions() -> Any:
    """Return what has a reason not to be provoked, and not to occur."""
    return tomllib.loads(EXCEPTIONS.read_text())


def compare(record: Path) -> list[str]:
    """Return how the refusals of a run and the catalogue differ."""
    catalogue = entries()
    unprovoked = {entry.name: entry for entry in catalogue}
    strange = set()
    for code, status, message in _refusals(record):
        fitting = [entry for entry in catalogue if entry.fits(code, status, message)]
        for entry in fitting:
            unprovoked.pop(entry.name, None)
        if not fitting:
            strange.add(f"{code} {status} {message[:150]}")
    excepted = {row["entry"]: row["why"] for row in exceptions()["unprovoked"]}
    missing = [
        f"no test provokes: {name}   [{entry.place}]" for name, entry in unprovoked.items() if name not in excepted
    ]
    stale = [f"an exception that is none: {name}" for name in excepted if name not in unprovoked]
    return sorted(missing) + sorted(stale) + [f"not in the catalogue: {one}" for one in sorted(strange)]


def _refusals(record: Path) -> Iterator[tuple[int, int, str]]:
    seen = set()
    with record.open() as lines:
        for line in lines:
            if not line.startswith('{"refused"') or line in seen:
                continue
            seen.add(line)
            try:
                refused = json.loads(line)["refused"]
            except ValueError:  # cut short by a kill
                continue
            yield refused["code"], refused["status"], refused["message"]


def main() -> int:
    """Write the page, or compare it, or the catalogue with a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail where the committed page differs")
    parser.add_argument("--record", type=Path, help="the recorded traffic of a test run")
    given = parser.parse_args()
    if given.record is not None:
        problems = compare(given.record)
        print("\n".join([*problems, f"{len(entries())} conditions, {len(problems)} problems"]))
        return 1 if problems else 0
    if not given.check:
        PAGE.write_text(page())
        return 0
    same = PAGE.exists() and PAGE.read_text() == page()
    print(f"{PAGE.name} is {'as the program is' if same else 'out of date: run scripts/errors.py'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
