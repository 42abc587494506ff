"""Flows: steps a second of a split, set and send flow, and the resumption of one of many waiting executions.

Everything runs in this process: the program with its jobs on a durable database of its own. The floor is one INSERT of
a step's size a transaction, by as many tasks, on the same database.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

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
        program = compose(Settings(data=folder, ephemeral=True), postgres.address.dsn)
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


async def steps_a_second(bench: Bench, executions: int) -> float:
    """Run executions of the talking flow and return their steps a second, from the first message to the last step."""
    flow_sid = await bench.publish(talking())
    made = await bench.many(executions, lambda: bench.converse(flow_sid))
    left = iter(made)
    began = time.perf_counter()
    await bench.many(executions, lambda: bench.say(next(left), "hello"))
    ended = "SELECT count(*) FROM studio_execution WHERE account_sid = $1 AND flow_sid = $2 AND status = 'ended'"
    await bench.until(ended, executions, flow_sid)
    seconds = time.perf_counter() - began
    count = "SELECT count(*) FROM studio_step WHERE account_sid = $1 AND flow_sid = $2"
    steps = await bench.look.fetchval(count, bench.account_sid, flow_sid)
    assert steps == executions * (3 * ROUNDS + 1), steps
    return float(steps / seconds)


async def floor(bench: Bench, dsn: str, seconds: float) -> float:
    """Return the bare INSERTs a second."""
    pool = await asyncpg.create_pool(dsn, min_size=TASKS, max_size=TASKS)
    await pool.execute(FLOOR_TABLE)
    numbers, until = iter(range(10**9)), time.perf_counter() + seconds
    sql, body = "INSERT INTO floor_step VALUES ($1, $2, $3)", "x" * 3000

    async def worker() -> int:
        count = 0
        while time.perf_counter() < until:
            await pool.execute(sql, bench.account_sid, str(next(numbers)), body)
            count += 1
        return count

    total = sum(await asyncio.gather(*(worker() for _ in range(TASKS))))
    await pool.close()
    return total / seconds


async def resumptions(bench: Bench, rng: random.Random, talks: list[str], count: int) -> list[float]:
    """Resume waiting executions one by one; return the milliseconds from the message to the flow's question."""
    asked = "SELECT next_index FROM conversation WHERE account_sid = $1 AND sid = $2"
    took = []
    for _ in range(count):
        talk = rng.choice(talks)
        before = await bench.look.fetchval(asked, bench.account_sid, talk)
        began = time.perf_counter()
        await bench.say(talk, "more")
        await bench.until(asked, before + 2, talk)
        took.append((time.perf_counter() - began) * 1000)
    return took


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
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="parlour-bench-") as folder:
        async with running(Path(folder)) as (program, dsn):
            made = await service.create_account(program.database, program.box, friendly_name="Bench")
            look = await asyncpg.connect(dsn)
            bench = Bench(program, made.account_sid, look)
            await steps_a_second(bench, TASKS)  # templates are read, plans are made
            rates = [await steps_a_second(bench, options.executions) for _ in range(3)]
            bare = await floor(bench, dsn, 3.0)
            rate = statistics.median(rates)
            print(f"seed {options.seed}, fsync {await look.fetchval('SHOW fsync')}")
            print(f"steps a second {rate:8.0f}   floor {bare:8.0f} inserts a second   ratio {rate / bare:.2f}")
            flow_sid = await bench.publish(waiting())
            talks: list[str] = []
            medians = {}
            met = rate >= STEPS_A_SECOND
            for count in (FEW, options.many):
                await fill(bench, flow_sid, talks, count)
                await resumptions(bench, rng, talks, 20)
                took = await resumptions(bench, rng, talks, options.resumed)
                medians[count] = statistics.median(took)
                p99 = quantile(took, 0.99)
                print(f"resume one of {count:6}   median {medians[count]:6.1f} ms   p99 {p99:6.1f} ms")
                met = met and p99 < P99_MS
            growth = medians[options.many] / medians[FEW]
            print(f"growth from {FEW} to {options.many}: {growth:.2f} (at most {GROWTH})")
            await look.close()
            return met and growth <= GROWTH


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
