"""Commands that work on the database beside a running server, or with one of their own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from parlour.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from parlour.app import Program

T = TypeVar("T")


def database_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which database, and which account."""
    options = [
        click.option(
            "--data",
            type=click.Path(path_type=Path, file_okay=False),
            default=None,
            help="Data folder. Default: $PARLOUR_DATA, else ./.parlour",
        ),
        click.option("--database-url", default=None, help="A PostgreSQL (16 or newer) of your own"),
        click.option("--account", default=None, help="Account SID. Default: the only one"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def with_account(given: dict[str, Any], work: Callable[["Program", str], Awaitable[T]]) -> T:
    """Do something with the program and an account; a server may run beside.

    :param given: the options of `database_options`.
    """
    from parlour.kit.errors import ContractError
    from parlour.store.postgres.errors import PostgresError

    try:
        settings = load({"data": given["data"], "database_url": given["database_url"]})
        return asyncio.run(_with_account(settings, given["account"], work))
    except (SettingsError, PostgresError) as error:
        raise click.ClickException(str(error)) from error
    except ContractError as error:
        raise click.ClickException(f"{error.message} ({error.code})") from error


async def _with_account(settings: Settings, account: str | None, work: Callable[["Program", str], Awaitable[T]]) -> T:
    from parlour.app import compose
    from parlour.launch import database_address
    from parlour.store.postgres.folder import DataFolder

    running = None if settings.database_url else DataFolder(settings.data).status().address
    if running is not None:
        return await _open(compose(settings, running.dsn), account, work)
    async with database_address(settings) as dsn:
        return await _open(compose(settings, dsn), account, work)


async def _open(program: "Program", account: str | None, work: Callable[["Program", str], Awaitable[T]]) -> T:
    from parlour.accounts.store_system import system_list_accounts

    await program.database.open()
    try:
        await program.migrate()
        accounts = [row["account_sid"] for row in await program.database.system(system_list_accounts)]
        if account is None and len(accounts) != 1:
            raise click.ClickException(f"there are {len(accounts)} accounts; name one with --account")
        if account is not None and account not in accounts:
            raise click.ClickException(f"there is no account {account}")
        return await work(program, account or accounts[0])
    finally:
        await program.outgoing.close()
        await program.database.close()
