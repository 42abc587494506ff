"""Any order of what clients and timers do leaves what the contract promises (DESIGN §3, invariants 3 and 7)."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest

from parlour.accounts import service
from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import conversations, delivery, messages, participant_updates, participants, receipts
from parlour.conversations.delivery import FINAL, RANKS
from parlour.conversations.store import changes
from parlour.conversations.store import messages as message_store
from parlour.conversations.store.messages import Message
from parlour.conversations.store.participants import Participant
from parlour.kit.errors import ContractError
from parlour.store.unit import UnitOfWork
from tests.contract.world import Stage, open_stage

CLIENTS, ACTS, BESIDE = 3, 4, 16
IDENTITIES = ("ana", "ben", "eva")
STATUSES = ("sent", "delivered", "read", "failed", "undelivered")

Database = Any
T = TypeVar("T")


@dataclass
class Replica:
    """A client's copy of a conversation: it replays changes a few at a time, as a reconnecting client does."""

    database: Database
    account_sid: str
    sid: str
    messages: dict[str, Message] = field(default_factory=dict)
    people: dict[str, Participant] = field(default_factory=dict)
    message_change: int = 0
    roster_change: int = 0

    async def replay(self, limit: int) -> bool:
        """Take the next changes; False when there were none."""

        async def work(reader: Any) -> tuple[list[Message], list[Participant]]:
            return (
                await changes.messages_since(reader, self.sid, self.message_change, limit),
                await changes.roster_since(reader, self.sid, self.roster_change, limit),
            )

        found, people = await self.database.read(self.account_sid, work)
        for row in found:
            self.message_change = row.change
            self.messages.pop(row.sid, None) if row.removed_at else self.messages.update({row.sid: row})
        for person in people:
            self.roster_change = person.change
            self.people.pop(person.sid, None) if person.removed_at else self.people.update({person.sid: person})
        return bool(found or people)

    async def catch_up(self) -> None:
        while await self.replay(3):
            pass


@dataclass
class Case:
    """One conversation with its clients.

    :ivar seen: what each receipt's status was, each time somebody looked.
    """

    database: Database
    account_sid: str
    seed: int
    sid: str = ""
    handset: str = ""
    seen: dict[str, list[str | None]] = field(default_factory=dict)

    @property
    def identities(self) -> list[str]:
        """Return who takes part; nobody can be in more than a thousand conversations."""
        return [f"{name}{self.seed // 500}" for name in IDENTITIES]

    async def step(self, work: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        return await self.database.step(self.account_sid, work)

    async def open(self) -> None:
        """Make the conversation; nobody serves the handset's channel, so that its receipts are ours to move."""

        async def work(uow: UnitOfWork) -> tuple[str, str]:
            made = await conversations.create(uow)
            for identity in self.identities:
                await participants.add(uow, made.sid, identity=identity)
            pair = f"rcs:customer{self.seed}", "rcs:shop"
            person = await participants.add(uow, made.sid, address=pair[0], proxy_address=pair[1])
            return made.sid, person.sid

        self.sid, self.handset = await self.step(work)

    async def client(self, number: int) -> Replica:
        """Do a few things in an order of its own, reading what others did in between."""
        fate = random.Random(self.seed * CLIENTS + number)
        replica = Replica(self.database, self.account_sid, self.sid)
        for _ in range(ACTS):
            act = fate.choice((self._add, self._add, self._edit, self._delete, self._read_up_to, self._receive))
            try:
                await act(fate, replica, self.identities[number])
            except ContractError as error:
                if error.status != 404:  # another client deleted it first
                    raise
            if fate.random() < 0.5:
                await replica.replay(fate.randint(1, 3))
        return replica

    async def _add(self, fate: random.Random, _replica: Replica, identity: str) -> None:
        body = f"{identity} {fate.random()}"
        alone = fate.random() < 0.5
        await self.step(lambda uow: messages.create(uow, self.sid, author=identity, body=body, alone=alone))

    async def _edit(self, fate: random.Random, replica: Replica, identity: str) -> None:
        if replica.messages:
            sid, wanted = fate.choice(sorted(replica.messages)), messages.Changes(body=f"edited by {identity}")
            await self.step(lambda uow: messages.update(uow, self.sid, sid, wanted))

    async def _delete(self, fate: random.Random, replica: Replica, _identity: str) -> None:
        if replica.messages:
            sid = fate.choice(sorted(replica.messages))
            await self.step(lambda uow: messages.remove(uow, self.sid, sid))

    async def _read_up_to(self, fate: random.Random, _replica: Replica, identity: str) -> None:
        wanted = participant_updates.Changes(last_read_message_index=str(fate.randint(0, 5)))
        await self.step(lambda uow: participant_updates.update(uow, self.sid, identity, wanted))

    async def _receive(self, fate: random.Random, replica: Replica, _identity: str) -> None:
        if not replica.messages:
            return
        message_sid, status = fate.choice(sorted(replica.messages)), fate.choice(STATUSES)

        async def work(uow: UnitOfWork) -> tuple[str, str | None, str | None]:
            made = await receipts.create(
                uow,
                conversation_sid=self.sid,
                message_sid=message_sid,
                participant_sid=self.handset,
                channel_message_sid=None,
            )
            before = made.status
            return made.sid, before, (await receipts.advance(uow, made.sid, status)).status

        sid, _, after = await self.step(work)
        self.seen.setdefault(sid, []).append(after)

    async def check(self, replicas: list[Replica]) -> None:
        """Compare all copies with one freshly loaded; look for gaps, and for receipts that went back."""
        fresh = Replica(self.database, self.account_sid, self.sid)
        await fresh.catch_up()
        for replica in replicas:
            await replica.catch_up()
            assert (replica.messages, replica.people) == (fresh.messages, fresh.people), f"seed {self.seed}"

        async def rows(reader: Any) -> tuple[list[int], int]:
            found = await changes.messages_since(reader, self.sid, 0, 1000)
            row = await conversations.fetch(reader, self.sid)
            return sorted(message.index for message in found), row.next_index

        indexes, next_index = await self.database.read(self.account_sid, rows)
        assert indexes == list(range(next_index)), f"seed {self.seed}"
        for statuses in self.seen.values():
            final = next((status for status in statuses if status in FINAL), None)
            ranks = [RANKS[status] for status in statuses if status in RANKS]
            assert ranks == sorted(ranks), f"seed {self.seed}: {statuses}"
            if final is not None:
                assert set(statuses[statuses.index(final) :]) == {final}, f"seed {self.seed}: {statuses}"


async def any_interleaving(program: Program, credentials: Credentials, cases: int, seed: int) -> None:
    """Try cases, a few beside each other, so that clients of one really meet."""
    gate = asyncio.Semaphore(BESIDE)

    async def one(number: int) -> None:
        async with gate:
            case = Case(program.database, credentials.account_sid, seed * 1_000_000 + number)
            await case.open()
            await case.check(list(await asyncio.gather(*(case.client(n) for n in range(CLIENTS)))))

    async with asyncio.TaskGroup() as group:
        for number in range(cases):
            group.create_task(one(number))


@pytest.mark.timeout(900)
async def test_any_interleaving_of_clients_leaves_every_copy_the_same_and_no_gap(
    program: Program, account: Credentials
) -> None:
    await any_interleaving(program, account, 2_000, seed=1)


@pytest.mark.prove
@pytest.mark.timeout(6 * 3600)
async def test_any_interleaving_of_clients_at_length(program: Program, account: Credentials) -> None:
    await any_interleaving(program, account, 50_000, seed=2)


async def test_a_receipt_that_may_go_back_is_noticed(
    program: Program, account: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "moves_forward", lambda _current, _status: True)
    with pytest.raises(ExceptionGroup) as caught:
        await any_interleaving(program, account, 100, seed=5)
    assert caught.group_contains(AssertionError)


async def test_a_change_without_a_number_is_noticed(
    program: Program, account: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def raise_nothing(*_given: Any, **_more: Any) -> None:
        return None

    monkeypatch.setattr(message_store, "raise_messages", raise_nothing)
    with pytest.raises(ExceptionGroup) as caught:
        await any_interleaving(program, account, 100, seed=6)
    assert caught.group_contains(AssertionError)


# -- timers -----------------------------------------------------------------------------------

STEP = 300  # seconds: all times are multiples, so that the clock stops seldom
TOGETHER = 500  # conversations under one clock
AT_ONCE = 8  # of them that something is done to beside each other
ROUNDS = 8
STATES = ("active", "active", "inactive")


@dataclass
class Model:
    """What the documents say of a conversation's state (conversations.md §2.1, §2.2)."""

    sid: str
    state: str
    inactive: int | None
    closed: int | None
    date_inactive: datetime | None = None
    date_closed: datetime | None = None
    facts: list[tuple[str, str, str]] = field(default_factory=list)

    def restart(self, now: datetime) -> None:
        self.date_inactive = None if self.inactive is None else now + timedelta(seconds=self.inactive)
        self.date_closed = None if self.closed is None else now + timedelta(seconds=self.closed)

    def enter(self, state: str, reason: str, now: datetime) -> None:
        if state != self.state:
            self.facts.append((self.state, state, reason))
            self.state = state
            if state == "active":
                self.restart(now)

    def message(self, now: datetime) -> bool:
        if self.state == "closed":
            return False
        self.restart(now)
        self.enter("active", "EVENT", now)
        return True

    def update(self, state: str, now: datetime) -> bool:
        if self.state == "closed":
            return False
        self.enter(state, "API", now)
        return True

    def set_timers(self, inactive: int | None, closed: int | None, now: datetime) -> bool:
        if self.state == "closed":
            return False
        if inactive is not None:
            self.inactive = inactive or None
            self.date_inactive = now + timedelta(seconds=inactive) if inactive else None
        if closed is not None:
            self.closed = closed or None
            self.date_closed = now + timedelta(seconds=closed) if closed else None
        return True

    def pass_time(self, now: datetime) -> None:
        """Let due dates happen, each at its time."""
        closes_first = self.date_closed and self.date_inactive and self.date_closed < self.date_inactive
        if self.state == "active" and self.date_inactive and self.date_inactive <= now and not closes_first:
            self.enter("inactive", "TIMER", now)
        if self.state in ("active", "inactive") and self.date_closed and self.date_closed <= now:
            self.enter("closed", "TIMER", now)


def duration(seconds: int | None) -> str | None:
    return None if seconds is None else f"PT{seconds}S"


@dataclass
class Timed:
    """Conversations under one clock, beside their models."""

    stage: Stage
    account_sid: str
    fate: random.Random

    @property
    def now(self) -> datetime:
        return self.stage.program.clock.now()

    async def step(self, work: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        return await self.stage.program.database.step(self.account_sid, work)

    def seconds(self) -> int | None:
        return self.fate.choice((None, *(STEP * n for n in (2, 3, 4, 6, 9))))

    async def make(self, inactive: int | None, closed: int | None, state: str) -> Model:
        made = await self.step(
            lambda uow: conversations.create(
                uow, state=state, timers_inactive=duration(inactive), timers_closed=duration(closed)
            )
        )
        model = Model(made.sid, state, inactive, closed)
        model.restart(self.now)
        return model

    async def all(self, work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
        """Do things to different conversations, a few beside each other."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(each: Coroutine[Any, Any, T]) -> T:
            async with gate:
                return await each

        return await asyncio.gather(*(one(each) for each in work))

    def act(self, model: Model) -> Coroutine[Any, Any, None]:
        """Choose one thing to be done to a conversation and to its model."""
        kind = self.fate.choice(("message", "state", "timers", "nothing"))
        state = self.fate.choice(("active", "inactive", "inactive", "closed"))
        return self._act(model, kind, state, (self.seconds(), self.fate.choice((None, 0, *(STEP * n for n in (2, 5))))))

    async def _act(self, model: Model, kind: str, state: str, timers: tuple[int | None, int | None]) -> None:
        """Do it; both refuse, or neither."""
        wanted = conversations.Changes(
            state=state if kind == "state" else None,
            timers_inactive=duration(timers[0]) if kind == "timers" else None,
            timers_closed=duration(timers[1]) if kind == "timers" else None,
        )
        try:
            if kind == "message":
                await self.step(lambda uow: messages.create(uow, model.sid, body="hi", alone=True))
            elif kind != "nothing":
                await self.step(lambda uow: conversations.update(uow, model.sid, wanted))
        except ContractError as error:
            if error.code != 50377 or model.state != "closed":
                raise
            return
        if kind == "message":
            assert model.message(self.now)
        elif kind == "state":
            assert model.update(state, self.now)
        elif kind == "timers":
            assert model.set_timers(*timers, self.now)

    async def compare(self, models: list[Model]) -> None:
        async def work(reader: Any) -> dict[str, tuple[Any, ...]]:
            rows = await reader.fetch(
                "SELECT sid, state, date_inactive, date_closed FROM conversation"
                " WHERE account_sid = $1 AND sid = ANY($2)",
                self.account_sid,
                [model.sid for model in models],
            )
            return {row["sid"]: (row["state"], row["date_inactive"], row["date_closed"]) for row in rows}

        found = await self.stage.program.database.read(self.account_sid, work)
        for model in models:
            assert found[model.sid] == (model.state, model.date_inactive, model.date_closed), model

    async def compare_facts(self, models: list[Model]) -> None:
        async def work(reader: Any) -> dict[str, list[tuple[str, str, str]]]:
            rows = await reader.fetch(
                "SELECT stream, snapshot FROM event WHERE account_sid = $1 AND kind = 'conversation.state_updated/1'"
                " AND stream = ANY($2) ORDER BY sid",
                self.account_sid,
                [model.sid for model in models],
            )
            told: dict[str, list[tuple[str, str, str]]] = {}
            for row in rows:
                fact = row["snapshot"]
                told.setdefault(row["stream"], []).append((fact["state_from"], fact["state_to"], fact["reason"]))
            return told

        told = await self.stage.program.database.read(self.account_sid, work)
        for model in models:
            assert told.get(model.sid, []) == model.facts, model


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as one:
        yield one


async def any_sequence(stage: Stage, cases: int, seed: int) -> None:
    """Try sequences, many conversations under one clock."""
    program = stage.program
    fate = random.Random(seed)
    for _ in range(0, cases, TOGETHER):
        credentials = await service.create_account(program.database, program.box, friendly_name="Timers")
        timed = Timed(stage, credentials.account_sid, fate)
        chosen = [(timed.seconds(), timed.seconds(), fate.choice(STATES)) for _ in range(TOGETHER)]
        models = await timed.all(timed.make(*each) for each in chosen)
        for _ in range(ROUNDS):
            await timed.all([timed.act(model) for model in models])
            await timed.compare(models)
            for _ in range(fate.choice((0, 1, 1, 2, 3))):
                await stage.advance(STEP)
                for model in models:
                    model.pass_time(timed.now)
            await timed.compare(models)
        await timed.compare_facts(models)


@pytest.mark.timeout(900)
async def test_any_sequence_of_timers_messages_and_updates_gives_the_documented_states(stage: Stage) -> None:
    await any_sequence(stage, 2000, seed=3)


@pytest.mark.prove
@pytest.mark.timeout(6 * 3600)
async def test_any_sequence_of_timers_messages_and_updates_at_length(stage: Stage) -> None:
    await any_sequence(stage, 50_000, seed=4)
