"""Flows: steps a second of a split, set and send flow, and the resumption of one of many waiting executions.

Everything runs in this process: the program with its jobs on a durable database of its own. The floor is one INSERT of
a step's size a transaction on the same database: by as many tasks after each round of steps, and alone between any two
resumptions. CPU is that of this process, the bench's own included.
"""

import argparse
import asyncio
import itertools
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import uvloop

from parlour.accounts import service
from parlour.app import Program, compose
from parlour.conversations import conversations, messages, participants, webhooks
from parlour.launch import set_up_logs
from parlour.outbox.process import Process
from parlour.outbox.runner import Runner
from parlour.settings import Settings
from parlour.store.postgres.supervisor import Supervisor
from parlour.store.unit import UnitOfWork
from parlour.studio import flows

ROUNDS = 10  # of set, split and send in one execution
TASKS = 16
ROUNDS_MEASURED = 3
STEPS_A_SECOND = 300.0
P99_MS = 50.0
GROWTH = 1.2
FEW, MANY = 100, 10_000
RESUMED = 400
FLOOR_TABLE = "CREATE TABLE floor_step (account_sid text, sid text, body text, PRIMARY KEY (account_sid, sid))"


def _state(name: str, kind: str, exits: dict[str, str | None], **properties: Any) -> dict[str, Any]:
    transitions = [{"event": event, "next": target} if target else {"event": event} for event, target in exits.items()]
    return {"name": name, "type": kind, "transitions": transitions, "properties": properties}


def _pair(key: str, value: str) -> list[dict[str, str]]:
    return [{"key": key, "value": value}]


def _flow(*states: dict[str, Any]) -> dict[str, Any]:
    trigger = _state("Trigger", "trigger", {"incomingConversationMessage": states[0]["name"]})
    return {"description": "bench", "states": [trigger, *states], "initial_state": "Trigger"}


def talking() -> dict[str, Any]:
    """Return a flow of set, split and send, so many rounds long."""
    states: list[dict[str, Any]] = []
    for number in range(ROUNDS):
        after = f"set{number + 1}" if number + 1 < ROUNDS else None
        value = "{{trigger.conversation.Body | upcase}} {{flow.variables.n | plus: 1}}"
        states.append(
            _state(
                f"set{number}", "set-variables", {"next": f"split{number}"}, variables=[{"key": "n", "value": value}]
            )
        )
        split = _state(f"split{number}", "split-based-on", {"noMatch": f"say{number}"}, input="{{flow.variables.n}}")
        condition = {"friendly_name": "x", "arguments": [""], "type": "equal_to", "value": "nothing"}
        split["transitions"].append({"event": "match", "next": f"say{number}", "conditions": [condition]})
        states.append(split)
        body = {"from": "Bot", "body": "You said {{flow.variables.n}}"}
        states.append(_state(f"say{number}", "send-message", {"sent": after, "failed": None}, **body))
    return _flow(*states)


def waiting() -> dict[str, Any]:
    """Return a flow that asks for ever."""
    again = {"incomingMessage": "keep", "timeout": None, "deliveryFailure": None}
    keep = _pair("said", "{{widgets.ask.inbound.Body}}")
    return _flow(
        _state("ask", "send-and-wait-for-reply", again, **{"from": "Bot", "body": "And?", "timeout": "86400"}),
        _state("keep", "set-variables", {"next": "ask"}, variables=keep),
    )


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[Program, str]]:
    """Run the program with its jobs on a database with durable settings; give it and the database's address."""
    async with Supervisor(folder) as postgres:
        program = compose(Settings(data=folder, ephemeral=True, executions_per_second=0), postgres.address.dsn)
        await program.database.open()
        await program.migrate()
        process = Process(program.database, program.wake)
        await process.join()
        runner = Runner(program.database, program.registry, program.wake, program.clock, process.number)
        tasks = [asyncio.create_task(runner.run()), asyncio.create_task(process.sweep())]
        try:
            yield program, postgres.address.dsn
        finally:
            await runner.stop(5)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await process.leave()
            await program.outgoing.close()
            await program.database.close()


class Bench:
    """The account and its flows."""

    def __init__(self, program: Program, account_sid: str, look: "asyncpg.Connection[Any]") -> None:
        self.program = program
        self.account_sid = account_sid
        self.look = look

    async def step(self, work: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        """Do one unit of work."""
        return await self.program.database.step(self.account_sid, work, request_id="RQ" + "0" * 32)

    async def publish(self, definition: dict[str, Any]) -> str:
        """Publish a flow."""
        made = await self.step(
            lambda uow: flows.create(uow, friendly_name="bench", status="published", definition=definition)
        )
        return str(made.sid)

    async def converse(self, flow_sid: str) -> str:
        """Make a conversation under a flow."""

        async def work(uow: UnitOfWork) -> str:
            row = await conversations.create(uow)
            await participants.add(uow, row.sid, identity=f"ada-{row.sid}")
            await webhooks.create(uow, row.sid, target="studio", flow_sid=flow_sid)
            return row.sid

        return str(await self.step(work))

    async def say(self, conversation_sid: str, body: str) -> None:
        """Have the customer write."""
        await self.step(lambda uow: messages.create(uow, conversation_sid, author="ada", body=body, source="SDK"))

    async def many(self, count: int, work: Callable[[], Awaitable[Any]]) -> list[Any]:
        """Do something so many times, a few at once."""
        left = iter(range(count))

        async def worker() -> list[Any]:
            return [await work() for _ in left]

        return [each for part in await asyncio.gather(*(worker() for _ in range(TASKS))) for each in part]

    async def until(self, sql: str, wanted: int, *args: object) -> None:
        """Wait until a count is reached."""
        while await self.look.fetchval(sql, self.account_sid, *args) < wanted:
            await asyncio.sleep(0.001)


class Round(NamedTuple):
    """Steps a second from the first message to the last step, and milliseconds of CPU for each."""

    rate: float
    cpu: float


async def steps_a_second(bench: Bench, executions: int) -> Round:
    """Run executions of the talking flow."""
    flow_sid = await bench.publish(talking())
    made = await bench.many(executions, lambda: bench.converse(flow_sid))
    left = iter(made)
    began, worked = time.perf_counter(), time.process_time()
    await bench.many(executions, lambda: bench.say(next(left), "hello"))
    ended = "SELECT count(*) FROM studio_execution WHERE account_sid = $1 AND flow_sid = $2 AND status = 'ended'"
    await bench.until(ended, executions, flow_sid)
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    count = "SELECT count(*) FROM studio_step WHERE account_sid = $1 AND flow_sid = $2"
    steps = await bench.look.fetchval(count, bench.account_sid, flow_sid)
    assert steps == executions * (3 * ROUNDS + 1), steps
    return Round(float(steps / seconds), cpu * 1000 / steps)


class Floor:
    """Bare INSERTs of a step's size."""

    SQL = "INSERT INTO floor_step VALUES ($1, $2, $3)"
    BODY = "x" * 3000

    def __init__(self, pool: "asyncpg.Pool[Any]", account_sid: str) -> None:
        self.pool = pool
        self.account_sid = account_sid
        self.numbers = itertools.count()

    async def insert(self) -> float:
        """Insert one row, and return its milliseconds."""
        began = time.perf_counter()
        await self.pool.execute(self.SQL, self.account_sid, str(next(self.numbers)), self.BODY)
        return (time.perf_counter() - began) * 1000

    async def rate(self, seconds: float) -> float:
        """Return the INSERTs a second of as many tasks as write steps."""
        until = time.perf_counter() + seconds

        async def worker() -> int:
            count = 0
            while time.perf_counter() < until:
                await self.insert()
                count += 1
            return count

        return sum(await asyncio.gather(*(worker() for _ in range(TASKS)))) / seconds


class Resumed(NamedTuple):
    """Milliseconds from a message to the flow's question, those of the INSERTs between, and CPU for one."""

    took: list[float]
    floor: list[float]
    cpu: float

    @property
    def ratio(self) -> float:
        """How many INSERTs long a resumption is, by the medians of the same run."""
        return statistics.median(self.took) / statistics.median(self.floor)

    def line(self, count: int) -> str:
        """Say it in a line."""
        median, p99, bare = statistics.median(self.took), quantile(self.took, 0.99), quantile(self.floor, 0.99)
        return (
            f"resume one of {count:6}   median {median:6.1f} ms   p99 {p99:6.1f} ms   "
            f"floor {statistics.median(self.floor):5.1f} and {bare:6.1f} ms   ratio {self.ratio:4.1f} and "
            f"{p99 / bare:4.1f}   CPU {self.cpu:5.1f} ms"
        )


async def resumptions(bench: Bench, floor: Floor, rng: random.Random, talks: list[str], count: int) -> Resumed:
    """Resume waiting executions one by one."""
    asked = "SELECT next_index FROM conversation WHERE account_sid = $1 AND sid = $2"
    took, bare, cpu = [], [], 0.0
    for _ in range(count):
        talk = rng.choice(talks)
        before = await bench.look.fetchval(asked, bench.account_sid, talk)
        began, worked = time.perf_counter(), time.process_time()
        await bench.say(talk, "more")
        await bench.until(asked, before + 2, talk)
        took.append((time.perf_counter() - began) * 1000)
        cpu += time.process_time() - worked
        bare.append(await floor.insert())
    return Resumed(took, bare, cpu * 1000 / count)


async def fill(bench: Bench, flow_sid: str, talks: list[str], count: int) -> None:
    """Have so many executions wait in all."""

    async def begin() -> str:
        talk = await bench.converse(flow_sid)
        await bench.say(talk, "hello")
        return talk

    talks += await bench.many(count - len(talks), begin)
    await bench.until("SELECT count(*) FROM studio_execution WHERE account_sid = $1 AND awaited_sid <> ''", count)


def quantile(values: list[float], share: float) -> float:
    """Return a quantile."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def measure(options: argparse.Namespace) -> bool:
    """Measure and print; say whether every target was met."""
    with tempfile.TemporaryDirectory(prefix="parlour-bench-") as folder:
        async with running(Path(folder)) as (program, dsn):
            made = await service.create_account(program.database, program.box, friendly_name="Bench")
            look = await asyncpg.connect(dsn)
            bench = Bench(program, made.account_sid, look)
            fsync, load = await look.fetchval("SHOW fsync"), os.getloadavg()[0]
            print(f"seed {options.seed}, fsync {fsync}, load of the last minute {load:.1f}")
            async with asyncpg.create_pool(dsn, min_size=TASKS, max_size=TASKS) as pool:
                await pool.execute(FLOOR_TABLE)
                floor = Floor(pool, made.account_sid)
                met = await measure_steps(bench, floor, options.executions)
                met = await measure_resumptions(bench, floor, options) and met
            await look.close()
            return met


async def measure_steps(bench: Bench, floor: Floor, executions: int) -> bool:
    """Say whether enough steps a second are taken."""
    await steps_a_second(bench, TASKS)  # templates are read, plans are made
    pairs = [(await steps_a_second(bench, executions), await floor.rate(1.0)) for _ in range(ROUNDS_MEASURED)]
    rate, bare = statistics.median(ours.rate for ours, _ in pairs), statistics.median(each for _, each in pairs)
    ratio = statistics.median(ours.rate / theirs for ours, theirs in pairs)
    cpu = statistics.median(ours.cpu for ours, _ in pairs)
    print(f"steps a second {rate:8.0f}   floor {bare:8.0f} INSERTs   ratio {ratio:.2f}   CPU {cpu:.2f} ms a step")
    return rate >= STEPS_A_SECOND


async def measure_resumptions(bench: Bench, floor: Floor, options: argparse.Namespace) -> bool:
    """Say whether one of many waiting executions is resumed in time, and at the cost of one of few."""
    rng = random.Random(options.seed)
    flow_sid = await bench.publish(waiting())
    talks: list[str] = []
    found: dict[int, Resumed] = {}
    for count in (FEW, options.many):
        await fill(bench, flow_sid, talks, count)
        await resumptions(bench, floor, rng, talks, 20)
        found[count] = await resumptions(bench, floor, rng, talks, options.resumed)
        print(found[count].line(count))
    few, many = found[FEW], found[options.many]
    growth = statistics.median(many.took) / statistics.median(few.took)
    by_floor, by_cpu = many.ratio / few.ratio, many.cpu / few.cpu
    print(
        f"growth from {FEW} to {options.many}: {growth:.2f}, by the floor {by_floor:.2f}, by CPU {by_cpu:.2f}", end=""
    )
    print(f" (at most {GROWTH})")
    return growth <= GROWTH and all(quantile(each.took, 0.99) < P99_MS for each in found.values())


def main() -> int:
    """Return 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=200)
    parser.add_argument("--many", type=int, default=MANY)
    parser.add_argument("--resumed", type=int, default=RESUMED)
    parser.add_argument("--seed", type=int, default=1)
    set_up_logs("warning")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return 0 if runner.run(measure(parser.parse_args())) else 1


if __name__ == "__main__":
    sys.exit(main())
