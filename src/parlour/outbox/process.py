"""This server process among others: its number, its sign of life, the bus, and the sweep (DESIGN 2.1, 2.8)."""

import asyncio
import os
import socket
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import asyncpg
import structlog

from parlour import __version__
from parlour.kit.clock import real_now
from parlour.kit.wire import decode_json, json_text
from parlour.outbox import lanes as sql
from parlour.outbox.claims import LEASE
from parlour.outbox.runner import SWEEP
from parlour.outbox.wake import Wake
from parlour.store.database import UNAVAILABLE, Database, DatabaseUnavailable

CHANNEL: Final = "parlour"
COALESCE: Final = 0.01  # seconds between two NOTIFY of one process
KEEP_EVENTS: Final = timedelta(days=30)
KEEP_DEAD_JOBS: Final = timedelta(days=14)
PARTITIONS_AHEAD: Final = 3  # days
HOUSEKEEPING: Final = 3600.0  # seconds of real time
LINE_PATIENCE: Final = 5.0  # seconds; a killed PostgreSQL may leave a socket that answers nothing
LARGEST_NOTIFY: Final = 7900  # bytes; PostgreSQL's limit is 8000

log = structlog.get_logger("parlour.outbox")

Hear = Callable[[str], None]


class Process:
    """Keeps this process known to the others and hears their hints.

    :ivar number: its number in the table ``process``, the holder of its lanes.
    :ivar others: how many other processes live.
    """

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake
        self._line: Any = None
        self._listeners: dict[str, list[Hear]] = {"jobs": [lambda _: wake.jobs()]}
        self._outgoing: dict[tuple[str, str], None] = {}
        self._spoke = asyncio.Event()
        self.number = 0
        self.others = 0
        wake.carry(self.publish)

    async def join(self) -> None:
        """Take a number and the lock that says we live."""
        self.number = int(
            await self._database.system(
                lambda connection: connection.fetchval(
                    sql.ADD_PROCESS, real_now(), __version__, socket.gethostname(), os.getpid()
                )
            )
        )
        await self._connect()

    async def leave(self) -> None:
        """Take our row away and close the line."""
        try:
            await self._database.system(lambda connection: connection.execute(sql.REMOVE_PROCESS, self.number))
            if self._line is not None:
                await self._line.close(timeout=2)
        except (DatabaseUnavailable, *UNAVAILABLE):
            log.warning("left while the database was away")

    def hear(self, subject: str, call: Hear) -> None:
        """Have ``call`` called with the body of each hint on ``subject``, ours or another process's."""
        self._listeners.setdefault(subject, []).append(call)

    def publish(self, subject: str, body: str = "") -> None:
        """Give a hint to this process now and to the others within a few milliseconds; it may be lost."""
        self._spread(subject, body)
        self._outgoing[subject, body] = None
        self._spoke.set()

    async def speak(self) -> None:
        """Send hints to the other processes, coalesced, while there are others."""
        while True:
            await self._spoke.wait()
            await asyncio.sleep(COALESCE)
            self._spoke.clear()
            outgoing, self._outgoing = self._outgoing, {}
            if self.others and self._line is not None:
                bodies = [json_text(hint) for hint in outgoing]
                await self._notify([f"{self.number} {body}" for body in bodies if len(body) <= LARGEST_NOTIFY])

    async def _notify(self, bodies: list[str]) -> None:
        try:
            await self._line.execute("SELECT pg_notify($1, body) FROM unnest($2::text[]) AS body", CHANNEL, bodies)
        except UNAVAILABLE:
            log.debug("a hint was lost")

    async def sweep(self) -> None:
        """Each second: say that we live, free the lanes of the dead, look for due work."""
        next_housekeeping = 0.0
        loop = asyncio.get_running_loop()
        while True:
            try:
                await self._sweep_once()
                if loop.time() >= next_housekeeping:
                    await self._database.system(self._keep_house)
                    next_housekeeping = loop.time() + HOUSEKEEPING
            except DatabaseUnavailable as away:
                log.warning("the database is away; waiting for it", why=repr(away.__cause__))
            except Exception:
                log.exception("a sweep failed")  # without sweeps nothing that a crash left is found
            self._wake.jobs()
            await asyncio.sleep(SWEEP)

    async def _sweep_once(self) -> None:
        if self._line is None or self._line.is_closed():
            await self._reconnect()

        async def look(connection: Any) -> None:
            await connection.execute(
                sql.HEARTBEAT, self.number, real_now(), __version__, socket.gethostname(), os.getpid()
            )
            await connection.execute(sql.RENEW, self.number, real_now() + LEASE, real_now() + LEASE / 2)
            freed = await connection.fetch(sql.FREE_LANES_OF_THE_DEAD, sql.PROCESS_LOCK)
            if freed:
                log.info("freed lanes of a process that died", lanes=len(freed))
            await connection.execute(sql.FORGET_DEAD_PROCESSES, sql.PROCESS_LOCK)
            self.others = await connection.fetchval(sql.OTHER_PROCESSES, self.number)

        await self._database.system(look)

    async def _reconnect(self) -> None:
        try:
            await self._connect()
        except UNAVAILABLE as error:
            raise DatabaseUnavailable from error

    async def _connect(self) -> None:
        line: Any = await asyncpg.connect(
            self._database.dsn,
            timeout=LINE_PATIENCE,
            command_timeout=LINE_PATIENCE,
            server_settings={"application_name": "parlour-line"},
        )
        if not await line.fetchval(sql.HOLD_PROCESS_LOCK, sql.PROCESS_LOCK, self.number):
            log.warning("the lock of this process is still held by its lost connection")
        await line.add_listener(CHANNEL, self._heard)
        self._line = line

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        sender, _, body = payload.partition(" ")
        if sender == str(self.number):
            return
        subject, text = decode_json(body)
        self._spread(subject, text)

    def _spread(self, subject: str, body: str) -> None:
        for call in self._listeners.get(subject, ()):
            call(body)
        self._wake.heard(subject, body)

    async def _keep_house(self, connection: Any) -> None:
        await keep_partitions(connection, datetime.now(UTC).date())
        now = self._database.clock.now()
        await connection.execute("DELETE FROM job WHERE dead_at < $1", now - KEEP_DEAD_JOBS)
        await connection.execute("DELETE FROM event_default WHERE at < $1", now - KEEP_EVENTS)


async def keep_partitions(connection: Any, today: date) -> None:
    """Make the event partitions of the coming days and drop those older than 30 days."""
    rows = await connection.fetch(
        "SELECT c.relname FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid WHERE inhparent = 'event'::regclass"
    )
    names = {row["relname"] for row in rows}
    for ahead in range(PARTITIONS_AHEAD):
        day = today + timedelta(days=ahead)
        name = f"event_{day:%Y%m%d}"
        if name not in names:
            try:
                await connection.execute(
                    f"CREATE TABLE {name} PARTITION OF event FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
                )
            except (asyncpg.CheckViolationError, asyncpg.DuplicateTableError):
                log.debug("the partition exists or the default one holds rows of that day", day=str(day))
    oldest = f"event_{today - KEEP_EVENTS:%Y%m%d}"
    for name in sorted(names):
        if name != "event_default" and name < oldest:
            await connection.execute(f"DROP TABLE {name}")
