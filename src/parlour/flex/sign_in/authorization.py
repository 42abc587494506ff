"""The authorization request of the desktop and the code that answers it (agent-clients.md §3, RFC 7636)."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from parlour.flex.sign_in import attempts, errors, store
from parlour.flex.sign_in.passwords import Passwords
from parlour.flex.sign_in.store import Code, DesktopUser
from parlour.store.database import Database
from parlour.store.unit import UnitOfWork

CODE_LIFE: Final = timedelta(minutes=1)
TEXT_MAX: Final = 512  # characters of state and nonce
_CHALLENGE: Final = re.compile(r"^[A-Za-z0-9_-]{43}=?$")  # base64url of a SHA-256


@dataclass(frozen=True)
class Request:
    """What the desktop asks for.

    :ivar connection: how to sign in; a Flex instance is its own connection here.
    """

    connection: str
    challenge: str
    nonce: str
    state: str
    redirect_url: str

    @classmethod
    def read(cls, query: Mapping[str, Sequence[str]], origins: frozenset[str]) -> "Request":
        """Read a request from the query of its URL.

        :param origins: where a code may be sent.
        :raises ContractError: 400/45004 names the parameter.
        """
        values = {name: sent[-1] for name, sent in query.items() if sent}
        if values.get("isConsoleLogin", "").lower() == "true":
            raise errors.invalid("isConsoleLogin", "there is no console to sign in with")
        challenge = values.get("codeChallenge", "")
        if not _CHALLENGE.match(challenge):
            raise errors.invalid("codeChallenge", "must be the base64url form of a SHA-256")
        for name in ("state", "nonce"):
            if not 0 < len(values.get(name, "")) <= TEXT_MAX:
                raise errors.invalid(name, f"must have 1 to {TEXT_MAX} characters")
        return cls(
            connection=values.get("ssoProfileSid", ""),
            challenge=challenge.rstrip("="),
            nonce=values["nonce"],
            state=values["state"],
            redirect_url=_allowed(values.get("redirectUrl", ""), origins),
        )

    def answer(self, code: str) -> str:
        """Return where the browser goes with the code."""
        parts = urlsplit(self.redirect_url)
        pairs = [*parse_qsl(parts.query), ("code", code), ("state", self.state)]
        return urlunsplit((parts.scheme, parts.netloc, quote(parts.path, safe="/%:@"), urlencode(pairs), ""))


def _allowed(url: str, origins: frozenset[str]) -> str:
    parts = urlsplit(url)
    if f"{parts.scheme}://{parts.netloc}" not in origins:
        raise errors.invalid("redirectUrl", "must be an address of this server")
    return url


class Locked(Exception):
    """Too many wrong passwords for this name.

    :ivar seconds: until the next attempt.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"locked for {seconds} s")
        self.seconds = seconds


async def sign_in(
    database: Database,
    passwords: Passwords,
    account_sid: str,
    request: Request,
    *,
    identity: str,
    password: str,
    request_id: str,
) -> str | None:
    """Check a password and make a code for the request.

    :returns: the code; None where name and password do not go together.
    :raises Locked: too many attempts under this name.
    :raises parlour.flex.sign_in.passwords.Busy: too many attempts at once; this one was not counted.
    """

    with passwords.place():
        user = await _checked(database, passwords, account_sid, identity, password, request_id)
    if user is None:
        return None
    code, user_sid = secrets.token_urlsafe(32), user.sid

    async def grant(uow: UnitOfWork) -> None:
        await attempts.succeeded(uow, identity)
        kept = Code(
            account_sid=account_sid,
            code_hash=digest(code),
            user_sid=user_sid,
            challenge=request.challenge,
            nonce=request.nonce,
            expires=uow.now + CODE_LIFE,
            session_sid=None,
        )
        await store.insert_code(uow, kept)

    await database.step(account_sid, grant, request_id=request_id)
    return code


async def _checked(
    database: Database, passwords: Passwords, account_sid: str, identity: str, password: str, request_id: str
) -> DesktopUser | None:
    """Return the user of a name and password that go together; the attempt is counted first."""

    async def count(uow: UnitOfWork) -> tuple[int | None, DesktopUser | None]:
        until = await attempts.begin(uow, identity)
        if until is not None:
            return max(int((until - uow.now).total_seconds()), 1), None
        return None, await store.user_by_identity(uow, identity)

    seconds, user = await database.step(account_sid, count, request_id=request_id)
    if seconds is not None:
        raise Locked(seconds)
    good = await passwords.matches(None if user is None else user.password, password)
    return user if good else None


def digest(secret: str) -> bytes:
    """Return the form in which a code or refresh token is kept: it is random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).digest()
