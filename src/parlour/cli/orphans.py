"""``parlour orphans``: customers whom nobody will answer, why, since when, and the way back."""

import json
from pathlib import Path
from typing import Any, Final

import click

from parlour.accounts.store_system import system_list_accounts
from parlour.app import Program
from parlour.cli.program import operator_options, run_on_program
from parlour.flex import orphans as flex
from parlour.flex.orphans import Orphan
from parlour.kit.errors import ContractError
from parlour.kit.wire import iso
from parlour.store.unit import Reader, UnitOfWork

# The FAQ's own definition: the address made the conversation, and neither its webhook nor a flow is there for it.
NOBODY_LISTENS: Final = (
    "nobody_listens",
    "it has no interaction, no scoped webhook of its address and no active execution",
    """
SELECT v.sid AS conversation_sid, NULL AS channel_sid, coalesce(v.last_message_at, v.date_created) AS since
FROM conversation AS v
JOIN participant AS p ON p.account_sid = v.account_sid AND p.conversation_sid = v.sid AND p.removed_at IS NULL
JOIN address_configuration AS a ON a.account_sid = p.account_sid AND a.address = p.proxy_address
WHERE v.account_sid = $1 AND v.state <> 'closed' AND v.removed_at IS NULL AND v.created_by = 'system'
  AND a.enabled AND a.auto_creation_type IN ('studio', 'webhook')
  AND NOT EXISTS (
    SELECT 1 FROM interaction_channel AS c WHERE c.account_sid = v.account_sid AND c.conversation_sid = v.sid)
  AND NOT EXISTS (
    SELECT 1 FROM scoped_webhook AS w
    WHERE w.account_sid = v.account_sid AND w.conversation_sid = v.sid AND w.target = a.auto_creation_type
      AND (w.target = 'webhook' AND w.url = a.webhook_url OR w.target = 'studio' AND w.flow_sid = a.studio_flow_sid))
  AND NOT EXISTS (
    SELECT 1 FROM studio_execution AS e
    WHERE e.account_sid = v.account_sid AND e.conversation_sid = v.sid AND e.status = 'active')""",
)


@click.command()
@click.option("--repair", is_flag=True, help="Do what is otherwise only shown")
@click.option("--close", is_flag=True, help="Close them instead of sending them to agents")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per orphan")
@operator_options
def orphans(repair: bool, close: bool, as_json: bool, data: Path | None, database_url: str | None) -> None:
    """List open conversations that nobody owns, the oldest first, and what would be done about each.

    Nothing is changed without --repair. Exit 1 when any are left.
    """
    rows = run_on_program(data, database_url, lambda program: _look(program, repair=repair, close=close))
    for row in rows:
        click.echo(json.dumps(row) if as_json else _line(row))
    if not rows and not as_json:
        click.echo("No orphans.")
    if rows and not repair and not as_json:
        click.echo("Nothing was changed; `parlour orphans --repair` does it.")
    raise SystemExit(1 if any(row["done"] is None for row in rows) else 0)


async def _look(program: Program, *, repair: bool, close: bool) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for account in await program.database.system(system_list_accounts):
        account_sid = account["account_sid"]

        async def find(reader: Reader) -> list[tuple[Orphan, list[str]]]:
            found = await flex.find(reader, NOBODY_LISTENS)
            return [(orphan, await flex.customers(reader, orphan)) for orphan in found]

        for orphan, customers in await program.database.read(account_sid, find):
            shown = _shown(program, account_sid, orphan) | {"customers": customers}
            await _repair(program, account_sid, orphan, shown, really=repair, close=close)
            rows.append(shown)
    return rows


class _DryRun(Exception):
    """Undoes a repair that was only to be shown."""

    def __init__(self, would: str) -> None:
        self.would = would


async def _repair(
    program: Program, account_sid: str, orphan: Orphan, shown: dict[str, Any], *, really: bool, close: bool
) -> None:
    """Repair one orphan in a unit of its own, so that one that cannot be repaired leaves the others alone."""

    async def work(uow: UnitOfWork) -> str:
        done = await flex.repair(uow, orphan, close=close)
        await uow.flush()
        if not really:
            raise _DryRun(done)
        return done

    try:
        shown["done"] = await program.database.step(account_sid, work, request_id="parlour orphans")
    except _DryRun as dry:
        shown["would"] = dry.would
    except ContractError as error:
        shown["error"] = error.message


def _shown(program: Program, account_sid: str, orphan: Orphan) -> dict[str, Any]:
    age = program.database.clock.now() - orphan.since
    return {
        "account_sid": account_sid,
        "conversation_sid": orphan.conversation_sid,
        "channel_sid": orphan.channel_sid,
        "kind": orphan.kind,
        "cause": orphan.cause,
        "since": iso(orphan.since),
        "age_seconds": max(0, int(age.total_seconds())),
        "would": None,
        "error": None,
        "done": None,
    }


def _line(row: dict[str, Any]) -> str:
    minutes, _ = divmod(row["age_seconds"], 60)
    age = f"{minutes // 1440} d" if minutes >= 1440 else f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"
    line = f"{row['conversation_sid']}  {age:>6}  {', '.join(row['customers']) or 'nobody in it'}: {row['cause']}"
    if row["done"]:
        return f"{line}\n    {row['done']}"
    return f"{line}\n    cannot be repaired: {row['error']}" if row["error"] else f"{line}\n    would be {row['would']}"
