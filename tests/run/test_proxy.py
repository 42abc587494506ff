"""What the proxy passes on, byte for byte, and what it refuses."""

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from parlour.run.certificates import Contexts, authority
from parlour.run.outside import Outside, Server
from parlour.run.proxy import Listening, Proxy
from tests.conftest import free_port

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKS = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"


@dataclass
class Recording:
    """A server that keeps what it is sent, and answers each head.

    :ivar sent: the bytes of each connection.
    """

    port: int = 0
    sent: list[bytearray] = field(default_factory=list)

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer each request of a connection when its last byte is there; an upgrade gets its bytes back."""
        kept = bytearray()
        self.sent.append(kept)
        answered = 0
        while piece := await reader.read(65536):
            kept += piece
            if b"Upgrade: echo" in kept:
                writer.write(piece if answered else b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
                answered = 1
                continue
            ends = kept.count(b"\r\n\r\n") - kept.count(b"chunked")
            for _ in range(ends - answered):
                writer.write(OK)
            answered = max(ends, answered)
        writer.close()


@dataclass
class World:
    """An open proxy before a recording server."""

    server: Recording
    listening: Listening
    trust: ssl.SSLContext

    async def plain(self) -> tuple[StreamReader, StreamWriter]:
        """Connect to the proxy."""
        return await asyncio.open_connection("127.0.0.1", self.listening.proxy)

    async def vendor(self, host: str = "api.twilio.com") -> tuple[StreamReader, StreamWriter]:
        """Connect by TLS in the name of a vendor's host."""
        return await asyncio.open_connection("127.0.0.1", self.listening.tls, ssl=self.trust, server_hostname=host)


@asynccontextmanager
async def opened(folder: Path, *, port: int | None = None, offline: bool = False) -> AsyncIterator[World]:
    """Open a proxy; its server is the recording one, or whoever is at ``port``."""
    signed_by = authority(folder / "run", datetime.now(UTC))
    recording = Recording()
    server = await asyncio.start_server(recording.serve, "127.0.0.1", 0)
    recording.port = server.sockets[0].getsockname()[1]
    contexts = Contexts(signed_by, folder, lambda: datetime.now(UTC))
    where = Server("127.0.0.1", port or recording.port, tls=False)
    trust = ssl.create_default_context(cadata=signed_by.pem)
    async with Proxy(where, contexts, None if offline else Outside({})).open() as listening:
        yield World(recording, listening, trust)
    server.close()


async def ask(line: tuple[StreamReader, StreamWriter], request: bytes) -> bytes:
    """Send a request and return all that comes until the end."""
    reader, writer = line
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read(-1)
    writer.close()
    return answer


async def test_requests_of_one_connection_reach_the_server_as_they_were(tmp_path: Path) -> None:
    first = b"POST /a HTTP/1.1\r\nHost: %s\r\nX-Odd:  kept\r\nTransfer-Encoding: chunked\r\n\r\n"
    second = b"GET /b?c=%%20 HTTP/1.1\r\nHOST: %s\r\n\r\n"
    async with opened(tmp_path) as world:
        reader, writer = await world.vendor()
        for request, body in ((first, CHUNKS), (second, b"")):
            writer.write(request % b"api.twilio.com" + body)
            async with asyncio.timeout(10):
                assert await reader.readexactly(len(OK)) == OK
        writer.close()
        assert len(world.server.sent) == 1
        expected = first.replace(b":  kept", b": kept") % b"api.twilio.com:443" + CHUNKS
        assert bytes(world.server.sent[0]) == expected + second % b"api.twilio.com:443"


async def test_what_follows_an_upgrade_passes_both_ways(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        reader, writer = await world.vendor("tsock.us1.twilio.com")
        head = b"GET /v3/wsconnect HTTP/1.1\r\nHost: tsock.us1.twilio.com\r\n"
        writer.write(head + b"Connection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n")
        async with asyncio.timeout(10):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
            writer.write(b"\x81\x02hi")
            assert await reader.readexactly(4) == b"\x81\x02hi"
        writer.close()


async def test_only_http_1_is_spoken(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        world.trust.set_alpn_protocols(["h2", "http/1.1"])
        _, writer = await world.vendor()
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        writer.close()


@pytest.mark.parametrize(
    ("target", "host"),
    [
        (b"https://api.twilio.com/x?y=1", b"api.twilio.com:443"),
        (b"https://api.twilio.com:443/x?y=1", b"api.twilio.com:443"),
        (b"http://api.twilio.com/x?y=1", b"api.twilio.com"),
    ],
)
async def test_an_absolute_request_reaches_the_server_with_its_host(tmp_path: Path, target: bytes, host: bytes) -> None:
    request = b"GET %s HTTP/1.1\r\nHost: other.example\r\nProxy-Connection: keep-alive\r\n\r\n" % target
    async with opened(tmp_path) as world:
        reader, writer = await world.plain()
        writer.write(request)
        async with asyncio.timeout(10):
            assert await reader.readexactly(len(OK)) == OK
        writer.close()
        expected = b"GET /x?y=1 HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host
        assert bytes(world.server.sent[0]) == expected


@pytest.mark.parametrize(
    ("request_", "status", "why"),
    [
        (b"GET / HTTP/1.1\r\nHost: other.example\r\n\r\n", 421, b"none of the vendor's hosts"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, b"names no host"),
        (b"GET / HTTP/1.1\r\nHost api.twilio.com\r\n\r\n", 400, b"cannot be read"),
        (b"hello\r\n\r\n", 400, b"no HTTP/1 request"),
        (b"GET ftp://api.twilio.com/ HTTP/1.1\r\n\r\n", 400, b"no address"),
        (b"CONNECT api.twilio.com:x HTTP/1.1\r\n\r\n", 400, b"no host and port"),
        (b"GET / HTTP/1.1\r\nX: %s\r\n\r\n" % (b"x" * 200_000), 431, b"longer than"),
    ],
)
async def test_what_cannot_be_passed_on_is_refused(tmp_path: Path, request_: bytes, status: int, why: bytes) -> None:
    async with opened(tmp_path) as world:
        answer = await ask(await world.plain(), request_)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert why in answer
    assert world.server.sent == []


async def test_a_server_that_is_gone_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path, port=free_port()) as world:
        answer = await ask(await world.vendor(), b"GET / HTTP/1.1\r\nHost: api.twilio.com\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"does not answer" in answer


async def test_a_certificate_of_yesterday_is_not_shown(tmp_path: Path) -> None:
    signed_by = authority(tmp_path / "run", datetime.now(UTC))
    clock = [datetime.now(UTC)]
    contexts = Contexts(signed_by, tmp_path, lambda: clock[0])
    first = contexts.of("api.twilio.com")
    assert contexts.of("api.twilio.com") is first
    clock[0] += timedelta(hours=13)
    assert contexts.of("api.twilio.com") is not first
