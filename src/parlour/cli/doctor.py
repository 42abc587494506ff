"""``parlour doctor``: the invariants of DESIGN §3 and what a server needs, each with its remedy."""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import click

from parlour import __version__
from parlour.accounts.store_system import system_list_accounts
from parlour.app import Program
from parlour.cli.program import operator_options, run_on_program
from parlour.kit.wire import iso
from parlour.outbox import lanes
from parlour.package import Check, Invariant
from parlour.store.migrations import MigrationsDiffer, pending

LEAST_DISK: Final = 1024**3  # bytes
LARGEST_SKEW: Final = timedelta(seconds=5)
SILENCE: Final = timedelta(seconds=30)  # real time without a sign of life
OVERDUE: Final = timedelta(minutes=1)  # domain time that a free lane may wait
HELD: Final = timedelta(minutes=15)  # domain time that a lane at work may wait: 20 jobs whose receivers hang
ROWS_SHOWN: Final = 20
OLDEST_POSTGRESQL: Final = 160000

DEAD_JOBS: Final = """
SELECT id, lane, handler, dead_at, error FROM job WHERE account_sid = $1 AND dead_at IS NOT NULL ORDER BY id"""
OVERDUE_LANES: Final = """
SELECT name AS lane, due, holder FROM lane
WHERE account_sid = $1 AND ((lease IS NULL AND due < $2) OR due < $3) ORDER BY due"""
STRANDED_JOBS: Final = """
SELECT j.id, j.lane, j.handler FROM job AS j
LEFT JOIN lane AS l ON l.account_sid = j.account_sid AND l.name = j.lane
WHERE j.account_sid = $1 AND j.dead_at IS NULL AND l.name IS NULL ORDER BY j.id"""
OUTBOX: Final = (
    Invariant(
        9,
        "every waiting delivery has a lane that comes to it",
        lanes.JOBS_THAT_NOBODY_RUNS,
        "The lane's row was lost or changed by hand; `parlour jobs retry ID` puts the job back into a lane.",
    ),
    Invariant(
        9,
        "no lane is held by a server that is gone",
        lanes.LANES_OF_NOBODY,
        "Start a server: its first sweep frees the lanes of the dead.",
    ),
    Invariant(
        9,
        "what was given up shows how often it was tried and why it failed",
        lanes.DEAD_WITHOUT_HISTORY,
        "The job was changed by hand; `parlour jobs retry ID` tries it again.",
    ),
)
"""Invariants of the outbox, which stands below the packages and so registers none itself."""
PROCESSES: Final = "SELECT number, host, pid, version, seen_at FROM process ORDER BY number"


@dataclass
class Finding:
    """The answer to one question.

    :ivar rows: what is wrong; none when all is well.
    :ivar note: what was found when all is well.
    """

    name: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    remedy: str = ""
    note: str = ""
    account_sid: str | None = None

    @property
    def good(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.rows


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@operator_options
def doctor(as_json: bool, data: Path | None, database_url: str | None) -> None:
    """Check version, disk, clock, schema, jobs and every invariant; exit 1 when something is wrong."""
    findings = run_on_program(data, database_url, examine)
    if as_json:
        click.echo(json.dumps([{**asdict(finding), "good": finding.good} for finding in findings], indent=1))
    else:
        for line in table(findings):
            click.echo(line)
    sys.exit(0 if all(finding.good for finding in findings) else 1)


async def examine(program: Program) -> list[Finding]:
    """Ask every question of a program, the schema first: without it no other makes sense."""
    findings = [
        await program.database.system(_version),
        _disk(program.settings.data),
        await program.database.system(_clock),
        await _schema(program),
    ]
    if not findings[-1].good:
        return findings
    findings.append(await program.database.system(_processes))
    for row in await program.database.system(system_list_accounts):
        findings += await examine_account(program, row["account_sid"])
    return findings


async def examine_account(program: Program, account_sid: str) -> list[Finding]:
    """Ask the questions about one account: jobs, each package's invariants, and its checks."""
    now = program.database.clock.now()
    findings = [
        await _ask(program, account_sid, f"9. {name}", sql, arguments, remedy)
        for name, sql, arguments, remedy in (
            ("no dead jobs", DEAD_JOBS, (account_sid,), _DEAD_REMEDY),
            ("each job stands in a lane", STRANDED_JOBS, (account_sid,), _STRANDED_REMEDY),
            ("no late lanes", OVERDUE_LANES, (account_sid, now - OVERDUE, now - HELD), _OVERDUE_REMEDY),
        )
    ]
    for question in questions(program):
        name = f"{question.number}. {question.name}" if isinstance(question, Invariant) else question.name
        findings.append(await _ask(program, account_sid, name, question.sql, (account_sid, now), question.remedy))
    return findings


def questions(program: Program) -> list[Invariant | Check]:
    """Return the invariants of all packages by number, then their checks."""
    invariants = [*OUTBOX]
    invariants += [invariant for package in program.packages for invariant in package.invariants]
    checks = [check for package in program.packages for check in package.checks]
    return [*sorted(invariants, key=lambda invariant: invariant.number), *checks]


_DEAD_REMEDY: Final = "Read the error, mend its cause, then `parlour jobs retry ID` or `parlour jobs retry --all`."
_STRANDED_REMEDY: Final = "Report this as a bug, with the log; any new job of the lane brings these along."
_OVERDUE_REMEDY: Final = "No server works on these lanes: start one, or look at the holder's log and restart it."


async def _ask(
    program: Program, account_sid: str, name: str, sql: str, arguments: Sequence[object], remedy: str
) -> Finding:
    # A query may use the account alone; PostgreSQL refuses arguments that a query does not name.
    given = [argument for number, argument in enumerate(arguments, 1) if f"${number}" in sql]
    try:
        rows = await program.database.read(account_sid, lambda reader: reader.fetch(sql, *given))
    except asyncpg.PostgresError as error:
        broken = {"query": name, "error": str(error)}
        return Finding(name, [broken], "The query itself fails: report this as a bug.", account_sid=account_sid)
    return Finding(name, [_plain(row) for row in rows], remedy, account_sid=account_sid)


async def _version(connection: Any) -> Finding:
    number = int(await connection.fetchval("SHOW server_version_num"))
    text = await connection.fetchval("SHOW server_version")
    if number < OLDEST_POSTGRESQL:
        rows = [{"postgresql": text, "needed": "16 or newer"}]
        return Finding("version", rows, "Run a newer PostgreSQL, or leave --database-url out for the embedded one.")
    return Finding("version", note=f"Parlour {__version__}, PostgreSQL {text}")


def _disk(folder: Path) -> Finding:
    usage = shutil.disk_usage(folder)
    free = f"{usage.free / 1024**3:.1f} GiB"
    if usage.free < LEAST_DISK:
        rows = [{"folder": str(folder), "free": free, "needed": "1 GiB"}]
        return Finding("disk", rows, "Make room, or move the data folder to a larger disk.")
    return Finding("disk", note=f"{free} free at {folder}")


async def _clock(connection: Any) -> Finding:
    before = datetime.now(UTC)
    theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
    after = datetime.now(UTC)
    skew = max(before - theirs, theirs - after, timedelta())
    if skew > LARGEST_SKEW:
        rows = [{"this_machine": iso(after), "database": iso(theirs), "seconds": round(skew.total_seconds(), 1)}]
        return Finding("clock", rows, "Set both clocks by NTP: dates, token expiry and signatures depend on them.")
    return Finding("clock", note=f"{iso(after)}, as the database's within {LARGEST_SKEW.seconds} s")


async def _schema(program: Program) -> Finding:
    every = program.all_migrations()
    try:
        todo = await program.database.system(lambda connection: pending(connection, every))
    except MigrationsDiffer as error:
        return Finding("schema", [{"error": str(error)}], "Run the version of Parlour that made this data folder.")
    rows = [{"floor": migration.floor, "migration": migration.name} for migration in todo]
    return Finding("schema", rows, "Start the server once: it migrates first.", f"{len(every)} migrations, all done")


async def _processes(connection: Any) -> Finding:
    rows = await connection.fetch(PROCESSES)
    now = datetime.now(UTC)
    silent = [_plain(row) for row in rows if now - row["seen_at"] > SILENCE]
    note = "no server runs" if not rows else f"{len(rows)} running, the last sign of life {_age(rows, now)} s ago"
    return Finding("servers", silent, "It hangs or lost the database: look at its log, then restart it.", note)


def _age(rows: Sequence[Any], now: datetime) -> int:
    return max(int((now - max(row["seen_at"] for row in rows)).total_seconds()), 0)


def table(findings: Sequence[Finding]) -> list[str]:
    """Return the report for a person: one line a question, the rows and the remedy below what is wrong."""
    lines: list[str] = []
    account: str | None = None
    for finding in findings:
        if finding.account_sid != account:
            account = finding.account_sid
            lines += ["", f"Account {account}"]
        if finding.good:
            lines.append(f"  ok     {finding.name}" + (f": {finding.note}" if finding.note else ""))
            continue
        lines.append(f"  WRONG  {finding.name} ({len(finding.rows)})")
        lines += [f"           {_cells(row)}" for row in finding.rows[:ROWS_SHOWN]]
        if len(finding.rows) > ROWS_SHOWN:
            lines.append(f"           … and {len(finding.rows) - ROWS_SHOWN} more; --json prints all")
        lines.append(f"         → {finding.remedy}")
    wrong = sum(not finding.good for finding in findings)
    lines += ["", "All is well." if not wrong else f"{wrong} of {len(findings)} checks found something."]
    return lines


def _cells(row: dict[str, Any]) -> str:
    return "  ".join(f"{name}={value}" for name, value in row.items())


def _plain(row: Any) -> dict[str, Any]:
    """Return a row in values that JSON has."""
    return {
        name: iso(value)
        if isinstance(value, datetime)
        else value
        if isinstance(value, str | int | float | bool | None)
        else str(value)
        for name, value in dict(row).items()
    }
