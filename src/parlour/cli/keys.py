"""``parlour keys``: API keys that only the operator makes."""

import json
from pathlib import Path

import click

from parlour.accounts import service, store
from parlour.accounts.store_system import system_list_accounts
from parlour.app import Program
from parlour.cli.program import operator_options, run_on_program


@click.group()
def keys() -> None:
    """API keys of an account; the API itself makes standard ones, and deletes all."""


@keys.command()
@click.argument("friendly_name")
@click.option("--main", "is_main", is_flag=True, help="A main key: it may manage keys and see the account's auth token")
@click.option("--account", "account_sid", default=None, help="The account. Default: the first")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@operator_options
def add(
    friendly_name: str,
    is_main: bool,
    account_sid: str | None,
    as_json: bool,
    data: Path | None,
    database_url: str | None,
) -> None:
    """Make an API key, and print its SID and its secret, which is shown this once."""

    async def make(program: Program) -> tuple[store.ApiKey, str]:
        rows = await program.database.system(system_list_accounts)
        oldest_first = [row["account_sid"] for row in sorted(rows, key=lambda row: row["date_created"])]
        owner = account_sid or next(iter(oldest_first), "yet; `parlour start` makes the first one")
        if owner not in oldest_first:
            raise click.ClickException(f"There is no account {owner}")
        return await program.database.step(
            owner,
            lambda uow: service.create_key(
                uow, program.box, friendly_name=friendly_name, kind="main" if is_main else "standard"
            ),
            request_id=program.database.sids.new("RQ", program.clock.now()),
        )

    key, secret = run_on_program(data, database_url, make, needs_key=True)
    if as_json:
        click.echo(json.dumps({"sid": key.sid, "secret": secret, "kind": key.kind, "account_sid": key.account_sid}))
    else:
        click.echo(f"Key     {key.sid} ({key.kind})\nSecret  {secret}")
