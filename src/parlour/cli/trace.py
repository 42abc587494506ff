"""``parlour trace``: what became of a message, a task, or any other SID."""

import json
from pathlib import Path
from typing import Any

import click

from parlour.accounts.store_system import system_list_accounts
from parlour.app import Program
from parlour.cli.program import operator_options, run_on_program
from parlour.kit.errors import ContractError
from parlour.trace.render import text, wire
from parlour.trace.story import tell


@click.command()
@click.argument("sid")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as GET /parlour/v1/Trace/{Sid} answers")
@operator_options
def trace(sid: str, as_json: bool, data: Path | None, database_url: str | None) -> None:
    """Tell the story of SID: carrier message, conversation, execution, task, reservation, receipt, or request id.

    Facts are told in order, from the carrier to the screen, each below its cause, with the SIDs of every station
    and the jobs that wait or died.
    """
    story = run_on_program(data, database_url, lambda program: _tell(program, sid))
    if as_json:
        click.echo(json.dumps(story, indent=1))
        return
    for line in text(story):
        click.echo(line)


async def _tell(program: Program, sid: str) -> dict[str, Any]:
    for row in await program.database.system(system_list_accounts):
        account_sid = row["account_sid"]
        try:
            story = await program.database.read(account_sid, lambda reader: tell(reader, sid))
        except ContractError as error:
            if error.status != 404:
                raise
            continue
        return wire(account_sid, story, f"{program.settings.base_url}/parlour/v1/Trace/{sid}")
    raise click.ClickException(f"Nothing of the last 30 days names {sid}.")
