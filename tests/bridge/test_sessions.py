"""Sessions in this process: lost hints, slow clients, several windows (DESIGN 2.7, 2.8)."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from parlour.accounts.service import Credentials
from parlour.app import Program
from parlour.outbox.process import Process
from parlour.outbox.wake import Wake
from parlour.realtime.event_bridge import answers, presence, session, store
from parlour.realtime.event_bridge.answers import Answers
from parlour.realtime.event_bridge.bearer import Bearer
from parlour.realtime.event_bridge.session import Session
from parlour.realtime.event_bridge.sessions import Sessions
from parlour.server import SILENCE, _Server
from parlour.store.database import DatabaseUnavailable
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import workers, workspaces
from tests.conftest import free_port


async def seen(test: Callable[[], bool], seconds: float = 40) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not test():
            await asyncio.sleep(0.01)


@dataclass
class Staff:
    """A worker of an account."""

    program: Program
    account_sid: str
    workspace_sid: str
    worker_sid: str
    changes: int = 0

    @property
    def bearer(self) -> Bearer:
        expires = self.program.clock.now() + timedelta(hours=1)
        return Bearer(self.account_sid, "ana", {}, self.workspace_sid, self.worker_sid, "worker", b"token", expires)

    async def change(self) -> str:
        """Change the worker's attributes, which sockets are told; return the new text."""
        self.changes += 1
        text = json.dumps({"change": self.changes})
        await self.step(lambda uow: workers.update(uow, self.workspace_sid, self.worker_sid, attributes=text))
        return text

    async def step(self, work: Callable[[UnitOfWork], Any]) -> Any:
        return await self.program.database.step(self.account_sid, work, request_id="RQ-test")

    async def list_all(self) -> None:
        """Note the answers to the three lists of one client, as the proxy does."""
        worker = await self.program.database.read(
            self.account_sid, lambda reader: workers.fetch(reader, self.workspace_sid, self.worker_sid)
        )
        for which, position in (("activities", None), ("channels", None), ("reservations", worker.event_seq)):
            await self.list_one(which, position)

    async def list_one(self, which: str, position: int | None) -> None:
        """Note the answer to one list, and the last event that it shows."""
        await self.step(lambda uow: store.answered(uow, self.worker_sid, which, position))


@pytest.fixture
async def staff(program: Program, account: Credentials) -> Staff:
    async def work(uow: UnitOfWork) -> tuple[str, str]:
        made = await workspaces.provision(uow, friendly_name="Centre")
        worker = await workers.create(uow, made.workspace.sid, friendly_name="Ana")
        return made.workspace.sid, worker.sid

    made = await program.database.step(account.account_sid, work, request_id="RQ-test")
    return Staff(program, account.account_sid, *made)


@dataclass
class Socket:
    """A client's end of a session.

    :ivar attributes: of the worker as each event told them.
    """

    session: Session
    attributes: list[str] = field(default_factory=list)

    async def tell(self, text: str) -> None:
        if text.strip():
            self.attributes.append(json.loads(text)["payload"]["attributes"])


@dataclass
class Deaf:
    """Sessions of a process that hears no hints, so that it has its sweeps alone."""

    sessions: Sessions
    staff: Staff
    running: list["asyncio.Task[Any]"] = field(default_factory=list)

    async def open(self, *, alone: bool = False) -> Socket:
        made = await self.sessions.open(self.staff.bearer, self.staff.worker_sid, alone=alone, offline=False)
        opened = Socket(made)
        self.running.append(asyncio.create_task(made.run(opened.tell)))
        return opened


@pytest.fixture
async def deaf(program: Program, staff: Staff) -> AsyncIterator[Deaf]:
    process = Process(program.database, program.wake)
    await process.join()
    made = Deaf(Sessions(program.database, program.tokens, Wake()), staff)
    made.running.append(asyncio.create_task(made.sessions.run(process)))
    await seen(lambda: made.sessions._process == process.number)
    yield made
    for task in made.running:
        task.cancel()
    await asyncio.gather(*made.running, return_exceptions=True)
    await process.leave()


async def test_a_sweep_finds_what_a_lost_hint_did_not_tell(deaf: Deaf, staff: Staff) -> None:
    opened = await deaf.open()
    await staff.list_all()
    expected = [await staff.change() for _ in range(3)]
    await seen(lambda: len(opened.attributes) == 3)
    assert opened.attributes == expected


async def test_what_the_list_shows_is_not_told(deaf: Deaf, staff: Staff) -> None:
    opened = await deaf.open()
    await staff.change()
    await staff.list_all()
    expected = await staff.change()
    await seen(lambda: bool(opened.attributes))
    assert opened.attributes == [expected]


async def test_two_windows_that_open_together_are_told_when_both_were_answered(deaf: Deaf, staff: Staff) -> None:
    first, second = await deaf.open(), await deaf.open()
    await staff.list_all()
    between = await staff.change()
    await asyncio.wait_for(deaf.sessions._sweep(), 10)
    assert [first.session.position, second.session.position] == [None, None]
    await staff.list_all()
    await seen(lambda: bool(first.attributes and second.attributes))
    assert first.attributes == second.attributes == [between]


async def test_a_session_whose_row_is_gone_begins_anew(deaf: Deaf, staff: Staff) -> None:
    opened = await deaf.open()
    await staff.step(lambda uow: store.remove_session(uow, opened.session.sid))
    code, _ = await asyncio.wait_for(deaf.running[-1], 10)
    assert code == session.RECONNECT


async def test_a_client_whose_start_failed_begins_anew(deaf: Deaf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "UNLISTED", 0.05)
    await deaf.open()
    code, _ = await asyncio.wait_for(deaf.running[-1], 10)
    assert code == session.RECONNECT


async def test_a_session_that_ended_while_the_database_was_away_is_buried_later(
    deaf: Deaf, staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await deaf.open()

    async def away(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(presence, "ended", away)
        with pytest.raises(DatabaseUnavailable):
            await deaf.sessions.ended(opened.session, staff.workspace_sid, closed=True)
    async with asyncio.timeout(10):
        while await staff.program.database.read(
            staff.account_sid, lambda reader: store.has_session(reader, staff.worker_sid)
        ):
            await asyncio.sleep(0.02)


async def test_a_client_that_takes_no_frames_is_given_up(
    deaf: Deaf, staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SLOW", 0.05)
    made = await deaf.sessions.open(staff.bearer, staff.worker_sid, alone=False, offline=False)
    taken: list[str] = []

    async def stuck(text: str) -> None:
        taken.append(text)
        await asyncio.Event().wait()

    await staff.list_all()
    for _ in range(3):
        await staff.change()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(made.run(stuck), 10)
    assert len(taken) == 1


async def test_an_event_waits_for_the_answer_of_its_call() -> None:
    known = Answers()
    waiting = asyncio.create_task(known.wait("RQ1"))
    await asyncio.wait({waiting}, timeout=answers.LEAD)
    assert not waiting.done()
    known.sent("RQ1")
    await asyncio.wait_for(waiting, 5)


async def test_an_event_does_not_wait_for_ever_for_an_answer() -> None:
    await asyncio.wait_for(Answers().wait("RQ1"), answers.PATIENCE + 5)


async def test_the_system_gives_up_peers_that_confirm_nothing() -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    port = free_port()
    server = _Server(uvicorn.Config(app, port=port, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    await seen(lambda: server.started)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    await seen(lambda: bool(server.server_state.connections))
    (connection,) = server.server_state.connections
    accepted = connection.transport.get_extra_info("socket")
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == SILENCE * 1000
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    server.should_exit = True
    await serving
