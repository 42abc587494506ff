"""Two act at once: in both orders and in random interleavings somebody always owns the customer (peers.md §2, 11).

Each step waits for a while of its own before each commit, so that the transactions of the two overlap in other ways
each time; what is drawn depends on the seed alone. After every race invariants 4 and 6 are asked as the doctor asks.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from parlour.accounts import service
from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.conversations import conversations, messages, participants
from parlour.flex import (
    configuration,
    interactions,
    invites,
    lifecycle,
    lifecycle_store,
    orchestration,
    people,
    store,
    transfers,
)
from parlour.flex.interactions import Made
from parlour.flex.package import AGENTS_WITHOUT_RESERVATION, ORPHANS
from parlour.flex.routing import Routing
from parlour.flex.schemas import ChannelUpdate
from parlour.flex.store import Channel, Participant
from parlour.kit.errors import ContractError
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import reservations, workers
from parlour.taskrouter import store as taskrouter

TIMES = 50
CAPACITY = 50  # so that what one turn leaves behind does not keep the next one waiting
LONGEST = 0.02  # seconds that a step is held back before it commits
SEED = 20_261_122

OFFER = """
SELECT r.sid FROM reservation AS r
JOIN interaction_invite AS i ON i.account_sid = r.account_sid AND i.task_sid = r.task_sid
WHERE r.account_sid = $1 AND r.worker_sid = $2 AND i.channel_sid = $3 AND r.reservation_status = 'pending'"""
DUE = """
SELECT count(*) FROM job AS j JOIN lane AS l ON l.account_sid = j.account_sid AND l.name = j.lane
WHERE j.account_sid = $1 AND j.dead_at IS NULL AND j.due <= $2"""

Act = Callable[[UnitOfWork], Awaitable[Any]]


@dataclass
class Scene:
    """An account with two agents, and a customer whom the first one talks to."""

    program: Program
    account: Credentials
    workspace: str
    queue: str
    carla: str
    bob: str
    made: Made
    further: bool = False  # whether an agent was asked for beside those whom the channel had

    async def read(self, work: Callable[[Reader], Awaitable[Any]]) -> Any:
        return await self.program.database.read(self.account.account_sid, work)

    async def step(self, work: Act) -> Any:
        return await self.program.database.step(self.account.account_sid, work, request_id="RQ-race")

    async def channel(self) -> Channel:
        found: Channel = await self.read(
            lambda reader: store.fetch_channel(reader, self.made.sid, self.made.channel_sid)
        )
        return found

    async def agent(self, worker: str) -> Participant | None:
        present = await self.read(lambda reader: lifecycle_store.present_agents(reader, self.made.channel_sid))
        return next((each for each in present if each.worker_sid == worker), None)

    async def offer(self, worker: str) -> str:
        """The worker's pending reservation of the channel, once matching made it."""
        async with asyncio.timeout(10):
            while True:
                sid = await self.read(
                    lambda reader: reader.fetchval(OFFER, self.account.account_sid, worker, self.made.channel_sid)
                )
                if sid is not None:
                    return str(sid)
                await asyncio.sleep(0.005)

    async def rest(self) -> None:
        """Wait until no job is left that is due."""

        def due(reader: Reader) -> Awaitable[Any]:
            return reader.fetchval(DUE, self.account.account_sid, self.program.clock.now())

        quiet = 0
        async with asyncio.timeout(20):
            while quiet < 3:
                quiet = quiet + 1 if await self.read(due) == 0 else 0
                await asyncio.sleep(0.01)

    async def broken(self) -> list[Any]:
        now = self.program.clock.now()

        async def ask(reader: Reader) -> list[Any]:
            found = await reader.fetch(ORPHANS, reader.account_sid, now)
            found += await reader.fetch(AGENTS_WITHOUT_RESERVATION, reader.account_sid, now)
            return [dict(row) for row in found]

        found: list[Any] = await self.read(ask)
        return found

    async def live(self) -> int:
        """How many tasks of the conversation are not over."""
        sql = """SELECT count(*) FROM task WHERE account_sid = $1 AND strpos(attributes, $2) > 0
            AND assignment_status IN ('pending', 'reserved', 'assigned')"""
        return int(
            await self.read(lambda reader: reader.fetchval(sql, self.account.account_sid, self.made.conversation_sid))
        )


def routing(scene_queue: str, workspace: str, worker: str | None) -> Routing:
    return Routing(workspace_sid=workspace, queue_sid=scene_queue, worker_sid=worker, attributes={"name": "Bo"})


@dataclass
class Place:
    """An account with two agents."""

    account: Credentials
    workspace: str
    queue: str
    carla: str
    bob: str


_places: dict[int, Place] = {}


async def place_of(program: Program) -> Place:
    """Return the account in which all races run, made at the first."""
    if id(program) in _places:
        return _places[id(program)]
    account = await service.create_account(program.database, program.box, friendly_name="Races")

    async def furnish(uow: UnitOfWork) -> Place:
        settings = await configuration.fetch(uow)
        workspace = settings.taskrouter_workspace_sid
        known = await taskrouter.activities(
            uow, workspace, friendly_name="Available", available=None, after=None, limit=1
        )
        named = []
        for name in ("Carla", "Bob"):
            made = await workers.create(uow, workspace, friendly_name=name, activity_sid=known[0].sid)
            await workers.update_channel(uow, workspace, made.sid, "chat", capacity=CAPACITY)
            named.append(made.sid)
        return Place(account, workspace, settings.taskrouter_target_taskqueue_sid, *named)

    made: Place = await program.database.step(account.account_sid, furnish, request_id="RQ-race")
    _places[id(program)] = made
    return made


async def open_scene(program: Program, *, both: bool = False) -> Scene:
    """Have Carla talk to a new customer; with ``both`` Bob too."""
    place = await place_of(program)

    async def talk(uow: UnitOfWork) -> Made:
        made = await conversations.create(uow)
        await participants.add(uow, made.sid, identity="a customer")
        return await interactions.create(
            uow,
            channel_type="web",
            initiated_by="api",
            routing=routing(place.queue, place.workspace, place.carla),
            conversation_sid=made.sid,
        )

    made = await program.database.step(place.account.account_sid, talk, request_id="RQ-race")
    scene = Scene(program, place.account, place.workspace, place.queue, place.carla, place.bob, made)
    await accept(scene, scene.carla, await scene.offer(scene.carla))
    if both:
        await scene.step(lambda uow: ask(scene, uow, scene.bob))
        await accept(scene, scene.bob, await scene.offer(scene.bob))
    return scene


async def clear(scene: Scene) -> None:
    """End what a race left open, so that no offer runs out beside the next one."""

    async def act(uow: UnitOfWork) -> None:
        channel = await store.open_channel_of(uow, scene.made.conversation_sid)
        if channel is not None:
            for complete in (False, True):
                await orchestration.close_channel(uow, channel, complete=complete)

    await scene.step(act)


async def accept(scene: Scene, worker: str, reservation: str) -> None:
    await scene.step(lambda uow: reservations.accept(uow, scene.workspace, reservation))


async def ask(scene: Scene, uow: UnitOfWork, worker: str | None) -> None:
    locked = await store.lock_channel(uow, scene.made.channel_sid)
    await interactions.invite(uow, locked, routing(scene.queue, scene.workspace, worker))
    scene.further = not locked.parked


def parks(scene: Scene, agent: Participant | None) -> Act:
    """What ends an agent's own part."""

    async def act(uow: UnitOfWork) -> None:
        assert agent is not None
        await people.update(uow, await _unlocked(uow, scene), agent.sid, "closed")

    return act


async def _unlocked(uow: UnitOfWork, scene: Scene) -> Channel:
    found = await store.fetch_channel(uow, scene.made.sid, scene.made.channel_sid)
    assert found is not None
    return found


def leaves(scene: Scene, worker: str) -> Act:
    async def act(uow: UnitOfWork) -> None:
        await invites.change(uow, await _unlocked(uow, scene), ChannelUpdate("inactive", complete=True), worker)

    return act


def ends(scene: Scene, worker: str, *, complete: bool) -> Act:
    async def act(uow: UnitOfWork) -> None:
        await invites.change(uow, await _unlocked(uow, scene), ChannelUpdate("closed", complete=complete), worker)

    return act


def completes(scene: Scene, agent: Participant | None) -> Act:
    async def act(uow: UnitOfWork) -> None:
        assert agent is not None
        await reservations.complete(uow, scene.workspace, agent.reservation_sid or "")

    return act


def accepts(scene: Scene, reservation: str) -> Act:
    return lambda uow: reservations.accept(uow, scene.workspace, reservation)


def rejects(scene: Scene, reservation: str) -> Act:
    return lambda uow: reservations.reject(uow, scene.workspace, reservation)


def writes(scene: Scene) -> Act:
    """The customer writes."""
    return lambda uow: messages.create(uow, scene.made.conversation_sid, author="a customer", body="hello?")


def transfers_to(scene: Scene, agent: Participant | None, to: str) -> Act:
    async def act(uow: UnitOfWork) -> None:
        assert agent is not None
        await transfers.create(uow, await _unlocked(uow, scene), type="cold", from_sid=agent.sid, to_sid=to)

    return act


def hands_over(scene: Scene) -> Act:
    """A program makes an interaction of the conversation."""
    return lambda uow: interactions.create(
        uow,
        channel_type="web",
        initiated_by="api",
        routing=Routing(workspace_sid=scene.workspace, queue_sid=scene.queue),
        conversation_sid=scene.made.conversation_sid,
    )


async def both_leave(program: Program) -> tuple[Scene, Act, Act]:
    scene = await open_scene(program, both=True)
    return scene, parks(scene, await scene.agent(scene.carla)), parks(scene, await scene.agent(scene.bob))


async def both_complete(program: Program) -> tuple[Scene, Act, Act]:
    scene = await open_scene(program, both=True)
    return scene, completes(scene, await scene.agent(scene.carla)), completes(scene, await scene.agent(scene.bob))


async def leave_and_invite(program: Program) -> tuple[Scene, Act, Act]:
    scene = await open_scene(program)
    return scene, leaves(scene, scene.carla), lambda uow: ask(scene, uow, scene.bob)


async def end_and_transfer(program: Program) -> tuple[Scene, Act, Act]:
    scene = await open_scene(program)
    agent = await scene.agent(scene.carla)
    return scene, ends(scene, scene.carla, complete=True), transfers_to(scene, agent, scene.bob)


async def end_and_accept(program: Program) -> tuple[Scene, Act, Act]:
    scene = await open_scene(program)
    await scene.step(transfers_to(scene, await scene.agent(scene.carla), scene.bob))
    return scene, ends(scene, scene.carla, complete=False), accepts(scene, await scene.offer(scene.bob))


async def leave_and_accept(program: Program) -> tuple[Scene, Act, Act]:
    scene = await open_scene(program)
    await scene.step(transfers_to(scene, await scene.agent(scene.carla), scene.bob))
    return scene, parks(scene, await scene.agent(scene.carla)), accepts(scene, await scene.offer(scene.bob))


async def leave_and_reject(program: Program) -> tuple[Scene, Act, Act]:
    scene = await open_scene(program)
    await scene.step(transfers_to(scene, await scene.agent(scene.carla), scene.bob))
    return scene, parks(scene, await scene.agent(scene.carla)), rejects(scene, await scene.offer(scene.bob))


async def park_and_message(program: Program) -> tuple[Scene, Act, Act]:
    scene = await open_scene(program)
    return scene, parks(scene, await scene.agent(scene.carla)), writes(scene)


async def message_and_invite(program: Program) -> tuple[Scene, Act, Act]:
    scene = await open_scene(program)
    await scene.step(leaves(scene, scene.carla))
    return scene, writes(scene), lambda uow: ask(scene, uow, None)


async def two_interactions(program: Program) -> tuple[Scene, Act, Act]:
    scene = await open_scene(program)
    return scene, ends(scene, scene.carla, complete=True), hands_over(scene)


RACES = (
    both_leave,
    both_complete,
    leave_and_invite,
    end_and_transfer,
    end_and_accept,
    leave_and_accept,
    leave_and_reject,
    park_and_message,
    message_and_invite,
    two_interactions,
)


async def run(scene: Scene, act: Act, *, before: float = 0.0, held: float = 0.0) -> ContractError | None:
    """Do a step, begun after a while and held back before its commit; a refusal by the contract is an answer."""

    async def work(uow: UnitOfWork) -> None:
        await act(uow)
        await uow.flush()
        await asyncio.sleep(held)

    await asyncio.sleep(before)
    try:
        await scene.step(work)
    except ContractError as error:
        return error
    return None


async def judge(scene: Scene, race: str) -> None:
    """After everything came to rest somebody owns the customer, once."""
    assert await scene.broken() == [], race
    await scene.rest()
    assert await scene.broken() == [], race
    channel = await scene.channel()
    state = await scene.read(lambda reader: conversations.fetch(reader, scene.made.conversation_sid))
    name = race.split(maxsplit=1)[0]
    if name == "park_and_message":
        assert (await scene.live(), channel.status) == (1, "active"), race
    if name == "message_and_invite":
        # Who is asked for after the message brought the work back is a further agent; the message never adds one.
        assert (await scene.live(), channel.status) == (2 if scene.further else 1, "active"), race
    if state.state != "closed":
        assert channel.parked or await scene.live() >= 1, race
    else:
        assert await scene.live() == 0, race


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
@pytest.mark.parametrize("order", ["first before second", "second before first"])
async def test_one_after_the_other(program: Program, race: Any, order: str) -> None:
    scene, *acts = await race(program)
    for act in acts if order.startswith("first") else reversed(acts):
        await run(scene, act)
        assert await scene.broken() == []
    await judge(scene, race.__name__)
    await clear(scene)


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
async def test_random_interleavings(
    program: Program, race: Any, record_property: Callable[[str, object], None]
) -> None:
    record_property("interleavings", f"{TIMES}, seed {SEED} {race.__name__}")
    drawn = random.Random(f"{SEED} {race.__name__}")
    for turn in range(TIMES):
        scene, first, second = await race(program)
        times = [drawn.uniform(0, LONGEST) for _ in range(4)]
        await asyncio.gather(
            run(scene, first, before=times[0], held=times[1]), run(scene, second, before=times[2], held=times[3])
        )
        await judge(scene, f"{race.__name__} {turn}")
        await clear(scene)


async def nobody_is_alone(*_: Any, **__: Any) -> int:
    return 1


async def stays(*_: Any) -> None:
    return None


@pytest.mark.parametrize(
    ("where", "rule", "broken"),
    [(lifecycle_store, "owners", nobody_is_alone), (lifecycle, "out_of_conversation", stays)],
    ids=["who owns the work", "who is in the conversation"],
)
async def test_a_broken_rule_is_noticed(
    program: Program, monkeypatch: pytest.MonkeyPatch, where: Any, rule: str, broken: Any
) -> None:
    scene, first, second = await both_leave(program)
    monkeypatch.setattr(where, rule, broken)
    await run(scene, first)
    await run(scene, second)
    noticed = await scene.broken()
    monkeypatch.undo()
    if rule == "out_of_conversation":

        async def out(uow: UnitOfWork) -> None:
            for name in ("Carla", "Bob"):
                await participants.remove(uow, scene.made.conversation_sid, name)

        await scene.step(out)
    await clear(scene)
    assert noticed
    assert await scene.broken() == []


async def test_an_interaction_is_not_made_of_a_conversation_that_closes_between_two_looks_at_it(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, first, second = await two_interactions(program)
    look = store.open_channel_of
    ending: list[asyncio.Task[ContractError | None]] = []

    async def looks_late(reader: Reader, sid: str) -> Any:
        if not ending:
            ending.append(asyncio.create_task(run(scene, first)))
            await asyncio.wait(ending, timeout=0.5)  # it commits, where nothing holds it back
        return await look(reader, sid)

    monkeypatch.setattr(store, "open_channel_of", looks_late)
    refused = await run(scene, second)
    assert refused is not None
    assert await ending[0] is None
    await judge(scene, "two_interactions between two looks")
