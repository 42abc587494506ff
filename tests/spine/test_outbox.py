"""The outbox: lanes in order, exactly once, timers, retries, the dead."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from parlour.kit.clock import FrozenClock, real_now
from parlour.kit.wire import parse_iso
from parlour.outbox import lanes
from parlour.outbox.claims import LEASE
from parlour.outbox.facts import Event, Outbox, state
from parlour.outbox.jobs import Dead, JobRun, Retry
from parlour.outbox.process import Process
from parlour.outbox.reactions import Reactions, Registry
from parlour.outbox.runner import Runner
from parlour.outbox.test_clock import TestClock
from parlour.outbox.timers import cancel, schedule
from parlour.outbox.wake import Wake
from parlour.store import migrations
from parlour.store.database import Database, DatabaseUnavailable
from parlour.store.postgres.supervisor import Supervisor
from parlour.store.unit import UnitOfWork

ACCOUNT = "AC" + "0" * 32
START = parse_iso("2026-03-01T12:00:00Z")


@dataclass
class World:
    """An outbox with one subscriber, on a frozen clock."""

    database: Database
    clock: TestClock
    seen: list[tuple[str, str]] = field(default_factory=list)
    failures: int = 0

    async def say(self, stream: str, text: str) -> None:
        """State one fact on a stream."""

        async def work(uow: UnitOfWork) -> None:
            await state(uow, "said/1", stream=stream, object_sid=stream, snapshot={"text": text})

        await self.database.step(ACCOUNT, work, request_id="RQ1")

    async def waiting(self) -> int:
        """Return how many jobs wait."""
        return int(await self.database.system(lambda c: c.fetchval("SELECT count(*) FROM job WHERE dead_at IS NULL")))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with Supervisor(tmp_path / "data", settings={"fsync": "off"}) as postgres:
        clock = FrozenClock(START)
        database = Database(postgres.address.dsn, clock=clock)
        await database.open()
        await database.system(lambda c: migrations.migrate(c, migrations.of_floor("parlour.outbox")))
        reactions = Reactions("tester")
        wake = Wake()
        process = Process(database, wake)
        await process.join()
        holder: list[World] = []

        @reactions.after("said/1", lanes=lambda event: [f"hear:{event.stream}"])
        async def hear(_uow: UnitOfWork, event: Event) -> None:
            holder[0].seen.append((event.stream, event.snapshot["text"]))

        @reactions.after_call("said/1", lanes=lambda event: ["call"] if event.stream == "caller" else [])
        async def call(run: JobRun, event: Event) -> None:
            if run.attempt <= holder[0].failures:
                raise Retry(reason="not yet")
            if event.snapshot["text"] == "poison":
                raise Dead("poison")
            holder[0].seen.append(("called", event.snapshot["text"]))

        @reactions.step("ring")
        async def ring(uow: UnitOfWork, payload: dict[str, Any]) -> None:
            holder[0].seen.append((uow.now.isoformat(), payload["text"]))

        registry = Registry([reactions])
        database.extensions[Outbox] = lambda: Outbox(registry, wake)
        runner = Runner(database, registry, wake, clock, process.number)
        test_clock = TestClock(database, clock, process, runner)
        await test_clock.load(START)
        holder.append(World(database, test_clock))
        running = asyncio.create_task(runner.run(), name="runner")
        yield holder[0]
        await runner.stop(2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await process.leave()
        await database.close()


async def test_facts_of_one_stream_are_heard_once_and_in_order(world: World) -> None:
    for number in range(60):
        await world.say("one", str(number))
    await world.clock.settle()
    assert world.seen == [("one", str(number)) for number in range(60)]
    assert await world.waiting() == 0


async def test_streams_beside_each_other_keep_their_own_order(world: World) -> None:
    async def speaker(name: str) -> None:
        for number in range(20):
            await world.say(name, str(number))

    await asyncio.gather(*(speaker(f"s{number}") for number in range(8)))
    await world.clock.settle()
    for stream in range(8):
        assert [text for name, text in world.seen if name == f"s{stream}"] == [str(n) for n in range(20)]


async def test_a_failing_job_holds_its_lane_and_is_tried_again(world: World) -> None:
    world.failures = 2
    await world.say("caller", "first")
    await world.say("caller", "second")
    await world.clock.settle()
    assert ("called", "first") not in world.seen
    await world.clock.advance(timedelta(seconds=10))
    assert [text for name, text in world.seen if name == "called"] == ["first", "second"]


async def test_a_dead_job_stays_visible_and_its_lane_goes_on(world: World) -> None:
    await world.say("caller", "poison")
    await world.say("caller", "after")
    await world.clock.settle()
    assert ("called", "after") in world.seen
    dead = await world.database.system(lambda c: c.fetch(lanes.LIST_JOBS, ACCOUNT, True, 0, 10))
    assert [row["error"] for row in dead] == ["poison"]


async def test_timers_fire_each_at_its_own_time(world: World) -> None:
    async def work(uow: UnitOfWork) -> None:
        for seconds in (30, 10, 20):
            at = uow.now + timedelta(seconds=seconds)
            schedule(uow, "ring", lane=f"timer:{seconds}", at=at, payload={"text": str(seconds)})

    await world.database.step(ACCOUNT, work)
    told = await world.clock.advance(timedelta(seconds=25))
    assert [text for _, text in world.seen] == ["10", "20"]
    assert [datetime.fromisoformat(at) - START for at, _ in world.seen] == [
        timedelta(seconds=10),
        timedelta(seconds=20),
    ]
    assert isinstance(told["fired"], list)
    assert len(told["fired"]) == 2


async def test_a_canceled_timer_does_not_fire(world: World) -> None:
    async def arm(uow: UnitOfWork) -> None:
        schedule(uow, "ring", lane="timer:x", at=uow.now + timedelta(seconds=5), payload={"text": "x"})

    async def disarm(uow: UnitOfWork) -> None:
        await cancel(uow, "timer:x")

    await world.database.step(ACCOUNT, arm)
    await world.database.step(ACCOUNT, disarm)
    await world.clock.advance(timedelta(seconds=60))
    assert world.seen == []


async def test_an_undone_step_leaves_neither_fact_nor_job(world: World) -> None:
    async def work(uow: UnitOfWork) -> None:
        await state(uow, "said/1", stream="one", object_sid="one", snapshot={"text": "never"})
        await uow.flush()
        raise LookupError

    with pytest.raises(LookupError):
        await world.database.step(ACCOUNT, work)
    await world.clock.settle()
    assert world.seen == []
    assert await world.database.system(lambda c: c.fetchval("SELECT count(*) FROM event")) == 0


async def test_lanes_of_a_process_that_died_are_freed(world: World) -> None:
    await world.database.system(
        lambda c: c.execute(
            "INSERT INTO lane (account_sid, name, due, lease, holder) VALUES ($1, 'left', $2, $3, 99999)",
            ACCOUNT,
            START,
            real_now() + LEASE,  # so long nobody else takes it
        )
    )
    freed = await world.database.system(lambda c: c.fetch(lanes.FREE_LANES_OF_THE_DEAD, lanes.PROCESS_LOCK))
    assert len(freed) == 1


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        pytest.param(asyncpg.DeadlockDetectedError("a circle"), False, id="deadlock"),
        pytest.param(DatabaseUnavailable(), False, id="away"),
        pytest.param(DatabaseUnavailable(), True, id="away-after-it-was-stored"),
        pytest.param(ValueError("a bug"), False, id="bug"),
    ],
)
async def test_the_runner_goes_on_after_a_failure_of_its_own_statements(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, stored: bool
) -> None:
    """A runner that ended at a deadlock kept its lanes for as long as its process lived."""
    runner, bookkeep = world.clock._runner, world.database.bookkeep
    calls = 0

    async def failing(work: Any) -> Any:
        nonlocal calls
        if asyncio.current_task() is not running:
            return await bookkeep(work)
        calls += 1
        if calls % 3:
            return await bookkeep(work)
        if stored:
            await bookkeep(work)
        raise error

    running = next(task for task in asyncio.all_tasks() if task.get_name() == "runner")
    monkeypatch.setattr(world.database, "bookkeep", failing)
    for number in range(30):
        await world.say(f"s{number % 5}", str(number))
    await asyncio.wait_for(world.clock.settle(), 30)
    assert calls > 3
    assert sorted(int(text) for _, text in world.seen) == list(range(30))
    assert runner.idle
    assert await world.waiting() == 0


@pytest.mark.parametrize("lanes_there", [100, 20_000])
async def test_a_claim_reads_no_lane_that_only_waits_for_its_time(world: World, lanes_there: int) -> None:
    filled = "INSERT INTO lane (account_sid, name, due) SELECT $1, 'timer:' || n, $2 FROM generate_series(1, $3) AS n"

    async def plan(connection: Any) -> str:
        await connection.execute(filled, ACCOUNT, START + timedelta(days=1), lanes_there)
        await connection.execute("ANALYZE lane")
        await connection.execute(f"PREPARE claim AS {lanes.CLAIM}")
        found = await connection.fetch("EXPLAIN EXECUTE claim (now(), now(), 100, now(), 1, NULL)")
        await connection.execute("DEALLOCATE claim")
        return "\n".join(row[0] for row in found)

    steps = await world.database.bookkeep(plan)
    assert "lane_due" in steps
    assert "Seq Scan" not in steps
