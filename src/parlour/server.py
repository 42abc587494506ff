"""The running server: start, serve, and end in order (DESIGN 2.1)."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from parlour.app import Program
from parlour.kit.clock import FrozenClock
from parlour.monitoring import LoopMonitor, Metrics, monitoring_routes
from parlour.outbox.process import Process
from parlour.outbox.runner import Runner
from parlour.outbox.test_clock import TestClock
from parlour.playground import playground_routes
from parlour.rest.app import RestApp
from parlour.rest.hosts import Addressing
from parlour.rest.rates import Rates
from parlour.settings import Settings

SOCKETS_PATIENCE: Final = 5  # seconds for open connections at the end
SILENCE: Final = 30  # seconds that a peer may leave sent bytes unconfirmed
LARGEST_FRAME: Final = 2 * 1024 * 1024  # bytes of a web socket message, for whoever may connect
JOBS_PATIENCE: Final = 10.0  # seconds for running jobs at the end
GARBAGE: Final = (10_000, 20, 50)  # objects of the youngest generation before a look; looks before an older one

log = structlog.get_logger("parlour")


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: its own re-raise SIGTERM, and nothing after it would run."""

    @contextmanager
    def capture_signals(self) -> Any:
        """Leave signals to us."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and have the system give up peers that confirm nothing; accepted sockets inherit that."""
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:
                _give_up_the_silent(listener.fileno())


class Server:
    """Serves a program until it is asked to stop.

    :param extra_routes: routes beside those of the floors, such as the simulated carrier's.
    """

    def __init__(self, program: Program, *, extra_routes: Sequence[BaseRoute] = ()) -> None:
        self._program = program
        self._extra_routes = list(extra_routes)
        self._stop = asyncio.Event()
        self.started = asyncio.Event()

    def stop(self) -> None:
        """Ask the server to end."""
        self._stop.set()

    async def run(
        self,
        *,
        before_serving: Callable[[], Awaitable[None]] | None = None,
        on_ready: Callable[[], None] | None = None,
    ) -> None:
        """Open the database, migrate, serve, and end in order.

        :param before_serving: done when the schema is there and before the first request.
        :param on_ready: called when requests are answered.
        """
        program = self._program
        await program.database.open()
        try:
            await program.migrate()
            if before_serving is not None:
                await before_serving()
            async with self._jobs() as (process, runner, test_clock):
                await self._serve(process, runner, test_clock, on_ready)
        finally:
            await program.outgoing.close()
            await program.database.close()

    @asynccontextmanager
    async def _jobs(self) -> AsyncIterator[tuple[Process, Runner, TestClock | None]]:
        program = self._program
        process = Process(program.database, program.wake)
        await process.join()
        runner = Runner(program.database, program.registry, program.wake, program.clock, process.number)
        test_clock = None
        if isinstance(program.clock, FrozenClock):
            test_clock = TestClock(program.database, program.clock, process, runner)
            await test_clock.load(datetime.now(UTC))
        tasks = [
            asyncio.create_task(process.sweep(), name="sweep"),
            asyncio.create_task(process.speak(), name="bus"),
        ]
        running = asyncio.create_task(runner.run(), name="runner")
        for package in program.packages:
            tasks += [asyncio.create_task(companion(process), name=package.name) for companion in package.companions]
        try:
            yield process, runner, test_clock
        finally:
            await runner.stop(JOBS_PATIENCE)
            running.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(running, *tasks, return_exceptions=True)
            await process.leave()

    async def _serve(
        self,
        process: Process,
        runner: Runner,
        test_clock: TestClock | None,
        on_ready: Callable[[], None] | None,
    ) -> None:
        program = self._program
        settings = program.settings
        metrics = Metrics()
        monitor = LoopMonitor(metrics)
        routes = monitoring_routes(program, metrics, runner)
        if settings.playground:
            routes += playground_routes(program, test_clock)
        routes += self._extra_routes
        for package in program.packages:
            routes += package.routes
        rest = RestApp(
            program.router,
            authenticator=program.authenticator,
            database=program.database,
            clock=program.clock,
            addressing=Addressing(settings.product_domains, settings.trusted_proxies),
            otherwise=Starlette(routes=routes),
            rates=Rates(settings.rate_limit, interactions=settings.interactions_per_second),
            observe=metrics.request,
        )
        server = _http_server(rest, settings)
        _spare_the_collector()
        monitoring = asyncio.create_task(monitor.run(), name="loop monitor")
        serving = asyncio.create_task(server.serve(), name="http")
        stopping = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            while not server.started and not serving.done():
                await asyncio.sleep(0.005)
            if not serving.done():
                self.started.set()
                if on_ready is not None:
                    on_ready()
            await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            server.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)
            monitoring.cancel()
            stopping.cancel()
            log.debug("stopped serving", process=process.number)
        if not self.started.is_set():
            raise ServerFailed(f"the server could not listen on {settings.host}:{settings.port}; is the port taken?")


def _spare_the_collector() -> None:
    """Have the collector leave alone what lives as long as the server, and look less often at what a request makes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


def _http_server(app: RestApp, settings: Settings) -> _Server:
    """Return uvicorn as we need it: no signals, no pings, no compression, a bounded end (DESIGN 2.1, 2.11)."""
    return _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            ws_ping_interval=None,
            ws_ping_timeout=None,
            ws_per_message_deflate=False,
            ws_max_size=LARGEST_FRAME,
            timeout_graceful_shutdown=SOCKETS_PATIENCE,
            lifespan="off",
        )
    )


def _give_up_the_silent(descriptor: int) -> None:
    """Bound the time for which sent bytes may stay unconfirmed, where the system can.

    A web socket only ever speaks; without this a line that was lost without a word would look open for a quarter of
    an hour, and its agent available.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is None:
        return
    with socket.socket(fileno=os.dup(descriptor)) as listener:
        if listener.family in (socket.AF_INET, socket.AF_INET6):
            listener.setsockopt(socket.IPPROTO_TCP, option, SILENCE * 1000)


class ServerFailed(Exception):
    """The server could not be started."""


def stop_on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Have SIGINT and SIGTERM ask for the end."""
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop)
