"""A text from the street under a flow: the conversation's first message starts one execution."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import addresses, inbound, webhooks
from parlour.conversations.addresses import AutoCreation
from parlour.kit.wire import decode_json
from parlour.messaging import numbers
from parlour.store.unit import Reader, UnitOfWork
from parlour.studio import execution_store, flows

OURS = "+15551230000"
CUSTOMER = "+15557654321"
# No channel carries these texts back, so a flow's question is neither delivered nor lost.
OURS_THERE = "rcs:shop"
CUSTOMER_THERE = "rcs:customer"


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 40) -> Any:
    """Look again until there is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = await look()
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("nothing came of it")


async def address_for(program: Program, account: Credentials, flow: str, number: str) -> str:
    """Point a number's address at a default flow; return the flow's SID."""

    async def work(uow: UnitOfWork) -> str:
        found = await flows.by_name(uow, flow)
        assert found is not None
        kind = "chat" if number == OURS_THERE else "sms"
        if kind == "sms":
            await numbers.create(uow, phone_number=number)
        auto = AutoCreation(enabled=True, type="studio", studio_flow_sid=found.sid)
        await addresses.create(uow, type=kind, address=number, auto_creation=auto)
        return found.sid

    return await program.database.step(account.account_sid, work, request_id="RQ")


def arriving(body: str, to: str) -> inbound.Inbound:
    if to == OURS_THERE:
        return inbound.Inbound(CUSTOMER_THERE, to, body, channel_type="rcs", source="RCS")
    return inbound.Inbound(CUSTOMER, to, body)


async def text(program: Program, account: Credentials, body: str, to: str = OURS) -> inbound.Received:
    return await program.database.step(
        account.account_sid, lambda uow: inbound.receive(uow, arriving(body, to)), request_id="RQ"
    )


async def executions_of(program: Program, account: Credentials, flow_sid: str, status: str) -> list[Any]:
    async def work(reader: Reader) -> list[Any]:
        return await execution_store.list_of_flow(
            reader, flow_sid, after=None, status=status, created_from=None, created_to=None, limit=50
        )

    return await program.database.read(account.account_sid, work)


@pytest.mark.parametrize("burst", [1, 12])
async def test_first_texts_make_one_execution_and_one_task(program: Program, account: Credentials, burst: int) -> None:
    flow_sid = await address_for(program, account, "Messaging Flow", OURS)
    received = await asyncio.gather(*(text(program, account, f"text {number}") for number in range(burst)))
    assert len({each.conversation_sid for each in received}) == 1
    (ended,) = await until(lambda: executions_of(program, account, flow_sid, "ended"))
    context = ended.decoded().context
    message = context["trigger"]["conversation"]
    assert (message["Source"], message["From"], message["Index"]) == ("SMS", CUSTOMER, "0")
    assert message["ConversationSid"] == received[0].conversation_sid
    made = context["widgets"]["SendConversationToAgent"]
    assert made["channel"]["type"] == "sms"
    attributes = decode_json(made["routing"]["properties"]["attributes"])
    assert attributes["channelType"] == "sms"
    assert attributes["customerAddress"] == CUSTOMER
    left = await program.database.read(
        account.account_sid, lambda reader: webhooks.list_for(reader, received[0].conversation_sid or "")
    )
    assert left == []

    async def idle() -> bool:
        return not await program.database.system(
            lambda c: c.fetchval(
                "SELECT count(*) FROM job WHERE account_sid = $1 AND lane LIKE 'studio:%'", account.account_sid
            )
        )

    await until(idle)
    assert len(await executions_of(program, account, flow_sid, "ended")) == 1
    tasks = await program.database.system(
        lambda c: c.fetchval("SELECT count(*) FROM task WHERE account_sid = $1", account.account_sid)
    )
    assert tasks == 1


async def test_a_reply_by_text_moves_the_demo_flow_on(program: Program, account: Credentials) -> None:
    flow_sid = await address_for(program, account, "Demo Flow", OURS_THERE)
    await text(program, account, "hello", OURS_THERE)
    await until(lambda: executions_of(program, account, flow_sid, "active"))

    async def asked() -> bool:
        rows = await executions_of(program, account, flow_sid, "active")
        return bool(rows) and rows[0].decoded().pending == "reply"

    await until(asked)
    await text(program, account, "1", OURS_THERE)
    (ended,) = await until(lambda: executions_of(program, account, flow_sid, "ended"))
    inbound_message = ended.decoded().context["widgets"]["ask_topic"]["inbound"]
    assert (inbound_message["Body"], inbound_message["From"]) == ("1", CUSTOMER_THERE)
    assert inbound_message["Source"] == "RCS"
    assert inbound_message["ParticipantSid"].startswith("MB")


async def test_texts_that_wait_together_are_taken_in_order(program: Program, account: Credentials) -> None:
    """Jobs of one lane may share a transaction: each must see what the one before it left."""
    flow_sid = await address_for(program, account, "Demo Flow", OURS_THERE)

    async def burst(uow: UnitOfWork) -> None:
        for body in ("hello", "2", "more"):
            await inbound.receive(uow, arriving(body, OURS_THERE))

    await program.database.step(account.account_sid, burst, request_id="RQ")
    (ended,) = await until(lambda: executions_of(program, account, flow_sid, "ended"))
    assert ended.decoded().context["flow"]["variables"] == {"topic": "support"}
    steps = await program.database.read(
        account.account_sid, lambda reader: execution_store.list_steps(reader, flow_sid, ended.sid, None, 50)
    )
    assert [step.position for step in steps] == list(range(7, 0, -1))


async def test_a_question_that_cannot_be_delivered_leads_to_an_agent(program: Program, account: Credentials) -> None:
    """The number has no carrier, so the receipt of the question says failed."""
    flow_sid = await address_for(program, account, "Demo Flow", OURS)
    await text(program, account, "hello")
    (ended,) = await until(lambda: executions_of(program, account, flow_sid, "ended"))
    steps = await program.database.read(
        account.account_sid, lambda reader: execution_store.list_steps(reader, flow_sid, ended.sid, None, 50)
    )
    walked = [(step.transitioned_from, step.name) for step in reversed(steps)]
    assert walked[-2:] == [("ask_topic", "deliveryFailure"), ("send_to_agent", "callComplete")]
    assert steps[1].log[0]["code"] == 81011
