"""Sessions of the desktop: a code becomes tokens, and a refresh token becomes the next ones (agent-clients.md §3)."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from parlour.flex import store as flex_store
from parlour.flex.errors import not_configured
from parlour.flex.sign_in import errors, store, worker
from parlour.flex.sign_in.authorization import digest
from parlour.flex.sign_in.store import DesktopUser
from parlour.flex.sign_in.users import lead_role
from parlour.flex.signing import Signer
from parlour.flex.store import Configuration
from parlour.store.database import Database
from parlour.store.unit import UnitOfWork

SESSION_LIFE: Final = timedelta(hours=12)  # from the last refresh
# An answer may be lost on its way, and a second window may hold the token of a moment ago.
EARLIER_GOOD: Final = timedelta(minutes=1)
BAD_CODE: Final = "The sign-in was not completed in time, or twice; sign in again"
BAD_REFRESH: Final = "The session has ended; sign in again"


@dataclass(frozen=True)
class Opened:
    """A session as its holder sees it, before the access token is signed."""

    user: DesktopUser
    worker_sid: str
    configuration: Configuration
    refresh_token: str
    refresh_expires: datetime


class Sessions:
    """Opens sessions and goes on with them.

    :param token_life: seconds of an access token.
    """

    def __init__(self, database: Database, signer: Signer, token_life: int) -> None:
        self._database = database
        self._signer = signer
        self._token_life = token_life

    async def exchange(
        self, account_sid: str, *, code: str, verifier: str, nonce: str, request_id: str
    ) -> dict[str, Any]:
        """Return the tokens for a code.

        :param verifier: what the code's challenge was made of.
        :param nonce: that of the authorization request.
        :raises ContractError: 401/45050, unknown, expired or used code, wrong verifier or nonce.
        """

        async def work(uow: UnitOfWork) -> Opened | None:
            known = await store.lock_code(uow, digest(code))
            if known is None:
                return None
            if known.session_sid is not None:
                await store.end_session(uow, known.session_sid)  # whoever has the code twice may be a thief
                return None
            user = await store.fetch_user(uow, known.user_sid)
            good = known.expires > uow.now and _same(known.challenge, challenge_of(verifier))
            if user is None or not good or not _same(known.nonce, nonce):
                return None
            opened = await self._opened(uow, user)
            session_sid = uow.new_sid("JS")
            await store.use_code(uow, known.code_hash, session_sid)
            await store.insert_session(uow, session_sid, user.sid, digest(opened.refresh_token), opened.refresh_expires)
            return opened

        opened = await self._database.step(account_sid, work, request_id=request_id)
        if opened is None:
            raise errors.refused(BAD_CODE)
        return await self._answer(opened, request_id)

    async def refresh(self, account_sid: str, *, refresh_token: str, request_id: str) -> dict[str, Any]:
        """Return the next tokens of a session; the token given is good for a minute more, then it ends the session.

        :raises ContractError: 401/45050, unknown, expired or stale token.
        """

        async def work(uow: UnitOfWork) -> Opened | None:
            given = digest(refresh_token)
            session = await store.lock_session(uow, given)
            if session is None or session.expires <= uow.now:
                return None
            stale = session.earlier_until is None or session.earlier_until <= uow.now
            if session.refresh_hash != given and stale:
                await store.end_session(uow, session.sid)
                return None
            user = await store.fetch_user(uow, session.user_sid)
            if user is None:
                return None
            opened = await self._opened(uow, user)
            await store.turn_session(
                uow,
                session.sid,
                digest(opened.refresh_token),
                earlier_until=uow.now + EARLIER_GOOD,
                expires=opened.refresh_expires,
            )
            return opened

        opened = await self._database.step(account_sid, work, request_id=request_id)
        if opened is None:
            raise errors.refused(BAD_REFRESH)
        return await self._answer(opened, request_id)

    async def _opened(self, uow: UnitOfWork, user: DesktopUser) -> Opened:
        configuration = await flex_store.fetch_configuration(uow)
        if configuration is None:
            raise not_configured()
        own = await worker.ensure(uow, user, configuration)
        await worker.ensure_chat_user(uow, user, configuration.chat_service_instance_sid)
        await store.signed_in(uow, user.sid, own.sid)
        return Opened(user, own.sid, configuration, secrets.token_urlsafe(32), uow.now + SESSION_LIFE)

    async def _answer(self, opened: Opened, request_id: str) -> dict[str, Any]:
        user = opened.user
        token, expires = await self._sign(opened, request_id)
        return {
            "access_token": token,
            "refresh_token": opened.refresh_token,
            "access_token_expires_at": _iso(expires),
            "refresh_token_expires_at": _iso(opened.refresh_expires),
            "token_info": {
                "expiration": _iso(expires),
                "identity": user.identity,
                "roles": user.roles,
                "flex_user_sid": user.sid,
                "flex_instance_sid": opened.configuration.flex_instance_sid,
                "worker_sid": opened.worker_sid,
                "account_sid": user.account_sid,
                "realm_user_id": user.identity,
                "name_id": user.identity,
            },
        }

    async def _sign(self, opened: Opened, request_id: str) -> tuple[str, datetime]:
        user = opened.user
        grants = grants_of(user, opened.worker_sid, opened.configuration)
        return await self._signer.sign(user.account_sid, user.identity, grants, self._token_life, request_id=request_id)


def grants_of(user: DesktopUser, worker_sid: str, configuration: Configuration) -> dict[str, Any]:
    """Return what a sign-in token allows: one token is used for every socket and call of the desktop."""
    service_sid = configuration.chat_service_instance_sid
    return {
        "chat": {"service_sid": service_sid},
        "data_sync": {"service_sid": service_sid},
        "task_router": {
            "workspace_sid": configuration.taskrouter_workspace_sid,
            "worker_sid": worker_sid,
            "role": "worker" if lead_role(user.roles) == "agent" else "supervisor",
        },
        "flex": {"roles": user.roles, "flex_user_sid": user.sid, "worker_sid": worker_sid},
    }


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
