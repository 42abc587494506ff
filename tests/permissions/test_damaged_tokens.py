"""Access tokens of the official helper, damaged in one way each: the code says in which (conversations.md §1.8)."""

import json
import time
from collections.abc import Callable
from typing import Any, Final

import jwt
import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import AccessTokenGrant, ChatGrant, SyncGrant

from parlour.sdk import client as sdk_client
from tests.conftest import LiveServer

HOUR: Final = 3600
DAY: Final = 24 * HOUR


class Maker:
    """Makes tokens of one account with one of its keys."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.account_sid = server.credentials.account_sid
        api = server.client()
        key = api.new_signing_keys.create(friendly_name="tokens")
        self.key_sid, self.secret = str(key.sid), str(key.secret)
        self.chat = ChatGrant(service_sid=api.conversations.v1.configuration().fetch().default_chat_service_sid)

    def make(
        self, *grants: AccessTokenGrant, account: str = "", key: str = "", secret: str = "", **options: Any
    ) -> str:
        """Return what the helper library makes."""
        signer = (account or self.account_sid, key or self.key_sid, secret or self.secret)
        token = AccessToken(*signer, **{"identity": "ana", **options})
        for grant in grants or (self.chat,):
            token.add_grant(grant)
        return str(token.to_jwt())

    def again(self, *, header: dict[str, str | None] | None = None, algorithm: str = "HS256", **claims: Any) -> str:
        """Return a good token with something changed in it, and signed again with the same key; None removes."""
        good = self.make()
        said = jwt.decode(good, options={"verify_signature": False}) | claims
        kept = {name: value for name, value in said.items() if value is not None}
        headers = {**jwt.get_unverified_header(good), **(header or {}), "alg": algorithm}
        secret = {"HS256": self.secret, "HS512": self.secret * 2, "none": ""}[algorithm]  # of the algorithm's length
        return jwt.encode(kept, secret, algorithm=algorithm, headers=headers)

    def use(self, token: str) -> tuple[int, Any]:
        """Read the client configuration with a token; return status and body."""
        bearer = sdk_client(self.server.url, "token", token, timeout=30)
        reply = bearer.request("GET", "https://aim.us1.twilio.com/Client/v2/Configuration")
        return reply.status_code, json.loads(reply.text)


@pytest.fixture(scope="module")
def maker(server: LiveServer) -> Maker:
    return Maker(server)


def forged(maker: Maker) -> str:
    """Return a token whose identity was changed, under the signature of what it was."""
    header, _, signature = maker.make().split(".")
    _, claims, _ = maker.make(identity="the boss").split(".")
    return f"{header}.{claims}.{signature}"


DAMAGES: Final[dict[str, tuple[int, Callable[[Maker], str]]]] = {
    "no token": (20101, lambda maker: "nonsense"),
    "cut short": (20101, lambda maker: maker.make().rpartition(".")[0]),
    "time as text": (20101, lambda maker: maker.again(nbf="now")),
    "content type": (20102, lambda maker: maker.again(header={"cty": "twilio-fpa;v=2"})),
    "no content type": (20102, lambda maker: maker.again(header={"cty": None})),
    "type": (20102, lambda maker: maker.again(header={"typ": "JOSE"})),
    "algorithm": (20102, lambda maker: maker.again(algorithm="HS512")),
    "unsigned": (20102, lambda maker: maker.again(algorithm="none")),
    "another account": (20103, lambda maker: maker.make(account="AC" + "0" * 32)),
    "no account": (20103, lambda maker: maker.again(sub=None)),
    "unknown key": (20103, lambda maker: maker.make(key="SK" + "0" * 32)),
    "issuer that is no key": (20103, lambda maker: maker.make(key=maker.account_sid)),
    "expired": (20104, lambda maker: maker.make(valid_until=int(time.time()) - 1)),
    "end as text": (20104, lambda maker: maker.again(exp="tomorrow")),
    "no end": (20104, lambda maker: maker.again(exp=None)),
    "not yet": (20105, lambda maker: maker.make(nbf=int(time.time()) + HOUR, valid_until=int(time.time()) + 2 * HOUR)),
    "issued later": (
        20105,
        lambda maker: maker.again(iat=int(time.time()) + 300 * DAY, exp=int(time.time()) + 301 * DAY),
    ),
    "no identity": (20106, lambda maker: maker.make(identity=None)),
    "grants that are a list": (20106, lambda maker: maker.again(grants=["chat"])),
    "no grants": (20106, lambda maker: maker.again(grants=None)),
    "grant of another product": (20106, lambda maker: maker.make(SyncGrant(service_sid="IS" + "0" * 32))),
    "grant without a service": (20106, lambda maker: maker.make(ChatGrant())),
    "another secret": (20107, lambda maker: maker.make(secret="0" * 32)),
    "changed": (20107, forged),
    "too long": (20157, lambda maker: maker.make(ttl=DAY + HOUR)),
    "too long without a beginning": (20157, lambda maker: maker.again(nbf=None, exp=int(time.time()) + 10 * DAY)),
}


def test_a_whole_token_is_good(maker: Maker) -> None:
    assert maker.use(maker.make())[0] == 200
    assert maker.use(maker.make(ttl=DAY))[0] == 200
    assert maker.use(maker.again())[0] == 200


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_token_is_refused_with_the_code_of_its_damage(damage: str, maker: Maker) -> None:
    code, make = DAMAGES[damage]
    status, body = maker.use(make(maker))
    assert (status, body["code"], body["status"]) == (401, code, 401)
    assert body["more_info"].endswith(f"/{code}")
