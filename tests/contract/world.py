"""Two accounts of one program in this process, whose time stands still: where good calls and bad cells happen."""

import asyncio
import contextlib
import itertools
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from starlette.types import Receive, Scope, Send
from twilio.rest import Client

from parlour.accounts import service
from parlour.accounts.service import Credentials
from parlour.app import Program, compose
from parlour.kit.clock import FrozenClock
from parlour.outbox.process import Process
from parlour.outbox.runner import Runner
from parlour.outbox.test_clock import TestClock
from parlour.rest.app import RestApp
from parlour.rest.hosts import Addressing
from parlour.rest.rates import Rates
from parlour.settings import Settings
from parlour.store.postgres.supervisor import Supervisor
from parlour.store.unit import UnitOfWork
from tests.contract.inprocess import Reply, Request, Transport, raw, send

T = TypeVar("T")

FAST: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
TABLES: Final = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'account_sid'
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"""


class Stage:
    """A program whose jobs run and whose clock stands until it is told to move."""

    def __init__(self, program: Program, app: RestApp, test_clock: TestClock, digest: str) -> None:
        self.program = program
        self.app = app
        self.loop = asyncio.get_running_loop()
        self._test_clock = test_clock
        self._digest = digest

    async def account(self, name: str) -> "World":
        """Make an account, provisioned by every floor."""
        credentials = await service.create_account(self.program.database, self.program.box, friendly_name=name)
        await self._test_clock.settle()
        return World(self, credentials)

    async def send(self, request: Request) -> Reply:
        """Send a request."""
        return await send(self.app, request)

    async def digest(self, account_sid: str) -> str:
        """Return a digest over every row of an account in every table."""
        found = await self.program.database.system(
            lambda connection: connection.fetchval(self._digest, account_sid),
        )
        return str(found)

    async def advance(self, seconds: float) -> None:
        """Move the clock, and run until nothing is due."""
        await self._test_clock.advance(timedelta(seconds=seconds))

    def wait(self, work: Callable[[], Any]) -> Any:
        """Run a coroutine of the loop from a thread, and return its result."""
        return asyncio.run_coroutine_threadsafe(work(), self.loop).result(60)

    def settle(self) -> None:
        """Run what is due, from a thread."""
        self.wait(self._test_clock.settle)


class World:
    """One account as its owner sees it: the official client, and what was made through it."""

    def __init__(self, stage: Stage, credentials: Credentials) -> None:
        self.stage = stage
        self.credentials = credentials
        self.transport = Transport(stage.app, stage.loop)
        self.client = Client(credentials.account_sid, credentials.auth_token, http_client=self.transport)
        self._kept: dict[str, Any] = {}
        self._number = 0
        self._turns: dict[tuple[str, int, str], Iterator[int]] = {}

    @property
    def account_sid(self) -> str:
        """Return the account."""
        return self.credentials.account_sid

    def unique(self, prefix: str) -> str:
        """Return a name that was not used before."""
        self._number += 1
        return f"{prefix}-{self._number}"

    def pick(self, *values: T) -> T:
        """Return one of several values, the next at each call from the same line with the same values."""
        frame = sys._getframe(1)
        turns = self._turns.setdefault((frame.f_code.co_filename, frame.f_lineno, str(values)), itertools.count())
        return values[next(turns) % len(values)]

    def number(self) -> str:
        """Return a phone number of the account, new at each call."""
        return str(self.client.incoming_phone_numbers.create(phone_number=self.phone()).phone_number)

    def step(self, work: Callable[[UnitOfWork], Any]) -> Any:
        """Do a unit of work on the account's rows, from a thread."""
        database = self.stage.program.database
        return self.stage.wait(lambda: database.step(self.account_sid, work, request_id="RQ-test"))

    def phone(self) -> str:
        """Return a phone number that was not used before."""
        self._number += 1
        return f"+1415{int(self.account_sid[-4:], 16) % 1000:03d}{self._number:04d}"

    def keep(self, name: str, make: Callable[[], T]) -> T:
        """Return the one thing of a name, made at the first call."""
        if name not in self._kept:
            self._kept[name] = make()
        found: T = self._kept[name]
        return found

    def raw(self, method: str, product: str, path: str, **form: str) -> Any:
        """Call what no official SDK calls, and return the JSON of the answer."""
        self.transport.carry(raw(self.credentials, method, product, path, **form))
        reply = self.transport.reply
        assert reply is not None
        assert reply.status < 400, f"{method} {product} {path}: {reply.status} {reply.content[:500]!r}"
        return reply.body


@contextlib.asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    """Run a program in this process until the block ends."""
    with tempfile.TemporaryDirectory(prefix="parlour-contract-") as folder:
        async with Supervisor(Path(folder), settings=FAST) as postgres:
            program = compose(settings(Path(folder)), postgres.address.dsn)
            await program.database.open()
            await program.migrate()
            process = Process(program.database, program.wake)
            await process.join()
            runner = Runner(program.database, program.registry, program.wake, program.clock, process.number)
            assert isinstance(program.clock, FrozenClock)
            test_clock = TestClock(program.database, program.clock, process, runner)
            await test_clock.load(program.clock.now())
            tasks = [asyncio.create_task(runner.run()), asyncio.create_task(process.sweep())]
            tables = await program.database.system(lambda connection: connection.fetch(TABLES))
            try:
                yield Stage(program, _rest(program), test_clock, digest_of([row[0] for row in tables]))
            finally:
                await runner.stop(5)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await process.leave()
                await program.outgoing.close()
                await program.database.close()


def settings(folder: Path) -> Settings:
    """Return the settings of a stage: no rates, which follow the real clock, since cells come as fast as they can."""
    return Settings(
        data=folder, ephemeral=True, test_clock=True, rest_executions_per_second=0, webchats_per_second=1_000_000
    )


def digest_of(tables: list[str]) -> str:
    """Return the query of a digest over an account's rows in these tables.

    A row's ``xmin`` is the transaction that wrote it: writing a row again, even with the same values, raises the sum.
    """
    parts = [
        f"SELECT '{table}:' || count(*) || ':' || coalesce(sum(xmin::text::bigint), 0) AS part "
        f'FROM "{table}" t WHERE account_sid = $1'
        for table in tables
    ]
    return f"SELECT string_agg(part, ' ' ORDER BY part) FROM ({' UNION ALL '.join(parts)}) parts"


def _rest(program: Program) -> RestApp:
    async def nothing(_scope: Scope, _receive: Receive, send_message: Send) -> None:
        await send_message({"type": "http.response.start", "status": 404, "headers": []})
        await send_message({"type": "http.response.body", "body": b""})

    return RestApp(
        program.router,
        authenticator=program.authenticator,
        database=program.database,
        clock=program.clock,
        addressing=Addressing(program.settings.product_domains, ()),
        otherwise=nothing,
        rates=Rates(0),
    )
