"""Bad input to every served operation: refused by name, and nothing is changed (ACCEPTANCE 3)."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
import structlog

from parlour.app import compose
from parlour.rest.forms import plan_of
from parlour.rest.operations import Operation
from parlour.settings import Settings
from tests.contract.cells import Cell, Good, cells
from tests.contract.exceptions import Deviation, exception
from tests.contract.good_calls import ALWAYS_REFUSED, Builder, builder_of
from tests.contract.inprocess import Held, Reply, Request
from tests.contract.published import PAGING, find, shape
from tests.contract.world import Stage, World


def served() -> list[Operation]:
    """Return every operation that is served."""
    with tempfile.TemporaryDirectory() as folder:
        program = compose(Settings(data=Path(folder)), "postgresql://nowhere/none")
    return sorted(program.router.operations, key=lambda o: (o.product, o.path, o.method))


OPERATIONS = served()
NAMES = [f"{operation.method} {operation.product} {operation.path}" for operation in OPERATIONS]
COUNTS: dict[str, int] = {}


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_every_published_parameter_is_taken_refused_or_without_effect_by_contract(operation: Operation) -> None:
    published = find(operation.product, operation.method, operation.path)
    if published is None or operation.body != "form":
        return
    taken = set(plan_of(operation.form).fields) | set(operation.refused) | operation.ignored | PAGING
    silent = [p.name for p in published.parameters.values() if p.place != "header" and p.name not in taken]
    assert not silent, f"published parameters that are ignored in silence: {', '.join(silent)}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
async def test_bad_input_is_refused_by_name_and_changes_nothing(
    operation: Operation, stage: Stage, own: World, other: World
) -> None:
    builder = builder_of(operation.product, operation.method, operation.path)
    if builder is None:
        pytest.fail(f"no good call in tests/contract/calls for {operation.method} {operation.product} {operation.path}")
    _, plain = await call(operation, own, builder)
    foreign, _ = await call(operation, other, builder)
    problems = await unknown_parameter(operation, own, builder, plain)
    held = await hold(own, builder)
    await stage.advance(1)
    seen = {**other.transport.seen, "AC": other.account_sid}
    published = find(operation.product, operation.method, operation.path)
    before = await stage.digest(own.account_sid)
    for cell in cells(Good(operation, published, held, foreign, seen)):
        found = exception(f"{operation.method} {operation.product} {operation.path}", cell.key)
        if found is not None and found.status is None:
            continue
        reply = await stage.send(cell.request)
        after = await stage.digest(own.account_sid)
        problems += [f"{cell.key}: {what}" for what in compare(cell, reply, found)]
        if before != after:
            problems.append(f"{cell.key}: changed rows: {difference(before, after)}")
            before = after
        COUNTS[operation.product] = COUNTS.get(operation.product, 0) + 1
    still_good = await stage.send(held)
    if still_good.status != plain.status:
        problems.append(f"the good call is good no more: {still_good.status} {still_good.content[:200]!r}")
    assert not problems, "\n" + "\n".join(problems)


def test_the_number_of_cells_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        total = sum(COUNTS.values())
        print(f"\nbad-input cells: {total} ({', '.join(f'{k} {v}' for k, v in sorted(COUNTS.items()))})")


async def call(operation: Operation, world: World, builder: Builder) -> tuple[Request, Reply]:
    """Make a good call and return its request and answer."""

    def make() -> None:
        ready = builder(world)
        world.stage.settle()
        ready()

    await asyncio.to_thread(make)
    request, reply = world.transport.last, world.transport.reply
    assert request is not None
    assert reply is not None
    always = ALWAYS_REFUSED.get(shape(request.method, operation.path)[1], (200, ""))[0]
    assert reply.status < 400 or reply.status == always, (
        f"the good call was refused: {reply.status} {reply.content[:1000]!r}"
    )
    await asyncio.to_thread(world.stage.settle)
    return request, reply


async def hold(world: World, builder: Builder) -> Request:
    """Prepare a good call and return its request, which is not sent."""

    def make() -> Request:
        ready = builder(world)
        world.stage.settle()
        world.transport.hold = True
        try:
            ready()
        except Held as held:
            return held.request
        finally:
            world.transport.hold = False
        raise AssertionError("the good call sent nothing")

    return await asyncio.to_thread(make)


async def unknown_parameter(operation: Operation, world: World, builder: Builder, plain: Reply) -> list[str]:
    """Make the good call again with a parameter that nobody publishes, and return what is wrong."""
    if operation.method == "DELETE" or operation.body != "form":
        return []

    def make() -> None:
        ready = builder(world)
        world.stage.settle()
        world.transport.extra = {"NoSuchParameter": "1"}
        try:
            ready()
        finally:
            world.transport.extra = {}

    with structlog.testing.capture_logs() as lines:
        await asyncio.to_thread(make)
    reply = world.transport.reply
    await asyncio.to_thread(world.stage.settle)
    assert reply is not None
    problems = []
    if (reply.status, keys(reply.body)) != (plain.status, keys(plain.body)):
        problems.append(f"unknown parameter: {reply.status} with other keys than without it")
    if reply.status < 300 and not any(line.get("unknown_parameters") for line in lines):
        problems.append("unknown parameter: not counted in the log")
    COUNTS[operation.product] = COUNTS.get(operation.product, 0) + 1
    return problems


def keys(body: Any) -> object:
    """Return the keys of an object."""
    return sorted(body) if isinstance(body, dict) else type(body).__name__


def compare(cell: Cell, reply: Reply, found: Deviation | None) -> list[str]:
    """Return what is wrong with the answer to a bad call."""
    status, code, names = cell.status, cell.code, cell.names
    if found is not None:
        status, code, names = found.status or status, found.code, found.names or names
    body = reply.body
    if reply.status != status or not isinstance(body, dict):
        return [f"answered {reply.status} {reply.content[:200]!r}, not {status}"]
    problems = []
    if code is not None and body.get("code") != code:
        problems.append(f"has code {body.get('code')}, not {code}: {body.get('message')}")
    if not any(name in str(body.get("message")) for name in names):
        problems.append(f"the message does not name it: {body.get('message')}")
    return problems


def difference(before: str, after: str) -> str:
    """Return the tables whose rows changed."""
    return ", ".join(sorted(set(after.split(" ")) - set(before.split(" "))))
