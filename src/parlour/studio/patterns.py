"""Regular expressions of flows, matched in bounded time (studio.md §3, operator `regex`).

A pattern comes from the flow and its subject from a customer, so a backtracking matcher would let one text
message hold the server. Here each pair of program position and text position is visited once, which makes
the work the product of both lengths. The pattern is read by Python's own parser; back-references and the
few other constructs that cannot be matched so are refused, and a refused pattern never matches.
"""

from __future__ import annotations

import re
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

MAX_PROGRAM: Final = 5000
"""Instructions a pattern may compile to."""
MAX_STEPS: Final = 200_000
"""Pairs of positions visited before the text counts as not matching."""

Test = Callable[[str], bool]


class PatternError(ValueError):
    """A pattern that does not parse or that this matcher refuses."""


@dataclass(slots=True)
class _Step:
    """One instruction: take a character, fork, check a place, or look around."""

    kind: str
    test: Test | None = None
    targets: tuple[int, ...] = ()
    place: str = ""
    inner: _Program | None = None
    negated: bool = False
    width: int = 0


@dataclass(slots=True)
class _Program:
    steps: list[_Step] = field(default_factory=list)

    def add(self, step: _Step) -> int:
        if len(self.steps) >= MAX_PROGRAM:
            raise PatternError("the pattern is too large")
        self.steps.append(step)
        return len(self.steps) - 1

    def run(self, text: str, start: int, budget: list[int], *, whole: bool) -> bool:
        """Say whether the program matches at `start`, up to the end of the text when `whole`."""
        seen: set[tuple[int, int]] = set()
        waiting = [(0, start)]
        while waiting:
            here = waiting.pop()
            if here in seen:
                continue
            seen.add(here)
            budget[0] -= 1
            if budget[0] < 0:
                return False
            index, at = here
            step = self.steps[index]
            if step.kind == "match":
                if not whole or at == len(text):
                    return True
            elif step.kind == "char":
                if at < len(text) and step.test is not None and step.test(text[at]):
                    waiting.append((index + 1, at + 1))
            elif step.kind == "fork":
                waiting.extend((target, at) for target in reversed(step.targets))
            elif _passes(step, text, at, budget):
                waiting.append((index + 1, at))
        return False


def _passes(step: _Step, text: str, at: int, budget: list[int]) -> bool:
    if step.kind == "place":
        return _at_place(step.place, text, at)
    start = at - step.width
    found = start >= 0 and step.inner is not None and step.inner.run(text, start, budget, whole=False)
    return found is not step.negated


def _at_place(place: str, text: str, at: int) -> bool:
    if place in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
        return at == 0
    if place == "AT_END":
        return at == len(text) or (at == len(text) - 1 and text[at] == "\n")
    if place == "AT_END_STRING":
        return at == len(text)
    before = at > 0 and _is_word(text[at - 1])
    after = at < len(text) and _is_word(text[at])
    return (before is not after) is (place == "AT_BOUNDARY")


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


_CATEGORIES: Final[dict[str, Test]] = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_WORD": _is_word,
    "CATEGORY_NOT_DIGIT": lambda char: not char.isdecimal(),
    "CATEGORY_NOT_SPACE": lambda char: not char.isspace(),
    "CATEGORY_NOT_WORD": lambda char: not _is_word(char),
}


def _cases(char: str) -> frozenset[str]:
    return frozenset((char, char.lower(), char.upper()))


def _literal(code: int) -> Test:
    wanted = _cases(chr(code))
    return lambda char: char in wanted


def _range(low: int, high: int) -> Test:
    return lambda char: any(low <= ord(each) <= high for each in _cases(char) if len(each) == 1)


def _member(items: list[Any]) -> Test:
    negated = str(items[0][0]) == "NEGATE"
    tests: list[Test] = []
    for operation, argument in items[1:] if negated else items:
        name = str(operation)
        if name == "LITERAL":
            tests.append(_literal(argument))
        elif name == "RANGE":
            tests.append(_range(*argument))
        elif name == "CATEGORY":
            tests.append(_CATEGORIES[str(argument)])
        else:
            raise PatternError(f"unsupported in a set: {name}")
    return lambda char: any(test(char) for test in tests) is not negated


def _compile_sequence(nodes: Any, program: _Program) -> None:
    for operation, argument in nodes:
        compiler = _COMPILERS.get(str(operation))
        if compiler is None:
            raise PatternError(f"unsupported: {operation}")
        compiler(argument, program)


def _compile_char(test: Test, program: _Program) -> None:
    program.add(_Step("char", test=test))


def _compile_not(code: int, program: _Program) -> None:
    test = _literal(code)
    _compile_char(lambda char: not test(char), program)


def _compile_place(place: Any, program: _Program) -> None:
    program.add(_Step("place", place=str(place)))


def _compile_branch(argument: Any, program: _Program) -> None:
    fork = program.add(_Step("fork"))
    starts: list[int] = []
    ends: list[int] = []
    for branch in argument[1]:
        starts.append(len(program.steps))
        _compile_sequence(branch, program)
        ends.append(program.add(_Step("fork")))
    program.steps[fork].targets = tuple(starts)
    for end in ends:
        program.steps[end].targets = (len(program.steps),)


def _compile_repeat(argument: Any, program: _Program) -> None:
    low, high, body = argument
    for _ in range(low):
        _compile_sequence(body, program)
    if high == parser.MAXREPEAT:
        fork = program.add(_Step("fork"))
        _compile_sequence(body, program)
        program.add(_Step("fork", targets=(fork,)))
        program.steps[fork].targets = (fork + 1, len(program.steps))
        return
    forks: list[int] = []
    for _ in range(high - low):
        forks.append(program.add(_Step("fork")))
        _compile_sequence(body, program)
    for fork in forks:
        program.steps[fork].targets = (fork + 1, len(program.steps))


def _compile_look(argument: Any, program: _Program, *, negated: bool) -> None:
    direction, body = argument
    low, high = body.getwidth()
    if direction < 0 and low != high:
        raise PatternError("look-behind needs a fixed width")
    inner = _Program()
    _compile_sequence(body, inner)
    inner.add(_Step("match"))
    program.add(_Step("look", inner=inner, negated=negated, width=int(low) if direction < 0 else 0))


_COMPILERS: Final[dict[str, Callable[[Any, _Program], None]]] = {
    "LITERAL": lambda code, program: _compile_char(_literal(code), program),
    "NOT_LITERAL": _compile_not,
    "ANY": lambda _, program: _compile_char(lambda char: char != "\n", program),
    "IN": lambda items, program: _compile_char(_member(items), program),
    "AT": _compile_place,
    "BRANCH": _compile_branch,
    "SUBPATTERN": lambda argument, program: _compile_sequence(argument[3], program),
    "MAX_REPEAT": _compile_repeat,
    "MIN_REPEAT": _compile_repeat,
    "ASSERT": lambda argument, program: _compile_look(argument, program, negated=False),
    "ASSERT_NOT": lambda argument, program: _compile_look(argument, program, negated=True),
}


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> _Program:
    named = re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", pattern)
    try:
        nodes = parser.parse(named)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise PatternError(str(error)) from error
    program = _Program()
    _compile_sequence(nodes, program)
    program.add(_Step("match"))
    return program


def matches(pattern: str, text: str) -> bool:
    """Say whether the whole text matches the pattern, without case; False for a refused pattern.

    Params: `pattern`, without slashes; `text`, the subject. Reference: studio.md §3.
    """
    try:
        program = _compiled(pattern)
    except PatternError:
        return False
    return program.run(text, 0, [MAX_STEPS], whole=True)
