"""`parlour doctor`: finds what is wrong, says what to do, exits 1."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.cli.doctor import Finding, examine, examine_account, table
from parlour.cli.main import main
from parlour.package import Check, Invariant, Package
from tests.requirements import requirement

ADD_DEAD = """
INSERT INTO job (account_sid, lane, handler, request_id, dead_at, error) VALUES ($1, 'lane', 'h', 'RQ', $2, 'boom')"""


async def run(program: Program, *arguments: str) -> Result:
    """Run the command beside the program, on a thread: it has a loop of its own."""
    known = ["--database-url", program.database.dsn, "--data", str(program.settings.data)]
    return await asyncio.to_thread(CliRunner().invoke, main, [*arguments, *known])


def named(findings: list[Finding], name: str) -> Finding:
    """Return the finding of a name."""
    return next(finding for finding in findings if finding.name == name)


@pytest.fixture
async def dead_job(program: Program, account: Credentials) -> AsyncIterator[int]:
    """A job that was given up."""
    now = program.clock.now()
    await program.database.system(lambda c: c.execute(ADD_DEAD, account.account_sid, now))
    yield await program.database.system(
        lambda c: c.fetchval("SELECT id FROM job WHERE account_sid = $1 AND dead_at IS NOT NULL", account.account_sid)
    )
    await program.database.system(lambda c: c.execute("DELETE FROM job WHERE account_sid = $1", account.account_sid))


async def test_a_new_account_is_well(program: Program, account: Credentials) -> None:
    findings = await examine_account(program, account.account_sid)
    assert [finding for finding in findings if not finding.good] == []
    numbers = {invariant.number for package in program.packages for invariant in package.invariants}
    assert numbers >= {1, 2, 3, 4, 5, 6, 11}


async def test_version_disk_clock_schema_and_servers_are_looked_at(program: Program) -> None:
    names = [finding.name for finding in await examine(program)][:5]
    assert names == ["version", "disk", "clock", "schema", "servers"]


async def test_a_broken_invariant_shows_its_rows_and_its_remedy(program: Program, account: Credentials) -> None:
    rule = Invariant(2, "pairs are unique", "SELECT $1 AS account_sid, 'CH1' AS conversation_sid", "Close one of them.")
    look = Check(
        "the agent role is as made",
        "SELECT 'sendMessage' AS missing WHERE $1 <> '' AND $2::timestamptz IS NOT NULL",
        "Edit it back.",
    )
    changed = replace(program, packages=[Package(name="fake", invariants=[rule], checks=[look])])
    findings = await examine_account(changed, account.account_sid)
    assert named(findings, "2. pairs are unique").rows == [
        {"account_sid": account.account_sid, "conversation_sid": "CH1"}
    ]
    lines = table(findings)
    assert "  WRONG  2. pairs are unique (1)" in lines
    assert "         → Close one of them." in lines
    assert "           missing=sendMessage" in lines
    assert lines[-1] == f"2 of {len(findings)} checks found something."


@requirement("S51")
async def test_an_edited_agent_role_is_found(program: Program, account: Credentials) -> None:
    name = "the agent role is as it was made"
    assert named(await examine_account(program, account.account_sid), name).good
    edit = """
        UPDATE chat_role SET permissions = array_append(array_remove(permissions, 'sendMessage'), 'deleteAnyMessage')
        WHERE account_sid = $1 AND friendly_name = 'agent'"""
    await program.database.system(lambda c: c.execute(edit, account.account_sid))
    found = named(await examine_account(program, account.account_sid), name)
    assert [(row["missing"], row["added"]) for row in found.rows] == [("sendMessage", "deleteAnyMessage")]


async def test_a_query_that_fails_is_itself_a_finding(program: Program, account: Credentials) -> None:
    rule = Invariant(1, "broken", "SELECT * FROM nothing WHERE account_sid = $1", "-")
    findings = await examine_account(
        replace(program, packages=[Package("fake", invariants=[rule])]), account.account_sid
    )
    assert "nothing" in named(findings, "1. broken").rows[0]["error"]


async def test_dead_jobs_are_found(program: Program, account: Credentials, dead_job: int) -> None:
    findings = await examine_account(program, account.account_sid)
    assert [row["id"] for row in named(findings, "9. no dead jobs").rows] == [dead_job]
    assert "jobs retry" in named(findings, "9. no dead jobs").remedy


async def test_a_lane_that_nobody_works_on_is_found(program: Program, account: Credentials) -> None:
    sid, now = account.account_sid, program.clock.now()
    held = "INSERT INTO lane (account_sid, name, due, lease, holder) VALUES ($1, 'held', $2, $3, 999)"
    await program.database.system(lambda c: c.execute(held, sid, now - timedelta(hours=1), now + timedelta(hours=1)))
    late = named(await examine_account(program, sid), "9. no late lanes")
    await program.database.system(lambda c: c.execute("DELETE FROM lane WHERE account_sid = $1 AND name = 'held'", sid))
    assert [row["lane"] for row in late.rows] == ["held"]


async def test_a_job_without_its_lane_is_found(program: Program, account: Credentials) -> None:
    sid = account.account_sid
    job = "INSERT INTO job (account_sid, lane, handler, request_id) VALUES ($1, 'nowhere', 'h', 'RQ')"
    await program.database.system(lambda c: c.execute(job, sid))
    stranded = named(await examine_account(program, sid), "9. each job stands in a lane")
    await program.database.system(lambda c: c.execute("DELETE FROM job WHERE account_sid = $1", sid))
    assert [row["lane"] for row in stranded.rows] == ["nowhere"]


async def test_pending_migrations_are_named_and_nothing_else_is_asked(program: Program) -> None:
    floor = Package(name="fake", migrations="tests.tools.floor")
    findings = await examine(replace(program, packages=[*program.packages, floor]))
    assert findings[-1].rows == [{"floor": "floor", "migration": "0001_fake.sql"}]
    assert "migrates" in findings[-1].remedy


async def test_the_command_exits_1_while_something_is_wrong(program: Program, dead_job: int) -> None:
    ill = await run(program, "doctor", "--json")
    assert ill.exit_code == 1
    rows = [
        row for finding in json.loads(ill.stdout) if finding["name"] == "9. no dead jobs" for row in finding["rows"]
    ]
    assert dead_job in [row["id"] for row in rows]


async def test_dead_jobs_are_listed_and_tried_again(program: Program, dead_job: int) -> None:
    listed = await run(program, "jobs", "list", "--dead", "--json")
    found = [json.loads(line) for line in listed.output.splitlines()]
    assert [(row["id"], row["state"], row["error"]) for row in found] == [(dead_job, "dead", "boom")]
    assert "boom" in (await run(program, "jobs", "list")).output
    unknown = await run(program, "jobs", "retry", "999999")
    assert unknown.exit_code == 1
    assert "no dead job 999999" in unknown.output
    assert (await run(program, "jobs", "retry")).exit_code == 2
    assert "1 job will be tried again" in (await run(program, "jobs", "retry", str(dead_job))).output
    dead = await program.database.system(
        lambda c: c.fetchval("SELECT count(*) FROM job WHERE dead_at IS NOT NULL AND id = $1", dead_job)
    )
    assert dead == 0


async def test_accounts_are_added_listed_and_their_credentials_read(program: Program, account: Credentials) -> None:
    made = json.loads((await run(program, "accounts", "add", "Second", "--json")).output)
    listed = (await run(program, "accounts", "list")).output
    assert made["account_sid"] in listed
    assert account.account_sid in listed
    assert "Second" in listed
    read = json.loads((await run(program, "credentials", made["account_sid"], "--json")).output)
    assert read == made
    assert (await run(program, "credentials", "AC" + "9" * 32)).exit_code == 1


async def test_a_folder_without_its_key_is_refused_in_words(
    program: Program, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = tmp_path_factory.mktemp("empty")
    refused = await asyncio.to_thread(
        CliRunner().invoke, main, ["credentials", "--database-url", program.database.dsn, "--data", str(empty)]
    )
    assert refused.exit_code == 1
    assert "secret.key" in refused.output
    no_folder = await asyncio.to_thread(CliRunner().invoke, main, ["doctor", "--data", str(empty)])
    assert "no data folder" in no_folder.output
    assert list(empty.iterdir()) == []
