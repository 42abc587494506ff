"""`parlour carriers`: the carriers that texts come from and go to, and sends whose outcome nobody knows."""

import json
from pathlib import Path
from typing import Any

import click

from parlour.cli.database import account_options, with_account


@click.group()
def carriers() -> None:
    """Carriers of texts, and sends whose outcome is unknown."""


@carriers.command()
@click.argument("name")
@click.option("--url", required=True, help="Where the carrier's API is; /2010-04-01/… is put behind it")
@click.option("--carrier-account", required=True, help="Our account SID at the carrier")
@click.option("--carrier-token", required=True, envvar="PARLOUR_CARRIER_TOKEN", help="Our auth token at the carrier")
@click.option(
    "--lists-at-once",
    is_flag=True,
    help="The carrier lists a message as soon as it took it: what it does not list after half a minute is sent anew",
)
@click.option("--takes-groups", is_flag=True, help="The carrier carries group MMS")
@click.option("--public-url", default=None, help="Address of this server for the carrier, to print the webhook's")
@account_options
def add(
    name: str,
    url: str,
    carrier_account: str,
    carrier_token: str,
    lists_at_once: bool,
    takes_groups: bool,
    public_url: str | None,
    **given: Any,
) -> None:
    """Add the carrier NAME, or change it; prints what its numbers must have as SmsUrl."""
    from parlour.app import Program
    from parlour.channels.sms import connections

    async def work(program: Program, account_sid: str) -> str:
        row = await program.database.step(
            account_sid,
            lambda uow: connections.create(
                uow,
                program.box,
                name=name,
                base_url=url,
                upstream_account_sid=carrier_account,
                auth_token=carrier_token,
                lists_at_once=lists_at_once,
                takes_groups=takes_groups,
            ),
        )
        base = public_url or _address(program.settings.data) or program.settings.base_url
        return f"{base.rstrip('/')}/carrier/{row.sid}/inbound"

    click.echo(with_account(given, work, needs_key=True))


def _address(data: Path) -> str | None:
    """Return where the server of a data folder is, None when none runs."""
    from parlour.published import ADDRESS

    try:
        found = json.loads((data / ADDRESS).read_text()).get("url")
    except (OSError, ValueError):
        return None
    return str(found) if found else None


@carriers.command(name="list")
@account_options
def list_carriers(**given: Any) -> None:
    """List the carriers."""
    from parlour.app import Program
    from parlour.channels.sms.store import connections

    async def work(program: Program, account_sid: str) -> list[connections.Connection]:
        return await program.database.read(account_sid, connections.list_all)

    for row in with_account(given, work):
        click.echo(f"{row.sid}  {row.name}  {row.base_url}  {row.upstream_account_sid}")


@carriers.command()
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER...")
@click.option("--to", "name", required=True, help="Name of the carrier")
@account_options
def attach(numbers: tuple[str, ...], name: str, **given: Any) -> None:
    """Have the texts of each NUMBER go through a carrier; a number is made where there is none. All of them or none.

    NUMBER may also be a sender of another channel, such as whatsapp:+15550100 or messenger:<page>.
    """
    from parlour.app import Program
    from parlour.channels.sms.kinds import CHANNELS
    from parlour.channels.sms.store import connections
    from parlour.conversations import bindings
    from parlour.messaging import numbers as phone_numbers
    from parlour.messaging import senders
    from parlour.store.unit import UnitOfWork

    async def one(uow: UnitOfWork, number: str, connection_sid: str) -> str:
        if ":" in number:
            if bindings.channel_of(number) not in {channel.type for channel in CHANNELS}:
                raise click.ClickException(f"{number} is no sender of WhatsApp or Messenger")
            return (await senders.attach(uow, number, connection_sid=connection_sid)).sid
        known = await phone_numbers.by_number(uow, number)
        if known is None:
            return (await phone_numbers.create(uow, phone_number=number, connection_sid=connection_sid)).sid
        return (await phone_numbers.update(uow, known.sid, connection_sid=connection_sid)).sid

    async def work(program: Program, account_sid: str) -> list[str]:
        async def step(uow: UnitOfWork) -> list[str]:
            connection = await connections.by_name(uow, name)
            if connection is None:
                raise click.ClickException(f"there is no carrier {name}")
            return [await one(uow, number, connection.sid) for number in numbers]

        return await program.database.step(account_sid, step)

    for sid in with_account(given, work):
        click.echo(sid)


@carriers.command()
@click.option("--state", default="unknown", show_default=True, type=click.Choice(["queued", "sending", "unknown"]))
@account_options
def sends(state: str, **given: Any) -> None:
    """List sends that are not settled; `resend` sends an unknown one again."""
    from parlour.app import Program
    from parlour.channels.sms.store import sends as store

    async def work(program: Program, account_sid: str) -> list[store.Send]:
        return await program.database.read(account_sid, lambda reader: store.in_states(reader, [state], limit=1000))

    for row in with_account(given, work):
        click.echo(f"{row.sid}  {row.proxy_address} -> {row.address}  {row.reason or ''}  {row.body[:60]!r}")


@carriers.command()
@click.argument("sid")
@account_options
def resend(sid: str, **given: Any) -> None:
    """Send SID again, whose outcome is unknown: the customer may get it twice."""
    from parlour.app import Program
    from parlour.channels.sms import outbound
    from parlour.channels.sms.kinds import CHANNEL
    from parlour.store.unit import UnitOfWork

    async def work(program: Program, account_sid: str) -> str:
        async def step(uow: UnitOfWork) -> str:
            return (await outbound.resend(uow, sid, lane_of=CHANNEL.pair_lane)).state

        return await program.database.step(account_sid, step)

    click.echo(with_account(given, work))
