"""``parlour trace``: what became of a message, a task, or any other SID."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click

from parlour.accounts.store_system import system_list_accounts
from parlour.app import Program
from parlour.cli.program import operator_options, run_on_program
from parlour.kit.errors import ContractError
from parlour.store.unit import Reader
from parlour.trace.render import text, wire
from parlour.trace.store import latest_text
from parlour.trace.story import Story, tell

LAST = "last"
NOT_FOUND = 404


@click.command()
@click.argument("sid")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as GET /parlour/v1/Trace/{Sid} answers")
@operator_options
def trace(sid: str, as_json: bool, data: Path | None, database_url: str | None) -> None:
    """Tell the story of SID: carrier message, conversation, execution, task, reservation, receipt, or request id.

    `last` as SID means the text that a customer sent last. Facts are told in order, from the carrier to the screen,
    each below its cause, with the SIDs of every station and the jobs that wait or died.
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
        wanted = await program.database.read(account_sid, latest_text) if sid == LAST else sid
        story = None if wanted is None else await program.database.read(account_sid, _story_of(wanted))
        if story is not None:
            return wire(account_sid, story, f"{program.settings.base_url}/parlour/v1/Trace/{wanted}")
    if sid == LAST:
        raise click.ClickException("No customer has sent a text in the last 30 days.")
    raise click.ClickException(f"Nothing of the last 30 days names {sid}.")


def _story_of(sid: str) -> Callable[[Reader], Awaitable[Story | None]]:
    async def read(reader: Reader) -> Story | None:
        try:
            return await tell(reader, sid)
        except ContractError as error:
            if error.status != NOT_FOUND:
                raise
            return None

    return read
