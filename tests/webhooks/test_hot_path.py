"""Appending a message stays one statement, whoever listens (docs/decisions/hot-path.md)."""

from typing import Any

import pytest

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import conversations, messages, webhooks, webhooks_configuration
from parlour.conversations.conversations import Conversation
from parlour.conversations.webhooks_delivery import lane
from parlour.store.unit import Unanswered, UnitOfWork

LANES = "SELECT name FROM lane WHERE account_sid = $1 AND name = ANY($2)"


async def test_a_message_with_two_listeners_is_one_statement(program: Program, account: Credentials) -> None:
    nobody = "http://127.0.0.1:9/"  # what is due stays due, where the test can see it

    async def prepare(uow: UnitOfWork) -> tuple[Conversation, str]:
        row = await conversations.create(uow)
        hook = await webhooks.create(uow, row.sid, target="webhook", url=nobody, filters=["onMessageAdded"])
        await webhooks_configuration.update(uow, post_webhook_url=nobody, filters=["onMessageAdded"])
        return row, hook.sid

    talk, hook_sid = await program.database.step(account.account_sid, prepare)
    counts: list[int] = []

    async def post(uow: UnitOfWork) -> None:
        await messages.create(uow, talk.sid, author="ann", body="hi", source="SDK", client_identity="ann", alone=True)
        counts.append(uow.statements)

    for _ in range(2):
        await program.database.step(account.account_sid, post)
    assert counts[-1] == 1
    wanted = sorted([lane(hook_sid, talk.sid), lane(account.account_sid, talk.sid)])

    async def due(connection: Any) -> list[str]:
        return sorted(row["name"] for row in await connection.fetch(LANES, account.account_sid, wanted))

    assert await program.database.system(due) == wanted


async def test_a_webhook_that_was_set_a_moment_ago_hears_the_next_message(
    program: Program, account: Credentials
) -> None:
    """What the hot path remembers of a conversation must not hide a new listener."""
    talk = await program.database.step(account.account_sid, conversations.create)

    async def post(uow: UnitOfWork) -> None:
        await messages.create(uow, talk.sid, author="ann", body="hi", source="SDK", client_identity="ann", alone=True)

    async def listen(uow: UnitOfWork) -> None:
        await webhooks_configuration.update(uow, post_webhook_url="http://127.0.0.1:9/", filters=["onMessageAdded"])

    async def due(connection: Any) -> int:
        return len(await connection.fetch(LANES, account.account_sid, [lane(account.account_sid, talk.sid)]))

    await program.database.step(account.account_sid, post)
    assert await program.database.system(due) == 0
    await program.database.step(account.account_sid, listen)
    await program.database.step(account.account_sid, post)
    assert await program.database.system(due) == 1


async def test_a_webhook_that_is_asked_about_others_costs_a_message_nothing(
    program: Program, account: Credentials
) -> None:
    """The look knows who is asked: for a REST call without the header nobody is, and one statement is all."""

    async def prepare(uow: UnitOfWork) -> Conversation:
        await webhooks_configuration.update(
            uow, pre_webhook_url="http://127.0.0.1:9/", filters=["onMessageAdd", "onConversationAdd"]
        )
        return await conversations.create(uow)

    talk = await program.database.step(account.account_sid, prepare)
    counts: list[int] = []

    async def post(uow: UnitOfWork) -> None:
        await messages.create(uow, talk.sid, author="ann", body="hi", alone=True)
        counts.append(uow.statements)

    for _ in range(2):
        await program.database.step(account.account_sid, post)
    assert counts[-1] == 1


async def test_a_webhook_that_is_asked_since_a_moment_is_asked_about_the_next_message(
    program: Program, account: Credentials
) -> None:
    """What the hot path remembers of a conversation must not hide whom to ask."""
    talk = await program.database.step(account.account_sid, conversations.create)

    async def post(uow: UnitOfWork) -> None:
        await messages.create(uow, talk.sid, author="ann", body="hi", source="SDK", client_identity="ann", alone=True)

    async def be_asked(uow: UnitOfWork) -> None:
        await webhooks_configuration.update(uow, pre_webhook_url="http://127.0.0.1:9/", filters=["onMessageAdd"])

    await program.database.step(account.account_sid, post)
    await program.database.step(account.account_sid, be_asked)
    with pytest.raises(Unanswered) as asked:
        await program.database.try_step(account.account_sid, post, answers={})
    assert asked.value.question.key == ("onMessageAdd", talk.sid)
