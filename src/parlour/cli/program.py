"""The program without its server, for commands of an operator beside a running server or a data folder at rest."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import click

from parlour.accounts.store_system import system_list_accounts
from parlour.app import KEY_FILE, Program, compose
from parlour.kit.clock import FrozenClock
from parlour.kit.errors import ContractError
from parlour.launch import set_up_logs
from parlour.rest.recorder import note_refusal
from parlour.settings import Settings, SettingsError, load
from parlour.store.postgres.errors import PostgresError
from parlour.store.postgres.folder import DataFolder
from parlour.store.postgres.supervisor import Supervisor

T = TypeVar("T")

DOMAIN_CLOCK = "SELECT at FROM domain_clock"
CONNECT_PATIENCE = 5.0  # seconds


def operator_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say whose database it is."""
    options = [
        click.option(
            "--data",
            type=click.Path(path_type=Path, file_okay=False),
            default=None,
            help="Data folder. Default: $PARLOUR_DATA, else ./.parlour",
        ),
        click.option("--database-url", default=None, help="The PostgreSQL of `parlour serve`"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def run_on_program(
    data: Path | None, database_url: str | None, work: Callable[[Program], Awaitable[T]], *, needs_key: bool = False
) -> T:
    """Run ``work`` on the program of a data folder, and translate what goes wrong for a person.

    :param needs_key: the work opens secrets, so the key file must be there.
    """
    try:
        settings = load({"data": data, "database_url": database_url})
    except SettingsError as error:
        raise click.ClickException(str(error)) from error

    async def main() -> T:
        async with _program(settings, needs_key=needs_key) as program:
            return await work(program)

    set_up_logs("error")
    try:
        return asyncio.run(main())
    except ContractError as error:
        note_refusal(error)
        raise click.ClickException(error.message) from error
    except (PostgresError, SettingsError, OSError, asyncpg.PostgresError) as error:
        raise click.ClickException(str(error)) from error


async def account_of(program: Program, account_sid: str | None) -> str:
    """Return the account that a command is for: the one named, else the first."""
    rows = await program.database.system(system_list_accounts)
    known = [str(row["account_sid"]) for row in rows]
    if not known:
        raise click.ClickException("There is no account yet; `parlour start` makes the first one.")
    if account_sid is None:
        return str(min(rows, key=lambda row: row["date_created"])["account_sid"])
    if account_sid not in known:
        raise click.ClickException(f"There is no account {account_sid}")
    return account_sid


@asynccontextmanager
async def _program(settings: Settings, *, needs_key: bool) -> AsyncIterator[Program]:
    if needs_key and not (settings.data / KEY_FILE).exists():
        raise click.ClickException(
            f"There is no {settings.data / KEY_FILE}, under which secrets are kept. Give the server's data folder "
            "with --data."
        )
    async with _database(settings) as dsn:
        program = compose(settings, dsn)
        await program.database.open(patience=CONNECT_PATIENCE)
        try:
            at = await program.database.system(_domain_clock)
            if at is not None:
                program.database.clock = FrozenClock(at)
            yield program
        finally:
            await program.database.close()


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[str]:
    """Give the database's address: the operator's, the running server's, or our own server's for this command."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    folder = DataFolder(settings.data)
    status = folder.status()
    if status.running and status.address is None:
        raise click.ClickException(f"The server of {folder.path} is just starting; try again in a moment.")
    if status.address is not None:
        yield status.address.dsn
        return
    if folder.cluster_major() is None:
        raise click.ClickException(
            f"{folder.path} is no data folder of a server. Name it with --data, or the database with --database-url."
        )
    async with Supervisor(settings.data) as postgres:
        yield postgres.address.dsn


async def _domain_clock(connection: Any) -> datetime | None:
    """Return where a test clock stands; None with real time, or before the first migration."""
    try:
        at: datetime | None = await connection.fetchval(DOMAIN_CLOCK)
    except asyncpg.UndefinedTableError:
        return None
    return at
