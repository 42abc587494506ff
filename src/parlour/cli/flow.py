"""`parlour flow`: Studio flows in and out of a running server, over its public API."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from parlour.cli.flow_files import read_definition
from parlour.cli.flow_rehearsal import run_flow, test_flow
from parlour.sdk.connection import NoCredentials, resolve
from parlour.studio.references import mapped, references

SECONDS = 30


class Refused(click.ClickException):
    """The server refused, with the contract's envelope."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(str(body.get("message", "the server gave no reason")))
        details = body.get("details")
        found = details.get("errors") if isinstance(details, dict) else None
        self.findings: list[dict[str, str]] = found if isinstance(found, list) else []
        self.code = body.get("code")


@dataclass(frozen=True)
class Server:
    """A server and who calls it."""

    url: str
    user: str
    password: str

    def call(
        self, method: str, path: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Call an operation of Studio; return its answer.

        :raises Refused: the server answered with an error.
        """
        address = path if path.startswith("http") else f"{self.url.rstrip('/')}/studio{path}"
        data = None if form is None else urlencode(form).encode()
        request = urllib.request.Request(address, data=data, method=method)  # noqa: S310 - the operator's own server
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {pair}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(_envelope(error)) from error
        except OSError as error:
            raise click.ClickException(f"no answer from {self.url}: {error}") from error


def _envelope(error: urllib.error.HTTPError) -> Mapping[str, Any]:
    try:
        body = json.load(error)
    except ValueError:
        return {"message": f"the server answered {error.code}"}
    return body if isinstance(body, dict) else {"message": f"the server answered {error.code}"}


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a server and its credentials."""
    options = [
        click.option(
            "--url", default=None, help="Address of Parlour. Default: $PARLOUR_URL, else that of the data folder"
        ),
        click.option("--account-sid", default=None, help="Default: $TWILIO_ACCOUNT_SID, else the data folder's first"),
        click.option("--auth-token", default=None, help="Default: $TWILIO_AUTH_TOKEN, else the data folder's"),
        click.option(
            "--data",
            type=click.Path(path_type=Path, file_okay=False),
            default=None,
            help="Data folder. Default: $PARLOUR_DATA, else ./.parlour",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _server(where: Mapping[str, Any]) -> Server:
    """Find the server and who calls: as `parlour agent` does, else from the data folder's own account."""
    try:
        found = resolve(**where)
    except NoCredentials as error:
        known = _of_data_folder(where["data"])
        if known is None:
            raise click.ClickException(str(error)) from error
        found = resolve(**{**where, "account_sid": known[0], "auth_token": known[1]})
    return Server(found.url, found.user, found.password)


def _of_data_folder(data: Path | None) -> tuple[str, str] | None:
    from parlour.accounts import service
    from parlour.accounts.store_system import system_list_accounts
    from parlour.app import KEY_FILE, Program
    from parlour.cli.program import run_on_program
    from parlour.settings import load

    if not (load({"data": data}).data / KEY_FILE).exists():
        return None

    async def read(program: Program) -> tuple[str, str] | None:
        rows = await program.database.system(system_list_accounts)
        if not rows:
            return None
        first = str(min(rows, key=lambda row: row["date_created"])["account_sid"])
        known = await service.read_credentials(program.database, program.box, first)
        return known.account_sid, known.auth_token

    return run_on_program(data, None, read, needs_key=True)


@click.group()
def flow() -> None:
    """Studio flows: bring them in, list them, write them out, talk to them, test them."""


flow.add_command(test_flow)
flow.add_command(run_flow)


@flow.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--map", "pairs", multiple=True, metavar="FROM=TO", help="A foreign SID or ${NAME}, and ours. Repeatable")
@click.option("--name", default=None, help="Friendly name. Default: the file's name")
@click.option("--update", "sid", default=None, metavar="FW…", help="Save as a new revision of this flow")
@click.option("--draft", is_flag=True, help="Save as a draft, which may hold foreign SIDs")
@click.option(
    "--lenient", is_flag=True, help="Publish what stays foreign too; its widgets take their failure exit when reached"
)
@click.option("--message", default=None, help="Commit message of the revision")
@server_options
def import_flow(
    file: Path,
    pairs: tuple[str, ...],
    name: str | None,
    sid: str | None,
    draft: bool,
    lenient: bool,
    message: str | None,
    **where: Any,
) -> None:
    """Import an exported flow. What stays foreign is listed and refuses publication."""
    definition = read_definition(file)
    mapping = _mapping(pairs)
    _warn_unused(definition, mapping)
    form = {
        "Status": "draft" if draft else "published",
        "Definition": json.dumps(mapped(definition, mapping), ensure_ascii=False),
        "CommitMessage": message or f"imported from {file.name}"[:255],
    }
    if name is not None or sid is None:
        form["FriendlyName"] = name or file.stem
    server = _server(where)
    try:
        saved = server.call(
            "POST", f"/v2/Flows/{sid}" if sid else "/v2/Flows", form, {"Parlour-Lenient": "true"} if lenient else None
        )
    except Refused as refusal:
        if not refusal.findings:
            raise
        click.echo(f"{file.name} was not imported ({refusal.code} {refusal.message}):", err=True)
        _print(refusal.findings)
        raise SystemExit(1) from refusal
    _print(saved["warnings"] or [])
    click.echo(f"{saved['sid']}  revision {saved['revision']}  {saved['status']}  {saved['friendly_name']}")


def _print(findings: list[dict[str, str]]) -> None:
    for finding in findings:
        click.echo(f"  {finding['property_path']}: {finding['message']}", err=True)


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for pair in pairs:
        foreign, equals, ours = pair.partition("=")
        if not equals or not foreign or not ours:
            raise click.UsageError(f"--map takes FROM=TO, not '{pair}'")
        mapping[foreign] = ours
    return mapping


def _warn_unused(definition: Mapping[str, Any], mapping: Mapping[str, str]) -> None:
    known = {reference.value for reference in references(definition)}
    text = json.dumps(definition, ensure_ascii=False)
    for foreign in mapping:
        if foreign not in known and foreign not in text:
            click.echo(f"  --map {foreign}: it does not occur in the flow", err=True)


@flow.command(name="list")
@server_options
def list_flows(**where: Any) -> None:
    """List the account's flows."""
    server = _server(where)
    page = "/v2/Flows?PageSize=100"
    while page:
        answer = server.call("GET", page)
        for row in answer["flows"]:
            click.echo(f"{row['sid']}  {row['status']:9}  revision {row['revision']:<4}  {row['friendly_name']}")
        page = answer["meta"]["next_page_url"]


@flow.command(name="export")
@click.argument("sid")
@click.option(
    "--revision", default="LatestRevision", show_default=True, help="A number, LatestPublished, LatestRevision"
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), default=None, help="File. Default: print it")
@server_options
def export_flow(sid: str, revision: str, output: Path | None, **where: Any) -> None:
    """Write a flow's definition as JSON, with its keys in the order they came."""
    answer = _server(where).call("GET", f"/v2/Flows/{sid}/Revisions/{revision}")
    text = json.dumps(answer["definition"], indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", "utf-8")
        click.echo(f"{answer['friendly_name']}, revision {answer['revision']}: {output}")
