"""Units that end with the same statement: those that gather while one is under way are done as one.

Starting a statement costs PostgreSQL more than a row of it (docs/decisions/hot-path.md). Nobody waits for others to
come: a unit that finds nothing under way goes at once, and by itself.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from parlour.kit.wire import json_text

FEW: Final = 3  # parts from which on one statement for all costs less than one for each
MANY: Final = 32  # parts of one statement, so that none waits long
PATIENCE: Final = 0.05  # seconds that others wait for a statement
# The server went away while the statement ran: it may have been done.
LOST: Final = (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError)

Borrow = Callable[[], Awaitable[Any]]
Lend = Callable[[], AbstractAsyncContextManager[Any]]

log = structlog.get_logger("parlour.store")


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement in two forms.

    :ivar alone: for one part; its parameters are the part's.
    :ivar several: for several parts; $1 is the account SID, $2 a JSON text with the list of their values. It leaves
        out a part whose row is locked by somebody, and returns each other's `key` with the columns of `alone`.
    """

    alone: str
    several: str


class Part(msgspec.Struct, frozen=True):
    """What one unit has to say.

    :ivar row: SID of the row that it changes; one statement has one part of it.
    :ivar key: its name in the answer.
    :ivar arguments: parameters of `alone`.
    :ivar values: the same for `several`, by name.
    """

    row: str
    key: str
    arguments: tuple[object, ...]
    values: Mapping[str, object]


class Lost(ConnectionError):
    """The connection broke under a statement that did our part too: nobody knows whether it was done."""


class _Turn(msgspec.Struct, frozen=True):
    """What somebody who waited is told: to go, with a group or alone (then it is counted), or what became of it."""

    group: "Sequence[_Waiting]" = ()
    answer: asyncpg.Record | None = None
    lost: bool = False
    counted: bool = False


class _Waiting(msgspec.Struct, frozen=True):
    part: Part
    turn: "asyncio.Future[_Turn]"


@dataclass(slots=True)
class _Line:
    """Those who want the same statement for the same account."""

    under_way: int = 0
    waiting: deque[_Waiting] = field(default_factory=deque)


class _Flight:
    """A statement under way, for which others wait a moment."""

    def __init__(self, line: _Line, *, counted: bool) -> None:
        self._line = line
        self._landed = False
        line.under_way += not counted
        self._patience = asyncio.get_running_loop().call_later(PATIENCE, self.land)

    def land(self) -> None:
        """Let those go who gathered meanwhile: it is done, or takes long, such as for a row that somebody holds."""
        if not self._landed:
            self._landed = True
            self._patience.cancel()
            _land(self._line)


class Together:
    """Runs the parts of one process.

    :param lend: lends a connection for a group.
    """

    def __init__(self, lend: Lend) -> None:
        self._lend = lend
        self._lines: dict[tuple[str, Statement], _Line] = {}

    async def run(self, borrow: Borrow, account_sid: str, statement: Statement, part: Part) -> asyncpg.Record | None:
        """Do a part, itself or with that of another unit; return its row, None where it changed nothing.

        :param borrow: gives the unit's connection, where the part goes alone.
        :raises Lost: another unit's connection broke, and the outcome is unknown.
        """
        key = (account_sid, statement)
        line = self._lines.setdefault(key, _Line())
        turn = await _wait(line, part) if line.under_way else _Turn()
        if turn.lost:
            raise Lost("the connection was lost under the statement")
        if turn.answer is not None:
            return turn.answer
        flight = _Flight(line, counted=turn.counted)
        try:
            if turn.group:
                answer = await _do(self._lend, account_sid, statement, line, part, turn.group)
                if answer is not None:
                    return answer
            connection = await borrow()
            row: asyncpg.Record | None = await connection.fetchrow(statement.alone, *part.arguments)
            return row
        finally:
            flight.land()
            if not line.under_way and not line.waiting and self._lines.get(key) is line:
                del self._lines[key]


async def _wait(line: _Line, part: Part) -> _Turn:
    waiting = _Waiting(part, asyncio.get_running_loop().create_future())
    line.waiting.append(waiting)
    try:
        return await waiting.turn
    except asyncio.CancelledError:
        if waiting.turn.done() and not waiting.turn.cancelled():
            turn = waiting.turn.result()
            for other in turn.group:
                _tell(line, other, _Turn(counted=True))
            if turn.counted:
                _land(line)
        raise


def _tell(line: _Line, waiting: _Waiting, turn: _Turn) -> None:
    if not waiting.turn.done():
        waiting.turn.set_result(turn)
        line.under_way += turn.counted


def _land(line: _Line) -> None:
    """Let those go who gathered meanwhile."""
    line.under_way -= 1
    while line.waiting and not line.under_way:
        group = _take_group(line)
        if len(group) >= FEW:
            _tell(line, group[0], _Turn(counted=True, group=group[1:]))
        else:
            for waiting in group:
                _tell(line, waiting, _Turn(counted=True))


def _take_group(line: _Line) -> list[_Waiting]:
    """Take those who can go together: the first of each row, in their order."""
    group: dict[str, _Waiting] = {}
    rest: deque[_Waiting] = deque()
    for waiting in line.waiting:
        if waiting.turn.done():
            continue  # whoever waited was canceled
        if len(group) < MANY and waiting.part.row not in group:
            group[waiting.part.row] = waiting
        else:
            rest.append(waiting)
    line.waiting = rest
    return list(group.values())


async def _do(
    lend: Lend, account_sid: str, statement: Statement, line: _Line, part: Part, others: Sequence[_Waiting]
) -> asyncpg.Record | None:
    """Do a group; return our own row. Whoever has none goes alone and hears why there."""
    values = json_text([part.values, *(other.part.values for other in others)])
    rows: dict[str, asyncpg.Record] = {}
    outcome = _Turn(lost=True)
    try:
        async with lend() as connection:
            rows = {row["key"]: row for row in await connection.fetch(statement.several, account_sid, values)}
        outcome = _Turn(counted=True)
    except asyncpg.PostgresError as error:
        if isinstance(error, LOST):
            raise
        log.debug("a group is done one by one", parts=len(others) + 1, error=str(error))
        outcome = _Turn(counted=True)
    finally:
        for other in others:
            answer = rows.get(other.part.key)
            _tell(line, other, outcome if answer is None else _Turn(answer=answer))
    return rows.get(part.key)
