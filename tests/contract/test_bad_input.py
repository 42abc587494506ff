"""Bad input to every served operation: refused by name, and nothing is changed (ACCEPTANCE 3)."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from parlour.app import compose
from parlour.rest.forms import plan_of
from parlour.rest.operations import Operation
from parlour.settings import Settings
from tests.contract.cells import Cell, Good, cells
from tests.contract.good_calls import EXCEPTIONS, builder_of
from tests.contract.inprocess import Reply, Request
from tests.contract.published import PAGING, find, shape
from tests.contract.world import Stage, World, open_stage


def served() -> list[Operation]:
    """Return every operation that is served."""
    with tempfile.TemporaryDirectory() as folder:
        program = compose(Settings(data=Path(folder)), "postgresql://nowhere/none")
    return sorted(program.router.operations, key=lambda o: (o.product, o.path, o.method))


OPERATIONS = served()
NAMES = [f"{operation.method} {operation.product} {operation.path}" for operation in OPERATIONS]
COUNTS: dict[str, int] = {}


@pytest.fixture(scope="session")
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened


@pytest.fixture(scope="session")
async def own(stage: Stage) -> World:
    return await stage.account("Own")


@pytest.fixture(scope="session")
async def other(stage: Stage) -> World:
    return await stage.account("Other")


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
    request, _ = await call(own, builder)
    foreign, _ = await call(other, builder)
    await stage.advance(1)
    problems = await unknown_parameter(operation, own, builder)
    good = Good(
        operation,
        find(operation.product, operation.method, operation.path),
        request,
        foreign,
        {**other.transport.seen, "AC": other.account_sid},
    )
    exceptions = EXCEPTIONS.get((operation.product, *shape(operation.method, operation.path)), {})
    for cell in cells(good):
        before = await stage.digest(own.account_sid)
        reply = await stage.send(cell.request)
        after = await stage.digest(own.account_sid)
        problems += [f"{cell.key}: {what}" for what in compare(cell, reply, exceptions.get(cell.key))]
        if before != after:
            problems.append(f"{cell.key}: changed rows: {difference(before, after)}")
        COUNTS[operation.product] = COUNTS.get(operation.product, 0) + 1
    assert not problems, "\n" + "\n".join(problems)


def test_a_good_call_stands_for_an_operation_that_is_served() -> None:
    from tests.contract.calls import LOADED
    from tests.contract.good_calls import GOOD_CALLS

    assert LOADED
    known = {(operation.product, *shape(operation.method, operation.path)) for operation in OPERATIONS}
    assert sorted(GOOD_CALLS.keys() - known) == []


def test_the_number_of_cells_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        total = sum(COUNTS.values())
        print(f"\nbad-input cells: {total} ({', '.join(f'{k} {v}' for k, v in sorted(COUNTS.items()))})")  # noqa: T201


async def call(world: World, builder: Any) -> tuple[Request, Reply]:
    """Make a good call and return its request and answer."""

    def make() -> None:
        ready = builder(world)
        world.stage.settle()
        ready()

    await asyncio.to_thread(make)
    request, reply = world.transport.last, world.transport.reply
    assert request is not None
    assert reply is not None
    assert reply.status < 300, f"the good call was refused: {reply.status} {reply.content[:1000]!r}"
    await asyncio.to_thread(world.stage.settle)
    return request, reply


async def unknown_parameter(operation: Operation, world: World, builder: Any) -> list[str]:
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

    plain = world.transport.reply
    with structlog.testing.capture_logs() as lines:
        await asyncio.to_thread(make)
    reply = world.transport.reply
    await asyncio.to_thread(world.stage.settle)
    assert plain is not None
    assert reply is not None
    problems = []
    if (reply.status, keys(reply.body)) != (plain.status, keys(plain.body)):
        problems.append(f"unknown parameter: {reply.status} with other keys than without it")
    if not any(line.get("unknown_parameters") for line in lines):
        problems.append("unknown parameter: not counted in the log")
    COUNTS[operation.product] = COUNTS.get(operation.product, 0) + 1
    return problems


def keys(body: Any) -> object:
    """Return the keys of an object."""
    return sorted(body) if isinstance(body, dict) else type(body).__name__


def compare(cell: Cell, reply: Reply, exception: tuple[int, int] | None) -> list[str]:
    """Return what is wrong with the answer to a bad call."""
    status, code = exception or (cell.status, cell.code)
    body = reply.body
    if reply.status != status or not isinstance(body, dict):
        return [f"answered {reply.status} {reply.content[:200]!r}, not {status}"]
    problems = []
    if code is not None and body.get("code") != code:
        problems.append(f"has code {body.get('code')}, not {code}: {body.get('message')}")
    if not any(name in str(body.get("message")) for name in cell.names):
        problems.append(f"the message does not name it: {body.get('message')}")
    return problems


def difference(before: str, after: str) -> str:
    """Return the tables whose rows changed."""
    return ", ".join(sorted(set(after.split(" ")) - set(before.split(" "))))
