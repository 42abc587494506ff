"""``parlour users``: who may sign in to the agent desktop."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from parlour.app import Program
from parlour.cli.program import account_of, operator_options, run_on_program
from parlour.flex.sign_in import users as desktop_users
from parlour.flex.sign_in.passwords import Passwords, new_password
from parlour.flex.sign_in.users import ROLES, DesktopUser
from parlour.kit.wire import iso, iso_or_none


def password_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where a password comes from: never the command line, where others could read it."""
    options = [
        click.option("--password-stdin", is_flag=True, help="Read the password from standard input"),
        click.option("--ask", is_flag=True, help="Ask for the password. Default: one is made and shown once"),
        click.option("--account", "account_sid", default=None, help="Account SID. Default: the first account"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def users() -> None:
    """People who sign in to the agent desktop."""


@users.command()
@click.argument("identity")
@click.option("--full-name", default=None, help="Shown to customers and colleagues. Default: IDENTITY")
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="Default: agent. May be repeated")
@password_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@operator_options
def add(
    identity: str,
    full_name: str | None,
    roles: tuple[str, ...],
    password_stdin: bool,
    ask: bool,
    account_sid: str | None,
    as_json: bool,
    data: Path | None,
    database_url: str | None,
) -> None:
    """Let somebody sign in as IDENTITY; their worker is made when they first do."""
    given = _given_password(stdin=password_stdin, ask=ask) or new_password()

    async def work(program: Program) -> DesktopUser:
        hashed = await Passwords().hashed(_checked(given))
        return await program.database.step(
            await account_of(program, account_sid),
            lambda uow: desktop_users.add(
                uow, identity=identity, full_name=full_name or identity, roles=roles or ("agent",), password=hashed
            ),
            request_id=program.database.sids.new("RQ", program.clock.now()),
        )

    _show(run_on_program(data, database_url, work), given, chosen=password_stdin or ask, as_json=as_json)


@users.command("list")
@click.option("--account", "account_sid", default=None, help="Account SID. Default: the first account")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per user")
@operator_options
def list_users(account_sid: str | None, as_json: bool, data: Path | None, database_url: str | None) -> None:
    """List who may sign in."""

    async def work(program: Program) -> list[DesktopUser]:
        return await program.database.read(await account_of(program, account_sid), desktop_users.everyone)

    for user in run_on_program(data, database_url, work):
        last = "never" if user.last_sign_in is None else iso(user.last_sign_in)
        line = f"{user.identity:24}  {','.join(user.roles):18}  {user.full_name:28}  last sign-in {last}"
        click.echo(json.dumps(_shown(user)) if as_json else line)


@users.command()
@click.argument("identity")
@password_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@operator_options
def reset(
    identity: str,
    password_stdin: bool,
    ask: bool,
    account_sid: str | None,
    as_json: bool,
    data: Path | None,
    database_url: str | None,
) -> None:
    """Give IDENTITY another password, end their sessions, and lift a lock after wrong passwords."""
    given = _given_password(stdin=password_stdin, ask=ask) or new_password()

    async def work(program: Program) -> DesktopUser:
        hashed = await Passwords().hashed(_checked(given))
        return await program.database.step(
            await account_of(program, account_sid),
            lambda uow: desktop_users.reset(uow, identity, hashed),
            request_id=program.database.sids.new("RQ", program.clock.now()),
        )

    _show(run_on_program(data, database_url, work), given, chosen=password_stdin or ask, as_json=as_json)


def _given_password(*, stdin: bool, ask: bool) -> str | None:
    if stdin and ask:
        raise click.UsageError("give --password-stdin or --ask, not both")
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if ask:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return None


def _checked(password: str) -> str:
    desktop_users.check_password(password)
    return password


def _shown(user: DesktopUser) -> dict[str, Any]:
    return {
        "sid": user.sid,
        "account_sid": user.account_sid,
        "identity": user.identity,
        "full_name": user.full_name,
        "roles": user.roles,
        "worker_sid": user.worker_sid,
        "last_sign_in": iso_or_none(user.last_sign_in),
    }


def _show(user: DesktopUser, password: str, *, chosen: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_shown(user) | ({} if chosen else {"password": password})))
        return
    click.echo(f"User name  {user.identity}\nFull name  {user.full_name}\nRoles      {', '.join(user.roles)}")
    if not chosen:
        click.echo(f"Password   {password}\nThe password is not shown again; `parlour users reset` makes another.")
