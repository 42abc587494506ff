"""Executions on a real database and a frozen clock; other floors are books (tests/studio/street.py)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from parlour.accounts import service
from parlour.app import Program, compose
from parlour.kit.clock import FrozenClock
from parlour.kit.errors import ContractError
from parlour.kit.wire import decode_json
from parlour.outbox.process import Process
from parlour.outbox.runner import Runner
from parlour.outbox.test_clock import TestClock
from parlour.settings import Settings
from parlour.store import refs
from parlour.store.postgres.supervisor import Supervisor
from parlour.studio import execution_store, executions, flows, outside
from parlour.studio.defaults import DEMO_QUESTION
from tests.conftest import FAST
from tests.requirements import requirement
from tests.studio.random_flows import Script, scripts
from tests.studio.street import CONVERSATION, CUSTOMER, Street


@dataclass
class Studio:
    """A program with accounts and Studio, whose clock the test moves."""

    program: Program
    clock: TestClock

    async def settle(self) -> None:
        await self.clock.advance(timedelta(0))

    async def steps(self, account_sid: str, row: Any) -> list[Any]:
        found = await self.program.database.read(
            account_sid, lambda reader: execution_store.list_steps(reader, row.flow_sid, row.sid, None, 2000)
        )
        return list(reversed(found))

    async def runs(self, account_sid: str, flow_sid: str) -> list[Any]:
        return await self.program.database.read(
            account_sid,
            lambda reader: execution_store.list_of_flow(
                reader, flow_sid, after=None, status=None, created_from=None, created_to=None, limit=100
            ),
        )


@contextlib.asynccontextmanager
async def running(folder: Path, dsn: str) -> AsyncIterator[Studio]:
    """Run a program with its jobs on a database, as a server does, until the block ends."""
    program = compose(Settings(data=folder, ephemeral=True, test_clock=True), dsn)
    await program.database.open()
    await program.migrate()
    process = Process(program.database, program.wake)
    await process.join()
    runner = Runner(program.database, program.registry, program.wake, program.clock, process.number)
    assert isinstance(program.clock, FrozenClock)
    clock = TestClock(program.database, program.clock, process, runner)
    await clock.load(program.clock.now())
    tasks = [asyncio.create_task(runner.run()), asyncio.create_task(process.sweep())]
    try:
        yield Studio(program, clock)
    finally:
        await runner.stop(5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await process.leave()
        await program.database.close()


@pytest.fixture(scope="module")
async def studio(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    async with Supervisor(folder / "data", settings=FAST) as postgres, running(folder, postgres.address.dsn) as made:
        yield made


@pytest.fixture
async def street(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Street:
    async def routing(_reader: Any) -> tuple[str, str]:
        return "WW" + "0" * 32, "chat"

    async def known(_reader: Any, _sid: str) -> bool:
        return True

    monkeypatch.setattr(outside, "routing", routing)
    monkeypatch.setattr(refs, "check", known)
    made = await service.create_account(studio.program.database, studio.program.box, friendly_name="Test")
    street = Street(studio.program, made.account_sid)
    street.install(monkeypatch)
    return street


async def publish(street: Street, definition: dict[str, Any]) -> str:
    flow = await street.program.database.step(
        street.account_sid,
        lambda uow: flows.create(uow, friendly_name="f", status="published", definition=definition),
        request_id="RQ" + "1" * 32,
    )
    street.attach(flow.sid)
    return flow.sid


async def by_name(street: Street, name: str) -> str:
    flow = await street.program.database.read(street.account_sid, lambda reader: flows.by_name(reader, name))
    assert flow is not None
    street.attach(flow.sid)
    return flow.sid


@requirement("S44")
async def test_a_new_account_has_the_three_default_flows(studio: Studio, street: Street) -> None:
    for name in ("Messaging Flow", "Chat Flow", "Demo Flow"):
        assert await by_name(street, name)


@requirement("S47", "S48")
async def test_the_demo_flow_greets_asks_and_sends_the_answer_to_flex(studio: Studio, street: Street) -> None:
    flow_sid = await by_name(street, "Demo Flow")
    await street.say("hi")
    await studio.settle()
    assert street.texts == ["Hello! This is an automatic greeting.", DEMO_QUESTION]
    (row,) = await studio.runs(street.account_sid, flow_sid)
    assert (row.status, row.contact_channel_address, row.initiated_by) == ("active", CUSTOMER, "IM" + "0" * 32)
    await street.say("2")
    await studio.settle()
    assert street.tasks[0].attributes["topic"] == "support"
    (row,) = await studio.runs(street.account_sid, flow_sid)
    assert row.status == "ended"
    steps = await studio.steps(street.account_sid, row)
    assert [(step.transitioned_from, step.name, step.transitioned_to) for step in steps] == [
        ("Trigger", "incomingConversationMessage", "greet"),
        ("greet", "sent", "ask_topic"),
        ("ask_topic", "incomingMessage", "check_answer"),
        ("check_answer", "match", "set_support"),
        ("set_support", "next", "thank"),
        ("thank", "sent", "send_to_agent"),
        ("send_to_agent", "callComplete", "Ended"),
    ]
    context = decode_json(steps[-1].context)
    assert context["widgets"]["send_to_agent"]["sid"].startswith("KD")
    assert context["widgets"]["send_to_agent"]["channel"]["sid"].startswith("UO")
    assert context["widgets"]["send_to_agent"]["routing"]["properties"]["sid"].startswith("WT")
    assert context["trigger"]["conversation"]["ConversationSid"] == CONVERSATION
    assert "send_to_agent" not in decode_json(steps[-2].context)["widgets"]


async def test_after_send_to_flex_a_message_starts_nothing(studio: Studio, street: Street) -> None:
    flow_sid = await by_name(street, "Messaging Flow")
    for number in range(5):
        await street.say(f"message {number}")
    await studio.settle()
    assert len(street.tasks) == 1
    assert len(await studio.runs(street.account_sid, flow_sid)) == 1
    assert street.webhooks == []


async def test_silence_takes_the_time_out_exit_at_its_second(studio: Studio, street: Street) -> None:
    await by_name(street, "Demo Flow")
    await street.say("hi")
    await studio.settle()
    await studio.clock.advance(timedelta(seconds=3599))
    assert street.tasks == []
    await studio.clock.advance(timedelta(seconds=1))
    assert len(street.tasks) == 1


async def test_a_closed_conversation_ends_the_waiting_execution(studio: Studio, street: Street) -> None:
    flow_sid = await by_name(street, "Demo Flow")
    await street.say("hi")
    await studio.settle()
    await street.close()
    await studio.settle()
    (row,) = await studio.runs(street.account_sid, flow_sid)
    assert (row.status, row.ended_reason) == ("ended", "the conversation was closed")
    await studio.clock.advance(timedelta(hours=2))
    assert street.tasks == []


WAIT = {
    "name": "wait",
    "type": "send-and-wait-for-reply",
    "transitions": [{"event": "incomingMessage", "next": "wait"}, {"event": "timeout"}],
    "properties": {"from": "Bot", "body": "?", "timeout": "2592000"},
}


def waiting(event: str = "incomingConversationMessage") -> dict[str, Any]:
    trigger = {"name": "Trigger", "type": "trigger", "properties": {}}
    return {
        "states": [{**trigger, "transitions": [{"event": event, "next": "wait"}]}, WAIT],
        "initial_state": "Trigger",
    }


async def test_an_execution_ends_after_thirty_days(studio: Studio, street: Street) -> None:
    flow_sid = await publish(street, waiting())
    await street.say("hi")
    await studio.clock.advance(timedelta(days=20))
    await street.say("still here")
    await studio.clock.advance(timedelta(days=9))
    (row,) = await studio.runs(street.account_sid, flow_sid)
    assert row.status == "active"
    await studio.clock.advance(timedelta(days=1))
    (row,) = await studio.runs(street.account_sid, flow_sid)
    assert (row.status, row.ended_reason) == ("ended", "30 days have passed")


async def test_a_running_execution_keeps_the_revision_it_started_with(studio: Studio, street: Street) -> None:
    flow_sid = await publish(street, waiting())
    await street.say("hi")
    await studio.settle()
    newer = waiting()
    newer["states"][1] = {**WAIT, "properties": {"from": "Bot", "body": "newer"}}
    await street.program.database.step(
        street.account_sid,
        lambda uow: flows.update(uow, flow_sid, status="published", definition=newer),
        request_id="RQ",
    )
    await street.say("again")
    await studio.settle()
    assert street.texts == ["?", "?"]


async def test_a_test_user_runs_the_draft_and_others_the_published_revision(studio: Studio, street: Street) -> None:
    flow_sid = await publish(street, waiting())
    draft = waiting()
    draft["states"][1] = {**WAIT, "properties": {"from": "Bot", "body": "draft"}}

    async def work(uow: Any) -> None:
        await flows.update(uow, flow_sid, status="draft", definition=draft)

    await street.program.database.step(street.account_sid, work, request_id="RQ")
    await street.say("hi")
    await studio.settle()
    assert street.texts == ["?"]
    await street.close()
    await studio.settle()
    await street.program.database.step(
        street.account_sid, lambda uow: flows.set_test_users(uow, flow_sid, [CUSTOMER]), request_id="RQ"
    )
    await street.say("hi")
    await studio.settle()
    assert street.texts == ["?", "draft"]


async def test_a_flow_that_was_never_published_hears_nothing(studio: Studio, street: Street) -> None:
    flow = await street.program.database.step(
        street.account_sid,
        lambda uow: flows.create(uow, friendly_name="d", status="draft", definition=waiting()),
        request_id="RQ",
    )
    street.attach(flow.sid)
    await street.say("hi")
    await studio.settle()
    assert await studio.runs(street.account_sid, flow.sid) == []


async def test_an_undelivered_question_takes_the_delivery_failure_exit(studio: Studio, street: Street) -> None:
    flow_sid = await publish(street, waiting())
    await street.say("hi")
    await studio.settle()
    (row,) = await studio.runs(street.account_sid, flow_sid)

    async def fail(uow: Any) -> None:
        await executions.undelivered(uow, row.decoded().message_sid, code=30003, message="unreachable")

    await street.program.database.step(street.account_sid, fail, request_id="RQ")
    (row,) = await studio.runs(street.account_sid, flow_sid)
    assert row.status == "ended"
    last = (await studio.steps(street.account_sid, row))[-1]
    assert last.name == "deliveryFailure"
    assert "unreachable" in last.log[0]["message"]


async def test_a_refused_interaction_takes_failed_to_enqueue_and_keeps_the_webhook(
    studio: Studio, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow_sid = await by_name(street, "Messaging Flow")

    async def refuse(uow: Any, _command: Any) -> Any:
        await uow.execute("DELETE FROM studio_revision WHERE account_sid = $1", uow.account_sid)
        raise ContractError(20001, 400, "Invalid parameter WorkflowSid")

    monkeypatch.setattr(outside, "enqueue", refuse)
    await street.say("hi")
    await studio.settle()
    (row,) = await studio.runs(street.account_sid, flow_sid)
    last = (await studio.steps(street.account_sid, row))[-1]
    assert (last.name, last.log[0]["code"]) == ("failedToEnqueue", 81015)
    assert "WorkflowSid" in last.log[0]["message"]
    assert street.webhooks
    monkeypatch.setattr(outside, "enqueue", street.enqueue)
    await street.say("once more")
    await studio.settle()
    assert len(street.tasks) == 1


async def test_a_waiting_execution_goes_on_in_the_next_server(studio: Studio, street: Street, tmp_path: Path) -> None:
    flow_sid = await by_name(street, "Demo Flow")
    await street.say("hi")
    await studio.settle()
    dsn = studio.program.database.dsn
    async with running(tmp_path, dsn) as after:
        street.program = after.program
        await street.say("1")
        await after.settle()
        await street.close()
    street.program = studio.program
    assert street.tasks[0].attributes["topic"] == "sales"
    (row,) = await studio.runs(street.account_sid, flow_sid)
    assert row.status == "ended"
    assert len(await studio.steps(street.account_sid, row)) == 7


async def test_flow_executions_by_rest_run_once_per_pair(studio: Studio, street: Street) -> None:
    definition = waiting("incomingRequest")
    definition["states"][1] = {
        "name": "wait",
        "type": "set-variables",
        "transitions": [{"event": "next"}],
        "properties": {"variables": [{"key": "who", "value": "{{flow.data.name}}/{{contact.channel.address}}"}]},
    }
    flow_sid = await publish(street, definition)

    async def start(uow: Any) -> Any:
        return await executions.create(uow, flow_sid, to="+1", from_="+2", parameters={"name": "Ada"})

    first = await street.program.database.step(street.account_sid, start, request_id="RQ" + "7" * 32)
    assert first.initiated_by == "RQ" + "7" * 32
    await studio.settle()
    (row,) = await studio.runs(street.account_sid, flow_sid)
    assert row.status == "ended"
    assert row.decoded().context["flow"]["variables"] == {"who": "Ada/+1"}


@pytest.mark.parametrize("script", scripts(20, calls=False), ids=lambda script: f"seed-{script.seed}")
async def test_a_random_flow_runs_on_the_database_as_a_naive_reading_says(
    studio: Studio, street: Street, script: Script
) -> None:
    flow_sid = await publish(street, script.definition)
    await street.say("hi")
    await studio.settle()
    for reply in script.replies:
        if reply is None:
            await studio.clock.advance(timedelta(seconds=120))
        else:
            await street.say(reply)
            await studio.settle()
    (row,) = await studio.runs(street.account_sid, flow_sid)
    steps = await studio.steps(street.account_sid, row)
    assert [(s.transitioned_from, s.name, s.transitioned_to) for s in steps] == script.expected.steps
    assert street.texts == script.expected.texts
    assert row.status == "ended"
