"""The proxy beside a program: the vendor's hosts are this server, every other host is itself."""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from parlour.run.certificates import Contexts
from parlour.run.heads import HTTP_PORT, HTTPS_PORT, LONGEST_HEAD, BadHead, Head, read_head, split_authority
from parlour.run.hosts import is_loopback, is_vendors
from parlour.run.outside import Outside, Server, Unreachable, wanted
from parlour.run.tunnels import close, join
from parlour.run.vendor import VendorDoor, send_only

HERE: Final = "127.0.0.1"
HANDSHAKE: Final = 10  # seconds

_WORDS: Final = {400: "Bad Request", 421: "Misdirected Request", 431: "Request Header Fields Too Large"}

Serve = Callable[[StreamReader, StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Listening:
    """Where an open proxy listens.

    :ivar proxy: port of the HTTP proxy, on 127.0.0.1.
    :ivar tls: port that speaks TLS in the vendor's names, for programs that take no proxy.
    """

    proxy: int
    tls: int


class Proxy:
    """An HTTP proxy (RFC 9110 §9.3.6) that ends the TLS of the vendor's hosts.

    :param server: where Parlour answers.
    :param outside: the way to other hosts; None refuses them (``--offline``).
    :param entrance: host and port of the listener that speaks TLS; port 0 takes a free one.
    """

    def __init__(
        self, server: Server, contexts: Contexts, outside: Outside | None, *, entrance: tuple[str, int] = (HERE, 0)
    ) -> None:
        self._door = VendorDoor(server)
        self._contexts = contexts
        self._outside = outside
        self._inside = Outside({})
        self._entrance = entrance
        self._tls_port = 0
        self._connections: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Listening]:
        """Listen until the block ends.

        :raises OSError: the address of the TLS listener is taken or not allowed.
        """
        host, port = self._entrance
        tls = await asyncio.start_server(
            self._guarded(self._door.serve),
            host,
            port,
            ssl=self._contexts.entrance(),
            ssl_handshake_timeout=HANDSHAKE,
            limit=LONGEST_HEAD,
        )
        try:
            plain = await asyncio.start_server(self._guarded(self._serve), HERE, 0, limit=LONGEST_HEAD)
            self._tls_port = tls.sockets[0].getsockname()[1]
            try:
                yield Listening(plain.sockets[0].getsockname()[1], self._tls_port)
            finally:
                plain.close()
        finally:
            tls.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    def _guarded(self, serve: Serve) -> Callable[[StreamReader, StreamWriter], None]:
        """Return what a listener calls: a connection ends with its own error and with nobody else's."""

        async def guarded(reader: StreamReader, writer: StreamWriter) -> None:
            try:
                await serve(reader, writer)
            except BadHead as error:
                _refuse(writer, error.status, _WORDS[error.status], str(error))
            except Unreachable as error:
                _refuse(writer, 502, "Bad Gateway", str(error))
            except OSError:
                pass  # the peer is gone
            finally:
                await close(writer)

        def begin(reader: StreamReader, writer: StreamWriter) -> None:
            task = asyncio.create_task(guarded(reader, writer))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

        return begin

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        head = await read_head(reader)
        if head is None:
            return
        if head.method == "CONNECT":
            await self._connect(head, reader, writer)
        elif head.target.startswith("/"):
            await self._door.serve_one(head, HTTP_PORT, reader, writer)
        else:
            await self._forward(head, reader, writer)

    async def _connect(self, head: Head, reader: StreamReader, writer: StreamWriter) -> None:
        """Open a tunnel: to ourselves for the vendor's hosts."""
        host, port = split_authority(head.target, HTTPS_PORT)
        far = await self._tunnel(host, port, writer)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await join((reader, writer), far)
        finally:
            await close(far[1])

    async def _tunnel(self, host: str, port: int, writer: StreamWriter) -> tuple[StreamReader, StreamWriter]:
        if not is_vendors(host):
            return await self._way(host).connect(host, port)
        if port == HTTP_PORT:  # a web socket without TLS
            return await self._inside.connect(*writer.get_extra_info("sockname")[:2])
        entrance = HERE if self._entrance[0] in ("0.0.0.0", "::", "") else self._entrance[0]  # noqa: S104
        return await self._inside.connect(entrance, self._tls_port)

    async def _forward(self, head: Head, reader: StreamReader, writer: StreamWriter) -> None:
        """Pass on a request that names its whole address (RFC 9112 §3.2.2), whose host outranks its header."""
        scheme, host, port, path = wanted(head.target)
        name = f"[{host}]" if ":" in host else host
        usual = HTTPS_PORT if scheme == "https" else HTTP_PORT
        asked = head.for_origin(path).with_header("Host", name if port == usual else f"{name}:{port}")
        if is_vendors(host):
            await self._door.serve_one(asked, usual, reader, writer)
            return
        far = await self._way(host).connect_for(scheme, host, port)
        try:
            await send_only(asked, far[1])
            await join((reader, writer), far, both_ends=False)
        finally:
            await close(far[1])

    def _way(self, host: str) -> Outside:
        if is_loopback(host):
            return self._inside
        if self._outside is None:
            raise Unreachable(
                f"{host} is not served by Parlour, and `parlour run --offline` lets nothing else out. "
                "Leave --offline away, if the program may reach it."
            )
        return self._outside


def _refuse(writer: StreamWriter, status: int, word: str, why: str) -> None:
    """Answer with the reason; where an answer has begun already, this is lost with the connection."""
    body = f"parlour run: {why}\n".encode()
    head = f"HTTP/1.1 {status} {word}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
