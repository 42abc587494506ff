"""Requests for the vendor's hosts, passed on to the Parlour server with the host they were for (DESIGN 2.11)."""

import asyncio
from asyncio import StreamReader, StreamWriter
from typing import Final

from parlour.run.bodies import pass_body
from parlour.run.heads import HTTP_PORT, HTTPS_PORT, BadHead, Head, read_head, split_authority
from parlour.run.hosts import is_vendors
from parlour.run.outside import Server
from parlour.run.tunnels import close, join, pipe

LAST_WORDS: Final = 5  # seconds


class VendorDoor:
    """Serves connections that ended their TLS here.

    :param server: where Parlour answers.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Pass the requests of a connection on, one after the other, over one connection to the server.

        :raises Unreachable: the server does not answer.
        :raises BadHead: a request cannot be passed on.
        """
        first = await read_head(reader)
        if first is None:
            return
        for_server(first, HTTPS_PORT)  # a request that cannot be passed on opens no connection
        far_reader, far_writer = await self._server.connect()
        answers = asyncio.create_task(pipe(far_reader, writer))
        asks = asyncio.create_task(_ask(first, reader, far_writer))
        try:
            # The server's end is the end: it answered the last request, or is going away.
            await asyncio.wait([answers, asks], return_when=asyncio.FIRST_COMPLETED)
            if asks.done() and not answers.done():
                await _last_words(asks.exception(), answers)
        finally:
            for task in (answers, asks):
                task.cancel()
            await asyncio.gather(answers, asks, return_exceptions=True)
            await close(far_writer)

    async def serve_one(self, head: Head, scheme_port: int, reader: StreamReader, writer: StreamWriter) -> None:
        """Pass one request of a plain connection on, and the bytes behind it, until the server ends.

        :param scheme_port: 443 or 80: the scheme that the program asked for.
        :raises Unreachable: the server does not answer.
        :raises BadHead: the request cannot be passed on.
        """
        head = for_server(head, scheme_port)
        far = await self._server.connect()
        try:
            await send_only(head, far[1])
            await join((reader, writer), far, both_ends=False)
        finally:
            await close(far[1])


def for_server(head: Head, scheme_port: int) -> Head:
    """Return a head as the server understands it: a host with port 443 was asked by TLS.

    :raises BadHead: the host is not the vendor's.
    """
    host, port = split_authority(head.header("host") or "", scheme_port)
    if not is_vendors(host):
        raise BadHead(421, f"'{host}' is none of the vendor's hosts")
    if port == HTTP_PORT:
        return head.with_header("Host", host)
    return head.with_header("Host", f"{host}:{port}")


async def send_only(head: Head, writer: StreamWriter) -> None:
    """Send the head of a connection's only request: an upgrade, or one after which the connection closes."""
    writer.write((head if head.upgrades else head.with_header("Connection", "close")).encode())
    await writer.drain()


async def _last_words(error: BaseException | None, answers: asyncio.Task[None]) -> None:
    """Let the server finish what it says to a request that it did not want to hear to its end."""
    if isinstance(error, OSError):
        await asyncio.wait([answers], timeout=LAST_WORDS)
    elif error is not None:
        raise error


async def _ask(head: Head | None, reader: StreamReader, far_writer: StreamWriter) -> None:
    while head is not None:
        far_writer.write(for_server(head, HTTPS_PORT).encode())
        await far_writer.drain()
        if head.upgrades:
            await pipe(reader, far_writer)
            return
        await pass_body(head, reader, far_writer)
        head = await read_head(reader)
