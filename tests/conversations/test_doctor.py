"""The doctor's queries find rows that were damaged by hand (DESIGN §3)."""

import pytest

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import addresses, conversations, inbound, messages, receipts
from parlour.conversations.addresses import AutoCreation
from parlour.conversations.inbound import Inbound
from parlour.conversations.invariants import INVARIANTS
from parlour.store.unit import Reader, UnitOfWork
from tests.conversations.test_inbound import broken

# A kind that nothing carries here, so that no job of a channel touches what is damaged.
CUSTOMER, SHOP = "rcs:+15550001111", "rcs:+15559990000"

DAMAGE = [
    (1, "UPDATE message SET index = 40 WHERE account_sid = $1 AND conversation_sid = $2 AND index = 1"),
    (
        1,
        "UPDATE conversation SET next_index = 1 WHERE account_sid = $1 AND sid = $2",
    ),
    (2, "DELETE FROM open_pair WHERE account_sid = $1 AND conversation_sid = $2"),
    (2, "UPDATE participant SET removed_at = date_created WHERE account_sid = $1 AND conversation_sid = $2"),
    (2, "UPDATE conversation SET state = 'closed' WHERE account_sid = $1 AND sid = $2"),
    (3, "UPDATE conversation SET next_index = 9 WHERE account_sid = $1 AND sid = $2"),
    (3, "DELETE FROM message WHERE account_sid = $1 AND conversation_sid = $2 AND index = 0"),
    (3, "UPDATE message SET delivery = NULL WHERE account_sid = $1 AND conversation_sid = $2 AND index = 1"),
    (3, "UPDATE receipt SET status = NULL WHERE account_sid = $1 AND conversation_sid = $2"),
    (11, "UPDATE receipt SET channel_message_sid = NULL WHERE account_sid = $1 AND conversation_sid = $2"),
    (11, "UPDATE receipt SET channel_message_sid = NULL, status = 'read' WHERE account_sid = $1 AND $2 <> ''"),
]


async def prepare(program: Program, account: Credentials) -> str:
    """Return a conversation in which a text was received, answered and sent."""

    async def work(uow: UnitOfWork) -> str:
        await addresses.create(uow, type="chat", address=SHOP, auto_creation=AutoCreation(enabled=True))
        received = await inbound.receive(uow, Inbound(CUSTOMER, SHOP, "hello"))
        sid = received.conversation_sid or ""
        answer = await messages.create(uow, sid, author="agent", body="hi")
        await uow.flush()
        row = await conversations.fetch(uow, sid)
        receipt = await receipts.create(
            uow,
            conversation_sid=sid,
            message_sid=answer.sid,
            participant_sid=row.listeners["recipients"][0]["participant_sid"],
            channel_message_sid=uow.new_sid("SM"),
        )
        await receipts.advance(uow, receipt.sid, "sent")
        return sid

    return await program.database.step(account.account_sid, work)


@pytest.mark.parametrize(("invariant", "damage"), DAMAGE)
async def test_damage_is_found_by_the_invariant_it_breaks(
    program: Program, account: Credentials, invariant: int, damage: str
) -> None:
    sid = await prepare(program, account)
    assert await broken(program, account) == []
    await program.database.step(account.account_sid, lambda uow: uow.execute(damage, account.account_sid, sid))
    found: set[int] = set()
    for each in INVARIANTS:

        async def ask(reader: Reader, sql: str = each.sql) -> int:
            return len(await reader.fetch(sql, account.account_sid, reader.now))

        if await program.database.read(account.account_sid, ask):
            found.add(each.number)
    assert invariant in found
