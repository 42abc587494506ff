"""``parlour accounts`` and ``parlour credentials``."""

import json
from pathlib import Path

import click
from cryptography.exceptions import InvalidTag

from parlour.accounts import service
from parlour.accounts.service import Credentials
from parlour.accounts.store_system import system_list_accounts
from parlour.app import Program
from parlour.cli.program import operator_options, run_on_program
from parlour.kit.wire import iso


@click.group()
def accounts() -> None:
    """Accounts of this server; each has rows, numbers and flows of its own."""


@accounts.command()
@click.argument("friendly_name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@operator_options
def add(friendly_name: str, as_json: bool, data: Path | None, database_url: str | None) -> None:
    """Make an account, with everything that the first one was given, and print its credentials."""

    async def make(program: Program) -> Credentials:
        return await service.create_account(program.database, program.box, friendly_name=friendly_name)

    _show(run_on_program(data, database_url, make, needs_key=True), as_json=as_json)


@accounts.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per account")
@operator_options
def list_accounts(as_json: bool, data: Path | None, database_url: str | None) -> None:
    """List the accounts, oldest first."""
    rows = run_on_program(data, database_url, lambda program: program.database.system(system_list_accounts))
    for row in rows:
        shown = {**row, "date_created": iso(row["date_created"])}
        line = "{account_sid}  {status:9}  {date_created}  {friendly_name}".format(**shown)
        click.echo(json.dumps(shown) if as_json else line)


@click.command()
@click.argument("account_sid", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@operator_options
def credentials(account_sid: str | None, as_json: bool, data: Path | None, database_url: str | None) -> None:
    """Print the account SID and auth token of the first account, or of ACCOUNT_SID."""

    async def read(program: Program) -> Credentials:
        rows = await program.database.system(system_list_accounts)
        if not rows:
            raise click.ClickException("There is no account yet; `parlour start` makes the first one.")
        first = str(min(rows, key=lambda row: row["date_created"])["account_sid"])
        return await service.read_credentials(program.database, program.box, account_sid or first)

    try:
        known = run_on_program(data, database_url, read, needs_key=True)
    except InvalidTag as error:
        raise click.ClickException(
            "The key file of this data folder does not open this database's secrets: they are of two servers."
        ) from error
    _show(known, as_json=as_json)


def _show(known: Credentials, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"account_sid": known.account_sid, "auth_token": known.auth_token}))
    else:
        click.echo(f"Account SID  {known.account_sid}\nAuth token   {known.auth_token}")
