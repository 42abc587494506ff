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
from parlour.accounts.store_system import system_account_of_key
from parlour.kit.clock import Clock, FrozenClock
from parlour.kit.errors import ContractError
from parlour.kit.secrets_box import SecretsBox
from parlour.kit.sids import is_exact_sid
from parlour.store.database import Database

ALGORITHM: Final = "HS256"
CONTENT_TYPE: Final = "twilio-fpa;v=1"
LONGEST: Final = 24 * 3600  # seconds between `iat` (or first sight) and `exp` that the contract allows
LEEWAY: Final = 60  # seconds that the signer's clock may be ahead of this one
REMEMBERED: Final = 10_000


class Claims(msgspec.Struct, frozen=True):
    """The claims that count; times are epoch seconds."""

    iss: str
    sub: str
    exp: int
    grants: dict[str, Any]
    iat: int | None = None
    nbf: int | None = None

    def start(self, now: float) -> float:
        """Return when the life of the token began; one helper library stamps `iat`, another only `nbf`."""
        return next((stamp for stamp in (self.iat, self.nbf) if stamp is not None), now)


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


def invalid_token(why: str) -> ContractError:
    """401/20101: the token is no good and never will be."""
    return ContractError(20101, 401, f"Invalid Access Token: {why}")


def expired_token() -> ContractError:
    """401/20104: the token was good."""
    return ContractError(20104, 401, "Access Token expired or expiration date invalid")


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

        :raises ContractError: 401/20101 malformed, wrongly signed, of an unknown key or without identity; 401/20104
            expired.
        """
        claims = await self._verified(token)
        expires = self._expiry(token, claims)
        if expires <= self._clock.now():
            raise expired_token()
        grants = {name: grant for name, grant in claims.grants.items() if name != "identity"}
        return AccessToken(claims.sub, claims.iss, str(claims.grants["identity"]), grants, expires)

    async def sign(
        self, account_sid: str, key_sid: str, identity: str, grants: Mapping[str, Any], seconds: int
    ) -> tuple[str, datetime]:
        """Make a token with one of the account's keys; return it and the domain time of its end.

        :raises ContractError: 404, no such key.
        """
        key = await self._database.read(account_sid, lambda reader: store.fetch_key(reader, key_sid))
        if key is None:
            raise ContractError(20404, 404, f"There is no key {key_sid}")
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
        header = {"alg": ALGORITHM, "typ": "JWT", "cty": CONTENT_TYPE}
        signed = jwt.encode(header, claims, OctKey.import_key(self._box.open(key.secret)), algorithms=[ALGORITHM])
        return signed, datetime.fromtimestamp(issued + seconds, UTC)

    async def _verified(self, token: str) -> Claims:
        claims = _claims(token)
        if not (is_exact_sid(claims.iss) and claims.iss.startswith("SK")):
            raise invalid_token("its issuer is not an API key")
        owner = await self._database.system(lambda connection: system_account_of_key(connection, claims.iss))
        key = None
        if owner is not None and owner == claims.sub:
            key = await self._database.read(owner, lambda reader: store.fetch_key(reader, claims.iss))
        if key is None:
            raise invalid_token("its issuer is not an API key of its account")
        try:
            jwt.decode(token, OctKey.import_key(self._box.open(key.secret)), algorithms=[ALGORITHM])
        except (JoseError, ValueError) as error:
            raise invalid_token("its signature does not match") from error
        identity = claims.grants.get("identity")
        if not isinstance(identity, str) or not identity:
            raise invalid_token("it has no identity")
        if not isinstance(self._clock, FrozenClock):
            now = self._clock.now().timestamp()
            if claims.nbf is not None and claims.nbf > now + LEEWAY:
                raise invalid_token("it is not valid yet")
            if claims.exp - claims.start(now) > LONGEST + LEEWAY:
                raise invalid_token("it lives longer than 24 hours")
        return claims

    def _expiry(self, token: str, claims: Claims) -> datetime:
        if not isinstance(self._clock, FrozenClock):
            return datetime.fromtimestamp(claims.exp, UTC)
        fingerprint = hashlib.sha256(token.encode()).digest()
        first = self._first_seen.setdefault(fingerprint, self._clock.now())
        if len(self._first_seen) > REMEMBERED:
            self._first_seen.popitem(last=False)
        return first + timedelta(seconds=claims.exp - claims.start(datetime.now(UTC).timestamp()))


def _claims(token: str) -> Claims:
    """Read a token without believing it: its issuer names the key that must have signed it."""
    try:
        compact = jws.extract_compact(token.encode())
        header = compact.headers()
        claims = msgspec.json.decode(compact.payload, type=Claims)
    except (JoseError, msgspec.DecodeError, ValueError) as error:
        raise invalid_token("it cannot be read") from error
    if header.get("alg") != ALGORITHM:
        raise invalid_token(f"it must be signed with {ALGORITHM}")
    if header.get("cty") != CONTENT_TYPE:
        raise invalid_token(f"its content type must be {CONTENT_TYPE}")
    return claims
