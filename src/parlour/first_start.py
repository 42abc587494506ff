"""The first account, made at the first start and shown once (issue: First start)."""

import sys

from parlour.accounts import service
from parlour.accounts.service import Credentials
from parlour.accounts.store_system import system_list_accounts
from parlour.app import Program
from parlour.settings import Settings


def check_given(settings: Settings) -> None:
    """Refuse given credentials that somebody could guess, and half of a pair.

    :raises WeakCredentials: with what to do instead.
    """
    if (settings.account_sid is None) != (settings.auth_token is None):
        raise service.WeakCredentials(
            "give both --account-sid and --auth-token, or neither: then they are made at random"
        )
    if settings.account_sid is not None and settings.auth_token is not None:
        service.check_given(settings.account_sid, settings.auth_token, playground=settings.playground)


async def first_start(program: Program) -> None:
    """Make the first account where there is none, and show its credentials."""
    accounts = await program.database.system(system_list_accounts)
    if accounts:
        return
    settings = program.settings
    credentials = await service.create_account(
        program.database,
        program.box,
        friendly_name="Parlour",
        account_sid=settings.account_sid,
        auth_token=settings.auth_token,
    )
    if not settings.demo:
        show(credentials)  # the demo prints them at the end of its start


def show(credentials: Credentials) -> None:
    """Print credentials; they are kept encrypted and `parlour credentials` prints them again."""
    sys.stdout.write(f"Account SID  {credentials.account_sid}\nAuth token   {credentials.auth_token}\n")
    sys.stdout.flush()
