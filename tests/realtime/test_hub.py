"""Delivery when hints are lost, and states compared with the rows (DESIGN 2.6, 2.8)."""

import asyncio
import random
import secrets
from dataclasses import dataclass, field
from typing import Any

import pytest

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import conversations, messages, participants, users
from parlour.conversations.store.conversations import Conversation
from parlour.outbox.wake import Wake
from parlour.realtime.sync import items, news
from parlour.realtime.sync.hub import Hub
from parlour.realtime.sync.objects import SyncObject, View, of_owner
from parlour.rest.hosts import path_urls
from parlour.rest.operations import Caller, Urls
from parlour.store.unit import Reader, UnitOfWork


@dataclass(eq=False)
class Client:
    """A watcher that keeps what a client would: the items by key, as the events tell."""

    caller: Caller
    urls: Urls = field(default_factory=lambda: path_urls("http://x"))
    state: dict[Any, Any] = field(default_factory=dict)
    told: list[tuple[str, int]] = field(default_factory=list)
    position: int = 0

    def notify(self, _message_type: str, payload: dict[str, Any]) -> bool:
        """Take an event."""
        [event] = payload["events"]
        key = event.get("item_index", event.get("item_key"))
        self.told.append((payload["event_type"], event["id"]))
        self.position = event["id"]
        if payload["event_type"].endswith("_removed"):
            self.state.pop(key, None)
        else:
            self.state[key] = event["item_data"]
        return True

    async def deliver(self, message_type: str, payload: dict[str, Any]) -> None:
        """Take an event for which there is room."""
        self.notify(message_type, payload)


class Stage:
    """A conversation of one user, changed by chance."""

    def __init__(self, program: Program, account_sid: str, seed: int) -> None:
        self.program = program
        self.account_sid = account_sid
        self.chance = random.Random(seed)
        self.sid = ""
        self.service = ""
        self.identity = f"ana-{secrets.token_hex(4)}"

    async def step(self, work: Any) -> Any:
        """Do a unit of work."""
        return await self.program.database.step(self.account_sid, work, request_id="RQ" + "0" * 32)

    async def read(self, work: Any) -> Any:
        """Read."""
        return await self.program.database.read(self.account_sid, work)

    async def begin(self) -> Client:
        """Make the conversation, and return a client of its user."""

        async def work(uow: UnitOfWork) -> Conversation:
            made = await conversations.create(uow)
            await participants.add(uow, made.sid, identity=self.identity)
            return made

        made = await self.step(work)
        self.sid, self.service = made.sid, made.chat_service_sid
        return self.client()

    def client(self) -> Client:
        """Return a client of the user that knows nothing yet."""
        grants = {"chat": {"service_sid": self.service}}
        return Client(Caller("token", self.account_sid, self.identity, grants))

    async def shown(self, view: View) -> SyncObject:
        """Return an object of the conversation as it is now."""
        found: dict[View, SyncObject] = await self.read(lambda reader: of_owner(reader, self.sid))
        return found[view]

    async def all_items(self, view: View) -> dict[Any, Any]:
        """Return what a fresh client would read."""
        shown = await self.shown(view)
        rows = await self.read(lambda reader: items.fetch(reader, shown, False, None, True, 1000))
        return {row.key: row.data for row in rows}

    async def change(self) -> None:
        """Post, edit or remove a message, or let somebody join or leave."""
        sids = [data["sid"] for data in (await self.all_items(View.MESSAGES)).values()]
        deed = self.chance.choice(["post", "post", "edit", "remove", "join", "leave"])
        if deed == "post" or (deed in ("edit", "remove") and not sids):
            await self.step(lambda uow: messages.create(uow, self.sid, body=f"{self.chance.random()}"))
        elif deed == "edit":
            changes = messages.Changes(body=f"{self.chance.random()}")
            sid = self.chance.choice(sids)
            await self.step(lambda uow: messages.update(uow, self.sid, sid, changes))
        elif deed == "remove":
            sid = self.chance.choice(sids)
            await self.step(lambda uow: messages.remove(uow, self.sid, sid))
        else:
            await self._join_or_leave(deed)

    async def _join_or_leave(self, deed: str) -> None:
        there = [p for p in await self.read(lambda r: participants.all_of(r, self.sid)) if p.identity != self.identity]
        if deed == "join" or not there:
            name = f"guest-{secrets.token_hex(4)}"
            await self.step(lambda uow: participants.add(uow, self.sid, identity=name))
        else:
            gone = self.chance.choice(there).sid
            await self.step(lambda uow: participants.remove(uow, self.sid, gone))


@pytest.mark.parametrize("view", [View.MESSAGES, View.ROSTER])
@pytest.mark.parametrize("seed", range(3))
async def test_a_client_that_comes_and_goes_ends_in_the_state_of_a_fresh_one(
    program: Program, account: Credentials, view: View, seed: int
) -> None:
    stage = Stage(program, account.account_sid, seed)
    client = await stage.begin()
    hub = Hub(program.database, Wake())
    for _ in range(8):
        await hub.establish(client, await stage.shown(view), 4, client.position, lambda _number: None)
        for _ in range(stage.chance.randint(0, 4)):
            await stage.change()
        await settled(hub)
        hub.forget(client)
        for _ in range(stage.chance.randint(0, 4)):
            await stage.change()
    await hub.establish(client, await stage.shown(view), 4, client.position, lambda _number: None)
    assert client.state == await stage.all_items(view)
    numbers = [number for _, number in client.told]
    assert numbers == sorted(numbers)


async def settled(hub: Hub) -> None:
    """Look once as each second, and let the looks end."""
    await hub.sweep()
    await hub.settle()


async def test_without_any_hint_the_look_of_each_second_delivers(program: Program, account: Credentials) -> None:
    stage = Stage(program, account.account_sid, 0)
    client = await stage.begin()
    hub = Hub(program.database, Wake())
    await hub.establish(client, await stage.shown(View.MESSAGES), 4, None, lambda _number: None)
    await stage.step(lambda uow: messages.create(uow, stage.sid, body="unheralded"))
    assert client.told == []
    await settled(hub)
    assert [data["text"] for data in client.state.values()] == ["unheralded"]


async def test_a_hint_delivers_at_once(program: Program, account: Credentials, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(program, account.account_sid, 0)
    client = await stage.begin()
    hub = Hub(program.database, program.wake)
    heard = asyncio.Event()
    await hub.establish(client, await stage.shown(View.MESSAGES), 4, None, lambda _number: None)
    notify = client.notify

    def noted(message_type: str, payload: dict[str, Any]) -> bool:
        heard.set()
        return notify(message_type, payload)

    monkeypatch.setattr(client, "notify", noted)
    await stage.step(lambda uow: messages.create(uow, stage.sid, body="heralded"))
    async with asyncio.timeout(0.9):  # sooner than a look each second would
        await heard.wait()
    assert [data["text"] for data in client.state.values()] == ["heralded"]


async def test_a_delivery_asks_for_permission_after_it_read_the_rows(
    program: Program, account: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(program, account.account_sid, 0)
    client = await stage.begin()
    hub = Hub(program.database, Wake())
    await hub.establish(client, await stage.shown(View.MESSAGES), 4, None, lambda _number: None)

    async def post_and_read(reader: Reader, shown: SyncObject, position: int) -> Any:
        # Removed and then posted: between the look at the list and the look at who takes part.
        await stage.step(lambda uow: participants.remove(uow, stage.sid, stage.identity))
        await stage.step(lambda uow: messages.create(uow, stage.sid, body="in private"))
        return await news.read_news(reader, shown, position)

    from parlour.realtime.sync import hub as hub_module

    monkeypatch.setattr(hub_module, "read_news", post_and_read)
    await stage.step(lambda uow: messages.create(uow, stage.sid, body="for all"))
    await settled(hub)
    assert client.told == []
    assert hub.watching == 0


async def test_a_user_hears_of_its_conversations_in_order(program: Program, account: Credentials) -> None:
    stage = Stage(program, account.account_sid, 0)
    await stage.begin()
    user = await stage.read(lambda r: users.fetch(r, stage.identity, chat_service_sid=stage.service))
    shown = (await stage.read(lambda r: of_owner(r, user.sid)))[View.CONVERSATIONS]
    hub, client = Hub(program.database, Wake()), stage.client()
    await hub.establish(client, shown, 4, 0, lambda _number: None)
    await stage.step(lambda uow: participants.remove(uow, stage.sid, stage.identity))
    await stage.step(lambda uow: participants.add(uow, stage.sid, identity=stage.identity))
    await settled(hub)
    assert [kind for kind, _ in client.told] == ["map_item_added", "map_item_removed", "map_item_added"]
