"""Nothing is lost, doubled or swapped when servers and the database are killed (DESIGN §3, ACCEPTANCE 4 and 5).

Texts are counted from the books of the carrier, which hands a webhook over until it is answered 2xx.
"""

import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.carrier import eventually
from tests.faults.customers import FLOW_TEXTS, Customers, Talk
from tests.faults.world import DEMO_NUMBER, World, alive, running_world, wait_until

Target = Literal["server", "postgresql", "both"]
TARGETS: tuple[Target, ...] = ("server", "postgresql", "both")
EVERY = 0.8  # seconds from one customer to the next
ROBOTS = 2
LIFE = 1.0  # seconds of service before the next kill, so that conversations get on
IN_VAIN = 20.0  # seconds in which a moment must come by
UNKNOWN_ERROR = 30008

# Of twenty kills: the moment, and the largest number of passes before it.
MOMENTS = {
    "server": {
        "carrier.inbound_read": (4, 1), "carrier.inbound_stored": (6, 1), "carrier.accepted": (5, 2),
        "rest.before_answer": (2, 4), "outbox.claimed": (1, 5), "outbox.done": (1, 8), "store.before_commit": (1, 15),
    },
    "postgresql": {
        "carrier.inbound_read": (11, 1), "carrier.accepted": (5, 2), "rest.before_answer": (1, 4),
        "outbox.claimed": (1, 5), "store.before_commit": (2, 15),
    },
}  # fmt: skip
MOMENTS["both"] = MOMENTS["server"]


@dataclass(frozen=True)
class Kill:
    """One kill.

    :ivar at: when it was seen, on the clock of the carrier's book.
    :ivar seconds: from the kill to the first answer.
    :ivar lines: of the book, from arming to that answer.
    """

    target: Target
    moment: str
    at: float
    seconds: float
    lines: tuple[dict[str, Any], ...]

    @property
    def cut_a_request(self) -> bool:
        """Whether a request of the carrier had begun, and was broken off or lost its database."""
        return any(
            line["kind"].endswith(".attempt")
            and line["began"] < self.at <= line["at"] + 0.1
            and (line["status"] == 503 or line["problem"] in ("ServerDisconnectedError", "ClientOSError"))
            for line in self.lines
        )

    @property
    def fell_between_send_and_record(self) -> bool:
        """Whether the carrier had taken a text whose acceptance was not written down yet."""
        return self.moment == "carrier.accepted" and any(
            line["kind"] == "send.accepted" and line["at"] < self.at for line in self.lines
        )


def schedule(kills: int, chance: random.Random) -> list[tuple[Target, str, int]]:
    plan = [
        (target, moment, chance.randint(1, passes))
        for target in TARGETS
        for moment, (times, passes) in MOMENTS[target].items()
        for _ in range(times * kills // 60)
    ]
    assert len(plan) == kills
    chance.shuffle(plan)
    return plan


class Killer:
    """Kills one after the other and reads the carrier's book between them."""

    def __init__(self, world: World, customers: Customers) -> None:
        self._world = world
        self._customers = customers
        self._read = 0
        self.kills: list[Kill] = []

    def _new_lines(self) -> tuple[dict[str, Any], ...]:
        lines = self._world.carrier.ledger(since=self._read)
        self._read = lines[-1]["seq"] if lines else self._read
        return tuple(lines)

    def _wait(self, look: Callable[[], bool], seconds: float, what: str) -> None:
        def looked() -> bool:
            assert not self._customers.errors, self._customers.errors[0]
            return look()

        wait_until(looked, seconds=seconds, what=what)

    def kill(self, target: Target, moment: str, after: int) -> None:
        """Arm a failpoint, see it kill, start again what was killed, and wait for the first answer."""
        world, server = self._world, self._world.server
        time.sleep(LIFE)  # noqa: TID251 - other processes live meanwhile
        database = [] if target == "server" else world.postgres_pids()
        self._new_lines()
        server.arm(moment, after=after, pids=[*database, *([] if target == "postgresql" else [server.process.pid])])
        victim = database[0] if database else server.process.pid
        self._wait(lambda: not alive(victim), IN_VAIN, f"{moment} is passed")
        at, began = time.time(), time.monotonic()
        if target != "postgresql":
            server.process.wait(10)
            server.start()
        self._wait(world.answers, 60, f"an answer after the death of {target}")
        seconds = time.monotonic() - began
        self.kills.append(Kill(target, moment, at, seconds, self._new_lines()))


def check_handsets(customers: Customers, unknown: Counter[tuple[str, str]]) -> None:
    """Check that each handset got what flow and robot sent: each once, an agent's lines in their order."""
    for talk in customers.talks:
        got = customers.book.got[talk.handset]
        lines = [body for body in got if body.startswith("#")]
        numbers = [int(line[1:].partition(" ")[0]) for line in lines]
        expected = Counter([*FLOW_TEXTS, *(answer_to(body) for body in talk.wrote[1:])])
        seen = Counter(body.partition(": ")[2] if body.startswith("#") else body for body in got)
        missing = expected - seen
        assert seen - expected == Counter(), f"{talk.handset} got more than was sent: {got}"
        assert all(unknown[talk.handset, body] for body in missing), f"{talk.handset} lacks {missing}: {got}"
        assert numbers == sorted(set(numbers)), f"lines swapped or doubled at {talk.handset}: {lines}"
        assert lines, f"{talk.handset} reached no agent: {got}"


def answer_to(body: str) -> str:
    return f"I got “{body}”."


def check_conversations(world: World, talks: list[Talk]) -> int:
    """Check that each text that was answered 2xx is stored once, in one conversation; return how many there are."""
    client = world.client()
    accepted = {line["message_sid"] for line in world.carrier.ledger("inbound.accepted")}
    sent = world.carrier.ledger("handset.sent")
    assert {line["message_sid"] for line in sent} == accepted, "the carrier gave up a text"
    by_handset: dict[str, list[str]] = {}
    for line in sent:
        by_handset.setdefault(line["handset"], []).append(line["body"])
    for talk in talks:
        found = client.conversations.v1.participant_conversations.list(address=talk.handset)
        assert len(found) == 1, f"{talk.handset} has {len(found)} conversations"
        assert found[0].conversation_state == "closed", talk.handset
        messages = client.conversations.v1.conversations(found[0].conversation_sid).messages.list(page_size=100)
        stored = [message.body for message in messages if message.author == talk.handset]
        assert sorted(stored) == sorted(by_handset[talk.handset]), f"{talk.handset} wrote otherwise"
        assert [message.index for message in messages] == list(range(len(messages)))
    return len(sent)


def unknown_sends(world: World) -> Counter[tuple[str, str]]:
    """Return the sends that are marked unknown, by handset and text."""
    listed = world.client().messages.list(from_=DEMO_NUMBER, page_size=500)
    return Counter(
        (row.to, row.body.partition(": ")[2] if row.body.startswith("#") else row.body)
        for row in listed
        if row.error_code == UNKNOWN_ERROR and row.status == "sending"
    )


@dataclass(frozen=True)
class Result:
    """What the kills came to, in numbers."""

    seed: int
    kills: list[Kill]
    conversations: int
    texts_in: int
    texts_out: int
    unknown: int

    @property
    def cut(self) -> int:
        return sum(kill.cut_a_request for kill in self.kills)

    @property
    def between(self) -> int:
        return sum(kill.fell_between_send_and_record for kill in self.kills)

    @property
    def first_answer(self) -> float:
        """Seconds from a kill to the first answer, 95 of 100."""
        return statistics.quantiles([kill.seconds for kill in self.kills], n=20)[-1]

    def lines(self) -> str:
        targets = []
        for target in TARGETS:
            seconds = [kill.seconds for kill in self.kills if kill.target == target]
            targets.append(f"{len(seconds)} of {target} (median {statistics.median(seconds):.2f} s)")
        return (
            f"{len(self.kills)} kills, seed {self.seed}: {', '.join(targets)}; {self.cut} cut a request, "
            f"{self.between} fell between a send and its record\n"
            f"{self.conversations} conversations, {self.texts_in} texts in, {self.texts_out} texts out, "
            f"{self.unknown} unknown; first answer after a kill p95 {self.first_answer:.2f} s"
        )


def run_kills(folder: Path, *, kills: int, seed: int) -> Result:
    with running_world(folder) as world:
        with world.robots(ROBOTS, "--capacity", "50", "--poll", "0.7"), Customers(world, EVERY) as customers:
            killer = Killer(world, customers)
            for target, moment, after in schedule(kills, random.Random(seed)):
                killer.kill(target, moment, after)
            customers.stop()
            assert not customers.errors, customers.errors[0]
            eventually(lambda: not open_tasks(world), seconds=60, what="every task is completed")
        unknown = unknown_sends(world)
        check_handsets(customers, unknown)
        texts = check_conversations(world, customers.talks)
        assert world.doctor() == []
        sends = sum(len(bodies) for bodies in customers.book.got.values())
        return Result(seed, killer.kills, len(customers.talks), texts, sends, sum(unknown.values()))


def check_numbers(result: Result) -> None:
    assert result.cut * 2 >= len(result.kills)
    assert result.between * 5 >= len(result.kills)
    assert result.unknown * 100 <= result.between
    assert result.first_answer < 3


def open_tasks(world: World) -> list[str]:
    client = world.client()
    space = client.taskrouter.v1.workspaces.list(friendly_name="Flex Task Assignment")[0]
    tasks = client.taskrouter.v1.workspaces(space.sid).tasks.list(page_size=500)
    return [task.sid for task in tasks if task.assignment_status not in ("completed", "canceled")]


@pytest.mark.timeout(900)
def test_60_kills_of_servers_and_database_lose_double_and_swap_nothing(
    tmp_path: Path, say: Callable[[str], None]
) -> None:
    result = run_kills(tmp_path, kills=60, seed=3)
    say(result.lines())
    check_numbers(result)


@pytest.mark.prove
@pytest.mark.timeout(100_000)
def test_10000_kills_of_servers_and_database_lose_double_and_swap_nothing(
    tmp_path: Path, say: Callable[[str], None]
) -> None:
    result = run_kills(tmp_path, kills=10_020, seed=4)
    say(result.lines())
    check_numbers(result)
