"""``--test-clock``: the domain clock stands in the database and moves when told (DESIGN 2.10)."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from parlour.kit.clock import FrozenClock
from parlour.kit.wire import iso_millis
from parlour.outbox import lanes as sql
from parlour.outbox.process import Process
from parlour.outbox.runner import Runner
from parlour.store.database import Database

SETTLE: Final = 0.005  # seconds between looks whether everything is done
PATIENCE: Final = 120.0  # seconds of real time for one step of the clock to settle

_READ: Final = "SELECT at FROM domain_clock"
_SET: Final = """
INSERT INTO domain_clock (at) VALUES ($1)
ON CONFLICT (only_row) DO UPDATE SET at = greatest(domain_clock.at, excluded.at) RETURNING at"""
_NEXT: Final = "SELECT min(due) FROM lane WHERE due > $1 AND due <= $2"


class DidNotSettle(Exception):
    """Work went on for two minutes at one instant of the domain clock."""


class TestClock:
    """Moves the domain clock of all processes and runs what falls due on the way."""

    __test__ = False  # not a test, whatever its name

    def __init__(self, database: Database, clock: FrozenClock, process: Process, runner: Runner) -> None:
        self._database = database
        self._clock = clock
        self._process = process
        self._runner = runner
        process.hear("clock", lambda body: clock.set(datetime.fromisoformat(body)))

    async def load(self, start: datetime) -> None:
        """Take the clock from the database, or start it."""
        self._clock.set(await self._database.system(lambda connection: connection.fetchval(_SET, start)))

    async def advance(self, by: timedelta) -> dict[str, object]:
        """Step through every timer that falls due, each at its time, and return what fired.

        :raises DidNotSettle: work at one instant did not come to an end.
        """
        target = self._clock.now() + by
        fired: list[dict[str, str]] = []
        self._runner.fired = fired
        try:
            await self._settle()
            while (due := await self._next(target)) is not None:
                await self._move(due)
                await self._settle()
            await self._move(target)
            await self._settle()
        finally:
            self._runner.fired = None
        return {"now": iso_millis(self._clock.now()), "fired": fired}

    async def settle(self) -> dict[str, object]:
        """Run until nothing is due or running, without moving the clock."""
        await self._settle()
        return {"now": iso_millis(self._clock.now())}

    async def _next(self, target: datetime) -> datetime | None:
        found: datetime | None = await self._database.system(
            lambda connection: connection.fetchval(_NEXT, self._clock.now(), target)
        )
        return found

    async def _move(self, to: datetime) -> None:
        self._clock.set(await self._database.system(lambda connection: connection.fetchval(_SET, to)))
        self._process.publish("clock", self._clock.now().isoformat())
        self._process.publish("jobs")

    async def _settle(self) -> None:
        busy: Callable[[Any], Any] = lambda connection: connection.fetchval(sql.COUNT_BUSY, self._clock.now())  # noqa: E731
        try:
            async with asyncio.timeout(PATIENCE):
                while not self._runner.idle or await self._database.system(busy):
                    await asyncio.sleep(SETTLE)
        except TimeoutError as error:
            raise DidNotSettle("something is still due or running after two minutes") from error
