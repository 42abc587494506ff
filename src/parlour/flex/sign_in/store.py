"""Rows of desktop users, their attempts, codes and sessions."""

from datetime import datetime
from typing import Final

import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("FU", "desktop_user")

INSERT_USER: Final = """
INSERT INTO desktop_user (account_sid, sid, identity, full_name, roles, password, date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (account_sid, lower(identity)) DO NOTHING RETURNING *"""
FETCH_USER: Final = "SELECT * FROM desktop_user WHERE account_sid = $1 AND sid = $2"
USER_BY_IDENTITY: Final = "SELECT * FROM desktop_user WHERE account_sid = $1 AND lower(identity) = lower($2)"
LIST_USERS: Final = "SELECT * FROM desktop_user WHERE account_sid = $1 ORDER BY lower(identity)"
SET_HASH: Final = """
UPDATE desktop_user SET password = $3, date_updated = $4 WHERE account_sid = $1 AND sid = $2"""
SIGNED_IN: Final = """
UPDATE desktop_user SET worker_sid = $3, last_sign_in = $4 WHERE account_sid = $1 AND sid = $2"""

# The insert makes the row that two guesses at once must queue for.
LOCK_ATTEMPT: Final = """
INSERT INTO sign_in_attempt (account_sid, name, failures, date_updated) VALUES ($1, $2, 0, $3)
ON CONFLICT (account_sid, name) DO UPDATE SET name = excluded.name RETURNING *"""
COUNT_ATTEMPT: Final = """
UPDATE sign_in_attempt SET failures = $3, locked_until = $4, date_updated = $5 WHERE account_sid = $1 AND name = $2"""
FORGET_ATTEMPTS: Final = "DELETE FROM sign_in_attempt WHERE account_sid = $1 AND (name = $2 OR date_updated < $3)"

INSERT_CODE: Final = """
INSERT INTO sign_in_code (account_sid, code_hash, user_sid, challenge, nonce, expires)
VALUES ($1, $2, $3, $4, $5, $6)"""
LOCK_CODE: Final = "SELECT * FROM sign_in_code WHERE account_sid = $1 AND code_hash = $2 FOR UPDATE"
USE_CODE: Final = "UPDATE sign_in_code SET session_sid = $3 WHERE account_sid = $1 AND code_hash = $2"
FORGET_CODES: Final = "DELETE FROM sign_in_code WHERE account_sid = $1 AND expires < $2"

INSERT_SESSION: Final = """
INSERT INTO sign_in_session (account_sid, sid, user_sid, refresh_hash, expires, date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $6)"""
LOCK_SESSION: Final = """
SELECT * FROM sign_in_session WHERE account_sid = $1 AND (refresh_hash = $2 OR earlier_hash = $2) FOR UPDATE"""
TURN_SESSION: Final = """
UPDATE sign_in_session SET earlier_hash = refresh_hash, earlier_until = $4, refresh_hash = $3, expires = $5,
    date_updated = $6 WHERE account_sid = $1 AND sid = $2"""
END_SESSION: Final = "DELETE FROM sign_in_session WHERE account_sid = $1 AND sid = $2"
END_SESSIONS: Final = "DELETE FROM sign_in_session WHERE account_sid = $1 AND user_sid = $2"
FORGET_SESSIONS: Final = "DELETE FROM sign_in_session WHERE account_sid = $1 AND expires < $2"

FETCH_KEY: Final = "SELECT key_sid FROM sign_in_key WHERE account_sid = $1"
PUT_KEY: Final = """
INSERT INTO sign_in_key (account_sid, key_sid, date_created) VALUES ($1, $2, $3)
ON CONFLICT (account_sid) DO UPDATE SET key_sid = excluded.key_sid, date_created = excluded.date_created"""
# One key is made at a time for an account.
LOCK_CONFIGURATION: Final = "SELECT account_sid FROM flex_configuration WHERE account_sid = $1 FOR UPDATE"


class DesktopUser(msgspec.Struct, frozen=True):
    """Somebody who may sign in to the desktop."""

    account_sid: str
    sid: str
    identity: str
    full_name: str
    roles: list[str]
    password: str
    worker_sid: str | None
    last_sign_in: datetime | None
    date_created: datetime
    date_updated: datetime


class Attempts(msgspec.Struct, frozen=True):
    """Wrong passwords for a name since the last right one."""

    account_sid: str
    name: str
    failures: int
    locked_until: datetime | None
    date_updated: datetime


class Code(msgspec.Struct, frozen=True):
    """An authorization code, by its hash."""

    account_sid: str
    code_hash: bytes
    user_sid: str
    challenge: str
    nonce: str
    expires: datetime
    session_sid: str | None


class Session(msgspec.Struct, frozen=True):
    """A desktop session, by the hashes of its refresh token and the one before."""

    account_sid: str
    sid: str
    user_sid: str
    refresh_hash: bytes
    earlier_hash: bytes | None
    earlier_until: datetime | None
    expires: datetime
    date_created: datetime
    date_updated: datetime


async def insert_user(
    uow: UnitOfWork, sid: str, *, identity: str, full_name: str, roles: list[str], password: str
) -> DesktopUser | None:
    """Write a user; None where somebody has the identity."""
    row = await uow.fetchrow(INSERT_USER, uow.account_sid, sid, identity, full_name, roles, password, uow.now)
    return None if row is None else DesktopUser(**row)


async def fetch_user(reader: Reader, sid: str) -> DesktopUser | None:
    """Return a user by SID."""
    row = await reader.fetchrow(FETCH_USER, reader.account_sid, sid)
    return None if row is None else DesktopUser(**row)


async def user_by_identity(reader: Reader, identity: str) -> DesktopUser | None:
    """Return the user of an identity in any case of letters."""
    row = await reader.fetchrow(USER_BY_IDENTITY, reader.account_sid, identity)
    return None if row is None else DesktopUser(**row)


async def list_users(reader: Reader) -> list[DesktopUser]:
    """Return the account's users by name."""
    return [DesktopUser(**row) for row in await reader.fetch(LIST_USERS, reader.account_sid)]


async def set_password(uow: UnitOfWork, sid: str, password: str) -> None:
    """Write another password hash, and end the user's sessions."""
    await uow.execute(SET_HASH, uow.account_sid, sid, password, uow.now)
    await uow.execute(END_SESSIONS, uow.account_sid, sid)


async def signed_in(uow: UnitOfWork, sid: str, worker_sid: str) -> None:
    """Remember a user's worker and the time of the sign-in."""
    await uow.execute(SIGNED_IN, uow.account_sid, sid, worker_sid, uow.now)


async def lock_attempts(uow: UnitOfWork, name: str) -> Attempts:
    """Return the wrong passwords of a name, locked."""
    [row] = await uow.fetch(LOCK_ATTEMPT, uow.account_sid, name, uow.now)
    return Attempts(**row)


async def count_attempts(uow: UnitOfWork, name: str, failures: int, locked_until: datetime | None) -> None:
    """Write the wrong passwords of a name."""
    await uow.execute(COUNT_ATTEMPT, uow.account_sid, name, failures, locked_until, uow.now)


async def forget_attempts(uow: UnitOfWork, name: str, older_than: datetime) -> None:
    """Remove those of a name and all old ones."""
    await uow.execute(FORGET_ATTEMPTS, uow.account_sid, name, older_than)


async def insert_code(uow: UnitOfWork, code: Code) -> None:
    """Write a code, and remove expired ones."""
    await uow.execute(FORGET_CODES, uow.account_sid, uow.now)
    await uow.execute(
        INSERT_CODE, uow.account_sid, code.code_hash, code.user_sid, code.challenge, code.nonce, code.expires
    )


async def lock_code(uow: UnitOfWork, code_hash: bytes) -> Code | None:
    """Return a code, locked."""
    row = await uow.fetchrow(LOCK_CODE, uow.account_sid, code_hash)
    return None if row is None else Code(**row)


async def use_code(uow: UnitOfWork, code_hash: bytes, session_sid: str) -> None:
    """Mark a code as used."""
    await uow.execute(USE_CODE, uow.account_sid, code_hash, session_sid)


async def insert_session(uow: UnitOfWork, sid: str, user_sid: str, refresh_hash: bytes, expires: datetime) -> None:
    """Write a session, and remove expired ones."""
    await uow.execute(FORGET_SESSIONS, uow.account_sid, uow.now)
    await uow.execute(INSERT_SESSION, uow.account_sid, sid, user_sid, refresh_hash, expires, uow.now)


async def lock_session(uow: UnitOfWork, refresh_hash: bytes) -> Session | None:
    """Return the session of a refresh token or of the one before it, locked."""
    row = await uow.fetchrow(LOCK_SESSION, uow.account_sid, refresh_hash)
    return None if row is None else Session(**row)


async def turn_session(
    uow: UnitOfWork, sid: str, refresh_hash: bytes, *, earlier_until: datetime, expires: datetime
) -> None:
    """Give a session another refresh token; the one before stays good until ``earlier_until``."""
    await uow.execute(TURN_SESSION, uow.account_sid, sid, refresh_hash, earlier_until, expires, uow.now)


async def end_session(uow: UnitOfWork, sid: str) -> None:
    """Remove a session."""
    await uow.execute(END_SESSION, uow.account_sid, sid)


async def fetch_key(reader: Reader) -> str | None:
    """Return the SID of the key that signs the account's tokens."""
    found: str | None = await reader.fetchval(FETCH_KEY, reader.account_sid)
    return found


async def put_key(uow: UnitOfWork, key_sid: str) -> None:
    """Write the SID of the key that signs the account's tokens."""
    await uow.execute(PUT_KEY, uow.account_sid, key_sid, uow.now)


async def lock_configuration(uow: UnitOfWork) -> None:
    """Wait until nobody else makes the account's key."""
    await uow.execute(LOCK_CONFIGURATION, uow.account_sid)
