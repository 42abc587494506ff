"""The unit of work: one step is one transaction (DESIGN 2.3).

BEGIN is sent before the first statement that may write or lock. A unit that only peeked and then writes one
statement needs neither BEGIN nor COMMIT (docs/decisions/hot-path.md).
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar, runtime_checkable

import asyncpg

from parlour.kit.errors import ContractError
from parlour.kit.sids import Sids
from parlour.store.together import Part, Statement, Together

type_of_extension = TypeVar("type_of_extension", bound="Extension")
_PARAMETER: Final = re.compile(r"\$(\d+)")
_WITH: Final = re.compile(r"\s*WITH\s", re.IGNORECASE)


@runtime_checkable
class Extension(Protocol):
    """Something a floor keeps on a unit of work and completes with it."""

    def statements(self, unit: "UnitOfWork") -> list[tuple[str, tuple[object, ...]]]:
        """Return the statements that write what was collected, and forget it."""
        ...

    def committed(self) -> None:
        """Hear that the transaction was committed."""
        ...


class Loan(Protocol):
    """A connection that is borrowed when it is asked for, and can be given back before the end."""

    async def borrow(self) -> Any:
        """Return the connection."""
        ...

    def give_back(self) -> None:
        """Return it to the pool; another may be borrowed later."""
        ...


class Question(Protocol):
    """Something that only somebody outside knows, such as whether a pre-event webhook lets an action happen."""

    @property
    def key(self) -> Hashable:
        """Return what the question is about: a unit that runs again finds its answer by it."""
        ...


class Unanswered(Exception):
    """A unit needs an answer first: it is undone, the question is asked outside, and it runs again (DESIGN 2.3)."""

    def __init__(self, question: Question) -> None:
        super().__init__(f"nobody was asked yet: {question.key}")
        self.question = question


class Reader:
    """A connection that reads rows of one account.

    :ivar account_sid: the account whose rows are read.
    :ivar now: domain time, fixed for the life of the unit.
    """

    def __init__(self, connection: Any, account_sid: str, now: datetime) -> None:
        self._connection: asyncpg.Connection[asyncpg.Record] = connection
        self.account_sid = account_sid
        self.now = now

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Return all rows of a query."""
        return await self._connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        """Return the first row of a query, or None."""
        return await self._connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """Return the first value of the first row, or None."""
        return await self._connection.fetchval(sql, *args)


class UnitOfWork(Reader):
    """One transaction on the rows of one account, on a connection that is borrowed when it is needed.

    A unit may run again from its start (deadlock, serialization failure), so what it does has effects only
    through its own statements.

    :ivar request_id: the request that all of this belongs to.
    :ivar cause: SID of the event whose reaction this is, or None.
    :ivar answers: what was answered to the questions of earlier runs of this unit, by their keys.
    """

    def __init__(
        self,
        loan: Loan,
        account_sid: str,
        now: datetime,
        *,
        sids: Sids,
        together: Together,
        request_id: str = "",
        cause: str | None = None,
        extensions: Mapping[type[Extension], Callable[[], Extension]] = MappingProxyType({}),
        answers: Mapping[Hashable, object] = MappingProxyType({}),
    ) -> None:
        super().__init__(None, account_sid, now)
        self._loan = loan
        self._borrowed = False
        self.request_id = request_id
        self.cause = cause
        self.answers = answers
        self._sids = sids
        self._together = together
        self._factories = extensions
        self._deferred: list[tuple[str, tuple[object, ...]]] = []
        self._extensions: dict[type[Extension], Extension] = {}
        self._after_commit: list[Callable[[], None]] = []
        self.statements = 0
        self.begun = False
        self.concluded = False
        self.on_begin: Callable[[], Awaitable[None]] | None = None

    def new_sid(self, prefix: str) -> str:
        """Return a new SID with the given two letters."""
        return self._sids.new(prefix, self.now)

    @property
    def fresh(self) -> bool:
        """Whether nothing but peeking was done yet."""
        return not self.begun and not self._deferred and not self._extensions and self.on_begin is None

    async def _ready(self) -> None:
        if not self._borrowed:
            self._connection = await self._loan.borrow()
            self._borrowed = True

    async def begin(self) -> None:
        """Begin the transaction, if that was not done yet."""
        if self.concluded:
            raise RuntimeError("the unit was concluded; nothing can follow")
        if self.begun:
            return
        await self._ready()
        self.begun = True
        await self._connection.execute("BEGIN")
        if self.on_begin is not None:
            await self.on_begin()

    async def execute(self, sql: str, *args: object) -> str:
        """Run a statement and return its command tag."""
        await self.begin()
        self.statements += 1
        return await self._connection.execute(sql, *args)

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Return all rows of a statement."""
        await self.begin()
        self.statements += 1
        return await super().fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        """Return the first row of a statement, or None."""
        await self.begin()
        self.statements += 1
        return await super().fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """Return the first value of the first row, or None."""
        await self.begin()
        self.statements += 1
        return await super().fetchval(sql, *args)

    async def peek(self, sql: str, *args: object) -> asyncpg.Record | None:
        """Return the first row of a SELECT that locks nothing, without beginning the transaction."""
        self.statements += 1
        await self._ready()
        return await self._connection.fetchrow(sql, *args)

    async def conclude(self, statement: Statement, part: Part) -> asyncpg.Record | None:
        """Do the one thing that is all this unit writes, alone or with other units, and return its row.

        :raises RuntimeError: the unit wrote something before.
        """
        if not self.fresh:
            raise RuntimeError("only a fresh unit can be concluded by one statement")
        self.statements += 1
        self.concluded = True
        # Whoever waits for others must not hold what those may need.
        self._loan.give_back()
        self._borrowed = False
        return await self._together.run(self._loan.borrow, self.account_sid, statement, part)

    def reopen(self) -> None:
        """Go on after a concluding statement that found its guard broken and wrote nothing."""
        self.concluded = False

    def defer(self, sql: str, *args: object) -> None:
        """Keep a data-changing statement for the last statement of the unit, which also writes events and jobs."""
        self._deferred.append((sql, args))

    @property
    def keeps_statements(self) -> bool:
        """Whether a deferred statement was not run yet."""
        return bool(self._deferred)

    def extension(self, kind: type[type_of_extension]) -> type_of_extension:
        """Return this unit's one object of ``kind``, made at the first call."""
        found = self._extensions.get(kind)
        if not isinstance(found, kind):
            made = self._factories[kind]()
            if not isinstance(made, kind):
                raise TypeError(f"the factory of {kind.__name__} made another thing")
            found = self._extensions[kind] = made
        return found

    def extension_factory(self, kind: type[type_of_extension]) -> Callable[[], type_of_extension]:
        """Return what makes objects of ``kind``, for one that is not to be kept on this unit."""
        return self._factories[kind]  # type: ignore[return-value]

    def after_commit(self, call: Callable[[], None]) -> None:
        """Have ``call`` called once the unit is committed: hints and caches only, it may be lost."""
        self._after_commit.append(call)

    async def flush(self) -> None:
        """Write what was deferred and stated so far, as one statement."""
        parts = self._take_parts()
        if not parts:
            return
        sql, args = _as_one(parts)
        await self.execute(sql, *args)

    def _take_parts(self) -> list[tuple[str, tuple[object, ...]]]:
        parts, self._deferred = self._deferred, []
        for extension in list(self._extensions.values()):
            parts = parts + extension.statements(self)
        return parts

    async def write_rest(self) -> None:
        """Write what is left at the end; without BEGIN where nothing was begun, as one statement is atomic."""
        if self.begun or self.on_begin is not None:
            await self.flush()
            return
        parts = self._take_parts()
        if parts:
            sql, args = _as_one(parts)
            self.statements += 1
            await self._ready()
            self.concluded = True
            await self._connection.execute(sql, *args)

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """Undo what is done inside, and only that, when it is refused; the refusal goes on to the caller.

        For a caller that answers a refusal with something else than failure, such as a flow's failure exit.
        """
        await self.flush()
        await self.execute("SAVEPOINT attempt")
        try:
            yield
        except ContractError:
            self._deferred = []
            for extension in self._extensions.values():
                extension.statements(self)
            await self.execute("ROLLBACK TO SAVEPOINT attempt")
            raise
        await self.execute("RELEASE SAVEPOINT attempt")

    def committed(self) -> None:
        """Tell extensions and listeners that the transaction is committed."""
        for extension in self._extensions.values():
            extension.committed()
        for call in self._after_commit:
            call()


def _as_one(parts: list[tuple[str, tuple[object, ...]]]) -> tuple[str, tuple[object, ...]]:
    if len(parts) == 1:
        return parts[0]
    args = tuple(arg for _, own in parts for arg in own)
    return _join(tuple((sql, len(own)) for sql, own in parts)), args


@lru_cache(maxsize=1024)
def _join(parts: tuple[tuple[str, int], ...]) -> str:
    """Join data-changing statements into one by common table expressions, with parameters renumbered.

    :param parts: SQL and number of parameters of each.
    """
    expressions: list[str] = []
    base = 0
    for number, (sql, count) in enumerate(parts):
        shifted = _shift(sql, base)
        base += count
        if number < len(parts) - 1:
            expressions.append(f"part_{number} AS ({shifted})")
            continue
        # The last part may have expressions of its own: one statement has one WITH.
        own_with = _WITH.match(shifted)
        joined = ", " + shifted[own_with.end() :] if own_with else " " + shifted
        return f"WITH {', '.join(expressions)}{joined}"
    raise AssertionError("unreachable: parts is not empty")


def _shift(sql: str, base: int) -> str:
    return _PARAMETER.sub(lambda match: f"${int(match.group(1)) + base}", sql)


Step = Callable[[UnitOfWork], Awaitable[Any]]
