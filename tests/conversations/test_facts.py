"""Who hears of what: facts, their listeners and change numbers (conversations.md §6.3, DESIGN 2.6)."""

import asyncio
from typing import Any

import pytest

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import conversations, messages, participant_updates, participants, users, webhooks
from parlour.conversations.events import API, Origin, listeners_of
from parlour.conversations.store import participants as participant_store
from parlour.conversations.store.participants import Participant
from parlour.kit.errors import ContractError
from parlour.store.unit import UnitOfWork
from tests.conversations.test_inbound import broken

EVENTS = "SELECT kind, snapshot FROM event WHERE account_sid = $1 AND stream = $2 ORDER BY sid"


async def facts(program: Program, account: Credentials, stream: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the facts stated about a stream."""
    rows = await program.database.read(
        account.account_sid, lambda reader: reader.fetch(EVENTS, account.account_sid, stream)
    )
    return [(row["kind"], row["snapshot"]) for row in rows]


@pytest.mark.parametrize(
    ("origin", "heard"),
    [
        (API, False),
        (Origin(webhooks=True), True),
        (Origin(source="SDK"), True),
        (Origin(source="SMS"), True),
        (Origin(source="SDK", flow=True), False),
        (Origin(webhooks=True, flow=True), False),
    ],
)
def test_webhooks_hear_of_people_and_of_callers_who_ask(origin: Origin, heard: bool) -> None:
    listeners = {"webhooks": [{"sid": "WH"}], "recipients": [{"participant_sid": "MB"}]}
    assert origin.heard is heard
    assert listeners_of(listeners, origin)["webhooks"] == (listeners["webhooks"] if heard else [])
    assert listeners_of(listeners, origin)["recipients"] == listeners["recipients"]


async def test_a_message_tells_its_recipients_without_its_author(program: Program, account: Credentials) -> None:
    async def work(uow: UnitOfWork) -> tuple[str, str]:
        made = await conversations.create(uow)
        people = [
            await participants.add(uow, made.sid, address=f"rcs:+1555666000{n}", proxy_address="rcs:+15550000")
            for n in range(2)
        ]
        await participants.add(uow, made.sid, identity="agent")
        await messages.create(uow, made.sid, author="rcs:+15556660000", body="hi", source="whatsapp")
        return made.sid, people[1].sid

    sid, other = await program.database.step(account.account_sid, work)
    kind, snapshot = (await facts(program, account, sid))[-1]
    assert kind == "message.added/1"
    assert [each["participant_sid"] for each in snapshot["recipients"]] == [other]
    assert (snapshot["index"], snapshot["webhooks"], snapshot["source"]) == (0, True, "whatsapp")
    assert snapshot["conversation_sid"] == sid


async def test_changes_are_numbered_for_clients_that_reconnect(program: Program, account: Credentials) -> None:
    async def work(uow: UnitOfWork) -> str:
        made = await conversations.create(uow)
        person = await participants.add(uow, made.sid, identity="olga")
        assert (person.created_change, person.change, person.user_change) == (1, 1, 1)
        first = await messages.create(uow, made.sid, body="a")
        second = await messages.create(uow, made.sid, body="b")
        assert (first.change, second.change) == (1, 2)
        await uow.flush()
        changed = await messages.update(uow, made.sid, first.sid, messages.Changes(body="c"))
        assert (changed.created_change, changed.change) == (1, 3)
        await participants.remove(uow, made.sid, person.sid)
        return made.sid

    sid = await program.database.step(account.account_sid, work)
    tombstone = await program.database.read(
        account.account_sid,
        lambda reader: reader.fetchrow(
            "SELECT change, user_change, removed_at FROM participant WHERE account_sid = $1 AND conversation_sid = $2",
            account.account_sid,
            sid,
        ),
    )
    assert tombstone is not None
    assert (tombstone["change"], tombstone["user_change"]) == (2, 2)
    assert tombstone["removed_at"] is not None
    row = await program.database.read(account.account_sid, lambda reader: conversations.fetch(reader, sid))
    assert (row.messages_change, row.roster_change) == (3, 2)


async def test_a_state_change_says_from_where_to_where_and_why(program: Program, account: Credentials) -> None:
    async def work(uow: UnitOfWork) -> str:
        made = await conversations.create(uow, state="inactive")
        await messages.create(uow, made.sid, body="wake up")
        await conversations.set_state(uow, made.sid, "closed")
        assert (await conversations.set_state(uow, made.sid, "closed")).state == "closed"
        return made.sid

    sid = await program.database.step(account.account_sid, work)
    changes = [s for kind, s in await facts(program, account, sid) if kind == "conversation.state_updated/1"]
    assert [(s["state_from"], s["state_to"], s["reason"]) for s in changes] == [
        ("inactive", "active", "EVENT"),
        ("active", "closed", "API"),
    ]


async def test_webhooks_stand_on_the_conversation_for_the_hot_path(program: Program, account: Credentials) -> None:
    async def work(uow: UnitOfWork) -> tuple[Any, Any]:
        made = await conversations.create(uow)
        hook = await webhooks.create(
            uow, made.sid, target="webhook", url="https://example.com", filters=["onmessageadded"]
        )
        before = (await conversations.fetch(uow, made.sid)).listeners["webhooks"]
        await webhooks.remove(uow, made.sid, hook.sid)
        return before, (await conversations.fetch(uow, made.sid)).listeners["webhooks"]

    before, after = await program.database.step(account.account_sid, work)
    assert [(each["target"], each["flow_sid"], each["filters"]) for each in before] == [
        ("webhook", None, ["onMessageAdded"])
    ]
    assert after == []


async def test_racing_moves_of_a_proxy_leave_one_pair(program: Program, account: Credentials) -> None:
    async def prepare(uow: UnitOfWork) -> tuple[str, str]:
        made = await conversations.create(uow)
        person = await participants.add(uow, made.sid, address="rcs:+15557770000", proxy_address="rcs:+15558880000")
        return made.sid, person.sid

    sid, person_sid = await program.database.step(account.account_sid, prepare)

    async def move(proxy_address: str) -> None:
        changes = participant_updates.Changes(proxy_address=proxy_address)
        await program.database.step(
            account.account_sid, lambda uow: participant_updates.update(uow, sid, person_sid, changes)
        )

    results = await asyncio.gather(*(move(f"rcs:+1555888000{n}") for n in range(1, 6)), return_exceptions=True)
    refused = [result for result in results if result is not None]
    assert len(refused) < len(results)
    assert all(isinstance(result, ContractError) and result.code == 50419 for result in refused)
    assert await broken(program, account) == []


async def test_an_identity_that_joins_many_conversations_at_once_is_one_user(
    program: Program, account: Credentials
) -> None:
    sids = [(await program.database.step(account.account_sid, conversations.create)).sid for _ in range(8)]

    async def join(sid: str) -> None:
        await program.database.step(account.account_sid, lambda uow: participants.add(uow, sid, identity="pat"))

    async def first(sid: str) -> Participant:
        found = await program.database.read(account.account_sid, lambda reader: participant_store.all_of(reader, sid))
        return found[0]

    await asyncio.gather(*(join(sid) for sid in sids))
    people = [await first(sid) for sid in sids]
    assert len({person.user_sid for person in people}) == 1
    assert sorted(person.user_change or 0 for person in people) == list(range(1, 9))

    async def rename(*, friendly_name: str | None = None, attributes: str | None = None) -> None:
        made = await program.database.read(account.account_sid, lambda reader: conversations.fetch(reader, sids[0]))
        await program.database.step(
            account.account_sid,
            lambda uow: users.update(
                uow,
                "pat",
                chat_service_sid=made.chat_service_sid,
                friendly_name=friendly_name,
                attributes=attributes,
            ),
        )

    await asyncio.gather(rename(friendly_name="Pat"), rename(attributes='{"a":1}'))
    row = await program.database.read(
        account.account_sid, lambda reader: users.fetch(reader, "pat", chat_service_sid=people[0].chat_service_sid)
    )
    assert (row.friendly_name, row.attributes, row.change) == ("Pat", '{"a":1}', 3)
