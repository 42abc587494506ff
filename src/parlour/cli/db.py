"""`parlour db`: the embedded PostgreSQL by itself."""

import asyncio
import sys
from pathlib import Path

import click

from parlour.settings import Settings, SettingsError, load

NOT_RUNNING = 3
"""Exit code of `status` when nobody runs the database, as `systemctl status` has it."""

_data = click.option(
    "--data",
    type=click.Path(file_okay=False, readable=False, path_type=Path),
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
    from parlour.cli.postgres import log_to_stderr, run_until_told
    from parlour.store.postgres.errors import PostgresError
    from parlour.store.postgres.supervisor import Supervisor

    log_to_stderr()
    try:
        asyncio.run(run_until_told(Supervisor(_settings(data).data, binaries=binaries, user=user), click.echo))
    except PostgresError as error:
        raise click.ClickException(str(error)) from error


@db.command()
@_data
def status(data: Path | None) -> None:
    """Show whether the database runs, who owns the folder, and its address; exit code 3 when it does not."""
    from parlour.cli.postgres import describe

    running, lines = describe(_settings(data).data)
    click.echo("\n".join(lines))
    if not running:
        sys.exit(NOT_RUNNING)


@db.command(context_settings={"ignore_unknown_options": True})
@_data
@click.option("--database-url", help="Another database than the folder's. Default: $PARLOUR_DATABASE_URL")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(data: Path | None, database_url: str | None, arguments: tuple[str, ...]) -> None:
    """Open psql on the running database; further arguments go to psql."""
    from parlour.cli.postgres import become_psql, running_url
    from parlour.store.postgres.errors import PostgresError

    settings = _settings(data, database_url)
    try:
        become_psql(settings.database_url or running_url(settings.data), arguments)
    except PostgresError as error:
        raise click.ClickException(str(error)) from error


def _settings(data: Path | None, database_url: str | None = None) -> Settings:
    try:
        return load({"data": data, "database_url": database_url})
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
