"""``parlour webhooks``: what was told to whom, and telling it again."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from parlour.app import Program
from parlour.cli.database import account_options, with_account
from parlour.kit.wire import iso_millis, parse_iso
from parlour.store.unit import Reader
from parlour.webhooks import store
from parlour.webhooks.delivery import Deliverer, Outcome
from parlour.webhooks.replay import replay as send_again
from parlour.webhooks.store import Delivery, Filter

PAGE = 500


class _Instant(click.ParamType[datetime]):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read an ISO 8601 date or time."""
        try:
            return parse_iso(value)
        except ValueError:
            self.fail(f"'{value}' is not a date or time of ISO 8601, such as 2026-11-22T15:30:00Z", param, ctx)


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which deliveries are meant."""
    options = [
        click.option("--webhook", default=None, help="SID of the webhook, or of the service or account it belongs to"),
        click.option("--stream", default=None, help="SID of the conversation or user that the events are of"),
        click.option("--outcome", type=click.Choice(["delivered", "failed", "dead", "refused"]), default=None),
        click.option("--since", type=_Instant(), default=None, help="Tried at this time (ISO 8601) or later"),
        click.option("--until", type=_Instant(), default=None, help="Tried before this time"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def webhooks() -> None:
    """Deliveries of webhooks: the log of 14 days, and another delivery to any URL."""


@webhooks.command("list")
@filter_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per try")
@account_options
def list_deliveries(as_json: bool, data: Path | None, database_url: str | None, account: str | None, **of: Any) -> None:
    """List tries, oldest first."""

    async def work(program: Program, account_sid: str) -> list[Delivery]:
        return await program.database.read(account_sid, lambda reader: _all(reader, _filter(of)))

    rows = with_account(_whose(data, database_url, account), work)
    for row in rows:
        click.echo(json.dumps(_shown(row)) if as_json else _line(row))
    if not rows and not as_json:
        click.echo("No deliveries.")


@webhooks.command()
@click.argument("sid")
@account_options
def show(sid: str, **given: Any) -> None:
    """Show the try SID: the request as it was sent, and the answer."""

    async def work(program: Program, account_sid: str) -> Delivery:
        return await _one(program, account_sid, sid)

    click.echo(json.dumps(_shown(with_account(given, work)), indent=1, ensure_ascii=False))


@webhooks.command()
@click.argument("sids", nargs=-1)
@filter_options
@click.option("--to", default=None, help="URL to send it to. Default: where it went")
@account_options
def replay(
    sids: Sequence[str],
    to: str | None,
    data: Path | None,
    database_url: str | None,
    account: str | None,
    **of: Any,
) -> None:
    """Send deliveries again: those named SIDS, or all that the options choose, each event once and in order.

    The body is that of the original byte by byte, the signature is made for the URL it goes to. It ends at the first
    that is not taken, so that nothing overtakes it.
    """
    if bool(sids) == any(value is not None for value in of.values()):
        raise click.UsageError("Name deliveries, or choose them with --webhook, --stream, --outcome, --since, --until")

    async def work(program: Program, account_sid: str) -> int:
        rows = [await _one(program, account_sid, sid) for sid in sids]
        if not sids:
            rows = await program.database.read(account_sid, lambda reader: store.range_of(reader, _filter(of)))
        deliverer = Deliverer(program.outgoing, program.box)
        try:
            for number, row in enumerate(rows):
                outcome = await send_again(program.database, deliverer, row, to=to)
                if not outcome.delivered:
                    raise click.ClickException(f"{row.sid} was not taken: {_why(outcome)}; {number} before it were.")
        finally:
            await program.outgoing.close()
        return len(rows)

    count = with_account(_whose(data, database_url, account), work, needs_key=True)
    click.echo(f"{count} deliver{'y was' if count == 1 else 'ies were'} sent again.")


async def _all(reader: Reader, wanted: Filter) -> list[Delivery]:
    found: list[Delivery] = []
    while True:
        rows = await store.page(reader, wanted, after=found[-1].sid if found else "", limit=PAGE)
        found += rows
        if len(rows) < PAGE:
            return found


async def _one(program: Program, account_sid: str, sid: str) -> Delivery:
    row = await program.database.read(account_sid, lambda reader: store.fetch(reader, sid))
    if row is None:
        raise click.ClickException(f"There is no delivery {sid}; `parlour webhooks list` lists them.")
    return row


def _whose(data: Path | None, database_url: str | None, account: str | None) -> dict[str, Any]:
    return {"data": data, "database_url": database_url, "account": account}


def _filter(of: dict[str, Any]) -> Filter:
    return Filter(
        webhook_sid=of["webhook"],
        stream=of["stream"],
        outcome=of["outcome"],
        since=of["since"],
        until=of["until"],
    )


def _shown(row: Delivery) -> dict[str, Any]:
    return {
        name: iso_millis(value) if isinstance(value, datetime) else value
        for name, value in ((name, getattr(row, name)) for name in row.__struct_fields__)
    }


def _line(row: Delivery) -> str:
    result = row.status if row.status is not None else row.error
    again = f"  replay of {row.replay_of}" if row.replay_of else ""
    return (
        f"{row.sid}  {iso_millis(row.at)}  {row.outcome:9}  {row.event_type:26}  {row.webhook_sid}  "
        f"try {row.attempt}  {row.duration_ms} ms  {result}  {row.url}{again}"
    )


def _why(outcome: Outcome) -> str:
    return outcome.error or f"answered {outcome.status}"
