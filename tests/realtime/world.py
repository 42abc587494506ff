"""A database with servers beside it, the tokens of their users, and lines that can be cut."""

import asyncio
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant
from twilio.rest import Client

from parlour.accounts.service import Credentials
from parlour.sdk import client as sdk_client
from tests.conftest import free_port, wait_for_server
from tests.forking import Forked, start


class Line:
    """A way to a server that can be cut, and closed for a while."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.closed = False
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def uri(self) -> str:
        """The address of the web socket, as an SDK is told it."""
        return f"ws://127.0.0.1:{self.port}/tsock/v3/wsconnect"

    def cut(self) -> None:
        """Drop every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def stop(self) -> None:
        """Drop every connection and listen no more."""
        if self._server is not None:
            self._server.close()
        self.closed = True
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if not self.closed:
                await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # cut
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers.add(far_writer)
        ways = [asyncio.create_task(_pipe(reader, far_writer)), asyncio.create_task(_pipe(far_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._writers.discard(far_writer)
            far_writer.transport.abort()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@dataclass
class World:
    """Servers of one database.

    :ivar service: the SID of the account's default Conversations service.
    """

    folder: Path
    dsn: str
    credentials: Credentials
    ports: list[int] = field(default_factory=list)
    processes: dict[int, Forked] = field(default_factory=dict)
    service: str = ""
    key: tuple[str, str] = ("", "")

    @classmethod
    def of(cls, folder: Path, dsn: str) -> "World":
        """Return a world without servers."""
        return cls(folder, dsn, Credentials("AC" + secrets.token_hex(16), secrets.token_hex(16)))

    def add_server(self) -> int:
        """Start one more server and return its port."""
        port = free_port()
        self.ports.append(port)
        self.start(port)
        if not self.service:
            client = self.client()
            self.service = client.conversations.v1.configuration().fetch().default_chat_service_sid
            made = client.api.v2010.account.new_keys.create(friendly_name="tokens")
            self.key = (made.sid, made.secret)
        return port

    def start(self, port: int) -> None:
        """Start a server on its port and wait until it answers."""
        known = self.credentials
        command = ["serve", "--database-url", self.dsn]
        command += ["--data", str(self.folder / "data"), "--port", str(port), "--log-level", "info"]
        command += ["--account-sid", known.account_sid, "--auth-token", known.auth_token]
        log = self.folder / f"server-{port}.log"
        with log.open("ab") as output:
            process = start(*command, output=output)
        self.processes[port] = process
        wait_for_server(self.url(port), process, log)

    def log_of(self, number: int) -> str:
        """Return what a server said so far."""
        return (self.folder / f"server-{self.ports[number]}.log").read_text()

    def end(self, port: int) -> None:
        """Have a server end in order."""
        process = self.processes.pop(port)
        process.terminate()
        process.wait(30)

    def kill(self, port: int) -> None:
        """Kill a server."""
        process = self.processes.pop(port)
        process.kill()
        process.wait(10)

    def url(self, port: int | None = None) -> str:
        """Return the address of a server, the first where none is named."""
        return f"http://127.0.0.1:{self.ports[0] if port is None else port}"

    def client(self) -> Client:
        """Return the official client of the REST API."""
        return sdk_client(self.url(), self.credentials.account_sid, self.credentials.auth_token, timeout=30)

    def token(self, identity: str, *, ttl: int = 3600, service: str | None = None) -> str:
        """Return an access token as the helper library makes it."""
        token = AccessToken(self.credentials.account_sid, *self.key, identity=identity, ttl=ttl)
        token.add_grant(ChatGrant(service_sid=service or self.service))
        return str(token.to_jwt())

    async def rest(self, work: Any) -> Any:
        """Do something with the official client beside this loop."""
        return await asyncio.to_thread(work, self.client().conversations.v1)
