"""The command ``parlour``."""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from parlour import __version__
from parlour.cli.lazy import LazyGroup
from parlour.settings import DEFAULT_PORT, Settings, SettingsError, load

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Data folder. Default: $PARLOUR_DATA, else ./.parlour",
)


def serving_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that `start` and `serve` share."""
    options = [
        data_option,
        click.option("--host", default=None, help="Address to listen on. Default: 127.0.0.1"),
        click.option("--port", type=int, default=None, help=f"Port to listen on. Default: {DEFAULT_PORT}"),
        click.option("--public-url", default=None, help="Address under which carriers and browsers reach this server"),
        click.option("--database-url", default=None, help="A PostgreSQL (16 or newer) of your own"),
        click.option("--demo", is_flag=True, default=None, help="Simulator, handset and demo data; data is kept"),
        click.option("--ephemeral", is_flag=True, default=None, help="Like --demo; everything is deleted at the end"),
        click.option("--test-clock", is_flag=True, default=None, help="Domain time stands still until it is moved"),
        click.option("--account-sid", default=None, help="Account SID of the first account. Default: random"),
        click.option("--auth-token", default=None, help="Auth token of the first account. Default: random"),
        click.option("--simulator-url", default=None, help="Carrier simulator in another process, for demo data"),
        click.option("--log-level", default=None, help="debug, info, warning or error. Default: info"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


COMMANDS = {
    "accounts": ("parlour.cli.accounts:accounts", "Accounts of this server: add, list."),
    "agent": ("parlour.cli.agent:agent", "Work as an agent in this terminal, or run robots."),
    "carriers": ("parlour.cli.carriers:carriers", "Carriers of this server: add, attach, list, resend, sends."),
    "content": ("parlour.cli.content:content", "Content templates: decide on their approval."),
    "credentials": ("parlour.cli.accounts:credentials", "Print an account's SID and auth token."),
    "db": ("parlour.cli.db:db", "The embedded PostgreSQL by itself: run, psql, status."),
    "demo": ("parlour.cli.demo:demo", "Everything with demo data, a handset and two agents."),
    "desktop": ("parlour.cli.desktop:desktop", "The agent desktop, Flex UI: build, status."),
    "doctor": ("parlour.cli.doctor:doctor", "Check that all is as it should be."),
    "flow": ("parlour.cli.flow:flow", "Studio flows: export, import, list, run, test."),
    "jobs": ("parlour.cli.jobs:jobs", "Jobs of the outbox: list, retry."),
    "orphans": ("parlour.cli.orphans:orphans", "List customers whom nobody will answer, and repair that."),
    "keys": ("parlour.cli.keys:keys", "API keys of an account: add."),
    "route": ("parlour.cli.route:route", "Routing: why a task is where it is."),
    "run": ("parlour.cli.run:run", "Run a program against this server, no line of it changed."),
    "say": ("parlour.cli.say:say", "Text from a simulated handset."),
    "trace": ("parlour.cli.trace:trace", "Tell what became of a message, a task or any other SID."),
    "users": ("parlour.cli.users:users", "People who sign in to the agent desktop: add, list, reset."),
    "webchat": ("parlour.cli.webchat:webchat", "Web chats: keys."),
    "webhooks": ("parlour.cli.webhooks:webhooks", "Deliveries of webhooks: list, show, replay."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="parlour")
def main() -> None:
    """Parlour: the open, self-hosted Flex Conversations."""


@main.command()
@serving_options
def start(**given: Any) -> None:
    """Run everything: PostgreSQL and the server, in one process."""
    _run(_settings(given))


@main.command()
@serving_options
def serve(**given: Any) -> None:
    """Run the server alone, on the database of --database-url."""
    settings = _settings(given)
    if settings.database_url is None:
        raise click.UsageError("`parlour serve` needs --database-url; `parlour start` brings its own database")
    _run(settings)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
def operations(as_json: bool) -> None:
    """List every operation that is served."""
    from parlour.app import compose

    program = compose(Settings(data=Path(tempfile.gettempdir())), "postgresql://nowhere/none")
    rows = sorted(
        ({"method": o.method, "product": o.product, "path": o.path} for o in program.router.operations),
        key=lambda row: (row["product"], row["path"], row["method"]),
    )
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        click.echo(f"{row['method']:7}{row['product']:16}{row['path']}")


def _settings(given: dict[str, Any]) -> Settings:
    try:
        return load(given)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def _run(settings: Settings) -> None:
    import uvloop

    from parlour.launch import run, set_up_logs

    set_up_logs(settings.log_level)

    folder = None
    if settings.ephemeral:
        folder = Path(tempfile.mkdtemp(prefix="parlour-"))
        settings = _with_data(settings, folder)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            sys.exit(runner.run(run(settings)))
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _with_data(settings: Settings, folder: Path) -> Settings:
    import msgspec

    return msgspec.structs.replace(settings, data=folder)


if __name__ == "__main__":
    main()
