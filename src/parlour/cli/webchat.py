"""``parlour webchat keys``: which web pages may open chats, and at which address."""

import json
from pathlib import Path

import click

from parlour.app import Program
from parlour.cli.program import account_of, operator_options, run_on_program
from parlour.flex.web_chats import keys as deployment_keys
from parlour.flex.web_chats import store
from parlour.flex.web_chats.store import Key
from parlour.kit.wire import iso

PAGE = 1000
account_option = click.option("--account", "account_sid", default=None, help="Account SID. Default: the first account")


@click.group()
def webchat() -> None:
    """Web chats."""


@webchat.group()
def keys() -> None:
    """Deployment keys: what a page names to open chats."""


@keys.command()
@click.argument("address_sid")
@click.option("--name", "friendly_name", default="Web chat", help="Shown in lists")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    help="A page that may use it, such as https://www.example.com. May be repeated. Default: every page",
)
@click.option("--no-fingerprint", is_flag=True, help="A token may be refreshed from another browser")
@account_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@operator_options
def create(
    address_sid: str,
    friendly_name: str,
    origins: tuple[str, ...],
    no_fingerprint: bool,
    account_sid: str | None,
    as_json: bool,
    data: Path | None,
    database_url: str | None,
) -> None:
    """Make a key for the chat address ADDRESS_SID (IG…)."""

    async def work(program: Program) -> Key:
        return await program.database.step(
            await account_of(program, account_sid),
            lambda uow: deployment_keys.create(
                uow,
                friendly_name=friendly_name,
                address_sid=address_sid,
                allowed_origins=origins,
                fingerprint=not no_fingerprint,
            ),
            request_id=program.database.sids.new("RQ", program.clock.now()),
        )

    _show(run_on_program(data, database_url, work), as_json=as_json)


@keys.command("list")
@account_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per key")
@operator_options
def list_keys(account_sid: str | None, as_json: bool, data: Path | None, database_url: str | None) -> None:
    """List deployment keys."""

    async def work(program: Program) -> list[Key]:
        return await program.database.read(
            await account_of(program, account_sid), lambda reader: store.page(reader, after="", limit=PAGE)
        )

    for row in run_on_program(data, database_url, work):
        _show(row, as_json=as_json)


@keys.command()
@click.argument("key_sid")
@account_option
@operator_options
def delete(key_sid: str, account_sid: str | None, data: Path | None, database_url: str | None) -> None:
    """Delete the key KEY_SID (CV…): its pages open no more chats."""

    async def work(program: Program) -> None:
        await program.database.step(
            await account_of(program, account_sid),
            lambda uow: deployment_keys.remove(uow, key_sid),
            request_id=program.database.sids.new("RQ", program.clock.now()),
        )

    run_on_program(data, database_url, work)
    click.echo(f"{key_sid} is deleted.")


def _show(row: Key, *, as_json: bool) -> None:
    if as_json:
        shown = {name: getattr(row, name) for name in ("sid", "account_sid", "friendly_name", "address_sid")}
        own = {"allowed_origins": row.allowed_origins, "fingerprint": row.fingerprint}
        click.echo(json.dumps(shown | own | {"date_created": iso(row.date_created)}))
        return
    pages = ", ".join(row.allowed_origins) or "every page"
    click.echo(f"{row.sid}  {row.address_sid}  {row.friendly_name}  {pages}")
