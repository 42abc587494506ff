"""Who calls: account SID and auth token, API key and secret, or an access token (conversations.md §1.8).

Credentials come as HTTP Basic. An access token is the password of the user ``token``, or stands in one of the headers
that browser clients use (agent-clients.md §3).
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from parlour.accounts import store
from parlour.accounts.access_tokens import AccessTokens
from parlour.accounts.store_system import system_account_of_key
from parlour.kit.secrets_box import SecretsBox
from parlour.rest.errors import authentication_failed
from parlour.rest.operations import Caller
from parlour.store.database import Database

REMEMBER: Final = 30.0  # seconds of real time that a good pair is believed without asking the database
REMEMBERED: Final = 10_000
USER_OF_TOKENS: Final = "token"
KINDS: Final = {"standard": "api_key", "main": "main_key"}
TOKEN_HEADERS: Final = ("x-twilio-token", "x-flex-jwe")


class AccountAuthenticator:
    """Knows accounts and API keys; remembers good pairs by their hash for half a minute.

    Whether a remembered key is still there is asked each time: a deleted one opens nothing more, in every process.
    """

    def __init__(self, database: Database, box: SecretsBox, tokens: AccessTokens) -> None:
        self._database = database
        self._box = box
        self._tokens = tokens
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Return who calls.

        :raises ContractError: 401/20003; 401 with one of 20101 to 20107, or 20157, for an access token.
        """
        for name in TOKEN_HEADERS:
            if headers.get(name):
                return await self.read_token(headers[name])
        scheme, _, encoded = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            raise authentication_failed()
        fingerprint = hashlib.sha256(encoded.encode()).digest()
        known = self._known.get(fingerprint)
        if known is not None and known[0] > time.monotonic() and await self._is_there(known[1]):
            return known[1]
        user, password = _pair(encoded)
        if user == USER_OF_TOKENS:
            return await self.read_token(password)
        caller = await self._look_up(user, password)
        self._known[fingerprint] = (time.monotonic() + REMEMBER, caller)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return caller

    async def read_token(self, token: str) -> Caller:
        """Return whose access token this is.

        :raises ContractError: 401 with one of 20101 to 20107, or 20157.
        """
        read = await self._tokens.read(token)
        return Caller("token", read.account_sid, read.identity, read.grants)

    async def _look_up(self, user: str, password: str) -> Caller:
        if user.startswith("AC"):
            account = await self._database.read(user, store.fetch_account)
            if account is not None and account.status == "active":
                self._compare(account.auth_token, password)
                return Caller("account", user)
        elif user.startswith("SK"):
            owner = await self._database.system(lambda connection: system_account_of_key(connection, user))
            key = None if owner is None else await self._database.read(owner, lambda r: store.fetch_key(r, user))
            if key is not None:
                self._compare(key.secret, password)
                return Caller(KINDS[key.kind], key.account_sid, key_sid=user)
        raise authentication_failed()

    async def _is_there(self, caller: Caller) -> bool:
        key_sid = caller.key_sid
        if key_sid is None:
            return True
        return await self._database.read(caller.account_sid, lambda reader: store.key_is_there(reader, key_sid))

    def _compare(self, sealed: bytes, password: str) -> None:
        if not hmac.compare_digest(self._box.open(sealed).encode(), password.encode()):
            raise authentication_failed()


def _pair(encoded: str) -> tuple[str, str]:
    """Split Basic credentials; one published client appends a closing parenthesis (agent-clients.md §3)."""
    try:
        user, _, password = base64.b64decode(encoded.removesuffix(")"), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise authentication_failed() from error
    return user, password
