"""The grammar of TaskRouter expressions: text to syntax tree (taskrouter.md §4.1).

expr := and (OR and)* ; and := not (AND not)* ; not := [NOT] primary
primary := '(' expr ')' | operand cmp operand (',' operand)*   (a comma list only after an equality)
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

#: Steps from a root to a value: names and list positions.
Path: TypeAlias = tuple[str | int, ...]

MAX_DEPTH = 60  # nested parentheses and NOTs; a deeper document is refused, never a stack overflow
MAX_TOKENS = 20_000  # of one expression: what a worker can be compared with in a few milliseconds


class ExpressionSyntaxError(ValueError):
    """The text is not an expression; ``position`` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} at position {position}")
        self.position = position


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, boolean or null of the text."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Reference:
    """An attribute path such as ``worker.routing.skills[0]``."""

    path: Path
    position: int


@dataclass(frozen=True, slots=True)
class Array:
    """A bracketed list of operands; may be empty."""

    items: "tuple[Operand, ...]"


Operand: TypeAlias = Literal | Reference | Array


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left operator right``; the operator is in its canonical spelling."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Not:
    """A negated condition."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Every:
    """All conditions hold (AND)."""

    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Some:
    """At least one condition holds (OR)."""

    conditions: "tuple[Condition, ...]"


Condition: TypeAlias = Comparison | Not | Every | Some

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
  | (?P<operator>==|!=|>=|<=|>-|<-|=|>|<)
  | (?P<mark>[()\[\],.\-])
    """,
    re.VERBOSE | re.DOTALL,
)
_SYMBOLS = {"=": "==", ">-": "HAS", "<-": "IN"}
_WORD_OPERATORS = frozenset({"CONTAINS", "HAS", "IN"})
_CONSTANTS: dict[str, bool | None] = {"TRUE": True, "FALSE": False, "NULL": None}
_RESERVED = _WORD_OPERATORS | _CONSTANTS.keys() | {"AND", "OR", "NOT"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True, slots=True)
class Token:
    """One lexical unit: kind (string, number, name, operator, mark, end), text and position."""

    kind: str
    text: str
    position: int

    @property
    def word(self) -> str:
        """The keyword this name spells in any case, or an empty string."""
        upper = self.text.upper() if self.kind == "name" else ""
        return upper if upper in _RESERVED else ""


def tokens(text: str) -> list[Token]:
    """Split the text; raises ExpressionSyntaxError at the first foreign character."""
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionSyntaxError(f"token recognition error at: '{text[position]}'", position)
        if len(found) == MAX_TOKENS:
            raise ExpressionSyntaxError(f"expression has more than {MAX_TOKENS} words and signs", position)
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup or "", match.group(), position))
        position = match.end()
    found.append(Token("end", "<EOF>", len(text)))
    return found


def parse(text: str) -> Condition:
    """Parse a whole expression; raises ExpressionSyntaxError with the position of the offending token."""
    parser = _Parser(tokens(text))
    condition = parser.disjunction(0)
    parser.finish()
    return condition


def parse_reference(text: str) -> Reference:
    """Parse one attribute path and nothing else, as ``known_worker_sid`` and ``order_by`` take it."""
    parser = _Parser(tokens(text))
    operand = parser.operand()
    if not isinstance(operand, Reference):
        raise ExpressionSyntaxError("expecting an attribute reference", 0)
    parser.finish()
    return operand


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._next = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._next]

    def take(self) -> Token:
        token = self.token
        if token.kind != "end":
            self._next += 1
        return token

    def accept(self, text: str) -> bool:
        """Take the token if it is this mark or, in any case, this keyword."""
        token = self.token
        if (token.kind == "mark" and token.text == text) or token.word == text:
            self._next += 1
            return True
        return False

    def unexpected(self, expecting: str) -> ExpressionSyntaxError:
        token = self.token
        word = "mismatched" if token.kind == "end" else "extraneous"
        return ExpressionSyntaxError(f"{word} input '{token.text}' expecting {expecting}", token.position)

    def finish(self) -> None:
        if self.token.kind != "end":
            raise self.unexpected("<EOF>")

    def disjunction(self, depth: int) -> Condition:
        conditions = [self.conjunction(depth)]
        while self.accept("OR"):
            conditions.append(self.conjunction(depth))
        return conditions[0] if len(conditions) == 1 else Some(tuple(conditions))

    def conjunction(self, depth: int) -> Condition:
        conditions = [self.negation(depth)]
        while self.accept("AND"):
            conditions.append(self.negation(depth))
        return conditions[0] if len(conditions) == 1 else Every(tuple(conditions))

    def negation(self, depth: int) -> Condition:
        if self.accept("NOT"):
            return Not(self.primary(depth))
        return self.primary(depth)

    def primary(self, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise ExpressionSyntaxError("expression is nested too deeply", self.token.position)
        if self.accept("("):
            condition = self.disjunction(depth + 1)
            if not self.accept(")"):
                raise self.unexpected("')'")
            return condition
        left = self.operand()
        operator = self.operator()
        right = self.operand()
        if operator == "==" and self.token.text == ",":
            items = [right]
            while self.accept(","):
                items.append(self.operand())
            return Comparison("IN", left, Array(tuple(items)))
        return Comparison(operator, left, right)

    def operator(self) -> str:
        token = self.token
        if token.kind == "operator":
            self.take()
            return _SYMBOLS.get(token.text, token.text)
        if token.word in _WORD_OPERATORS:
            self.take()
            return token.word
        if self.accept("NOT"):
            if self.token.word not in _WORD_OPERATORS:
                raise self.unexpected("IN, HAS or CONTAINS")
            return f"NOT {self.take().text.upper()}"
        raise self.unexpected("OPERATOR")

    def operand(self) -> Operand:
        token = self.token
        if token.kind == "string":
            self.take()
            return Literal(_ESCAPE.sub(lambda m: _ESCAPED.get(m.group(1), m.group(1)), token.text[1:-1]))
        if token.kind == "number" or token.text == "-":
            return self.number()
        if token.word in _CONSTANTS:
            self.take()
            return Literal(_CONSTANTS[token.word])
        if token.text == "[":
            return self.array(0)
        if token.kind == "name" and not token.word:
            return self.reference()
        raise self.unexpected("OPERAND")

    def number(self) -> Literal:
        sign = -1 if self.accept("-") else 1
        if self.token.kind != "number":
            raise self.unexpected("NUMBER")
        text = self.take().text
        return Literal(sign * (float(text) if "." in text else int(text[:300])))

    def array(self, depth: int) -> Array:
        if depth > MAX_DEPTH:
            raise ExpressionSyntaxError("array is nested too deeply", self.token.position)
        self.take()
        items: list[Operand] = []
        if self.accept("]"):
            return Array(())
        while True:
            items.append(self.array(depth + 1) if self.token.text == "[" else self.operand())
            if self.accept("]"):
                return Array(tuple(items))
            if not self.accept(","):
                raise self.unexpected("',' or ']'")

    def reference(self) -> Reference:
        first = self.take()
        path: list[str | int] = [first.text]
        while True:
            if self.accept("."):
                if self.token.kind != "name":
                    raise self.unexpected("NAME")
                path.append(self.take().text)  # a keyword is an ordinary name here
            elif self.accept("["):
                if self.token.kind != "number" or "." in self.token.text:
                    raise self.unexpected("an index")
                path.append(int(self.take().text[:9]))
                if not self.accept("]"):
                    raise self.unexpected("']'")
            else:
                return Reference(tuple(path), first.position)
