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
INSERT INTO api_key (account_sid, sid, friendly_name, secret, kind, date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $6)"""
FETCH_KEY: Final = "SELECT * FROM api_key WHERE account_sid = $1 AND sid = $2"
KEY_IS_THERE: Final = "SELECT EXISTS (SELECT FROM api_key WHERE account_sid = $1 AND sid = $2)"
LIST_KEYS: Final = """
SELECT * FROM api_key WHERE account_sid = $1 AND ($2::text IS NULL OR sid < $2) ORDER BY sid DESC LIMIT $3"""
RENAME_KEY: Final = """
UPDATE api_key SET friendly_name = $3, date_updated = $4 WHERE account_sid = $1 AND sid = $2 RETURNING *"""
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
    """An API key; ``secret`` is sealed.

    :ivar kind: ``standard``, or ``main`` which may manage keys too.
    """

    account_sid: str
    sid: str
    friendly_name: str
    secret: bytes
    kind: str
    date_created: datetime
    date_updated: datetime


async def insert_account(uow: UnitOfWork, friendly_name: str, sealed_token: bytes) -> None:
    """Write the account whose SID is the unit's."""
    await uow.execute(INSERT_ACCOUNT, uow.account_sid, friendly_name, sealed_token, uow.now)


async def fetch_account(reader: Reader) -> Account | None:
    """Return the reader's account."""
    row = await reader.fetchrow(FETCH_ACCOUNT, reader.account_sid)
    return None if row is None else Account(**row)


async def insert_key(uow: UnitOfWork, key: ApiKey) -> None:
    """Write an API key."""
    await uow.execute(INSERT_KEY, uow.account_sid, key.sid, key.friendly_name, key.secret, key.kind, key.date_created)


async def rename_key(uow: UnitOfWork, sid: str, friendly_name: str) -> ApiKey | None:
    """Give an API key another name, None where it is gone."""
    row = await uow.fetchrow(RENAME_KEY, uow.account_sid, sid, friendly_name, uow.now)
    return None if row is None else ApiKey(**row)


async def fetch_key(reader: Reader, sid: str) -> ApiKey | None:
    """Return an API key."""
    row = await reader.fetchrow(FETCH_KEY, reader.account_sid, sid)
    return None if row is None else ApiKey(**row)


async def key_is_there(reader: Reader, sid: str) -> bool:
    """Tell whether an API key has not been deleted."""
    return bool(await reader.fetchval(KEY_IS_THERE, reader.account_sid, sid))


async def list_keys(reader: Reader, after: str | None, limit: int) -> list[ApiKey]:
    """Return API keys, newest first."""
    return [ApiKey(**row) for row in await reader.fetch(LIST_KEYS, reader.account_sid, after, limit)]


async def delete_key(uow: UnitOfWork, sid: str) -> bool:
    """Remove an API key; say whether it was there."""
    return await uow.fetchval(DELETE_KEY, uow.account_sid, sid) is not None
