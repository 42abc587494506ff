"""Whatever happens in whatever order, with time moving: invariant 5 holds (DESIGN §3; taskrouter.md §5.4)."""

import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from parlour.kit.errors import ContractError
from parlour.kit.wire import decode_json, json_text
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import (
    package,
    provision,
    queues,
    reservations,
    task_store,
    tasks,
    transfers,
    workers,
    workflows,
)
from parlour.taskrouter.candidates import Candidate
from parlour.taskrouter.provision import FlexWorkspace
from parlour.taskrouter.rows import Task
from parlour.webhooks.delivery import Deliverer
from tests.contract.world import Stage, World, open_stage

RUNS = 200 if os.environ.get("PARLOUR_PROVE") else 10
STEPS = 45
SKILLS = ("red", "blue", "green")


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    """A program in this process whose clock stands."""
    async with open_stage() as opened:
        yield opened


@dataclass
class Town:
    """A workspace in which anything happens."""

    stage: Stage
    world: World
    flex: FlexWorkspace
    dice: random.Random
    queue_sids: dict[str, str] = field(default_factory=dict)
    flows: list[str] = field(default_factory=list)
    workers: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    @property
    def sid(self) -> str:
        return self.flex.workspace_sid

    async def step(self, work: Any) -> Any:
        return await self.stage.program.database.step(self.world.account_sid, work)

    async def read(self, work: Any) -> Any:
        return await self.stage.program.database.read(self.world.account_sid, work)

    async def open(self) -> None:
        async def work(uow: UnitOfWork) -> None:
            for skill in SKILLS:
                made = await queues.create(
                    uow,
                    self.sid,
                    friendly_name=skill,
                    target_workers=f"skills HAS '{skill}'",
                    max_reserved_workers=self.dice.choice([1, 1, 2]),
                    task_order=self.dice.choice(["FIFO", "FIFO", "LIFO"]),
                )
                self.queue_sids[skill] = made.sid
            red, blue, green = self.queue_sids.values()
            targets: list[list[dict[str, Any]]] = [
                [{"queue": red, "timeout": 40}, {"queue": blue, "priority": 3, "timeout": 90}],
                [{"queue": green, "expression": "worker.level >= task.level"}],
                [{"queue": blue, "skip_if": "workers.available == 0"}, {"queue": green}],
            ]
            for each in targets:
                filters = [{"expression": "1==1", "targets": each}]
                text = json_text({"task_routing": {"filters": filters}})
                flow = await workflows.create(
                    uow, self.sid, friendly_name="F", configuration=text, task_reservation_timeout=30
                )
                self.flows.append(flow.sid)

        await self.step(work)
        for _ in range(3):
            await self.hire()

    async def act(self) -> None:
        """Do one thing; a refusal is an answer too."""
        acts = {
            self.ask: 8,
            self.answer: 8,
            self.finish: 4,
            self.transfer: 4,
            self.call_off: 1,
            self.move: 5,
            self.learn: 3,
            self.stretch: 3,
            self.hire: 1,
            self.fire: 0.5,
            self.edit_queue: 1,
            self.edit_workflow: 0.7,
            self.touch_task: 2,
            self.remove_task: 1,
            self.wait: 6,
        }
        act = self.dice.choices(list(acts), weights=list(acts.values()))[0]
        self.log.append(act.__name__)
        try:
            await act()
        except ContractError as refusal:
            self.log[-1] += f" ({refusal.message[:40]})"
        await self.stage.advance(0)

    async def hire(self) -> None:
        name = f"W{len(self.log)}-{self.dice.random()}"
        made = await self.step(
            lambda uow: workers.create(
                uow,
                self.sid,
                friendly_name=name,
                attributes=json_text(self._attributes()),
                activity_sid=self.flex.available_activity_sid,
            )
        )
        self.workers.append(made.sid)

    def _attributes(self) -> dict[str, Any]:
        return {"skills": self.dice.sample(SKILLS, self.dice.randint(0, 3)), "level": self.dice.randint(1, 3)}

    async def fire(self) -> None:
        sid = self.dice.choice(self.workers)
        await self.step(lambda uow: workers.delete(uow, self.sid, sid))
        self.workers.remove(sid)

    async def ask(self) -> None:
        more: dict[str, Any] = {"workflow_sid": self.dice.choice(self.flows)}
        if self.dice.random() < 0.2:
            who = self.dice.choice([*self.workers, *self.queue_sids.values()])
            more = {"routing_target": who}
            if who.startswith("WK"):
                more |= {"ignore_capacity": self.dice.random() < 0.5, "task_queue_sid": self.queue_sids["red"]}
        attributes = json_text({"level": self.dice.randint(1, 3)})
        channel, priority = self.dice.choice(["chat", "chat", "sms"]), self.dice.randint(0, 2)
        await self.step(
            lambda uow: tasks.create(
                uow, self.sid, attributes=attributes, task_channel=channel, priority=priority, timeout=400, **more
            )
        )

    async def _reservation(self, *statuses: str) -> Any:
        found: list[Any] = []
        for status in statuses:
            found += await self.read(lambda r, s=status: task_store.reservations(r, self.sid, status=s))
        return self.dice.choice(found) if found else None

    async def answer(self) -> None:
        found = await self._reservation("pending", "pending", "rescinded", "timeout")
        if found is not None:
            status = self.dice.choice(["accepted", "accepted", "rejected"])
            move = self.flex.offline_activity_sid if status == "rejected" and self.dice.random() < 0.3 else None
            await self.step(
                lambda uow: reservations.update(uow, self.sid, found.sid, status=status, worker_activity_sid=move)
            )

    async def finish(self) -> None:
        found = await self._reservation("accepted", "wrapping")
        if found is not None:
            if self.dice.random() < 0.5:
                status = self.dice.choice(["wrapping", "completed"])
                await self.step(lambda uow: reservations.update(uow, self.sid, found.sid, status=status))
            else:
                end = self.dice.choice([tasks.wrap_up, tasks.complete])
                await self.step(lambda uow: end(uow, self.sid, found.task_sid))

    async def transfer(self) -> None:
        found = await self._reservation("accepted")
        if found is not None:
            to = self.dice.choice([*self.workers, *self.queue_sids.values()])
            mode = self.dice.choice(["WARM", "COLD"])
            await self.step(lambda uow: transfers.initiate(uow, self.sid, reservation_sid=found.sid, to=to, mode=mode))

    async def call_off(self) -> None:
        on_their_way = [task.transfer_sid for task in await self.all_tasks() if task.transfer_sid is not None]
        if on_their_way:
            sid = self.dice.choice(on_their_way)
            await self.step(lambda uow: transfers.cancel(uow, self.sid, sid))

    async def move(self) -> None:
        sid, activity = self.dice.choice(self.workers), self.dice.choice(list(self.flex.activities.values()))
        if self.dice.random() < 0.5:
            activity = self.flex.available_activity_sid
        reject = self.dice.random() < 0.3
        await self.step(
            lambda uow: workers.update(uow, self.sid, sid, activity_sid=activity, reject_pending_reservations=reject)
        )

    async def learn(self) -> None:
        sid, attributes = self.dice.choice(self.workers), json_text(self._attributes())
        await self.step(lambda uow: workers.update(uow, self.sid, sid, attributes=attributes))

    async def stretch(self) -> None:
        sid, channel = self.dice.choice(self.workers), self.dice.choice(["chat", "sms"])
        fields: dict[str, Any] = {"capacity": self.dice.randint(0, 3)}
        if self.dice.random() < 0.2:
            fields = {"available": self.dice.random() < 0.7}
        await self.step(lambda uow: workers.update_channel(uow, self.sid, sid, channel, **fields))

    async def edit_queue(self) -> None:
        skill = self.dice.choice(SKILLS)
        expression = self.dice.choice([f"skills HAS '{skill}'", "level >= 2", "1==1"])
        await self.step(
            lambda uow: queues.update(
                uow, self.sid, self.queue_sids[skill], target_workers=expression, max_reserved_workers=1
            )
        )

    async def edit_workflow(self) -> None:
        flow, queue = self.dice.choice(self.flows), self.dice.choice(list(self.queue_sids.values()))
        filters = [{"expression": "1==1", "targets": [{"queue": queue, "timeout": 60}, {"timeout": 200}]}]
        text = json_text({"task_routing": {"filters": filters}})
        again = self.dice.random() < 0.6
        await self.step(lambda uow: workflows.update(uow, self.sid, flow, configuration=text, re_evaluate_tasks=again))

    async def _task(self) -> Task | None:
        found = await self.all_tasks()
        return self.dice.choice(found) if found else None

    async def touch_task(self) -> None:
        task = await self._task()
        if task is not None:
            cancel = {"assignment_status": "canceled"}
            changes: dict[str, Any] = self.dice.choice(
                [{"priority": 5}, {"attributes": '{"level":1}'}, {"task_channel": "sms"}, cancel]
            )
            await self.step(lambda uow: tasks.update(uow, self.sid, task.sid, **changes))

    async def remove_task(self) -> None:
        task = await self._task()
        if task is not None:
            await self.step(lambda uow: tasks.delete(uow, self.sid, task.sid))

    async def wait(self) -> None:
        await self.stage.advance(self.dice.choice([1, 10, 31, 60]))

    async def all_tasks(self) -> list[Task]:
        sql = f"{task_store.SELECT_TASK} ORDER BY t.sid"
        records = await self.read(lambda reader: reader.fetch(sql, reader.account_sid, self.sid))
        return [Task(**record) for record in records]

    async def problems(self) -> list[str]:
        """What is wrong now."""
        found = [f"doctor: {each}" for each in await self._doctor()]
        found += [f"waits beside the free: {each}" for each in await self._waiting_beside_the_free()]
        found += [f"over capacity: {each}" for each in await self._over()]
        return found + [f"the log says otherwise: {each}" for each in await self._rebuilt()]

    async def _doctor(self) -> list[Any]:
        program = self.stage.program
        rows: list[Any] = []
        for each in package.package(Deliverer(program.outgoing, program.box)).invariants:
            sql = each.sql

            async def ask(reader: Reader, sql: str = sql) -> list[Any]:
                return list(await reader.fetch(sql, reader.account_sid, reader.now))

            rows += [(each.name, dict(row)) for row in await self.read(ask)]
        return rows

    async def _waiting_beside_the_free(self) -> list[str]:
        """Pending tasks and workers who could take them, by rules written down a second time."""
        sql = """SELECT w.sid, w.attributes, w.available, c.task_channel_sid, c.available AS open,
                 c.configured_capacity, c.pending_tasks + c.assigned_tasks + c.wrapping_tasks AS held
                 FROM worker AS w JOIN worker_channel AS c ON c.account_sid = w.account_sid AND c.worker_sid = w.sid
                 WHERE w.account_sid = $1 AND w.workspace_sid = $2"""
        free = await self.read(lambda reader: reader.fetch(sql, reader.account_sid, self.sid))
        return [
            f"{task.sid} {row['sid']}"
            for task in await self.all_tasks()
            if task.assignment_status == "pending"
            for row in free
            if self._fits(task, row)
        ]

    def _fits(self, task: Task, row: Any) -> bool:
        if not row["available"] or not row["open"] or row["held"] >= row["configured_capacity"]:
            return False
        if row["task_channel_sid"] != task.task_channel_sid:
            return False
        if row["sid"] == task.held_by:
            return False  # who keeps the task while a warm transfer looks for somebody else
        if task.transfer_sid is None and task.routing_target and task.routing_target.startswith("WK"):
            return bool(row["sid"] == task.routing_target)
        worker, mine = decode_json(row["attributes"]), decode_json(task.attributes)
        expression = str(task.task_queue_target_workers)
        in_queue = {"1==1": True, "level >= 2": worker["level"] >= 2}.get(
            expression, expression.split("'")[1] in worker["skills"] if "HAS" in expression else False
        )
        levels = task.workflow_sid == self.flows[1] and task.workflow_revision == 0 and task.filter is not None
        return in_queue and (not levels or worker["level"] >= mine["level"])

    async def _over(self) -> list[Any]:
        """Offers beyond the capacity of that moment, but for those to a routing target that ignores it."""
        sql = """SELECT object_sid, snapshot ->> 'worker_channel_capacity' FROM event
                 WHERE account_sid = $1 AND kind = 'reservation.created/1'
                 AND (snapshot ->> 'worker_channel_consumed_capacity')::int
                     > (snapshot ->> 'worker_channel_capacity')::int
                 AND NOT (snapshot -> 'task' ->> 'ignore_capacity')::boolean"""
        return list(await self.read(lambda reader: reader.fetch(sql, reader.account_sid)))

    async def _rebuilt(self) -> list[str]:
        """Tasks whose status is not the one that the last fact about them told."""
        sql = """SELECT DISTINCT ON (stream) stream,
                     coalesce(snapshot -> 'task', snapshot) ->> 'assignment_status' AS status
                 FROM event WHERE account_sid = $1 AND stream LIKE 'WT%' AND kind NOT LIKE 'routing.%'
                 ORDER BY stream, sid DESC"""
        told = {row["stream"]: row["status"] for row in await self.read(lambda r: r.fetch(sql, r.account_sid))}
        live = {each.sid: each.assignment_status for each in await self.all_tasks()}
        return [f"{sid} {status} told {told.get(sid)}" for sid, status in live.items() if told.get(sid) != status]


async def town(stage: Stage, seed: int) -> Town:
    world = await stage.account(f"Town {seed}")
    flex = await stage.program.database.step(world.account_sid, provision.provision_flex)
    made = Town(stage, world, flex, random.Random(seed))
    await made.open()
    return made


@pytest.mark.parametrize("seed", range(RUNS))
async def test_the_invariant_holds_after_every_step(stage: Stage, seed: int) -> None:
    place = await town(stage, seed)
    for _ in range(STEPS):
        await place.act()
        problems = await place.problems()
        assert not problems, (place.log, problems)


async def test_a_broken_rule_is_noticed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Matching that takes nobody for free leaves tasks waiting beside the free, and the test sees it."""
    place = await town(stage, 1)
    monkeypatch.setattr(Candidate, "free_for", lambda _self, _task: False)
    seen: list[str] = []
    for _ in range(STEPS):
        await place.act()
        seen += await place.problems()
        if seen:
            break
    assert any("waits beside the free" in each for each in seen)
