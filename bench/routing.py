"""Routing: from waiting tasks to `reservation.created` at an outside receiver, in a seeded world.

(a) tasks a second with 100, 1,000 and 10,000 workers, everyone idle, and everyone full while one after the other frees:
their capacity rises by one, in calls of which 32 are in flight, so that nobody waits for what came of an earlier one;
the latency beside it is of workers who free alone;
(b) 100,000 pending tasks, half of them for a target that the worker fails: from available to reserved;
(c) saving a queue's expression with 10,000 workers; (d) a million finished tasks and (a) again.
Worlds are made by COPY from a seed: 50 queues over 20 attributes, 30 % of the workers available, capacity 1 to 4. The
database is at rest when a measure begins: vacuumed, and its buffers written.

Each figure stands beside the floor of the same run (floor.py on the same database): one INSERT per request. CPU is that
of the server process alone, so it says the same on a machine that has other things to do.
"""

import argparse
import asyncio
import base64
import contextlib
import itertools
import json
import math
import os
import random
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import asyncpg
from aiohttp import web

from append import Figures, cpu_seconds, drive, line_of, lua, process

PARLOUR = [sys.executable, "-m", "parlour.cli.main"]
QUEUES = 50
KEYS = 20
QUIET = 2.0  # seconds without a reservation after which a round is over
FIRST = 20.0  # seconds for a round's first reservation
PER_ROUND = 2000  # tasks that wait at the beginning of a round
FREED = 600  # times a worker frees while others do
FREED_ALONE = 100
IN_FLIGHT = 32  # calls that free somebody
SAVES = 50  # of a queue's expression
TRIALS = 200  # of a worker who becomes available
FLOOR_SECONDS = 5
HERE = Path(__file__).parent
RATE, RATIO, P99_MS, SAVE_S, STALL_MS, FINISHED_RATIO = 200.0, 2.0, 100.0, 1.0, 50.0, 1.2


@dataclass
class Receiver:
    """The outside receiver of the workspace's event callback."""

    port: int
    seen: dict[str, float] = field(default_factory=dict)
    last: float = 0.0
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        form = parse_qs(await request.text())
        self.last = time.perf_counter()
        self.seen.setdefault(form["TaskSid"][0], self.last)
        self.heard.set()
        return web.Response(status=204)

    async def quiet(self, began: float) -> None:
        """Wait until nothing more comes."""
        while time.perf_counter() - max(self.last, began) < (QUIET if self.last > began else FIRST):
            await asyncio.sleep(0.05)

    async def next(self, seconds: float = 10) -> float:
        """Wait for one more reservation and return when it was heard."""
        await asyncio.wait_for(self.heard.wait(), seconds)
        return self.last


def expression(dice: random.Random) -> str:
    """Return the expression of a queue: HAS, IN, comparisons and negation over the attributes."""
    one, two, three = (f"k{dice.randrange(KEYS)}" for _ in range(3))
    parts = [
        f"skills HAS 's{dice.randrange(8)}'",
        f"{one} IN [{', '.join(str(n) for n in dice.sample(range(10), 7))}]",
        f"{two} >= {dice.randrange(3)}",
        f"NOT ({three} == {dice.randrange(10)})",
    ]
    return " AND ".join(dice.sample(parts, 3))


def attributes(dice: random.Random) -> str:
    """Return a worker's attributes: twenty numbers and some skills."""
    known: dict[str, Any] = {f"k{n}": dice.randrange(10) for n in range(KEYS)}
    return json.dumps({**known, "skills": [f"s{n}" for n in range(8) if dice.random() < 0.6], "grade": 1})


@dataclass
class World:
    """A workspace in a server of its own.

    :ivar pid: of the server.
    :ivar prototypes: waiting tasks, one for each queue and each of the two targets, that COPY makes many of.
    """

    base: str
    session: aiohttp.ClientSession
    line: asyncpg.Connection
    receiver: Receiver
    dice: random.Random
    pid: int
    sid: str = ""
    queues: list[str] = field(default_factory=list)
    prototypes: list[dict[str, Any]] = field(default_factory=list)
    activities: dict[str, str] = field(default_factory=dict)
    made: int = 0

    async def call(self, method: str, path: str, **form: Any) -> Any:
        data = {name: str(value) for name, value in form.items()}
        async with self.session.request(method, f"{self.base}/taskrouter/v1/Workspaces{path}", data=data) as answer:
            body = await answer.text()
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path}: {answer.status} {body[:300]}")
            return json.loads(body) if body else None

    async def open(self) -> None:
        """Make queues, a workflow and the prototypes of tasks, while nobody works here."""
        url = f"http://127.0.0.1:{self.receiver.port}/"
        made = await self.call(
            "POST", "", FriendlyName="Bench", EventCallbackUrl=url, EventsFilter="reservation.created"
        )
        self.sid = made["sid"]
        for each in (await self.call("GET", f"/{self.sid}/Activities"))["activities"]:
            self.activities[each["friendly_name"]] = each["sid"]
        for number in range(QUEUES):
            form = {"FriendlyName": f"Q{number}", "TargetWorkers": expression(self.dice)}
            self.queues.append((await self.call("POST", f"/{self.sid}/TaskQueues", **form))["sid"])
        filters = []
        for strict in (0, 1):
            for number, queue in enumerate(self.queues):
                target = {"queue": queue, **({"expression": "worker.grade > task.grade"} if strict else {})}
                filters.append({"expression": f"queue == {number} AND strict == {strict}", "targets": [target]})
        routing = json.dumps({"task_routing": {"filters": filters}})
        flow = await self.call("POST", f"/{self.sid}/Workflows", FriendlyName="W", Configuration=routing)
        for strict in (0, 1):
            for number in range(QUEUES):
                known = json.dumps({"queue": number, "strict": strict, "grade": 5})
                form = {"WorkflowSid": flow["sid"], "Attributes": known, "TaskChannel": "chat", "Timeout": "1000000"}
                sid = (await self.call("POST", f"/{self.sid}/Tasks", **form))["sid"]
                task = await self.line.fetchrow("SELECT * FROM task WHERE sid = $1", sid)
                assert task is not None
                self.prototypes.append(dict(task))
        await self.line.execute("DELETE FROM task WHERE workspace_sid = $1", self.sid)

    async def workers(self, count: int, *, available: float = 0.3) -> None:
        """Have so many workers, by COPY from one that the API made."""
        await self.line.execute("DELETE FROM worker WHERE workspace_sid = $1", self.sid)
        form = {"FriendlyName": "Prototype", "ActivitySid": self.activities["Offline"]}
        sid = (await self.call("POST", f"/{self.sid}/Workers", **form))["sid"]
        row = await self.line.fetchrow("SELECT * FROM worker WHERE sid = $1", sid)
        assert row is not None
        worker = dict(row)
        channels = [dict(r) for r in await self.line.fetch("SELECT * FROM worker_channel WHERE worker_sid = $1", sid)]
        people, loads = [], []
        for number in range(count):
            self.made += 1
            present = self.dice.random() < available
            mine = f"WK{self.made:032x}"
            person = {
                "sid": mine,
                "friendly_name": f"P{number}",
                "attributes": attributes(self.dice),
                "available": present,
                "activity_sid": self.activities["Available" if present else "Offline"],
            }
            people.append(tuple({**worker, **person}.values()))
            capacity = self.dice.randint(1, 4)
            for index, each in enumerate(channels):
                load = {"sid": f"WC{self.made:029x}{index:03x}", "worker_sid": mine, "configured_capacity": capacity}
                loads.append(tuple({**each, **load}.values()))
        await self.line.copy_records_to_table("worker", records=people, columns=list(worker))
        await self.line.copy_records_to_table("worker_channel", records=loads, columns=list(channels[0]))
        await self.line.execute("DELETE FROM worker WHERE sid = $1", sid)
        await self.line.execute("ANALYZE worker, worker_channel")

    async def tasks(self, count: int, *, strict: float = 0.0, status: str = "pending") -> None:
        """Have so many more tasks, by COPY."""
        records = []
        for _ in range(count):
            self.made += 1
            kind = QUEUES if self.dice.random() < strict else 0
            known = self.prototypes[kind + self.dice.randrange(QUEUES)]
            more: dict[str, Any] = {"sid": f"WT{self.made:032x}", "rank_time": self.made, "assignment_status": status}
            if status == "completed":
                more["date_ended"] = known["date_created"]
            records.append(tuple({**known, **more}.values()))
        await self.line.copy_records_to_table("task", records=records, columns=list(self.prototypes[0]))
        await self.line.execute("VACUUM (ANALYZE) task")
        await self.line.execute("CHECKPOINT")

    async def clear(self) -> None:
        """Forget waiting tasks and what workers hold."""
        for sql in (
            "DELETE FROM reservation WHERE workspace_sid = $1",
            "DELETE FROM task WHERE workspace_sid = $1 AND date_ended IS NULL",
            "DELETE FROM match_mark WHERE workspace_sid = $1",
            "UPDATE worker_channel SET pending_tasks = 0, assigned_tasks = 0 WHERE workspace_sid = $1",
        ):
            await self.line.execute(sql, self.sid)
        await self.line.execute("DELETE FROM job WHERE lane LIKE 'timer:%'")
        await self.line.execute("DELETE FROM lane WHERE name LIKE 'timer:%'")
        self.receiver.seen.clear()

    async def look(self) -> None:
        """Have matching look at all of the workspace."""
        await self.call("POST", f"/{self.sid}/TaskQueues/{self.queues[0]}", MaxReservedWorkers=1)


async def idle(world: World, rounds: int) -> tuple[float, float]:
    """Return tasks a second from the beginning of a round to the last reservation at the receiver, and µs of CPU each.

    The CPU is that of looking for workers, reserving them and telling the receiver.
    """
    reserved, seconds, cpu = 0, 0.0, 0.0
    sql = """SELECT sum(c.configured_capacity) FROM worker_channel AS c
        JOIN worker AS w ON w.sid = c.worker_sid AND w.available
        JOIN task_channel AS t ON t.sid = c.task_channel_sid AND t.unique_name = 'chat' WHERE c.workspace_sid = $1"""
    room = await world.line.fetchval(sql, world.sid)
    for _ in range(rounds):
        await world.clear()
        await world.tasks(min(PER_ROUND, room))
        began, used = time.perf_counter(), cpu_seconds(world.pid)
        await world.look()
        await world.receiver.quiet(began)
        if world.receiver.seen:
            reserved += len(world.receiver.seen)
            seconds += world.receiver.last - began
            cpu += cpu_seconds(world.pid) - used
    return (reserved / seconds, cpu / reserved * 1e6) if reserved else (0.0, float("nan"))


async def full(world: World) -> tuple[float, float, float]:
    """Return tasks a second and µs of CPU each while everybody is full and many free, and p99 in ms of one alone."""
    await world.clear()
    await world.tasks(PER_ROUND)
    await world.line.execute(
        "UPDATE worker_channel SET assigned_tasks = configured_capacity WHERE workspace_sid = $1", world.sid
    )
    sql = """SELECT w.sid, c.configured_capacity FROM worker AS w JOIN worker_channel AS c ON c.worker_sid = w.sid
        JOIN task_channel AS t ON t.sid = c.task_channel_sid AND t.unique_name = 'chat'
        WHERE w.workspace_sid = $1 AND w.available ORDER BY w.sid"""
    people = [tuple(row) for row in await world.line.fetch(sql, world.sid)]
    frees = itertools.islice(_freeing(people), FREED_ALONE + FREED)
    took = []
    for sid, capacity in itertools.islice(frees, FREED_ALONE):
        world.receiver.heard.clear()
        start = time.perf_counter()
        await world.call("POST", f"/{world.sid}/Workers/{sid}/Channels/chat", Capacity=capacity)
        with contextlib.suppress(TimeoutError):  # a worker whom no waiting task suits
            took.append(await world.receiver.next(1) - start)
    world.receiver.seen.clear()
    began, used = time.perf_counter(), cpu_seconds(world.pid)

    async def free() -> None:
        for sid, capacity in frees:
            await world.call("POST", f"/{world.sid}/Workers/{sid}/Channels/chat", Capacity=capacity)

    await asyncio.gather(*(free() for _ in range(IN_FLIGHT)))
    await world.receiver.quiet(began)
    reserved = len(world.receiver.seen)
    cpu = (cpu_seconds(world.pid) - used) / (reserved or 1) * 1e6
    return reserved / (world.receiver.last - began), cpu, p99(took)


def _freeing(people: Sequence[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Yield who frees, and the capacity that they have then: everybody in turn gets room for one task more."""
    for more in itertools.count(1):
        for sid, capacity in people:
            yield sid, capacity + more


async def becoming_available(world: World, pending: int) -> tuple[float, float]:
    """Return median and p99 in ms from a worker's becoming available to the reservation at the receiver."""
    await world.clear()
    await world.workers(TRIALS, available=0)
    await world.tasks(pending, strict=0.5)
    took = []
    for row in await world.line.fetch("SELECT sid FROM worker WHERE workspace_sid = $1", world.sid):
        world.receiver.heard.clear()
        start = time.perf_counter()
        path = f"/{world.sid}/Workers/{row['sid']}"
        await world.call("POST", path, ActivitySid=world.activities["Available"])
        with contextlib.suppress(TimeoutError):  # a worker whom no queue takes
            took.append(await world.receiver.next(2) - start)
        await world.call("POST", path, ActivitySid=world.activities["Offline"])
    return round(statistics.median(took or [float("nan")]) * 1000, 1), p99(took)


async def saving(world: World) -> tuple[float, float]:
    """Return the longest save of a queue's expression in seconds, and what no stall of the loop exceeded, in ms.

    One in ten is an expression that nobody meets, so that everybody is compared with it.
    """
    await world.clear()
    await asyncio.sleep(QUIET)
    took, before = [], await _stalls(world)
    for number in range(SAVES):
        began = time.perf_counter()
        queue = world.dice.choice(world.queues)
        wanted = expression(world.dice) if number % 10 else "k0 > 10"
        await world.call("POST", f"/{world.sid}/TaskQueues/{queue}", TargetWorkers=wanted)
        took.append(time.perf_counter() - began)
    await asyncio.sleep(QUIET)
    after = await _stalls(world)
    counts = {bound: after[bound] - before[bound] for bound in after}
    return max(took), 1000 * min(bound for bound, count in counts.items() if count == counts[math.inf])


async def _stalls(world: World) -> dict[float, float]:
    """Return how many looks at the server's loop found it so many seconds late at most."""
    async with world.session.get(f"{world.base}/metrics") as answer:
        text = await answer.text()
    found = re.findall(r'^parlour_event_loop_stall_seconds_bucket\{le="(.+)"\} (.+)$', text, re.MULTILINE)
    return {float(bound): float(count) for bound, count in found}


def p99(took: list[float]) -> float:
    return round(sorted(took)[math.ceil(len(took) * 0.99) - 1] * 1000, 1) if took else float("nan")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def floor_of(dsn: str, folder: Path) -> Figures:
    """Measure the floor on the same database."""
    port = free_port()
    with process(sys.executable, str(HERE / "floor.py"), dsn, str(port)) as floor:
        print("floor:", line_of(floor).strip(), flush=True)
        script = lua(folder, "floor", ["/"], None)
        drive(f"http://127.0.0.1:{port}", script, 2, floor.pid)
        return drive(f"http://127.0.0.1:{port}", script, FLOOR_SECONDS, floor.pid)


async def measure(
    given: argparse.Namespace, base: str, known: tuple[str, str], dsn: str, pid: int, floor: Figures
) -> dict[str, Any]:
    """Run everything in one server."""
    receiver = Receiver(free_port())
    app = web.Application()
    app.router.add_post("/", receiver.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", receiver.port).start()
    line = await asyncpg.connect(dsn)
    await line.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    results: dict[str, Any] = {
        "seed": given.seed,
        "floor_requests_per_s": round(floor.requests_per_second, 1),
        "floor_cpu_us": round(floor.cpu_per_request, 1),
    }
    basic = "Basic " + base64.b64encode(":".join(known).encode()).decode()
    async with aiohttp.ClientSession(headers={"Authorization": basic}) as session:
        world = World(base, session, line, receiver, random.Random(given.seed), pid)
        await world.open()
        for count in given.workers:
            await world.workers(count)
            rate, cpu = await idle(world, rounds=max(1, min(10, 1000 // count)))
            freed, freed_cpu, latency = await full(world)
            results[f"workers_{count}"] = {
                "idle_tasks_per_s": round(rate, 1),
                "idle_ratio": round(rate / floor.requests_per_second, 3),
                "idle_cpu_us": round(cpu, 1),
                "idle_cpu_ratio": round(cpu / floor.cpu_per_request, 1),
                "full_tasks_per_s": round(freed, 1),
                "full_cpu_us": round(freed_cpu, 1),
                "full_p99_ms": latency,
            }
            print(json.dumps({count: results[f"workers_{count}"]}), flush=True)
        results["save_s"], results["stall_ms"] = await saving(world)
        print(json.dumps({name: results[name] for name in ("save_s", "stall_ms")}), flush=True)
        found = await becoming_available(world, given.pending)
        results["available_median_ms"], results["available_p99_ms"] = found
        print(json.dumps({"available_ms": found}), flush=True)
        await world.clear()
        middle = given.workers[len(given.workers) // 2]
        await world.workers(middle)
        before, cpu_before = await idle(world, rounds=2)
        for _ in range(given.finished // 50_000 or 1):
            await world.tasks(min(given.finished, 50_000), status="completed")
        await world.clear()
        await world.workers(middle)  # those before went offline when nobody answered their offers
        after, cpu_after = await idle(world, rounds=2)
        results["finished_ratio"] = round(before / (after or 0.001), 2)
        results["finished_cpu_ratio"] = round(cpu_after / cpu_before, 2)
    await line.close()
    await runner.cleanup()
    return results


def missed(results: dict[str, Any], workers: list[int]) -> list[str]:
    """Return the targets that were missed."""
    rates = [results[f"workers_{count}"][f"{mode}_tasks_per_s"] for count in workers for mode in ("idle", "full")]
    costs = [results[f"workers_{count}"]["idle_cpu_us"] for count in workers]
    checks = {
        f"at least {RATE} tasks a second": min(rates) >= RATE,
        f"cost of a task at most {RATIO} times": costs[-1] <= RATIO * costs[0],
        f"available to reserved in {P99_MS} ms": results["available_p99_ms"] < P99_MS,
        f"an expression saved in {SAVE_S} s": results["save_s"] < SAVE_S,
        f"no stall over {STALL_MS} ms": results["stall_ms"] <= STALL_MS,
        f"finished tasks cost at most {FINISHED_RATIO} times": results["finished_ratio"] <= FINISHED_RATIO,
    }
    return [name for name, good in checks.items() if not good]


async def main() -> int:
    """Measure and print; 1 where a target is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--workers", type=int, nargs="+", default=[100, 1000, 10_000])
    options.add_argument("--pending", type=int, default=100_000)
    options.add_argument("--finished", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("bench/routing needs wrk (apt-get install wrk)")
    known = ("AC" + secrets.token_hex(16), secrets.token_hex(16))
    environment = {**os.environ, "PARLOUR_RATE_LIMIT": "0", "PARLOUR_ALLOWED_NETWORKS": "127.0.0.0/8"}
    with tempfile.TemporaryDirectory(prefix="parlour-bench-") as folder:
        data, port = f"{folder}/data", free_port()
        database = subprocess.Popen([*PARLOUR, "db", "run", "--data", data], stdout=subprocess.PIPE, text=True)
        server = None
        try:
            dsn = (await asyncio.to_thread(line_of, database)).strip()
            command = [*PARLOUR, "serve", "--database-url", dsn, "--data", data, "--port", str(port)]
            command += ["--account-sid", known[0], "--auth-token", known[1], "--log-level", "warning"]
            server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
            await ready(f"http://127.0.0.1:{port}")
            floor = await asyncio.to_thread(floor_of, dsn, Path(folder))
            results = await measure(given, f"http://127.0.0.1:{port}", known, dsn, server.pid, floor)
        finally:
            for each in (server, database):
                if each is not None:
                    each.terminate()
                    await asyncio.to_thread(each.wait, 40)
    print(json.dumps(results, indent=1))
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))
    found = missed(results, given.workers)
    print("\n".join(f"missed: {each}" for each in found))
    return 1 if found else 0


async def ready(base: str) -> None:
    """Wait until the server answers."""
    async with aiohttp.ClientSession() as session:
        for _ in range(600):
            try:
                async with session.get(f"{base}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise RuntimeError("the server was not ready in a minute")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
