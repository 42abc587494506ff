"""``parlour jobs``: what waits, what died, and another try."""

import json
from pathlib import Path
from typing import Any

import click

from parlour.accounts.store_system import system_list_accounts
from parlour.app import Program
from parlour.cli.program import operator_options, run_on_program
from parlour.kit.wire import iso_or_none
from parlour.outbox import lanes

PAGE = 500


@click.group()
def jobs() -> None:
    """Jobs of the outbox: webhooks, sends, timers."""


@jobs.command("list")
@click.option("--dead", is_flag=True, help="Only those that were given up")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per job")
@operator_options
def list_jobs(dead: bool, as_json: bool, data: Path | None, database_url: str | None) -> None:
    """List waiting and dead jobs, oldest first."""
    rows = run_on_program(data, database_url, lambda program: _rows(program, dead=dead))
    for row in rows:
        click.echo(json.dumps(row) if as_json else _line(row))
    if not rows and not as_json:
        click.echo("No dead jobs." if dead else "No jobs.")


@jobs.command()
@click.argument("job_id", type=int, required=False)
@click.option("--all", "every", is_flag=True, help="All dead jobs of every account")
@operator_options
def retry(job_id: int | None, every: bool, data: Path | None, database_url: str | None) -> None:
    """Give dead jobs another twelve tries: the job JOB_ID, or --all."""
    if (job_id is None) != every:
        raise click.UsageError("Give one job's number, or --all")
    count = run_on_program(data, database_url, lambda program: _revive(program, job_id))
    if count == 0 and job_id is not None:
        raise click.ClickException(f"There is no dead job {job_id}; `parlour jobs list --dead` lists them.")
    click.echo(f"{count} job{'' if count == 1 else 's'} will be tried again.")


async def _rows(program: Program, *, dead: bool) -> list[dict[str, Any]]:
    async def read(connection: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for account in await system_list_accounts(connection):
            last = 0
            while True:
                rows = await connection.fetch(lanes.LIST_JOBS, account["account_sid"], dead, last, PAGE)
                found += [_shown(account["account_sid"], row) for row in rows]
                if len(rows) < PAGE:
                    break
                last = rows[-1]["id"]
        return found

    return await program.database.system(read)


def _shown(account_sid: str, row: Any) -> dict[str, Any]:
    at_once = row["due"].year < 1970  # '-infinity': as soon as its lane is
    return {
        "id": row["id"],
        "account_sid": account_sid,
        "state": "dead" if row["dead_at"] else "waiting",
        "lane": row["lane"],
        "handler": row["handler"],
        "attempts": row["attempt"],
        "due": None if at_once else iso_or_none(row["due"]),
        "dead_at": iso_or_none(row["dead_at"]),
        "event_sid": row["event_sid"],
        "error": row["error"],
    }


def _line(row: dict[str, Any]) -> str:
    when = row["dead_at"] or row["due"] or "at once"
    tries = f"{row['attempts']} tries" if row["attempts"] else "not tried"
    error = f"  {row['error']}" if row["error"] else ""
    return f"{row['id']:>8}  {row['state']:7}  {when:20}  {row['handler']}  {row['lane']}  {tries}{error}"


async def _revive(program: Program, job_id: int | None) -> int:
    async def revive(connection: Any) -> int:
        count = 0
        for account in await system_list_accounts(connection):
            now = program.database.clock.now()
            count += int(await connection.fetchval(lanes.REVIVE, account["account_sid"], job_id, now))
        return count

    return await program.database.system(revive)
