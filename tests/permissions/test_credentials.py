"""Every operation with every kind of credentials: let in exactly where docs/permissions.md says so."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant

from parlour.accounts import service
from parlour.rest.operations import Operation
from tests.contract.good_calls import ALWAYS_REFUSED, builder_of
from tests.contract.inprocess import Reply, Request, basic
from tests.contract.published import shape
from tests.contract.test_bad_input import hold, served
from tests.contract.world import Stage, World
from tests.permissions import page

PAGE: Final = page.read()
OPERATIONS: Final = {f"{one.method} {one.product} {one.path}": one for one in served()}
Refusals = tuple[tuple[int, int], ...]  # status and code of the answers that are right
SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
NOT_OURS: Final = ((404, 20404), (403, 20403))
COUNT: Final = {"cells": 0}


def test_the_page_has_every_operation() -> None:
    assert PAGE.credentials.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("name", OPERATIONS)
async def test_credentials_open_what_the_page_says_and_nothing_else(
    name: str, stage: Stage, own: World, other: World
) -> None:
    operation = OPERATIONS[name]
    builder = builder_of(operation.product, operation.method, operation.path)
    assert builder is not None, f"no good call in tests/contract/calls for {name}"
    row = PAGE.credentials[name]
    held = await hold(own, builder)
    if "open" in row.values():
        bare = tuple(pair for pair in held.headers if pair[0].lower() != "authorization")
        assert not wrong("open", operation, await stage.send(replace(held, headers=bare)), ())
        return
    problems = []
    for kind, allowed in row.items():
        reply = await stage.send(await with_credentials(own, held, kind, operation))
        refusals = expected(kind, allowed, row)
        if kind == "Access token" and not refusals and not is_token(held) and reply.status >= 400:
            assert b"credentials may not" not in reply.content
            refusals = NOT_OURS  # the good call is about what belongs to the account: test_roles.py has the user's
        problems += wrong(kind, operation, reply, refusals)
        if reply.status < 300 and operation.method != "GET":
            held = await hold(own, builder)
    for kind, request, refusal in [*await refused(own, held), *foreign(other, held, row)]:
        reply = await stage.send(request)
        problems += wrong(kind, operation, reply, refusal)
        if kind == "other account" and own.account_sid.encode() in reply.content and reply.status < 300:
            problems.append(f"{kind}: the answer names the other account")
    assert not problems, "\n" + "\n".join(problems)


def test_the_number_of_cells_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\npermissions, credentials: {COUNT['cells']} cells")


def expected(kind: str, allowed: str, row: Mapping[str, str]) -> Refusals:
    """Return status and code of the refusal; none where the page lets in."""
    if allowed == "yes":
        return ()
    needs_main = kind == "Standard key" and row["Main key"] == "yes"
    return ((401, 20003),) if needs_main else ((403, 20403),)


def wrong(kind: str, operation: Operation, reply: Reply, refusals: Refusals) -> list[str]:
    """Return what is wrong with an answer; nothing expected: it is to be a good one."""
    COUNT["cells"] += 1
    if not refusals:
        always = ALWAYS_REFUSED.get(shape(operation.method, operation.path)[1], (0, ""))[0]
        good = reply.status < 400 or reply.status == always
        return [] if good else [f"{kind}: {reply.status} {reply.content[:200]!r}, not let in"]
    code = reply.body.get("code") if isinstance(reply.body, dict) else None
    return (
        [] if (reply.status, code) in refusals else [f"{kind}: {reply.status} {reply.content[:200]!r}, not {refusals}"]
    )


def is_token(request: Request) -> bool:
    """Say whether a request carries an access token."""
    found = dict(request.headers).get("Authorization", "")
    return found.startswith(basic("token", "")[:12])


def as_user(request: Request, user: str, password: str) -> Request:
    """Return a request with other credentials."""
    return request.with_header("Authorization", basic(user, password))


async def with_credentials(world: World, request: Request, kind: str, operation: Operation) -> Request:
    """Return a request with one of the account's own credentials."""
    if kind == "Access token":
        as_it_was = "token" in operation.callers and is_token(request)
        return request if as_it_was else as_user(request, "token", await asyncio.to_thread(token, world))
    if kind == "Auth token":
        return as_user(request, world.credentials.account_sid, world.credentials.auth_token)
    return as_user(request, *await asyncio.to_thread(key, world, "main" if kind == "Main key" else "standard"))


def key(world: World, kind: str) -> tuple[str, str]:
    """Return SID and secret of a key of a kind."""

    def make() -> tuple[str, str]:
        box = world.stage.program.box
        made, secret = world.step(lambda uow: service.create_key(uow, box, friendly_name=kind, kind=kind))
        return made.sid, secret

    return world.keep(f"{kind} key", make)


def token(world: World, **options: Any) -> str:
    """Return an access token of the account; under the stage's standing clock its life counts from first sight."""
    sid, secret = world.keep("signing key", lambda: _signing_key(world))
    service_sid = world.keep(
        "service", lambda: world.client.conversations.v1.configuration().fetch().default_chat_service_sid
    )
    made = AccessToken(world.account_sid, sid, secret, identity="carl", **{"ttl": 24 * 3600, **options})
    made.add_grant(ChatGrant(service_sid=service_sid))
    return str(made.to_jwt())


def _signing_key(world: World) -> tuple[str, str]:
    made = world.client.new_signing_keys.create(friendly_name="tokens")
    return made.sid, made.secret


async def refused(world: World, held: Request) -> list[tuple[str, Request, Refusals]]:
    """Return requests that no operation takes."""

    def gone() -> tuple[str, str]:
        made = world.client.new_keys.create(friendly_name="gone")
        world.client.keys(made.sid).delete()
        return made.sid, made.secret

    sid, secret = await asyncio.to_thread(world.keep, "deleted key", gone)
    expired = await asyncio.to_thread(token, world, valid_until=int(time.time()) - 3600)
    return [
        ("wrong token", as_user(held, world.account_sid, "0" * 32), ((401, 20003),)),
        ("deleted key", as_user(held, sid, secret), ((401, 20003),)),
        ("expired", as_user(held, "token", expired), ((401, 20104),)),
    ]


def foreign(other: World, held: Request, row: Mapping[str, str]) -> list[tuple[str, Request, Refusals]]:
    """Return the request of another account's owner: what it names is not there; what names nothing is their own."""
    if row["Auth token"] != "yes":
        return []
    request = as_user(held, other.credentials.account_sid, other.credentials.auth_token)
    if SID.search(held.path):
        return [("other account", request, ((404, 20404), (400, 20001), (400, 45004)))]
    return [("other account", request, ())] if held.method == "GET" and not SID.search(str(held.query)) else []
