"""Statistics: a random hour, recomputed from the book of the callback receiver (taskrouter.md §8)."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.taskrouter.conftest import Centre
from tests.taskrouter.ledger import Ledger
from tests.webhooks.receiver import Receiver, running_receiver

HOURS = 20 if os.environ.get("PARLOUR_PROVE") else 1
STEPS = 80  # of an hour


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A healthy receiver."""
    with running_receiver() as running:
        yield running


@dataclass
class Hour:
    """An hour in which anything may happen.

    :ivar skills: queue SID to the skill that its workers have.
    """

    centre: Centre
    receiver: Receiver
    dice: random.Random
    queues: list[str] = field(default_factory=list)
    skills: dict[str, str] = field(default_factory=dict)
    flows: list[str] = field(default_factory=list)
    workers: dict[str, str] = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)

    def open(self) -> None:
        """Have queues, workflows and workers."""
        centre = self.centre
        centre.api.update(event_callback_url=f"{self.receiver.url}/all")
        for skill in ("red", "blue"):
            queue = centre.queue(skill, target_workers=f"skill == '{skill}' OR skill == 'both'")
            self.queues.append(queue)
            self.skills[queue] = skill
        red, blue = self.queues
        steps = [{"queue": red, "timeout": 120}, {"queue": blue, "priority": 5, "timeout": 240}]
        self.flows.append(centre.workflow({"expression": "1==1", "targets": steps}, task_reservation_timeout=90))
        self.flows.append(centre.workflow(default=blue, task_reservation_timeout=60))
        for number, skill in enumerate(("red", "blue", "both", "both")):
            self.hire(f"W{number}", skill)

    def hire(self, name: str, skill: str) -> None:
        """Have one more worker."""
        sid = self.centre.worker(name, available=self.dice.random() < 0.7, chat=self.dice.randint(1, 3), skill=skill)
        self.workers[sid] = skill

    def step(self) -> None:
        """Let something happen, and some time pass."""
        act = self.dice.choices(
            [self.ask, self.answer, self.finish, self.move, self.take_back, self.delete, self.fire],
            weights=[8, 8, 8, 6, 2, 1, 0.3],
        )[0]
        try:
            act()
        except TwilioRestException as refusal:
            if refusal.status != 400:
                raise
        self.centre.server.advance(self.dice.choice([1, 7, 20, 45, 80]))

    def ask(self) -> None:
        priority = self.dice.choice([0, 0, 3])
        channel = self.dice.choice(["chat", "chat", "sms"])
        made = self.centre.task(self.dice.choice(self.flows), priority=priority, task_channel=channel)
        self.tasks.append(str(made.sid))

    def answer(self) -> None:
        for worker in self.workers:
            for offer in self.centre.offers(worker):
                status = self.dice.choice(["accepted", "accepted", "rejected", ""])
                if status:
                    self.centre.api.workers(worker).reservations(offer.sid).update(reservation_status=status)

    def finish(self) -> None:
        worker = self.dice.choice(list(self.workers))
        for held in self.centre.offers(worker, "accepted")[:1]:
            status = self.dice.choice(["wrapping", "completed"])
            self.centre.api.tasks(held.task_sid).update(assignment_status=status)
        for held in self.centre.offers(worker, "wrapping")[:1]:
            self.centre.api.tasks(held.task_sid).update(assignment_status="completed")

    def move(self) -> None:
        activity = self.dice.choice([*self.centre.activities, "Available", "Available"])
        self.centre.move(self.dice.choice(list(self.workers)), activity)

    def take_back(self) -> None:
        found = self.centre.api.tasks.list(assignment_status=["pending", "reserved"])
        if found:
            self.centre.api.tasks(self.dice.choice(found).sid).update(assignment_status="canceled", reason="enough")

    def delete(self) -> None:
        found = self.centre.api.tasks.list()
        if found:
            self.centre.api.tasks(self.dice.choice(found).sid).delete()

    def fire(self) -> None:
        worker = self.dice.choice(list(self.workers))
        self.centre.api.workers(worker).delete()
        del self.workers[worker]


class Queues:
    """The body of a question about several queues, as the official package wants it."""

    def __init__(self, sids: Any, key: str = "queueSids") -> None:
        self._body = {key: sids}

    def to_dict(self) -> dict[str, Any]:
        return self._body


def same(answer: Any, expected: dict[str, Any], what: str) -> None:
    """Compare the figures of an answer with those of the ledger."""
    for name, value in expected.items():
        found = answer[name] if isinstance(answer, dict) else getattr(answer, name)
        if name == "activity_durations":
            found = {each["friendly_name"]: {k: each[k] for k in ("avg", "min", "max", "total")} for each in found}
        assert found == value, f"{what}: {name}"


def millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


@pytest.mark.parametrize("seed", range(HOURS))
def test_each_figure_is_what_the_receiver_was_told(frozen: Centre, receiver: Receiver, seed: int) -> None:
    hour = Hour(frozen, receiver, random.Random(seed))
    hour.open()
    api = frozen.api
    for _ in range(STEPS):
        hour.step()
    frozen.server.settle()
    events = [each.parameters for each in receiver.answered]
    assert len({each["Sid"] for each in events}) == len(events), "each event was told once"
    now = api.cumulative_statistics().fetch().end_time
    times = sorted(int(each["TimestampMs"]) for each in events)
    ledger = Ledger(events, times[-1], dict(frozen.activities))
    ledger.now -= (ledger.now - millis(now)) // 1000 * 1000  # the clock moves in whole seconds
    whole = {"start_date": datetime.fromtimestamp(times[0] // 1000 - 60, UTC), "end_date": now}
    third = (times[-1] - times[0]) // 3000
    part = {
        "start_date": datetime.fromtimestamp(times[0] // 1000 + third, UTC),
        "end_date": datetime.fromtimestamp(times[-1] // 1000 - third, UTC),
    }
    kinds = Counter(each["EventType"] for each in events)
    assert min(kinds[each] for each in ("reservation.accepted", "task.canceled", "reservation.timeout")) > 0, kinds
    for dates in (whole, part):
        start, end = millis(dates["start_date"]), millis(dates["end_date"])
        same(api.cumulative_statistics().fetch(**dates), ledger.past(start, end), "workspace")
        fetched = api.cumulative_statistics().fetch(split_by_wait_time="30,100", **dates)
        for each in (30, 100):
            assert fetched.split_by_wait_time[str(each)] == ledger.split(start, end, each)
        chat = api.cumulative_statistics().fetch(task_channel="chat", **dates)
        same(chat, ledger.past(start, end, TaskChannelUniqueName="chat"), "channel")
        for queue in hour.queues:
            past = api.task_queues(queue).cumulative_statistics().fetch(**dates)
            same(past, ledger.past(start, end, TaskQueueSid=queue), "queue")
        for flow in hour.flows:
            past = api.workflows(flow).cumulative_statistics().fetch(**dates)
            same(past, ledger.past(start, end, WorkflowSid=flow), "workflow")
        same(api.workers.cumulative_statistics().fetch(**dates), ledger.of_workers(start, end), "workers")
        for worker in hour.workers:
            past = api.workers(worker).statistics().fetch(**dates).cumulative
            same(past, ledger.of_workers(start, end, [worker]), "worker")
        blue = {sid for sid, skill in hour.workers.items() if skill in ("blue", "both")}
        past = api.workers.statistics().fetch(task_queue_sid=hour.queues[1], **dates)
        same(past.cumulative, ledger.of_workers(start, end, blue), "workers of a queue")
        assert past.realtime["total_workers"] == len(blue)
    present(hour, ledger)


def present(hour: Hour, ledger: Ledger) -> None:
    """Compare the real-time figures."""
    api, activities = hour.centre.api, ledger.workers()
    everybody = Counter(activities.values())
    workspace = api.real_time_statistics().fetch()
    same(workspace, ledger.present(), "workspace")
    assert {each["friendly_name"]: each["workers"] for each in workspace.activity_statistics} == {
        name: everybody[name] for name in ledger.activities
    }
    assert workspace.total_workers == len(activities) == len(hour.workers)
    for flow in hour.flows:
        same(api.workflows(flow).real_time_statistics().fetch(), ledger.present(WorkflowSid=flow), "workflow")
    listed = {each.task_queue_sid: each.realtime for each in api.task_queues.statistics.list()}
    bulk = api.task_queues.bulk_real_time_statistics.create(Queues(hour.queues)).task_queue_data
    of_bulk = {each["task_queue_sid"]: each for each in bulk}
    for queue in hour.queues:
        now = api.task_queues(queue).real_time_statistics().fetch()
        expected = ledger.present(TaskQueueSid=queue)
        eligible = [sid for sid, skill in hour.workers.items() if skill in (hour.skills[queue], "both")]
        expected["total_eligible_workers"] = len(eligible)
        expected["total_available_workers"] = sum(activities[sid] == "Available" for sid in eligible)
        for answer in (now, listed[queue], of_bulk[queue], api.task_queues(queue).statistics().fetch().realtime):
            same(answer, expected, "queue")
        waiting = ledger.tasks(TaskQueueSid=queue).values()
        entered = [
            int(each["TaskQueueEnteredDate"])
            for each in waiting
            if each["TaskAssignmentStatus"] in ("pending", "reserved")
        ]
        relative = ledger.now // 1000 - min(entered) if entered else 0
        assert now.longest_relative_task_age_in_queue == relative


def test_nothing_is_zeros_and_nulls(centre: Centre) -> None:
    centre.queue("Empty")
    now = centre.api.real_time_statistics().fetch()
    assert (now.total_tasks, now.tasks_by_priority, now.longest_task_waiting_sid) == (0, {}, None)
    assert now.tasks_by_status == {"pending": 0, "reserved": 0, "assigned": 0, "wrapping": 0}
    past = centre.api.cumulative_statistics().fetch()
    assert past.wait_duration_until_accepted == {"avg": 0, "min": 0, "max": 0, "total": 0}


def test_several_queues_at_once(centre: Centre) -> None:
    """§8: 1 to 50 SIDs; those of nobody have zeros."""
    queue = centre.queue("Q")
    centre.task(centre.workflow(default=queue), priority=2)
    ask = centre.api.task_queues.bulk_real_time_statistics.create
    found = ask(Queues([queue, "WQ" + "0" * 32], "QueueSids"))
    assert found.task_queue_response_count == 2
    assert [each["total_tasks"] for each in found.task_queue_data] == [1, 0]
    for wrong in ([], ["WQ1"], [queue] * 51, "x", None):
        with pytest.raises(TwilioRestException) as caught:
            ask(Queues(wrong))
        assert (caught.value.status, caught.value.code) == (400, 20001)


def test_a_threshold_must_be_seconds(centre: Centre) -> None:
    with pytest.raises(TwilioRestException, match="SplitByWaitTime"):
        centre.api.cumulative_statistics().fetch(split_by_wait_time="5,soon")
