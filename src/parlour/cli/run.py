"""``parlour run``: a program that was written for the vendor's service, against this server."""

import asyncio
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

import click

from parlour.run import hosts
from parlour.run.child import NotStarted
from parlour.run.outside import BadAddress, Server
from parlour.run.proxy import HERE
from parlour.run.session import Plan
from parlour.run.session import run as run_session
from parlour.sdk.connection import ADDRESS, DEFAULT_DATA, DEFAULT_URL, DEMO_CREDENTIALS, NoCredentials, resolve

PATIENCE = 5  # seconds for the server's first answer
AUTHORITY = "run"  # folder of the authority in the data folder


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--url", default=None, help="Address of Parlour. Default: $PARLOUR_URL, else that of the data folder")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Data folder. Default: $PARLOUR_DATA, else ./.parlour",
)
@click.option("--offline", is_flag=True, help="Refuse every host that is neither the vendor's nor this machine")
@click.option(
    "--tls-listen",
    metavar="[HOST:]PORT",
    default=None,
    help="Where the vendor's names are spoken by TLS. Default: a free port of 127.0.0.1",
)
@click.option("--hosts", "show_hosts", is_flag=True, help="Print what leads the vendor's names here by DNS, and end")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def run(
    url: str | None,
    data: Path | None,
    offline: bool,
    tls_listen: str | None,
    show_hosts: bool,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND with the vendor's hosts served by Parlour; no line of it changes. Its exit code is ours."""
    entrance = _entrance(tls_listen)
    if show_hosts:
        click.echo(_hosts(entrance[0]))
        return
    if not command:
        raise click.UsageError("name the program: parlour run -- COMMAND")
    folder = data or Path(os.environ.get("PARLOUR_DATA") or DEFAULT_DATA)
    published = _published(folder)
    address = (url or os.environ.get("PARLOUR_URL") or published or DEFAULT_URL).rstrip("/")
    try:
        server = Server.at(address)
    except BadAddress as error:
        raise click.UsageError(str(error)) from error
    _check_answers(address)
    plan = Plan(
        server,
        command,
        folder.absolute() / AUTHORITY,
        os.environ,
        offline=offline,
        entrance=entrance,
        credentials=_credentials(folder, own=address == published),
    )
    try:
        status = asyncio.run(run_session(plan))
    except NotStarted as error:
        click.echo(f"Error: {error}", err=True)
        status = error.status
    except OSError as error:
        raise click.ClickException(str(error)) from error
    sys.exit(status)


def _entrance(given: str | None) -> tuple[str, int]:
    if given is None:
        return HERE, 0
    host, _, port = given.rpartition(":")
    if not port.isdigit() or not 0 <= int(port) <= 65535:
        raise click.UsageError(f"--tls-listen {given}: give a port, or an address and a port such as 0.0.0.0:443")
    return host.strip("[]") or HERE, int(port)


def _hosts(address: str) -> str:
    from parlour.app import compose
    from parlour.settings import Settings

    program = compose(Settings(), "postgresql://nowhere/none")
    leads_to = HERE if address in ("0.0.0.0", "::") else address  # noqa: S104 - compared, not listened on
    how = (
        "# For programs that take no proxy. Put these lines into the hosts file or the DNS of the machine that runs\n"
        "# the program (with another address where `parlour run` is on another machine), and run it by\n"
        "#   parlour run --tls-listen 443 -- COMMAND\n"
        "# which may need the right to listen on port 443."
    )
    return "\n".join([how, *hosts.lines(leads_to, program.router.products)])


def _check_answers(address: str) -> None:
    """Raise ClickException, with the way to start one, unless a server is ready at an address."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{address}/readyz", timeout=PATIENCE):
            return
    except urllib.error.HTTPError as error:
        why = f"it answers {error.code}"
    except OSError as error:
        why = str(getattr(error, "reason", error))
    raise click.ClickException(
        f"No Parlour server is ready at {address} ({why}). Start one with `parlour start`, or `parlour demo` to play; "
        "name another with --url, or its data folder with --data."
    )


def _published(folder: Path) -> str | None:
    try:
        found = json.loads((folder / ADDRESS).read_text())["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(found).rstrip("/")


def _credentials(folder: Path, *, own: bool) -> tuple[str, str] | None:
    """Return the first account of a data folder, for a program that has no credentials.

    :param own: the server is that of the data folder; another's account is not in it.
    """
    if os.environ.get("TWILIO_ACCOUNT_SID") or os.environ.get("TWILIO_AUTH_TOKEN"):
        return None
    found = None
    if own:
        found = _of_demo(folder) or _of_database(folder)
    if found is None:
        click.echo(
            "parlour run: no account of that server is known here; the program needs TWILIO_ACCOUNT_SID and "
            "TWILIO_AUTH_TOKEN of its own (`parlour credentials` prints them).",
            err=True,
        )
    return found


def _of_demo(folder: Path) -> tuple[str, str] | None:
    if not (folder / DEMO_CREDENTIALS).exists():
        return None
    try:
        known = resolve(data=folder, environment={})
    except NoCredentials:
        return None
    return known.user, known.password


def _of_database(folder: Path) -> tuple[str, str] | None:
    from parlour.accounts import service
    from parlour.accounts.store_system import system_list_accounts
    from parlour.app import KEY_FILE, Program
    from parlour.cli.program import run_on_program

    if not (folder / KEY_FILE).exists():
        return None

    async def read(program: Program) -> tuple[str, str] | None:
        rows = await program.database.system(system_list_accounts)
        if not rows:
            return None
        first = str(min(rows, key=lambda row: row["date_created"])["account_sid"])
        known = await service.read_credentials(program.database, program.box, first)
        return known.account_sid, known.auth_token

    return run_on_program(folder, None, read, needs_key=True)
