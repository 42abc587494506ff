"""Two connections joined, each way until its end."""

import asyncio
from asyncio import StreamReader, StreamWriter
from typing import Final

PIECE: Final = 64 * 1024


async def pipe(reader: StreamReader, writer: StreamWriter) -> None:
    """Pass bytes on until their end, and pass the end on where the other side can hear it (TLS cannot)."""
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def join(
    near: tuple[StreamReader, StreamWriter], far: tuple[StreamReader, StreamWriter], *, both_ends: bool = True
) -> None:
    """Join two connections.

    :param both_ends: go on until both sides have ended; else the far side's end is the end, and the near side's too.
    """
    ways = [asyncio.create_task(pipe(near[0], far[1])), asyncio.create_task(pipe(far[0], near[1]))]
    try:
        when = asyncio.FIRST_EXCEPTION if both_ends else asyncio.FIRST_COMPLETED
        await asyncio.wait(ways, return_when=when)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)  # a side that broke off is an end like any other


async def close(writer: StreamWriter) -> None:
    """Close a connection after what was written; a peer that is gone already does not matter."""
    try:
        writer.close()
        async with asyncio.timeout(2):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()
