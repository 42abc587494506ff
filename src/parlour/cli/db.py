"""`parlour db`: the embedded PostgreSQL by itself."""

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import NoReturn

import click
import structlog

from parlour.settings import Settings, SettingsError, load
from parlour.store.postgres import processes
from parlour.store.postgres.binaries import locate_binaries
from parlour.store.postgres.errors import PostgresError
from parlour.store.postgres.folder import DataFolder
from parlour.store.postgres.supervisor import Supervisor

NOT_RUNNING = 3
"""Exit code of `status` when nobody runs the database, as `systemctl status` has it."""

_data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Data folder. Default: $PARLOUR_DATA, else ./.parlour",
)


@click.group()
def db() -> None:
    """The embedded PostgreSQL by itself."""


@db.command()
@_data
@click.option(
    "--binaries",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with bin/postgres instead of the one that came with Parlour.",
)
@click.option("--user", help="The user to run PostgreSQL as, when started by root.")
def run(data: Path | None, binaries: Path | None, user: str | None) -> None:
    """Own the data folder and run PostgreSQL until Ctrl-C or SIGTERM; print the address."""
    if not structlog.is_configured():
        structlog.configure(
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
            wrapper_class=structlog.make_filtering_bound_logger("info"),
        )
    try:
        asyncio.run(_run(Supervisor(_settings(data).data, binaries=binaries, user=user)))
    except PostgresError as error:
        raise click.ClickException(str(error)) from error


async def _run(supervisor: Supervisor) -> None:
    asked_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked_to_end.set)
    end = asyncio.create_task(asked_to_end.wait())
    serve = asyncio.create_task(_serve(supervisor))
    try:
        await asyncio.wait([end, serve], return_when=asyncio.FIRST_COMPLETED)
    finally:
        end.cancel()
        serve.cancel()
        await asyncio.gather(end, serve, return_exceptions=True)
        await supervisor.stop()
    if not serve.cancelled():
        serve.result()


async def _serve(supervisor: Supervisor) -> None:
    address = await supervisor.start()
    click.echo(address.dsn)
    await supervisor.wait_exit()


@db.command()
@_data
def status(data: Path | None) -> None:
    """Show whether the database runs, who owns the folder, and its address; exit code 3 when it does not."""
    folder = DataFolder(_settings(data).data)
    found = folder.status()
    click.echo(f"Data folder  {folder.path}")
    if found.identity is None:
        click.echo("Database     not made yet")
    else:
        click.echo(f"Database     PostgreSQL {found.identity.postgresql}, format {found.identity.format}")
    if found.running:
        click.echo(f"Owner        process {found.pid}")
        click.echo(f"Address      {found.address.dsn if found.address else 'still starting'}")
        return
    click.echo("Owner        none")
    if processes.running_in(folder.cluster):
        click.echo("PostgreSQL outlived its owner, which was killed; the next start stops it and takes over.")
    sys.exit(NOT_RUNNING)


@db.command(context_settings={"ignore_unknown_options": True})
@_data
@click.option("--database-url", help="Another database than the folder's. Default: $PARLOUR_DATABASE_URL")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(data: Path | None, database_url: str | None, arguments: tuple[str, ...]) -> None:
    """Open psql on the running database; further arguments go to psql."""
    settings = _settings(data, database_url)
    _exec_psql(settings.database_url or _running_url(settings.data), arguments)


def _settings(data: Path | None, database_url: str | None = None) -> Settings:
    try:
        return load({"data": data, "database_url": database_url})
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def _running_url(data: Path) -> str:
    folder = DataFolder(data)
    address = folder.status().address
    if address is None:
        raise click.ClickException(
            f"No database runs in {folder.path}; start `parlour db run` or `parlour start`, or name "
            "the folder with --data."
        )
    return address.dsn


def _exec_psql(url: str, arguments: tuple[str, ...]) -> NoReturn:
    """Become psql: the one on PATH, since the wheel's links GPL readline, else that one."""
    try:
        program = shutil.which("psql") or str(locate_binaries().psql)
    except PostgresError as error:
        raise click.ClickException(str(error)) from error
    # A person thinks longer than an application may.
    options = f"{os.environ.get('PGOPTIONS', '')} -c idle_in_transaction_session_timeout=0".strip()
    os.execve(program, [program, url, *arguments], os.environ | {"PGOPTIONS": options})  # noqa: S606
