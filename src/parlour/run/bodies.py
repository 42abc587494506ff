"""Bodies of requests, passed on as they come, so that the head of the next request is found (RFC 9112 §6)."""

from asyncio import IncompleteReadError, LimitOverrunError, StreamReader, StreamWriter
from typing import Final

from parlour.run.heads import BadHead, Head

PIECE: Final = 64 * 1024


async def pass_body(head: Head, reader: StreamReader, writer: StreamWriter) -> None:
    """Pass a request's body on, byte for byte.

    :raises BadHead: its length cannot be known, or it ended early.
    """
    coding = head.header("transfer-encoding")
    length = head.header("content-length")
    try:
        if coding is not None:
            if coding.lower().strip() != "chunked" or length is not None:
                raise BadHead(400, f"the transfer coding '{coding}' cannot be passed on")
            await _chunks(reader, writer)
        elif length is not None:
            if not (length.isascii() and length.isdigit()):
                raise BadHead(400, f"'{length}' is no content length")
            await _bytes(reader, writer, int(length))
    except (IncompleteReadError, LimitOverrunError) as error:
        raise BadHead(400, "the body of the request ended early") from error


async def _bytes(reader: StreamReader, writer: StreamWriter, count: int) -> None:
    while count:
        piece = await reader.read(min(PIECE, count))
        if not piece:
            raise IncompleteReadError(b"", count)
        count -= len(piece)
        writer.write(piece)
        await writer.drain()


async def _chunks(reader: StreamReader, writer: StreamWriter) -> None:
    while True:
        line = await reader.readuntil(b"\r\n")
        try:
            size = int(line.partition(b";")[0].strip(), 16)
        except ValueError as error:
            raise BadHead(400, "a chunk of the request's body names no size") from error
        if size < 0:
            raise BadHead(400, "a chunk of the request's body names no size")
        writer.write(line)
        if size == 0:
            break
        await _bytes(reader, writer, size + len(b"\r\n"))
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":  # trailers
        writer.write(line)
    writer.write(line)
    await writer.drain()
