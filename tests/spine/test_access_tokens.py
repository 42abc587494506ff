"""Access tokens as the official helper library makes them (realtime-protocol.md §4.4, agent-clients.md §3)."""

import base64
import json
import time
import urllib.error
import urllib.request

import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant, TaskRouterGrant

from parlour.accounts import service, store
from parlour.accounts.access_tokens import AccessTokens
from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.kit.clock import FrozenClock
from parlour.kit.errors import ContractError
from tests.conftest import LiveServer

Key = tuple[str, str]


@pytest.fixture
async def key(program: Program, account: Credentials) -> Key:
    made, secret = await program.database.step(
        account.account_sid,
        lambda uow: service.create_key(uow, program.box, friendly_name="tokens"),
        request_id="RQ" + "0" * 32,
    )
    return made.sid, secret


def helper_token(account_sid: str, key: Key, *, identity: str | None = "ana", **options: int) -> str:
    token = AccessToken(account_sid, *key, identity=identity, **options)
    token.add_grant(ChatGrant(service_sid="IS" + "1" * 32))
    token.add_grant(TaskRouterGrant(workspace_sid="WS" + "2" * 32, worker_sid="WK" + "3" * 32, role="worker"))
    return str(token.to_jwt())


async def refusal(program: Program, token: str) -> tuple[int, int]:
    with pytest.raises(ContractError) as refused:
        await program.tokens.read(token)
    return refused.value.status, refused.value.code


async def test_the_helpers_token_says_whose_it_is_and_what_it_grants(
    program: Program, account: Credentials, key: Key
) -> None:
    read = await program.tokens.read(helper_token(account.account_sid, key))
    assert (read.account_sid, read.key_sid, read.identity) == (account.account_sid, key[0], "ana")
    assert read.grants == {
        "chat": {"service_sid": "IS" + "1" * 32},
        "task_router": {"workspace_sid": "WS" + "2" * 32, "worker_sid": "WK" + "3" * 32, "role": "worker"},
    }


async def test_a_token_of_another_secret_is_refused(program: Program, account: Credentials, key: Key) -> None:
    assert await refusal(program, helper_token(account.account_sid, (key[0], "x" * 32))) == (401, 20107)


async def test_a_token_for_another_account_is_refused(program: Program, key: Key) -> None:
    assert await refusal(program, helper_token("AC" + "9" * 32, key)) == (401, 20103)


async def test_a_changed_claim_is_refused(program: Program, account: Credentials, key: Key) -> None:
    header, claims, signature = helper_token(account.account_sid, key).split(".")
    opened = json.loads(base64.urlsafe_b64decode(claims + "=="))
    opened["grants"]["identity"] = "ben"
    forged = base64.urlsafe_b64encode(json.dumps(opened).encode()).decode().rstrip("=")
    assert await refusal(program, f"{header}.{forged}.{signature}") == (401, 20107)


async def test_an_unsigned_token_is_refused(program: Program, account: Credentials, key: Key) -> None:
    _, claims, _ = helper_token(account.account_sid, key).split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT","cty":"twilio-fpa;v=1"}').decode().rstrip("=")
    assert await refusal(program, f"{header}.{claims}.") == (401, 20102)


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "é.é.é", "." * 3])
async def test_what_is_no_token_is_refused(program: Program, token: str) -> None:
    assert await refusal(program, token) == (401, 20101)


async def test_a_token_without_identity_is_refused(program: Program, account: Credentials, key: Key) -> None:
    assert await refusal(program, helper_token(account.account_sid, key, identity=None)) == (401, 20106)


async def test_a_token_past_its_end_is_refused_with_20104(program: Program, account: Credentials, key: Key) -> None:
    gone = helper_token(account.account_sid, key, valid_until=int(time.time()) - 1)
    assert await refusal(program, gone) == (401, 20104)


async def test_a_token_longer_than_a_day_is_refused(program: Program, account: Credentials, key: Key) -> None:
    assert await refusal(program, helper_token(account.account_sid, key, ttl=2 * 86400)) == (401, 20157)


async def test_a_token_of_a_deleted_key_is_refused(program: Program, account: Credentials, key: Key) -> None:
    token = helper_token(account.account_sid, key)
    await program.database.step(
        account.account_sid, lambda uow: store.delete_key(uow, key[0]), request_id="RQ" + "0" * 32
    )
    assert await refusal(program, token) == (401, 20103)


async def test_a_token_that_parlour_signs_is_read_back(program: Program, account: Credentials, key: Key) -> None:
    signed, expires = await program.tokens.sign(account.account_sid, key[0], "ben", {"chat": {}}, 600)
    read = await program.tokens.read(signed)
    assert (read.identity, read.grants, read.expires) == ("ben", {"chat": {}}, expires)


async def test_under_a_frozen_clock_life_counts_from_first_sight(
    program: Program, account: Credentials, key: Key
) -> None:
    clock = FrozenClock(program.clock.now().replace(year=2040))
    tokens = AccessTokens(program.database, program.box, clock)
    token = helper_token(account.account_sid, key, ttl=600)
    first = await tokens.read(token)
    assert (first.expires - clock.now()).total_seconds() == 600
    clock.set(first.expires)
    with pytest.raises(ContractError) as refused:
        await tokens.read(token)
    assert refused.value.code == 20104


def test_an_access_token_may_not_call_what_only_accounts_may(server: LiveServer) -> None:
    key = server.client().new_keys.create(friendly_name="tokens")
    sid = server.credentials.account_sid
    token = helper_token(sid, (key.sid, key.secret))
    # @twilio/flex-sdk closes a parenthesis it never opened
    basic = base64.b64encode(f"token:{token}".encode()).decode() + ")"
    for headers in ({"Authorization": f"Basic {basic}"}, {"X-Twilio-Token": token}, {"X-Flex-JWE": token}):
        request = urllib.request.Request(f"{server.url}/api/2010-04-01/Accounts/{sid}.json", headers=headers)  # noqa: S310
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)  # noqa: S310
        assert refused.value.code == 403
        refused.value.close()
