"""From settings to a running server: logs, database, first start, the words on the screen."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog

from parlour.app import Program, compose
from parlour.channels.sms.simulator.app import Carrier
from parlour.demo import make_carrier, seed
from parlour.first_start import first_start
from parlour.playground import playground_carrier_routes
from parlour.published import address_published, publish_demo_credentials
from parlour.server import Server, ServerFailed, stop_on_signals
from parlour.settings import Settings
from parlour.store.postgres.errors import PostgresError
from parlour.store.postgres.supervisor import Supervisor

log = structlog.get_logger("parlour")

EPHEMERAL_DATABASE = {"shared_buffers": "32MB"}


async def run(settings: Settings) -> int:
    """Run the server until it is told to stop; return the exit status."""
    set_up_logs(settings.log_level)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    stop_on_signals(loop, stop.set)
    try:
        async with database_address(settings) as dsn:
            program = compose(settings, dsn)
            return await _serve(program, stop)
    except (PostgresError, ServerFailed) as error:
        _complain(str(error))
        return 1


async def _serve(program: Program, stop: asyncio.Event) -> int:
    carrier = make_carrier(program) if program.settings.playground else None
    server = Server(program, extra_routes=playground_carrier_routes(carrier) if carrier is not None else [])
    stopping = asyncio.create_task(stop.wait(), name="signal")
    stopping.add_done_callback(lambda _: server.stop())
    if carrier is not None:
        stopping.add_done_callback(lambda _: carrier.close_streams())  # open handset pages would delay the end
    with address_published(program.settings):
        try:
            await server.run(before_serving=lambda: _prepare(program, carrier), on_ready=lambda: _say_ready(program))
        finally:
            if carrier is not None:
                await carrier.stop()
    stopping.cancel()
    return 0


async def _prepare(program: Program, carrier: Carrier | None) -> None:
    await first_start(program)
    await publish_demo_credentials(program)
    if program.settings.playground:
        if carrier is not None:
            await carrier.start()
        await seed(program, carrier)


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


def set_up_logs(level: str) -> None:
    """Send one JSON line per event to standard error, readable text where it is a terminal."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    renderer: Any = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _complain(text: str) -> None:
    """Print an error for a person."""
    sys.stderr.write(f"Error: {text}\n")
