"""The pool and the ways into it: a step (one transaction) and a read (no transaction)."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import asyncpg
import structlog

from parlour.kit import failpoints
from parlour.kit.clock import Clock
from parlour.kit.errors import ContractError
from parlour.kit.sids import Sids
from parlour.kit.wire import decode_json, json_text
from parlour.store.pool import Pool
from parlour.store.together import Together
from parlour.store.unit import Extension, Loan, Question, Reader, Unanswered, UnitOfWork

T = TypeVar("T")
# Asks somebody outside: account SID, request id, question. It has its own time limit and raises for nobody's fault.
Ask = Callable[[str, str, Question], Awaitable[object]]

STEP_ATTEMPTS: Final = 8  # times a step runs before a deadlock is the caller's problem
QUESTIONS: Final = 64  # that one step may have; more of them are a mistake
CONNECT_WAIT: Final = 10.0  # seconds a request waits for a free connection before 503
IDLE_IN_TRANSACTION: Final = "10000"  # milliseconds; enforces DESIGN 2.3
DIAL_WAIT: Final = 3.0  # seconds for a new connection; a dying server accepts and never says a word
COMMAND_TIMEOUT: Final = 60.0  # seconds
STATEMENTS: Final = 1000  # prepared statements kept per connection; a round trip is saved for each that is found
LARGEST_STATEMENT: Final = 64 * 1024  # characters of a statement that is kept
SERVER_SETTINGS: Final = {
    "application_name": "parlour",
    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
    "jit": "off",
    # The statements here are few and prepared; planning them anew for each call costs more than it finds, and the
    # number of elements in an array parameter must not decide about it (docs/decisions/hot-path.md).
    "plan_cache_mode": "force_generic_plan",
}
# Some statements touch a few rows of a large table, which a plan for any number of rows does not know: it would read
# them all.
FEW_ROWS: Final = {
    **SERVER_SETTINGS,
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
}
GROUP_SETTINGS: Final = {**FEW_ROWS, "application_name": "parlour-groups"}
GROUP_CONNECTIONS: Final = 4  # one for each account that has so much to do
# Who holds which lane: a crash may lose it, so these commits need not wait for the disk.
BOOK_SETTINGS: Final = {**FEW_ROWS, "application_name": "parlour-books", "synchronous_commit": "off"}
BOOK_CONNECTIONS: Final = 4
# After these nobody knows what the connection still waits for.
LEFT_OPEN: Final = (asyncpg.InternalClientError, TimeoutError, asyncio.CancelledError)
REPEATABLE: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
UNAVAILABLE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection says whose server was killed between two statements
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    OSError,
    TimeoutError,
)

log = structlog.get_logger("parlour.store")


class DatabaseUnavailable(ContractError):
    """PostgreSQL is away: 503/20503, carriers and clients try again (DESIGN 2.1)."""

    def __init__(self) -> None:
        super().__init__(20503, 503, "The database is not available at the moment. Please try again.")


class Database:
    """A pool of connections to one PostgreSQL database.

    :param dsn: address of the database, ``postgresql://…``.
    :param clock: the domain clock.
    :param connections: the largest number of connections.
    """

    def __init__(self, dsn: str, *, clock: Clock, sids: Sids | None = None, connections: int = 16) -> None:
        self.dsn = dsn
        self.clock = clock
        self.sids = sids or Sids()
        self._connections = connections
        self._pool: Pool | None = None
        self._books: Pool | None = None
        self.extensions: dict[type[Extension], Callable[[], Extension]] = {}
        self.ask: Ask = _nobody
        self._groups: Pool | None = None
        self._together = Together(lambda: _lent(_opened(self._groups)))

    async def open(self, *, patience: float = 30.0) -> None:
        """Connect, waiting up to ``patience`` seconds for a database that is not up yet."""
        self._pool = Pool(lambda: self._connect(SERVER_SETTINGS), self._connections)
        self._groups = Pool(lambda: self._connect(GROUP_SETTINGS), GROUP_CONNECTIONS)
        self._books = Pool(lambda: self._connect(BOOK_SETTINGS), BOOK_CONNECTIONS)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while True:
            try:
                self._pool.release(await self._pool.acquire(CONNECT_WAIT))
            except UNAVAILABLE:
                if loop.time() > deadline:
                    raise
                await asyncio.sleep(0.1)
            else:
                return

    async def _connect(self, server_settings: dict[str, str]) -> Any:
        connection: Any = await asyncpg.connect(
            self.dsn,
            timeout=DIAL_WAIT,
            command_timeout=COMMAND_TIMEOUT,
            statement_cache_size=STATEMENTS,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=LARGEST_STATEMENT,
            server_settings=server_settings,
        )
        await connection.set_type_codec(
            "jsonb", encoder=json_text, decoder=decode_json, schema="pg_catalog", format="text"
        )
        return connection

    async def close(self) -> None:
        """Close every connection, forcibly after five seconds."""
        for pool in (self._pool, self._groups, self._books):
            if pool is not None:
                await pool.close()

    @property
    def crowded(self) -> bool:
        """Say whether somebody waits for a connection, so that what is not urgent should wait."""
        return _opened(self._pool).crowded

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Lend a connection.

        :raises DatabaseUnavailable: none could be had in time.
        """
        async with _lent(_opened(self._pool)) as connection:
            yield connection

    async def read(self, account_sid: str, work: Callable[[Reader], Awaitable[T]]) -> T:
        """Run ``work`` on a connection outside any transaction, again once if the connection was dead.

        :raises DatabaseUnavailable: PostgreSQL is away.
        """
        for attempt in (1, 2):
            try:
                async with self.connection() as connection:
                    return await work(Reader(connection, account_sid, self.clock.now()))
            except UNAVAILABLE as error:
                if attempt == 2:
                    raise DatabaseUnavailable from error
        raise AssertionError("unreachable: the loop returns or raises")

    async def system(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Run ``work`` on a connection for all accounts: the outbox's own tables and nothing else.

        :raises DatabaseUnavailable: PostgreSQL is away.
        """
        try:
            async with self.connection() as connection:
                return await work(connection)
        except UNAVAILABLE as error:
            raise DatabaseUnavailable from error

    async def bookkeep(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Run ``work`` where what it writes may be lost by a crash of PostgreSQL: who holds which lane, and the like.

        :raises DatabaseUnavailable: PostgreSQL is away.
        """
        try:
            async with _lent(_opened(self._books)) as connection:
                return await work(connection)
        except UNAVAILABLE as error:
            raise DatabaseUnavailable from error

    async def step(
        self,
        account_sid: str,
        work: Callable[[UnitOfWork], Awaitable[T]],
        *,
        request_id: str = "",
        cause: str | None = None,
        on_begin: Callable[[UnitOfWork], Awaitable[None]] | None = None,
    ) -> T:
        """Run ``work`` in one transaction, from its start again on a deadlock.

        A connection found dead before COMMIT was sent is replaced once; after that the outcome is unknown and the
        caller hears 503. What ``work`` must know from outside first is asked while no transaction is open; then it
        runs again with the answer.

        :param request_id: the request this belongs to, for events and logs.
        :param cause: SID of the event whose reaction this is.
        :param on_begin: done first in the transaction, where one is begun at all.
        :raises DatabaseUnavailable: PostgreSQL is away.
        """
        answers: dict[Hashable, object] = {}
        while True:
            try:
                return await self.try_step(
                    account_sid, work, request_id=request_id, cause=cause, on_begin=on_begin, answers=answers
                )
            except Unanswered as unanswered:
                await self.answer(account_sid, request_id, unanswered.question, answers)

    async def answer(
        self, account_sid: str, request_id: str, question: Question, answers: dict[Hashable, object]
    ) -> None:
        """Ask a question of a step, and keep the answer for its next run."""
        if question.key in answers or len(answers) >= QUESTIONS:
            raise RuntimeError(f"the question {question.key} does not end")
        answers[question.key] = await self.ask(account_sid, request_id, question)

    async def try_step(
        self,
        account_sid: str,
        work: Callable[[UnitOfWork], Awaitable[T]],
        *,
        request_id: str = "",
        cause: str | None = None,
        on_begin: Callable[[UnitOfWork], Awaitable[None]] | None = None,
        answers: Mapping[Hashable, object],
    ) -> T:
        """Do as ``step`` does, and leave questions to the caller, who may hold what others wait for.

        :param answers: to the questions of earlier runs.
        :raises Unanswered: nothing was done; ``answer`` asks.
        :raises DatabaseUnavailable: PostgreSQL is away.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                loan = _Loan(_opened(self._pool))
                try:
                    return await self._attempt(loan, account_sid, work, request_id, cause, on_begin, answers)
                except LEFT_OPEN:
                    loan.cut()
                    raise
                finally:
                    loan.give_back()
            except REPEATABLE:
                if attempt >= STEP_ATTEMPTS:
                    raise
                await asyncio.sleep(random.uniform(0, 0.005 * 2**attempt))
            except _DeadBeforeCommit as error:
                if attempt >= 2:
                    raise DatabaseUnavailable from error
            except UNAVAILABLE as error:
                raise DatabaseUnavailable from error

    async def _attempt(
        self,
        loan: Loan,
        account_sid: str,
        work: Callable[[UnitOfWork], Awaitable[T]],
        request_id: str,
        cause: str | None,
        on_begin: Callable[[UnitOfWork], Awaitable[None]] | None,
        answers: Mapping[Hashable, object],
    ) -> T:
        unit = UnitOfWork(
            loan,
            account_sid,
            self.clock.now(),
            sids=self.sids,
            request_id=request_id,
            cause=cause,
            extensions=self.extensions,
            answers=answers,
            together=self._together,
        )
        if on_begin is not None:
            unit.on_begin = lambda: on_begin(unit)
        try:
            result = await work(unit)
            await unit.write_rest()
        except UNAVAILABLE as error:
            if unit.concluded:
                raise  # whether the statement was done cannot be known
            raise _DeadBeforeCommit from error
        except BaseException:
            if unit.begun:
                await _roll_back(await loan.borrow())
            raise
        if unit.begun:
            failpoints.passing(failpoints.BEFORE_COMMIT)
            connection = await loan.borrow()
            await connection.execute("COMMIT")
        unit.committed()
        return result


async def _nobody(_account_sid: str, _request_id: str, question: Question) -> object:
    raise RuntimeError(f"there is nobody to ask: {question.key}")


def _opened(pool: Pool | None) -> Pool:
    if pool is None:
        raise RuntimeError("the database was not opened")
    return pool


async def _borrow(pool: Pool) -> Any:
    try:
        return await pool.acquire(CONNECT_WAIT)
    except UNAVAILABLE as error:
        raise DatabaseUnavailable from error


class _Loan:
    """A connection that is borrowed at the first call."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: Any = None

    async def borrow(self) -> Any:
        """Return the connection."""
        if self._connection is None:
            self._connection = await _borrow(self._pool)
        return self._connection

    def cut(self) -> None:
        """Close it: nobody knows what it still waits for."""
        if self._connection is not None:
            self._connection.terminate()

    def give_back(self) -> None:
        """Return it to the pool."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.release(connection)


@asynccontextmanager
async def _lent(pool: Pool) -> AsyncIterator[Any]:
    connection = await _borrow(pool)
    try:
        yield connection
    except LEFT_OPEN:
        connection.terminate()
        raise
    finally:
        pool.release(connection)


class _DeadBeforeCommit(Exception):
    """The connection died before COMMIT was sent: nothing of the unit is stored."""


async def _roll_back(connection: Any) -> None:
    try:
        await connection.execute("ROLLBACK")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection.terminate()
