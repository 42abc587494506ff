"""Accounts and API keys: made, and known by their credentials."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from parlour.accounts import store
from parlour.kit.errors import ContractError
from parlour.kit.secrets_box import SecretsBox
from parlour.kit.sids import is_exact_sid
from parlour.outbox.facts import state
from parlour.store.database import Database
from parlour.store.unit import UnitOfWork

TOKEN_LENGTH: Final = 32  # characters of an auth token or API key secret
KNOWN_TOKENS: Final = frozenset({"your_auth_token", "auth_token", "0" * 32, "1" * 32, "x" * 32, "a" * 32, "f" * 32})
EXAMPLE_DIGITS: Final = frozenset({"0123456789abcdef0123456789abcdef", "x" * 32, "0" * 32})


class WeakCredentials(Exception):
    """Given credentials are too short, or known from examples."""


@dataclass(frozen=True)
class Credentials:
    """An account's SID and auth token in clear."""

    account_sid: str
    auth_token: str


def check_given(account_sid: str, auth_token: str, *, playground: bool) -> None:
    """Refuse credentials that somebody could guess.

    :param playground: demo and ephemeral mode take any token of eight characters.
    :raises WeakCredentials: with what to do instead.
    """
    if not account_sid.startswith("AC") or not is_exact_sid(account_sid):
        raise WeakCredentials(f"'{account_sid}' is not an account SID: AC and 32 digits 0-9a-f")
    if playground:
        if len(auth_token) < 8:
            raise WeakCredentials("the auth token must have at least 8 characters")
        return
    if account_sid[2:] in EXAMPLE_DIGITS or auth_token.lower() in KNOWN_TOKENS or len(set(auth_token)) < 8:
        raise WeakCredentials("these credentials are known from examples; leave them out and they are made at random")
    if len(auth_token) < TOKEN_LENGTH:
        raise WeakCredentials(
            f"the auth token must have at least {TOKEN_LENGTH} characters, such as `openssl rand -hex 16` prints"
        )


async def create_account(
    database: Database,
    box: SecretsBox,
    *,
    friendly_name: str,
    account_sid: str | None = None,
    auth_token: str | None = None,
) -> Credentials:
    """Make an account; every floor provisions itself in the same transaction.

    :param account_sid: given by the operator, or None for a new one.
    :param auth_token: given by the operator, or None for a random one.
    """
    sid = account_sid or database.sids.new("AC", datetime.now(UTC))
    token = auth_token or secrets.token_hex(TOKEN_LENGTH // 2)

    async def work(uow: UnitOfWork) -> None:
        await store.insert_account(uow, friendly_name, box.seal(token))
        await state(
            uow,
            "account.created/1",
            stream=sid,
            object_sid=sid,
            snapshot={"account_sid": sid, "friendly_name": friendly_name},
        )

    await database.step(sid, work, request_id=database.sids.new("RQ", database.clock.now()))
    return Credentials(sid, token)


async def read_credentials(database: Database, box: SecretsBox, account_sid: str) -> Credentials:
    """Return an account's credentials in clear.

    :raises ContractError: 404, no such account.
    """
    account = await database.read(account_sid, store.fetch_account)
    if account is None:
        raise ContractError(20404, 404, f"There is no account {account_sid}")
    return Credentials(account_sid, box.open(account.auth_token))


async def create_key(
    uow: UnitOfWork, box: SecretsBox, *, friendly_name: str, kind: str = "standard"
) -> tuple[store.ApiKey, str]:
    """Make an API key; return it and its secret, which is shown this once.

    :param kind: ``standard``, or ``main`` which only the operator makes.
    """
    secret = secrets.token_urlsafe(24)[:TOKEN_LENGTH]
    key = store.ApiKey(
        account_sid=uow.account_sid,
        sid=uow.new_sid("SK"),
        friendly_name=friendly_name,
        secret=box.seal(secret),
        kind=kind,
        date_created=uow.now,
        date_updated=uow.now,
    )
    await store.insert_key(uow, key)
    return key, secret
