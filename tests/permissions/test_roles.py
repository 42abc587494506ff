"""Every right of an access token with each role and each lack: what docs/permissions.md says and nothing else."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from parlour.conversations import roles
from tests.contract.inprocess import Reply, basic
from tests.contract.world import World
from tests.permissions import page
from tests.permissions.page import Line
from tests.permissions.scene import NOTHING, Scene, Subject, default_service, make_token

PAGE: Final = page.read()
ANY: Final = "with any access token of the account"  # tried in test_credentials.py
ELSEWHERE: Final = {  # operations whose callers are tried where their other rules are
    "POST cds /v4/Subscriptions": "test_subscriptions.py: through the web socket only",
    "POST flex-api /v1/Channels/{ConversationSid}/Roles/{Role}/Users": "tests/interactions/test_own_orchestration.py",
}
SERVICE, READS, TAKES_PART = (
    "has a token for the service",
    "leads the service, or takes part",
    "takes part",
)
JOIN: Final = "join a conversation"
ALSO: Final = {"send a message with media": ("sendMessage",)}  # both are needed
NO_METADATA: Final = (404, 50530)  # how the operation answers who is let in
COUNT: Final = {"cells": 0}

CELLS: Final = [
    (operation, what)
    for operation, done in PAGE.for_tokens.items()
    for what in done
    if what != ANY and operation not in ELSEWHERE
]
Case = tuple[str, Subject, bool, bool]  # name, whose token, own things, whether it is let in


def test_the_pages_roles_are_those_that_are_there_from_the_start(own: World) -> None:
    listed = next(iter(PAGE.lines.values())).roles.keys()
    assert listed == {f"{kind}: {name}" for name, kind in roles.PROVISIONED}


@pytest.mark.parametrize(("operation", "what"), CELLS, ids=[f"{one} - {what}" for one, what in CELLS])
async def test_a_token_may_what_the_page_says(operation: str, what: str, own: World, other: World) -> None:
    problems = await asyncio.to_thread(lambda: list(tried(operation, PAGE.lines[what], own, other)))
    assert not problems, "\n" + "\n".join(problems)


def test_the_number_of_cells_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\npermissions, roles: {COUNT['cells']} cells")


def tried(operation: str, line: Line, own: World, other: World) -> Iterator[str]:
    """Try every case and yield what is wrong."""
    for name, subject, is_own, allowed in cases(own, line):
        scene = Scene(own, subject)
        reply = scene.send(scene.request(operation, line.what, own=is_own))
        COUNT["cells"] += 1
        if let_in(reply) != allowed or (not allowed and not refused_well(operation, reply)):
            whose = "own" if is_own else "other"
            yield f"{name} ({whose}): {reply.status} {reply.content[:160]!r}, {'not ' * (not allowed)}to be let in"
    yield from strangers(operation, line, own, other)


def let_in(reply: Reply) -> bool:
    """Say whether an operation was done."""
    code = reply.body.get("code") if isinstance(reply.body, dict) else None
    return reply.status < 300 or (reply.status, code) == NO_METADATA


def refused_well(operation: str, reply: Reply) -> bool:
    """Say whether a refusal is one of the contract's."""
    allowed = {(403, 54007)} if " cds " in operation else {(403, 50107), (403, 50430)}
    return isinstance(reply.body, dict) and (reply.status, reply.body.get("code")) in allowed


def cases(world: World, line: Line) -> Iterator[Case]:
    """Return every case of a right."""
    for is_own in (False, True) if line.own else (False,):
        yield from _of_roles(world, line, is_own)
        yield from _of_single_permissions(line, is_own)
        yield from _outside(line, is_own)


def _of_roles(world: World, line: Line, is_own: bool) -> Iterator[Case]:
    known = {f"{role.type}: {role.friendly_name}": role for role in _provisioned(world)}
    for name, cell in line.roles.items():
        kind = name.partition(":")[0]
        allowed = cell == "yes" or (cell == "own" and is_own)
        sid = known[name].sid
        if line.what == JOIN:
            if kind == "service":  # who joins has no role in the conversation yet
                yield name, Subject(service_role=sid, conversation_role=None), is_own, allowed
        elif kind == "service":
            yield name, Subject(service_role=sid), is_own, allowed
        else:
            yield name, Subject(conversation_role=sid), is_own, allowed


def _of_single_permissions(line: Line, is_own: bool) -> Iterator[Case]:
    """Return who has just what is needed, and who has all but that."""
    kind = "service" if line.who == SERVICE or line.what == JOIN else "conversation"
    sufficient = (*line.permissions, *line.own)
    for one in sufficient:
        if one in roles.PERMISSIONS[kind]:
            allowed = one in line.permissions or is_own
            yield f"only {one}", _holding(line, kind, (one, *ALSO.get(line.what, ()))), is_own, allowed
    if sufficient:
        rest = tuple(sorted(roles.PERMISSIONS[kind] - set(sufficient)))
        yield "all but what is needed", _holding(line, kind, rest), is_own, False


def _holding(line: Line, kind: str, permissions: tuple[str, ...]) -> Subject:
    if kind == "conversation":
        return Subject(conversation_role=permissions)
    return Subject(service_role=permissions, conversation_role=None if line.what == JOIN else (NOTHING,))


def _outside(line: Line, is_own: bool) -> Iterator[Case]:
    """Return who does not take part; what is one's own in a conversation one has left is of no interest."""
    if line.who == SERVICE or is_own:
        return
    nobody = Subject(conversation_role=None)
    yield "no participant", nobody, is_own, False
    may_join = replace(nobody, service_role=("joinConversation",))
    sees = line.who not in (READS, TAKES_PART)
    yield "who may join", may_join, is_own, sees and (line.needs_none or line.what == JOIN)
    maker = replace(nobody, made=True)
    free = line.what in (JOIN, "add a participant by identity")
    yield "who made it", maker, is_own, sees and (line.needs_none or free)
    leads = replace(nobody, leads=True)  # and has the service role "supervisor" by that
    yield (
        "who leads",
        leads,
        is_own,
        line.who != TAKES_PART and (line.needs_none or line.roles["service: supervisor"] == "yes"),
    )


def _provisioned(world: World) -> list[Any]:
    service = world.client.conversations.v1.services(default_service(world))
    return world.keep("roles", service.roles.list)


def strangers(operation: str, line: Line, own: World, other: World) -> Iterator[str]:
    """Try tokens that are of no use here: expired, for another service, of another account."""
    every = tuple(sorted(roles.PERMISSIONS["conversation"]))
    scene = Scene(own, Subject(service_role=tuple(sorted(roles.PERMISSIONS["service"])), conversation_role=every))
    request = scene.request(operation, line.what, own=False)
    expired = scene.token(valid_until=int(time.time()) - 60)
    elsewhere = own.keep("other service", lambda: own.client.conversations.v1.services.create("Other").sid)
    tokens = [("expired", expired, {(401, 20104)})]
    if line.who != SERVICE:
        gone = {(404, 20404), (404, 54100), (404, 54150), (404, 54200), (403, 54007)}
        own.client.conversations.v1.services(elsewhere).users.create(identity=scene.identity)
        tokens.append(("of another service", make_token(own, scene.identity, elsewhere), gone))
        there = default_service(other)
        other.client.conversations.v1.services(there).users.create(identity=scene.identity)
        tokens.append(("of another account", make_token(other, scene.identity, there), gone))
    for name, token, expected in tokens:
        reply = scene.send(request.with_header("Authorization", basic("token", token)))
        COUNT["cells"] += 1
        if (reply.status, reply.body.get("code")) not in expected:
            yield f"{name}: {reply.status} {reply.content[:160]!r}, not one of {expected}"
