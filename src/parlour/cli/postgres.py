"""What `parlour db` does; apart from `db`, so that other commands do not load it."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import structlog

from parlour.store.postgres import processes
from parlour.store.postgres.binaries import locate_binaries
from parlour.store.postgres.errors import PostgresError
from parlour.store.postgres.folder import DataFolder
from parlour.store.postgres.supervisor import Supervisor


def log_to_stderr() -> None:
    """Keep standard output for the address."""
    if not structlog.is_configured():
        structlog.configure(
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
            wrapper_class=structlog.make_filtering_bound_logger("info"),
        )


async def run_until_told(supervisor: Supervisor, say: Callable[[str], object]) -> None:
    """Run PostgreSQL until SIGINT or SIGTERM, also while it still recovers.

    say: is told the address once the database answers. Raises PostgresError.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    end = asyncio.create_task(told.wait())
    serve = asyncio.create_task(_serve(supervisor, say))
    try:
        await asyncio.wait([end, serve], return_when=asyncio.FIRST_COMPLETED)
    finally:
        end.cancel()
        serve.cancel()
        await asyncio.gather(end, serve, return_exceptions=True)
        await supervisor.stop()
    if not serve.cancelled():
        serve.result()


async def _serve(supervisor: Supervisor, say: Callable[[str], object]) -> None:
    address = await supervisor.start()
    say(address.dsn)
    await supervisor.wait_exit()


def describe(data: Path) -> tuple[bool, list[str]]:
    """Whether the database of a data folder runs, and what a person wants to know of it."""
    folder = DataFolder(data)
    found = folder.status()
    made = found.identity
    lines = [
        f"Data folder  {folder.path}",
        f"Database     PostgreSQL {made.postgresql}, format {made.format}" if made else "Database     not made yet",
        f"Owner        {f'process {found.pid}' if found.running else 'none'}",
    ]
    if found.running:
        lines.append(f"Address      {found.address.dsn if found.address else 'still starting'}")
    elif processes.running_in(folder.cluster):
        lines.append("PostgreSQL outlived its owner, which was killed; the next start stops it and takes over.")
    return found.running, lines


def running_url(data: Path) -> str:
    """The address of the database that runs in a data folder. Raises PostgresError when none does."""
    folder = DataFolder(data)
    address = folder.status().address
    if address is None:
        raise PostgresError(
            f"No database runs in {folder.path}; start `parlour db run` or `parlour start`, or name the folder "
            "with --data."
        )
    return address.dsn


def become_psql(url: str, arguments: tuple[str, ...]) -> NoReturn:
    """Become psql: the one on PATH, since the wheel's links GPL readline, else that one."""
    program = shutil.which("psql") or str(locate_binaries().psql)
    # A person thinks longer than an application may.
    options = f"{os.environ.get('PGOPTIONS', '')} -c idle_in_transaction_session_timeout=0".strip()
    os.execve(program, [program, url, *arguments], os.environ | {"PGOPTIONS": options})  # noqa: S606
