"""Access tokens: JSON web tokens of an identity, signed with an API key (realtime-protocol.md §4.4)."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from parlour.accounts import store
from parlour.accounts.errors import (
    expired_token,
    invalid_grants,
    invalid_header,
    invalid_issuer,
    invalid_signature,
    invalid_token,
    token_lives_too_long,
    token_not_yet_valid,
)
from parlour.accounts.store_system import system_account_of_key
from parlour.kit.clock import Clock, FrozenClock
from parlour.kit.secrets_box import SecretsBox
from parlour.kit.sids import is_exact_sid
from parlour.store.database import Database

ALGORITHM: Final = "HS256"
HEADER: Final = {"alg": ALGORITHM, "typ": "JWT", "cty": "twilio-fpa;v=1"}
LONGEST: Final = 24 * 3600  # seconds between `iat` (or first sight) and `exp` that the contract allows
LEEWAY: Final = 60  # seconds that the signer's clock may be ahead of this one
REMEMBERED: Final = 10_000


class NoSuchKey(Exception):
    """The account has no such key (any more)."""


class Claims(msgspec.Struct, frozen=True):
    """The claims that count, as they come: each is told by its own code where it is no good. Times are epoch seconds.

    :ivar iat: one helper library stamps this, another only ``nbf``.
    """

    iss: object = None
    sub: object = None
    exp: object = None
    grants: object = None
    iat: float | None = None
    nbf: float | None = None


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token whose signature and time were checked.

    :ivar identity: whose token it is.
    :ivar grants: per product, such as ``{"chat": {"service_sid": "IS…"}}``, without the identity.
    :ivar expires: domain time from which it is refused.
    """

    account_sid: str
    key_sid: str
    identity: str
    grants: Mapping[str, Any]
    expires: datetime


class AccessTokens:
    """Reads access tokens and makes those of sign-in.

    Under a frozen clock ``nbf`` and ``iat`` are ignored, since helper libraries stamp real time, and the life of a
    token counts from its first sight here (DESIGN 2.10).
    """

    def __init__(self, database: Database, box: SecretsBox, clock: Clock) -> None:
        self._database = database
        self._box = box
        self._clock = clock
        self._first_seen: OrderedDict[bytes, datetime] = OrderedDict()

    async def read(self, token: str) -> AccessToken:
        """Return a token's owner and grants.

        :raises ContractError: 401 with 20101 unreadable, 20102 its header, 20103 an unknown key or another account,
            20104 expired, 20105 not yet valid, 20106 without identity, 20107 wrongly signed, 20157 longer than a day.
        """
        claims = _claims(token)
        key = await self._key_of(claims)
        try:
            jwt.decode(token, OctKey.import_key(self._box.open(key.secret)), algorithms=[ALGORITHM])
        except (JoseError, ValueError) as error:
            raise invalid_signature() from error
        identity, grants = _granted(claims)
        expires = self._expiry(token, claims)
        if expires <= self._clock.now():
            raise expired_token()
        return AccessToken(key.account_sid, key.sid, identity, grants, expires)

    async def sign(
        self, account_sid: str, key_sid: str, identity: str, grants: Mapping[str, Any], seconds: int
    ) -> tuple[str, datetime]:
        """Make a token with one of the account's keys; return it and the domain time of its end.

        :raises NoSuchKey: the account has no such key.
        """
        key = await self._database.read(account_sid, lambda reader: store.fetch_key(reader, key_sid))
        if key is None:
            raise NoSuchKey(key_sid)
        now = self._clock.now()
        issued = int(now.timestamp())
        claims = {
            "jti": f"{key_sid}-{self._database.sids.new('RQ', now)}",
            "iss": key_sid,
            "sub": account_sid,
            "iat": issued,
            "exp": issued + seconds,
            "grants": {**grants, "identity": identity},
        }
        signed = jwt.encode(dict(HEADER), claims, OctKey.import_key(self._box.open(key.secret)), algorithms=[ALGORITHM])
        return signed, datetime.fromtimestamp(issued + seconds, UTC)

    async def _key_of(self, claims: Claims) -> store.ApiKey:
        """Return the key that must have signed. Error: 401/20103, it is none of the account that the token names."""
        if not (isinstance(claims.iss, str) and is_exact_sid(claims.iss) and claims.iss.startswith("SK")):
            raise invalid_issuer("iss is no API key")
        sid = claims.iss
        owner = await self._database.system(lambda connection: system_account_of_key(connection, sid))
        key = None
        if owner is not None and owner == claims.sub:
            key = await self._database.read(owner, lambda reader: store.fetch_key(reader, sid))
        if key is None:
            raise invalid_issuer("iss is no API key of the account in sub")
        return key

    def _expiry(self, token: str, claims: Claims) -> datetime:
        """Return the domain time of a token's end, after a look at its beginning."""
        if not isinstance(claims.exp, int | float):
            raise expired_token()
        now = datetime.now(UTC) if isinstance(self._clock, FrozenClock) else self._clock.now()
        start = next((stamp for stamp in (claims.iat, claims.nbf) if stamp is not None), now.timestamp())
        if claims.exp - start > LONGEST + LEEWAY:
            raise token_lives_too_long(LONGEST)
        if not isinstance(self._clock, FrozenClock):
            if max(start, claims.nbf or 0) > now.timestamp() + LEEWAY:
                raise token_not_yet_valid()
            return datetime.fromtimestamp(max(claims.exp, 0), UTC)
        fingerprint = hashlib.sha256(token.encode()).digest()
        first = self._first_seen.setdefault(fingerprint, self._clock.now())
        if len(self._first_seen) > REMEMBERED:
            self._first_seen.popitem(last=False)
        return first + timedelta(seconds=max(claims.exp - start, 0))


def _claims(token: str) -> Claims:
    """Read a token without believing it: its issuer names the key that must have signed it."""
    try:
        compact = jws.extract_compact(token.encode())
        header = compact.headers()
        claims = msgspec.json.decode(compact.payload, type=Claims)
    except (JoseError, msgspec.DecodeError, ValueError) as error:
        raise invalid_token("it cannot be read") from error
    for name, expected in HEADER.items():
        if header.get(name) != expected:
            raise invalid_header(f"{name} must be {expected}")
    return claims


def _granted(claims: Claims) -> tuple[str, dict[str, Any]]:
    """Return whose token it is, and what it grants for each product. Error: 401/20106."""
    if not isinstance(claims.grants, dict):
        raise invalid_grants("they are no object")
    identity = claims.grants.get("identity")
    if not isinstance(identity, str) or not identity:
        raise invalid_grants("it has no identity")
    return identity, {name: grant for name, grant in claims.grants.items() if name != "identity"}
