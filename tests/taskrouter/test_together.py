"""Many at once: racing acceptors, capacity, two server processes, and what is told and kept (DESIGN invariant 5)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from parlour.accounts.service import Credentials
from parlour.app import Program, compose
from parlour.kit.errors import ContractError
from parlour.outbox.facts import Event
from parlour.outbox.process import Process
from parlour.outbox.runner import Runner
from parlour.settings import Settings
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import (
    package,
    provision,
    queues,
    reservations,
    roster_store,
    task_store,
    tasks,
    workers,
    workflows,
)
from parlour.taskrouter.candidates import Candidate
from parlour.taskrouter.matching import MOST_OFFERS
from parlour.taskrouter.provision import FlexWorkspace
from parlour.taskrouter.rows import Reservation, WorkerChannel
from parlour.webhooks.delivery import Deliverer


@dataclass
class House:
    """A workspace in process."""

    program: Program
    account_sid: str
    flex: FlexWorkspace

    @property
    def sid(self) -> str:
        return self.flex.workspace_sid

    async def step(self, work: Any) -> Any:
        return await self.program.database.step(self.account_sid, work)

    async def read(self, work: Any) -> Any:
        return await self.program.database.read(self.account_sid, work)

    async def worker(self, name: str, *, capacity: int = 1) -> str:
        async def make(uow: UnitOfWork) -> str:
            made = await workers.create(
                uow, self.sid, friendly_name=name, activity_sid=self.flex.available_activity_sid
            )
            await workers.set_capacity(uow, self.sid, made.sid, "chat", capacity)
            return made.sid

        return str(await self.step(make))

    async def task(self, **fields: Any) -> str:
        fields = {"workflow_sid": self.flex.workflow_sid, "task_channel": "chat", **fields}
        made = await self.step(lambda uow: tasks.create(uow, self.sid, **fields))
        return str(made.sid)

    async def pending(self, worker: str | None = None) -> list[Reservation]:
        found: list[Reservation] = await self.read(
            lambda reader: task_store.reservations(reader, self.sid, worker_sid=worker, status="pending")
        )
        return found

    async def until(self, look: Any, seconds: float = 40) -> Any:
        async with asyncio.timeout(seconds):
            while not (found := await look()):
                await asyncio.sleep(0.005)
            return found

    async def broken(self) -> list[Any]:
        """What the doctor would complain about."""
        rows: list[Any] = []
        for each in package.package(Deliverer(self.program.outgoing, self.program.box)).invariants:

            async def ask(reader: Reader, sql: str = each.sql) -> list[Any]:
                return list(await reader.fetch(sql, reader.account_sid, reader.now))

            rows += [(each.name, dict(row)) for row in await self.read(ask)]
        return rows


@pytest.fixture
async def house(program: Program, account: Credentials) -> House:
    """A fresh workspace."""
    flex = await program.database.step(account.account_sid, provision.provision_flex)
    return House(program, account.account_sid, flex)


@pytest.fixture
async def second_process(program: Program, tmp_path: Path) -> AsyncIterator[Program]:
    """Another server process on the same database, as far as jobs go."""
    other = compose(Settings(data=tmp_path, ephemeral=True), program.database.dsn)
    await other.database.open()
    process = Process(other.database, other.wake)
    await process.join()
    runner = Runner(other.database, other.registry, other.wake, other.clock, process.number)
    running = [asyncio.create_task(runner.run()), asyncio.create_task(process.sweep())]
    yield other
    await runner.stop(5)
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await process.leave()
    await other.database.close()


async def attempt(house: House, sid: str) -> int:
    """Accept; 200 or the status of the refusal."""
    try:
        await house.step(lambda uow: reservations.accept(uow, house.sid, sid))
    except ContractError as error:
        return error.status
    return 200


async def test_of_twenty_racing_acceptors_one_wins(house: House) -> None:
    await house.step(lambda uow: queues.update(uow, house.sid, house.flex.queue_sid, max_reserved_workers=20))
    for n in range(20):
        await house.worker(f"W{n}")
    task = await house.task()

    async def all_offered() -> list[Reservation] | None:
        found = await house.pending()
        return found if len(found) == 20 else None

    offers = await house.until(all_offered)
    answers = Counter(await asyncio.gather(*(attempt(house, each.sid) for each in offers)))
    assert answers == {200: 1, 410: 19}
    found = await house.read(lambda reader: tasks.fetch(reader, house.sid, task))
    assert found.assignment_status == "assigned"
    assert await house.broken() == []


async def test_one_offer_is_accepted_once(house: House) -> None:
    await house.worker("Ana")
    await house.task()
    (offer,) = await house.until(house.pending)
    answers = Counter(await asyncio.gather(*(attempt(house, offer.sid) for _ in range(20))))
    assert answers == {200: 1, 400: 19}
    assert await house.broken() == []


async def test_a_refusal_inside_undoes_the_acceptance(house: House) -> None:
    """DESIGN 2.4: a higher floor may refuse, and nothing of the step remains."""

    async def refuse(_uow: UnitOfWork, _event: Event) -> None:
        raise ContractError(45376, 400, "The participant cannot be added")

    ana = await house.worker("Ana")
    task = await house.task()
    (offer,) = await house.until(house.pending)
    inside = house.program.registry.inside_of.setdefault("reservation.accepted/1", [])
    inside.append(refuse)
    try:
        assert await attempt(house, offer.sid) == 400
    finally:
        inside.remove(refuse)
    found = await house.read(lambda reader: tasks.fetch(reader, house.sid, task))
    assert found.assignment_status == "reserved"
    channel = await house.read(lambda reader: task_store.worker_channel(reader, ana, "chat"))
    assert (channel.pending_tasks, channel.assigned_tasks) == (1, 0)
    assert await attempt(house, offer.sid) == 200
    assert await house.broken() == []


async def test_without_its_checks_capacity_is_exceeded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """ACCEPTANCE 6: what the checks of the plan and of the locked rows prevent would be seen."""
    sql = "UPDATE worker_channel SET configured_capacity = 0 WHERE account_sid = $1"
    ana = await house.worker("Ana", capacity=1)
    await house.task()
    await house.until(house.pending)
    monkeypatch.setattr(roster_store, "FREE", roster_store.SELECT_FREE)
    monkeypatch.setattr(roster_store, "NEAREST", roster_store.SELECT_FREE)
    monkeypatch.setattr(Candidate, "free_for", lambda _self, _task: True)
    monkeypatch.setattr(WorkerChannel, "free", True)
    await house.step(lambda uow: uow.execute(sql, uow.account_sid))
    await house.task()

    async def overloaded() -> bool:
        return len(await house.pending(ana)) == 2

    assert await house.until(overloaded)


async def test_who_stands_behind_the_nearest_is_found(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass reads a few of the longest idle first, and all others when none of those will do."""
    monkeypatch.setattr(roster_store, "NEAREST_WORKERS", 2)
    monkeypatch.setattr(roster_store, "NEAREST", roster_store.nearest(2))
    agents = [await house.worker(f"W{n}", capacity=2) for n in range(5)]

    async def offered(count: int) -> list[str]:
        async def look() -> list[Reservation] | None:
            found = await house.pending()
            return found if len(found) == count else None

        return [each.worker_sid for each in await house.until(look)]

    async def serve(expression: str) -> None:
        queue_sid = house.flex.queue_sid
        await house.step(lambda uow: queues.update(uow, house.sid, queue_sid, target_workers=expression))

    await serve("friendly_name == 'W3'")
    await house.task()
    assert await offered(1) == [agents[3]]
    await serve("1==1")
    for count in range(2, 7):
        await house.task()
        await offered(count)
    assert await offered(6) == [agents[number] for number in (3, 0, 1, 2, 4, 3)]


async def test_many_tasks_are_served_in_their_order_over_several_passes(house: House) -> None:
    async def aim(target_workers: str) -> None:
        sid = house.flex.queue_sid
        await house.step(lambda uow: queues.update(uow, house.sid, sid, target_workers=target_workers))

    await aim("1==2")
    for number in range(3):
        await house.worker(f"W{number}", capacity=50)
    made = [await house.task() for _ in range(2 * MOST_OFFERS + 10)]
    await aim("1==1")

    async def all_offered() -> list[Reservation] | None:
        found = await house.pending()
        return found if len(found) == len(made) else None

    assert [each.task_sid for each in await house.until(all_offered)] == made


async def test_capacity_is_never_exceeded_and_every_task_is_done(house: House, second_process: Program) -> None:
    agents = [await house.worker(f"W{n}", capacity=2) for n in range(4)]
    done = asyncio.Event()
    worst = 0

    async def watch() -> None:
        nonlocal worst
        sql = """SELECT max(held) FROM (SELECT count(*) AS held FROM reservation WHERE account_sid = $1
                 AND reservation_status IN ('pending', 'accepted', 'wrapping') GROUP BY worker_sid) AS each"""
        while not done.is_set():
            worst = max(worst, await house.read(lambda reader: reader.fetchval(sql, reader.account_sid)) or 0)
            await asyncio.sleep(0.002)

    async def agent(sid: str, index: int) -> None:
        for turn in range(1000):
            if done.is_set():
                return
            for offer in await house.pending(sid):
                if (turn + index) % 7 == 0:
                    await house.step(lambda uow, o=offer: reservations.reject(uow, house.sid, o.sid))
                    continue
                if await attempt(house, offer.sid) == 200:
                    await house.step(lambda uow, o=offer: reservations.complete(uow, house.sid, o.sid))
            await asyncio.sleep(0.005)

    async def all_completed() -> bool:
        sql = "SELECT count(*) FROM task WHERE account_sid = $1 AND assignment_status = 'completed'"
        return bool(await house.read(lambda reader: reader.fetchval(sql, reader.account_sid)) == 60)

    async def create(database: Any) -> None:
        for _ in range(30):
            await database.step(
                house.account_sid,
                lambda uow: tasks.create(uow, house.sid, workflow_sid=house.flex.workflow_sid, task_channel="chat"),
            )

    working = [asyncio.create_task(agent(sid, index)) for index, sid in enumerate(agents)]
    watching = asyncio.create_task(watch())
    await asyncio.gather(create(house.program.database), create(second_process.database))
    await house.until(all_completed, 60)
    done.set()
    await asyncio.gather(*working, watching)
    assert worst == 2
    assert await house.broken() == []


async def test_what_sockets_are_told_has_positions_without_gaps(house: House) -> None:
    """DESIGN 2.7; taskrouter.md §9.4, §9.5."""
    ana = await house.worker("Ana")
    task = await house.task(attributes='{"name":"Bo"}')
    (offer,) = await house.until(house.pending)
    await attempt(house, offer.sid)
    await house.step(lambda uow: tasks.update_attributes(uow, house.sid, task, '{"name":"Cy"}'))
    await house.step(lambda uow: tasks.wrap_up(uow, house.sid, task))
    await house.step(lambda uow: tasks.complete(uow, house.sid, task))
    sql = "SELECT seq, event_type, payload FROM worker_event WHERE account_sid = $1 AND worker_sid = $2 ORDER BY seq"
    rows = await house.read(lambda reader: reader.fetch(sql, reader.account_sid, ana))
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["event_type"] for row in rows] == [
        "worker.created",
        "reservation.created",
        "reservation.accepted",
        "task.updated",
        "task.wrapup",
        "reservation.wrapup",
        "task.completed",
        "reservation.completed",
    ]
    last = rows[-1]["payload"]
    assert (last["task"]["assignment_status"], last["task"]["attributes"]) == ("completed", '{"name":"Cy"}')
    assert (last["reservation_status"], last["worker_sid"], last["task"]["queue_name"]) == (
        "completed",
        ana,
        "Everyone",
    )


async def test_facts_carry_what_statistics_need(house: House) -> None:
    """taskrouter.md §7.2; DESIGN 2.4."""
    ana = await house.worker("Ana")
    task = await house.task()
    (offer,) = await house.until(house.pending)
    await attempt(house, offer.sid)
    await house.step(lambda uow: tasks.complete(uow, house.sid, task, reason="done"))
    sql = "SELECT kind, snapshot FROM event WHERE account_sid = $1 AND stream = $2 ORDER BY sid"
    rows = await house.read(lambda reader: reader.fetch(sql, reader.account_sid, task))
    assert [row["kind"] for row in rows] == [
        "workflow.entered/1",
        "workflow.target-matched/1",
        "task-queue.entered/1",
        "task.created/1",
        "reservation.created/1",
        "routing.decided/1",
        "reservation.accepted/1",
        "task.completed/1",
        "reservation.completed/1",
    ]
    facts = {row["kind"]: row["snapshot"] for row in rows}
    assert facts["workflow.target-matched/1"]["workflow_filter_name"] == "Default Filter"
    assert facts["task.completed/1"]["reason"] == "done"
    assert facts["task.completed/1"]["seconds_in_queue"] >= 0
    assert facts["task.completed/1"]["task_queue_entered_date"]
    accepted = facts["reservation.accepted/1"]
    assert (accepted["task"]["assignment_status"], accepted["worker"]["sid"]) == ("assigned", ana)
    assert (accepted["worker_channel_capacity"], accepted["worker_channel_consumed_capacity"]) == (1, 1)


async def test_changes_of_the_configuration_are_facts(house: House) -> None:
    """taskrouter.md §7.2."""

    async def change(uow: UnitOfWork) -> None:
        queue = await queues.create(uow, house.sid, friendly_name="Q")
        await queues.update(uow, house.sid, queue.sid, target_workers="1==0")
        await queues.delete(uow, house.sid, queue.sid)
        await workflows.update(uow, house.sid, house.flex.workflow_sid, friendly_name="W")

    await house.step(change)
    sql = """SELECT kind, count(*) FROM event WHERE account_sid = $1 AND object_sid = ANY($2)
             OR account_sid = $1 AND snapshot ->> 'workspace_sid' = $3 GROUP BY kind"""
    rows = await house.read(lambda reader: reader.fetch(sql, reader.account_sid, [house.sid], house.sid))
    assert {row["kind"]: row["count"] for row in rows} == {
        "workspace.created/1": 1,
        "activity.created/1": 4,
        "task-channel.created/1": 5,
        "task-queue.created/1": 2,
        "task-queue.expression.updated/1": 1,
        "task-queue.deleted/1": 1,
        "workflow.created/1": 1,
        "workflow.updated/1": 1,
    }


DAMAGES = {
    "a pending task that is held": "UPDATE task SET assignment_status = 'pending' WHERE account_sid = $1",
    "an assigned task without agent": "UPDATE reservation SET reservation_status = 'rejected' WHERE account_sid = $1",
    "a counter too high": "UPDATE worker_channel SET assigned_tasks = assigned_tasks + 1 WHERE account_sid = $1",
    "a task beside a free worker": """WITH other AS (UPDATE reservation SET reservation_status = 'rejected'
        WHERE account_sid = $1 AND reservation_status = 'accepted'), free AS (UPDATE worker_channel
        SET assigned_tasks = 0, date_updated = date_updated - interval '3 s' WHERE account_sid = $1),
        early AS (UPDATE worker SET date_status_changed = date_status_changed - interval '3 s' WHERE account_sid = $1),
        queue AS (UPDATE task_queue SET date_updated = date_updated - interval '3 s' WHERE account_sid = $1)
        UPDATE task SET assignment_status = 'pending', date_updated = date_updated - interval '3 s',
        task_queue_entered_date = task_queue_entered_date - interval '3 s' WHERE account_sid = $1""",
    "a mark that nobody took": """INSERT INTO match_mark (account_sid, workspace_sid, subject_sid, marked_at)
        SELECT account_sid, sid, sid, date_created - interval '3 s' FROM workspace WHERE account_sid = $1""",
    "a task accepted twice": """INSERT INTO reservation SELECT account_sid, 'WR' || repeat('0', 32), workspace_sid,
        task_sid, worker_sid, worker_name, worker_previous_activity_sid, task_channel_sid, reservation_status,
        reservation_timeout, canceled_reason_code, version, date_created, date_updated, date_accepted
        FROM reservation WHERE account_sid = $1""",
    "a reservation nobody counts": "UPDATE worker_channel SET assigned_tasks = 0 WHERE account_sid = $1",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
async def test_the_doctor_sees_damage(house: House, damage: str) -> None:
    await house.worker("Ana")
    await house.task()
    (offer,) = await house.until(house.pending)
    await attempt(house, offer.sid)
    assert await house.broken() == []
    await house.step(lambda uow: uow.execute(damage, uow.account_sid))
    assert await house.broken() != []


async def test_more_tasks_than_one_pass_can_place_are_all_placed(house: House) -> None:
    """A pass makes at most 50 reservations (DESIGN 2.9)."""
    await house.step(lambda uow: workflows.update(uow, house.sid, house.flex.workflow_sid, friendly_name="W"))

    async def many(uow: UnitOfWork) -> None:
        for _ in range(130):
            await tasks.create(uow, house.sid, workflow_sid=house.flex.workflow_sid, task_channel="chat")

    await house.step(many)
    for n in range(3):
        await house.worker(f"W{n}", capacity=50)

    async def all_reserved() -> bool:
        return len(await house.pending()) == 130

    await house.until(all_reserved, 30)
    assert await house.broken() == []
