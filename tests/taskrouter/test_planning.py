"""The plan of a matching pass, compared with plain rules (taskrouter.md §2.5, §5.4, §5.5)."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from parlour.kit.wire import json_text
from parlour.taskrouter import placing
from parlour.taskrouter.candidates import Candidate, Demand, Load, Queued
from parlour.taskrouter.expression import compile_expression
from parlour.taskrouter.idle import Idle
from parlour.taskrouter.planning import Plan, in_order, make_plan
from parlour.taskrouter.rows import Task
from parlour.taskrouter.workflow import Target, parse_configuration

NOW = datetime(2026, 1, 2, tzinfo=UTC)
QUEUE = "WQ" + "1" * 32


def a_task(number: int, *, priority: int = 0, lifo: bool = False, most: int = 1, **attributes: Any) -> Task:
    at = NOW + timedelta(seconds=number)
    task = Task(
        account_sid="AC",
        sid=f"WT{number:032x}",
        workspace_sid="WS",
        assignment_status="pending",
        attributes=json_text(attributes),
        addons="{}",
        priority=priority,
        reason=None,
        canceled_by=None,
        timeout=60,
        task_channel_sid="TC",
        task_channel_unique_name="chat",
        workflow_sid="WW",
        workflow_revision=0,
        workflow_friendly_name="W",
        task_reservation_timeout=120,
        task_queue_sid=QUEUE,
        task_queue_friendly_name="Q",
        task_queue_target_workers="1==1",
        task_queue_entered_date=NOW,
        max_reserved_workers=most,
        task_order="LIFO" if lifo else "FIFO",
        virtual_start_time=at,
        routing_target=None,
        ignore_capacity=False,
        version=0,
        filter=0,
        target=0,
        target_seconds=0,
        target_deadline=None,
        entering=False,
        workflow_entered_date=NOW,
        group_key="",
        rank_priority=0,
        rank_time=0,
        rejected_by=[],
        assignment_count=0,
        date_created=at,
        date_updated=at,
        date_ended=None,
    )
    placing.rank(task)
    return task


def a_worker(number: int, *, capacity: int = 1, taken: int = 0, idle: int = 0, **more: Any) -> Candidate:
    reserved = NOW - timedelta(seconds=idle)
    return Candidate(
        sid=f"WK{number:032x}",
        friendly_name=f"W{number}",
        available=True,
        last_reserved=reserved,
        attributes=more,
        built_in={"sid": f"WK{number:032x}"},
        channels={"TC": Load("chat", capacity, taken, taken, True, reserved)},
    )


def queued(task: Task, demand: Demand, *, fresh: bool = True) -> Queued:
    rank = (task.rank_priority, task.rank_time)
    return Queued(task.sid, demand, *rank, task.rejected_by, entering=False, fresh=fresh)


def planned(
    tasks: list[Task],
    workers: list[Candidate],
    *,
    expression: str = "1==1",
    order_by: str = "",
    limit: int = 50,
    near: int | None = None,
) -> Plan:
    """Plan with all workers known from the beginning, or so many of the longest idle."""
    raw = {"queue": QUEUE, "expression": expression, **({"order_by": order_by} if order_by else {})}
    document = {"task_routing": {"filters": [{"expression": "1==1", "targets": [raw]}]}}
    target = parse_configuration(json_text(document)).filters[0].targets[0]
    places = []
    for task in tasks:
        placing.regroup(task, target)
        places.append(queued(task, Demand(task, target, compile_expression("1==1"))))

    async def everybody() -> list[Candidate]:
        return workers

    idle = Idle(nearest=workers)
    if near is not None:
        first = sorted(workers, key=lambda each: (each.last_reserved, each.sid))[:near]
        idle = Idle(nearest=first, further=everybody)
    return asyncio.run(make_plan(in_order(places, "FIFO"), idle, limit=limit, now=NOW))


def names(plan: Plan, tasks: list[Task]) -> list[tuple[int, int]]:
    numbers = {task.sid: index for index, task in enumerate(tasks)}
    return [(numbers[task], int(worker.removeprefix("WK"), 16)) for task, worker in plan.offers]


def test_the_longest_idle_worker_is_first() -> None:
    tasks = [a_task(n) for n in range(3)]
    workers = [a_worker(1, idle=5), a_worker(2, idle=50), a_worker(3, idle=20)]
    assert names(planned(tasks, workers), tasks) == [(0, 2), (1, 3), (2, 1)]


def test_order_by_goes_before_idleness() -> None:
    tasks = [a_task(0)]
    workers = [a_worker(1, idle=50, level=1), a_worker(2, level=7), a_worker(3, idle=99)]
    assert names(planned(tasks, workers, order_by="worker.level DESC"), tasks) == [(0, 2)]


def test_whoever_declined_is_last_but_not_out() -> None:
    tasks = [a_task(0)]
    workers = [a_worker(1, idle=50), a_worker(2)]
    tasks[0].rejected_by = [workers[0].sid]
    assert names(planned(tasks, workers), tasks) == [(0, 2)]
    assert names(planned(tasks, workers[:1]), tasks) == [(0, 1)]


def test_channel_load_of_expressions_follows_the_plan() -> None:
    """A worker whose second task would break the expression gets one only."""
    tasks = [a_task(0), a_task(1)]
    limit = "worker.channel.chat.available_capacity_percentage == 100"
    assert names(planned(tasks, [a_worker(1, capacity=5)], expression=limit), tasks) == [(0, 1)]


def test_waiting_tasks_meet_only_workers_who_changed() -> None:
    task = a_task(0)
    place = queued(task, Demand(task, Target(QUEUE), compile_expression("1==1")), fresh=False)

    def offers(idle: Idle) -> int:
        return len(asyncio.run(make_plan([place], idle, limit=50, now=NOW)).offers)

    assert offers(Idle(nearest=[a_worker(1)], changed=[a_worker(1)])) == 1
    assert offers(Idle(nearest=[a_worker(1)])) == 0


def test_the_limit_ends_a_pass() -> None:
    tasks = [a_task(n) for n in range(5)]
    plan = planned(tasks, [a_worker(1, capacity=50)], limit=3)
    assert (len(plan.offers), [each.sid for each in plan.left]) == (3, [f"WT{n:032x}" for n in (3, 4)])


WORKERS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 9), st.booleans()), min_size=0, max_size=6
)
TASKS = st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(1, 3), st.booleans()), max_size=12)


def people_of(workers: list[tuple[int, int, int, bool]]) -> list[Candidate]:
    return [
        a_worker(n, capacity=capacity, taken=taken, idle=idle, skilled=skilled)
        for n, (capacity, taken, idle, skilled) in enumerate(workers)
    ]


def tasks_of(tasks: list[tuple[int, bool, int, bool]]) -> list[Task]:
    return [
        a_task(n, priority=priority, lifo=lifo, most=most, needs=needs)
        for n, (priority, lifo, most, needs) in enumerate(tasks)
    ]


NEEDS = "task.needs == false OR worker.skilled == true"


@given(workers=WORKERS, tasks=TASKS, near=st.integers(0, 6), declined=st.sets(st.integers(0, 12)), order=st.booleans())
def test_a_plan_is_the_same_however_many_workers_are_read_at_first(
    workers: list[tuple[int, int, int, bool]],
    tasks: list[tuple[int, bool, int, bool]],
    near: int,
    declined: set[int],
    order: bool,
) -> None:
    def plan(nearest: int | None) -> tuple[list[tuple[str, str]], list[str]]:
        rows = tasks_of(tasks)
        for number, row in enumerate(rows):
            row.rejected_by = [f"WK{0:032x}"] if number in declined else []
        order_by = "worker.skilled DESC" if order else ""
        made = planned(rows, people_of(workers), expression=NEEDS, order_by=order_by, limit=1000, near=nearest)
        return made.offers, made.alone

    assert plan(near) == plan(None)


@given(workers=WORKERS, tasks=TASKS)
def test_a_plan_keeps_the_rules(
    workers: list[tuple[int, int, int, bool]], tasks: list[tuple[int, bool, int, bool]]
) -> None:
    """Capacity holds, nobody unfit is chosen, and no task is left beside a worker who could take it."""
    people = people_of(workers)
    free = {each.sid: max(0, workers[n][0] - workers[n][1]) for n, each in enumerate(people)}
    skilled = {each.sid for n, each in enumerate(people) if workers[n][3]}
    rows = tasks_of(tasks)
    plan = planned(rows, people, expression=NEEDS, limit=1000)
    used = Counter(worker for _, worker in plan.offers)
    assert all(used[sid] <= free[sid] for sid in used)
    by_sid = {row.sid: row for row in rows}
    for task, worker in plan.offers:
        assert '"needs":false' in by_sid[task].attributes or worker in skilled
    per_task = Counter(task for task, _ in plan.offers)
    assert all(count <= by_sid[task].max_reserved_workers for task, count in per_task.items())
    assert len(set(plan.offers)) == len(plan.offers)
    left = {sid for sid in free if free[sid] > used[sid]}
    for task in plan.alone:
        assert not (left if '"needs":false' in by_sid[task].attributes else left & skilled)
