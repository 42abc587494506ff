"""`parlour content`: what became of templates that were submitted for approval."""

from typing import Any

import click

from parlour.cli.database import account_options, with_account


@click.group()
def content() -> None:
    """Content templates: the approval that a channel's operator gave or refused."""


@content.command()
@click.argument("sid")
@click.argument("status", type=click.Choice(["approved", "rejected", "paused", "disabled"]))
@click.option("--reason", default="", help="Why it was rejected")
@account_options
def decide(sid: str, status: str, reason: str, **given: Any) -> None:
    """Write what became of the approval of the template SID."""
    from parlour.app import Program
    from parlour.content import templates

    async def work(program: Program, account_sid: str) -> str:
        approval = await program.database.step(
            account_sid, lambda uow: templates.decide(uow, sid, status, reason=reason)
        )
        return f"{sid} {approval['status']}"

    click.echo(with_account(given, work))
