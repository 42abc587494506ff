"""Commands of an operator that work on one account."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from parlour.cli.program import operator_options, run_on_program

if TYPE_CHECKING:
    from parlour.app import Program

T = TypeVar("T")


def account_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say whose database it is, and which account."""
    return operator_options(click.option("--account", default=None, help="Account SID. Default: the only one")(command))


def with_account(
    given: dict[str, Any], work: Callable[["Program", str], Awaitable[T]], *, needs_key: bool = False
) -> T:
    """Run ``work`` on the program and an account.

    :param given: the options of `account_options`.
    :param needs_key: the work opens or seals secrets, so the key file must be there.
    """
    from parlour.accounts.store_system import system_list_accounts

    account: str | None = given["account"]

    async def on_account(program: "Program") -> T:
        known = [row["account_sid"] for row in await program.database.system(system_list_accounts)]
        if account is None and len(known) != 1:
            raise click.ClickException(f"There are {len(known)} accounts; name one with --account.")
        if account is not None and account not in known:
            raise click.ClickException(f"There is no account {account}; `parlour accounts list` lists them.")
        return await work(program, account or known[0])

    data: Path | None = given["data"]
    return run_on_program(data, given["database_url"], on_account, needs_key=needs_key)
