"""``parlour route``: why a task is where it is."""

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from parlour.cli.database import account_options, with_account

if TYPE_CHECKING:
    from parlour.app import Program


@click.group()
def route() -> None:
    """Routing: why a task is where it is."""


@route.command()
@click.argument("task_sid", metavar="WT…")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as GET /parlour/v1/Routing/{TaskSid} answers")
@account_options
def explain(task_sid: str, as_json: bool, **given: Any) -> None:
    """Tell why a task went where it went, decision by decision; of a waiting one, how it stands now.

    Each decision says in which queue the task was, who matched, who was chosen, and why others were passed over,
    as all of them were at that moment. It stays readable for 30 days, when task, queue and agents are long gone.
    """
    found = with_account(given, lambda program, account: _explain(program, account, task_sid))
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for line in lines(found):
        click.echo(line)


async def _explain(program: "Program", account_sid: str, task_sid: str) -> dict[str, Any]:
    from parlour.kit.errors import ContractError
    from parlour.taskrouter import explaining

    await program.database.step(account_sid, lambda uow: explaining.explain(uow, task_sid), request_id="")
    try:
        return await program.database.read(account_sid, lambda reader: explaining.story(reader, task_sid))
    except ContractError as error:
        raise click.ClickException(f"Nothing of the last 30 days tells of {task_sid}.") from error


def lines(found: dict[str, Any]) -> list[str]:
    """Return the story as text."""
    told = []
    for step in found["way"]:
        for passed in step["passed_filters"]:
            name = passed["filter_name"] or passed["filter_number"]
            told.append((step["date"], f"Filter {name} did not match: {passed['clause']} does not hold."))
        name = step["filter_name"] or "without a name"
        told.append((step["date"], f"Filter {name} put it into queue {step['task_queue_name']}."))
    told += [(each["date"], each["text"]) for each in found["decisions"]]
    return [f"{date}  {text}" for date, text in sorted(told, key=lambda each: each[0])] or [found["text"]]


@route.command()
@account_options
def check(**given: Any) -> None:
    """Look for filters that no task reaches and for queues in which nobody is."""
    found = with_account(given, _check)
    for each in found:
        click.echo(f"{each['sid']}  {each['text']}")
    if not found:
        click.echo("Every filter can be reached, and somebody is in every queue.")


async def _check(program: "Program", account_sid: str) -> list[dict[str, str]]:
    from parlour.taskrouter import explaining, store

    found: list[dict[str, str]] = []
    spaces = await program.database.read(
        account_sid, lambda reader: store.workspaces(reader, friendly_name=None, after=None, limit=1000)
    )
    for space in spaces:
        found += await program.database.read(account_sid, partial(explaining.warnings, workspace_sid=space.sid))
    return found
