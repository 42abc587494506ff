"""No account sees another account's row, by any SID in any parameter (DESIGN §3, invariant 8)."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from parlour.accounts import service
from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import (
    addresses,
    conversations,
    inbound,
    media,
    messages,
    participants,
    roles,
    services,
    users,
)
from parlour.conversations.addresses import AutoCreation
from parlour.conversations.files import Stored
from parlour.conversations.inbound import Inbound
from parlour.kit.errors import ContractError
from parlour.store.unit import UnitOfWork


async def refused(program: Program, account: Credentials, work: Callable[[UnitOfWork], Awaitable[Any]]) -> int:
    """Return the code with which a unit of work of an account is refused."""
    with pytest.raises(ContractError) as caught:
        await program.database.step(account.account_sid, work)
    return caught.value.code


async def test_sids_of_another_account_are_unknown_everywhere(program: Program, account: Credentials) -> None:
    other = await service.create_account(program.database, program.box, friendly_name="Other")

    async def theirs(uow: UnitOfWork) -> dict[str, str]:
        made = await conversations.create(uow)
        person = await participants.add(uow, made.sid, identity="eve")
        message = await messages.create(uow, made.sid, body="secret")
        role = await roles.by_name(
            uow, chat_service_sid=made.chat_service_sid, friendly_name="agent", type="conversation"
        )
        file = await media.record(
            uow,
            Stored(key="0" * 32, size=1, sha256="0" * 64, content_type="image/png"),
            service_sid=made.chat_service_sid,
        )
        assert role is not None
        return {
            "IS": made.chat_service_sid,
            "CH": made.sid,
            "MB": person.sid,
            "IM": message.sid,
            "RL": role.sid,
            "ME": file.sid,
        }

    sids = await program.database.step(other.account_sid, theirs)
    mine = (await program.database.step(account.account_sid, conversations.create)).sid
    cases: list[tuple[int, Callable[[UnitOfWork], Awaitable[Any]]]] = [
        (20404, lambda uow: conversations.fetch(uow, sids["CH"])),
        (20404, lambda uow: conversations.update(uow, sids["CH"], conversations.Changes(friendly_name="x"))),
        (20404, lambda uow: conversations.set_state(uow, sids["CH"], "closed")),
        (20404, lambda uow: conversations.remove(uow, sids["CH"])),
        (20404, lambda uow: conversations.create(uow, chat_service_sid=sids["IS"])),
        (20404, lambda uow: messages.create(uow, sids["CH"], body="x")),
        (20404, lambda uow: messages.fetch(uow, sids["CH"], sids["IM"])),
        (20404, lambda uow: participants.add(uow, sids["CH"], identity="x")),
        (20404, lambda uow: participants.fetch(uow, sids["CH"], sids["MB"])),
        (20404, lambda uow: participants.remove(uow, sids["CH"], sids["MB"])),
        (50109, lambda uow: participants.add(uow, mine, identity="x", role_sid=sids["RL"])),
        (50507, lambda uow: messages.create(uow, mine, media_sids=[sids["ME"]])),
        (20404, lambda uow: media.fetch(uow, sids["ME"])),
        (20404, lambda uow: services.fetch(uow, sids["IS"])),
        (20404, lambda uow: users.fetch(uow, "eve", chat_service_sid=sids["IS"])),
        (20001, lambda uow: services.configure(uow, default_chat_service_sid=sids["IS"])),
        (
            20001,
            lambda uow: addresses.create(
                uow, type="sms", address="+15551230000", auto_creation=AutoCreation(conversation_service_sid=sids["IS"])
            ),
        ),
    ]
    for code, work in cases:
        assert await refused(program, account, work) == code


async def test_two_accounts_may_have_the_same_pair_open(program: Program, account: Credentials) -> None:
    other = await service.create_account(program.database, program.box, friendly_name="Other")
    found = []
    for owner in (account, other):

        async def work(uow: UnitOfWork) -> str | None:
            await addresses.create(uow, type="sms", address="+15554440000", auto_creation=AutoCreation(enabled=True))
            return (await inbound.receive(uow, Inbound("+15553330000", "+15554440000", "hi"))).conversation_sid

        found.append(await program.database.step(owner.account_sid, work))
    assert found[0] != found[1]
    assert None not in found
