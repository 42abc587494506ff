"""Messages of many conversations at once: what gathers is written as one, and each stands for itself."""

import asyncio
from collections import Counter
from typing import Any

import asyncpg
import pytest

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import conversations, messages
from parlour.conversations.appending import APPEND
from parlour.kit.errors import ContractError
from parlour.store.database import Database, DatabaseUnavailable
from parlour.store.together import Statement, Together
from parlour.store.unit import UnitOfWork
from tests.store.postgres_world import eventually

MANY = 12


class Wire:
    """The statements of messages on their way to PostgreSQL: the first waits until the others have gathered.

    :ivar ran: the forms, in their order.
    :ivar others: how many must have come before the first goes.
    :ivar gathered: how many came.
    :ivar fault: raised in the place of the answer to a statement for several.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran: list[str] = []
        self.others = MANY - 1
        self.fault: Exception | None = None
        self._fetchrow, self._fetch = asyncpg.Connection.fetchrow, asyncpg.Connection.fetch
        self._gathered = asyncio.Event()

        async def alone(connection: Any, sql: str, *args: Any) -> Any:
            return await self._alone(connection, sql, *args)

        async def several(connection: Any, sql: str, *args: Any) -> Any:
            return await self._several(connection, sql, *args)

        monkeypatch.setattr(asyncpg.Connection, "fetchrow", alone)
        monkeypatch.setattr(asyncpg.Connection, "fetch", several)
        self.gathered = 0
        run = Together.run

        async def count(together: Together, *args: Any) -> Any:
            self.gathered += 1
            if self.gathered > self.others:
                asyncio.get_running_loop().call_soon(self.go)
            return await run(together, *args)

        monkeypatch.setattr(Together, "run", count)
        monkeypatch.setattr("parlour.store.together.PATIENCE", 60.0)  # the others gather as long as it takes

    def go(self) -> None:
        """Let the first go."""
        self._gathered.set()

    async def _alone(self, connection: Any, sql: str, *args: Any) -> Any:
        if sql == APPEND.statement.alone:
            self.ran.append("alone")
            await self._gathered.wait()
        return await self._fetchrow(connection, sql, *args)

    async def _several(self, connection: Any, sql: str, *args: Any) -> Any:
        answer = await self._fetch(connection, sql, *args)
        if sql == APPEND.statement.several:
            self.ran.append("several")
            if self.fault is not None:
                raise self.fault
        return answer


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)


class Street:
    """Conversations of one account in this process."""

    def __init__(self, program: Program, account_sid: str) -> None:
        self.database: Database = program.database
        self.account_sid = account_sid

    async def open(self, count: int = MANY) -> list[str]:
        """Make conversations."""
        made = [await self.database.step(self.account_sid, conversations.create) for _ in range(count)]
        return [conversation.sid for conversation in made]

    async def say(self, sid: str, body: str) -> messages.Message:
        """Post a message as the REST API does."""
        return await self.database.step(
            self.account_sid,
            lambda uow: messages.create(uow, sid, author="ann", body=body, alone=True),
            request_id=body,
        )

    async def facts(self, sid: str) -> list[asyncpg.Record]:
        """Return the facts of a conversation's messages."""
        sql = "SELECT * FROM event WHERE account_sid = $1 AND stream = $2 AND kind = 'message.added/1' ORDER BY sid"
        return await self.database.read(self.account_sid, lambda reader: reader.fetch(sql, self.account_sid, sid))

    async def stored(self, sid: str) -> list[tuple[int, str | None]]:
        """Return index and body of each message of a conversation."""
        sql = "SELECT index, body FROM message WHERE account_sid = $1 AND conversation_sid = $2 ORDER BY index"
        rows = await self.database.read(self.account_sid, lambda reader: reader.fetch(sql, self.account_sid, sid))
        return [(row["index"], row["body"]) for row in rows]


@pytest.fixture
def street(program: Program, account: Credentials) -> Street:
    return Street(program, account.account_sid)


async def test_messages_that_gather_are_one_statement_and_each_is_in_its_conversation(
    street: Street, wire: Wire
) -> None:
    sids = await street.open()
    said = await asyncio.gather(*(street.say(sid, f"to {sid}") for sid in sids))
    assert wire.ran == ["alone", "several"]
    assert [(message.conversation_sid, message.index) for message in said] == [(sid, 0) for sid in sids]
    for sid, message in zip(sids, said, strict=True):
        assert await street.stored(sid) == [(0, f"to {sid}")]
        (fact,) = await street.facts(sid)
        assert (fact["object_sid"], fact["request_id"], fact["at"]) == (message.sid, f"to {sid}", message.date_created)
        assert (fact["snapshot"]["sid"], fact["snapshot"]["index"]) == (message.sid, 0)


async def test_messages_of_one_conversation_follow_each_other_among_those_of_others(street: Street, wire: Wire) -> None:
    sids = await street.open(MANY - 4)
    wire.others = MANY - 1
    said = await asyncio.gather(*(street.say(sid, str(number)) for number, sid in enumerate([sids[0]] * 4 + sids)))
    assert sorted(message.index for message in said if message.conversation_sid == sids[0]) == [0, 1, 2, 3, 4]
    assert [index for index, _ in await street.stored(sids[0])] == [0, 1, 2, 3, 4]
    for sid in sids[1:]:
        assert [index for index, _ in await street.stored(sid)] == [0]


@pytest.mark.parametrize("comes", ["first", "among the others"])
async def test_a_conversation_that_somebody_holds_keeps_no_other_waiting(
    street: Street, wire: Wire, comes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sids = await street.open()
    monkeypatch.setattr("parlour.store.together.PATIENCE", 0.05)
    wire.others = 0 if comes == "first" else MANY - 1
    let_go = asyncio.Event()
    held = asyncio.Event()

    async def hold(uow: UnitOfWork) -> None:
        await conversations.lock(uow, sids[5])
        held.set()
        await let_go.wait()

    holder = asyncio.create_task(street.database.step(street.account_sid, hold))
    await held.wait()
    saying: dict[str, asyncio.Task[messages.Message]] = {}
    if comes == "first":
        saying[sids[5]] = asyncio.create_task(street.say(sids[5], "hello"))
        await eventually(lambda: wire.ran == ["alone"], "its message on the way")
    saying = {sid: saying.get(sid) or asyncio.create_task(street.say(sid, "hello")) for sid in sids}
    await asyncio.wait_for(asyncio.gather(*(task for sid, task in saying.items() if sid != sids[5])), 20)
    assert not saying[sids[5]].done()
    let_go.set()
    await holder
    assert (await saying[sids[5]]).index == 0


async def test_a_conversation_closed_meanwhile_refuses_its_message_alone(street: Street, wire: Wire) -> None:
    sids = await street.open()
    wire.others = 0
    await asyncio.gather(*(street.say(sid, "first") for sid in sids))  # now each conversation was looked at
    changes = conversations.Changes(state="closed")
    await street.database.step(street.account_sid, lambda uow: conversations.update(uow, sids[7], changes))
    wire.ran.clear()
    said = await asyncio.gather(*(street.say(sid, "second") for sid in sids), return_exceptions=True)
    assert "several" in wire.ran
    refused = said.pop(7)
    assert isinstance(refused, ContractError)
    assert refused.code == 50377
    assert [message.index for message in said if isinstance(message, messages.Message)] == [1] * (MANY - 1)
    assert await street.stored(sids[7]) == [(0, "first")]


async def test_what_cannot_be_done_together_is_done_one_by_one(
    street: Street, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    sids = await street.open()
    in_a_circle = APPEND.statement.several.replace("SELECT event_sid AS key", "SELECT 1 / 0, event_sid AS key")
    monkeypatch.setattr(APPEND, "statement", Statement(APPEND.statement.alone, in_a_circle))
    said = await asyncio.gather(*(street.say(sid, "hello") for sid in sids))
    assert wire.ran == ["alone"] * MANY
    assert [message.index for message in said] == [0] * MANY
    assert [await street.stored(sid) for sid in sids] == [[(0, "hello")]] * MANY


async def test_a_connection_lost_under_a_group_is_told_to_each_and_nothing_is_doubled(
    street: Street, wire: Wire
) -> None:
    sids = await street.open()
    wire.fault = asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    said = await asyncio.gather(*(street.say(sid, "hello") for sid in sids), return_exceptions=True)
    assert Counter(map(type, said)) == {messages.Message: 1, DatabaseUnavailable: MANY - 1}
    assert [await street.stored(sid) for sid in sids] == [[(0, "hello")]] * MANY
    wire.fault = None
    assert (await street.say(sids[3], "again")).index == 1


async def test_whoever_leaves_the_line_keeps_nobody_in_it(street: Street, wire: Wire) -> None:
    sids = await street.open()
    wire.others = MANY  # the first goes when the test says so
    saying = [asyncio.create_task(street.say(sid, "hello")) for sid in sids]
    await eventually(lambda: wire.gathered == MANY, "all messages in the line")
    saying[1].cancel()  # who would have led the others
    wire.go()
    done = await asyncio.gather(*saying, return_exceptions=True)
    assert isinstance(done.pop(1), asyncio.CancelledError)
    assert [message.index for message in done if isinstance(message, messages.Message)] == [0] * (MANY - 1)
    assert await street.stored(sids[1]) == []


async def test_whoever_waits_in_the_line_holds_no_connection(street: Street, wire: Wire) -> None:
    sids = await street.open(MANY)
    wire.others = MANY  # the first goes when the test says so
    saying = [asyncio.create_task(street.say(sid, "hello")) for sid in sids]
    await eventually(lambda: wire.gathered == MANY, "all messages in the line")
    all_there = asyncio.Barrier(15)  # of 16 connections; the first message has one
    await asyncio.wait_for(asyncio.gather(*(_hold(street.database, all_there) for _ in range(15))), 10)
    wire.go()
    assert [message.index for message in await asyncio.gather(*saying)] == [0] * MANY


async def _hold(database: Database, all_there: asyncio.Barrier) -> None:
    """Hold a connection until each of the others has one too."""
    async with database.connection():
        await all_there.wait()
