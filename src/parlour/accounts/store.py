"""Rows of accounts and API keys. Secrets are sealed under the key file before they come here."""

from datetime import datetime
from typing import Final

import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("AC", "account", "account_sid")
refs.register("SK", "api_key")

INSERT_ACCOUNT: Final = """
INSERT INTO account (account_sid, friendly_name, auth_token, date_created, date_updated) VALUES ($1, $2, $3, $4, $4)"""
FETCH_ACCOUNT: Final = "SELECT * FROM account WHERE account_sid = $1"
INSERT_KEY: Final = """
INSERT INTO api_key (account_sid, sid, friendly_name, secret, date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $5)"""
FETCH_KEY: Final = "SELECT * FROM api_key WHERE account_sid = $1 AND sid = $2"
LIST_KEYS: Final = """
SELECT * FROM api_key WHERE account_sid = $1 AND ($2::text IS NULL OR sid < $2) ORDER BY sid DESC LIMIT $3"""
DELETE_KEY: Final = "DELETE FROM api_key WHERE account_sid = $1 AND sid = $2 RETURNING sid"


class Account(msgspec.Struct, frozen=True):
    """An account; ``auth_token`` is sealed."""

    account_sid: str
    friendly_name: str
    status: str
    auth_token: bytes
    date_created: datetime
    date_updated: datetime


class ApiKey(msgspec.Struct, frozen=True):
    """An API key; ``secret`` is sealed."""

    account_sid: str
    sid: str
    friendly_name: str
    secret: bytes
    date_created: datetime
    date_updated: datetime


async def insert_account(uow: UnitOfWork, friendly_name: str, sealed_token: bytes) -> None:
    """Write the account whose SID is the unit's."""
    await uow.execute(INSERT_ACCOUNT, uow.account_sid, friendly_name, sealed_token, uow.now)


async def fetch_account(reader: Reader) -> Account | None:
    """Return the reader's account."""
    row = await reader.fetchrow(FETCH_ACCOUNT, reader.account_sid)
    return None if row is None else Account(**row)


async def insert_key(uow: UnitOfWork, sid: str, friendly_name: str, sealed_secret: bytes) -> None:
    """Write an API key."""
    await uow.execute(INSERT_KEY, uow.account_sid, sid, friendly_name, sealed_secret, uow.now)


async def fetch_key(reader: Reader, sid: str) -> ApiKey | None:
    """Return an API key."""
    row = await reader.fetchrow(FETCH_KEY, reader.account_sid, sid)
    return None if row is None else ApiKey(**row)


async def list_keys(reader: Reader, after: str | None, limit: int) -> list[ApiKey]:
    """Return API keys, newest first."""
    return [ApiKey(**row) for row in await reader.fetch(LIST_KEYS, reader.account_sid, after, limit)]


async def delete_key(uow: UnitOfWork, sid: str) -> bool:
    """Remove an API key; say whether it was there."""
    return await uow.fetchval(DELETE_KEY, uow.account_sid, sid) is not None
