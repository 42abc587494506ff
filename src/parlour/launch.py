"""From settings to a running server: logs, database, first start, the words on the screen."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TextIO

import structlog

from parlour.accounts.service import WeakCredentials
from parlour.app import Program, compose
from parlour.channels import contract as channels
from parlour.channels.sms.simulator.app import Carrier
from parlour.demo import make_carrier, seed
from parlour.first_start import check_given, first_start
from parlour.kit.who import say_about
from parlour.playground import playground_carrier_routes
from parlour.published import address_published, publish_demo_credentials
from parlour.server import Server, ServerFailed, stop_on_signals
from parlour.settings import Settings, SettingsError
from parlour.store.postgres.errors import PostgresError
from parlour.store.postgres.supervisor import Supervisor

log = structlog.get_logger("parlour")

EPHEMERAL_DATABASE = {"shared_buffers": "32MB"}


Passed = Callable[[str], None]


def _nobody_listens(_step: str) -> None:
    """Hear of a step and say nothing."""


@dataclass(frozen=True)
class Audience:
    """Who hears how the start goes.

    :ivar passed: hears the name of each step when it is done.
    :ivar ready: done beside the server from the moment it answers; cancelled before the server ends.
    """

    passed: Passed = _nobody_listens
    ready: Callable[[Program], Awaitable[None]] | None = None


async def run(settings: Settings, audience: Audience | None = None) -> int:
    """Run the server until it is told to stop; return the exit status."""
    audience = audience or Audience()
    try:
        check_given(settings)
        for name in settings.channels:
            channels.adapter(name)
    except (WeakCredentials, SettingsError) as error:
        _complain(str(error))
        return 1
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    stop_on_signals(loop, stop.set)
    try:
        async with database_address(settings) as dsn:
            audience.passed("PostgreSQL runs")
            program = compose(settings, dsn)
            return await _serve(program, stop, audience)
    except (PostgresError, ServerFailed) as error:
        _complain(str(error))
        return 1


async def _serve(program: Program, stop: asyncio.Event, audience: Audience) -> int:
    carrier = make_carrier(program) if program.settings.playground else None
    server = Server(program, extra_routes=playground_carrier_routes(carrier) if carrier is not None else [])
    stopping = asyncio.create_task(stop.wait(), name="signal")
    stopping.add_done_callback(lambda _: server.stop())
    if carrier is not None:
        stopping.add_done_callback(lambda _: carrier.close_streams())  # open handset pages would delay the end
    with address_published(program.settings):
        async with _beside(program, server, stopping, audience):
            try:
                await server.run(
                    before_serving=lambda: _prepare(program, carrier, audience), on_ready=lambda: _say_ready(program)
                )
            finally:
                if carrier is not None:
                    await carrier.stop()
    stopping.cancel()
    return 0


@asynccontextmanager
async def _beside(
    program: Program, server: Server, stopping: "asyncio.Task[Any]", audience: Audience
) -> AsyncIterator[None]:
    """Run what the audience does beside the server; it ends first, when the end is asked for."""
    if audience.ready is None:
        yield
        return
    ready = audience.ready

    async def when_ready() -> None:
        await server.started.wait()
        audience.passed("the server answers")
        await ready(program)

    task = asyncio.create_task(when_ready(), name="audience")
    stopping.add_done_callback(lambda _: task.cancel())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _prepare(program: Program, carrier: Carrier | None, audience: Audience) -> None:
    audience.passed("the schema is up to date")
    await first_start(program)
    await publish_demo_credentials(program)
    if program.settings.playground:
        if carrier is not None:
            await carrier.start()
        await seed(program, carrier)
        audience.passed("the demo data is there")


def _say_ready(program: Program) -> None:
    log.info("ready", url=program.settings.base_url)


@asynccontextmanager
async def database_address(settings: Settings) -> AsyncIterator[str]:
    """Give the address of the database: the operator's, or the embedded one for as long as we run."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    async with Supervisor(settings.data, settings=EPHEMERAL_DATABASE if settings.ephemeral else None) as postgres:
        yield postgres.address.dsn


def set_up_logs(level: str, file: TextIO = sys.stderr) -> None:
    """Send one JSON line per event to ``file``, readable text where it is a terminal."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    renderer: Any = structlog.dev.ConsoleRenderer() if file.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            say_about,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file),
        cache_logger_on_first_use=True,
    )


def _complain(text: str) -> None:
    """Print an error for a person."""
    sys.stderr.write(f"Error: {text}\n")
