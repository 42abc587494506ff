"""The first file of a `multipart/form-data` upload, read as it arrives (RFC 7578)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from typing import Final

from parlour.conversations import mediatypes
from parlour.rest.errors import invalid_parameter

HEADERS_MAX: Final = 16 * 1024  # bytes of one part's headers
FIELD_MAX: Final = 64 * 1024  # bytes of a field that is no file


@dataclass(frozen=True)
class FilePart:
    """The file: its bytes as they arrive, its type and name."""

    chunks: AsyncIterator[bytes]
    content_type: str
    filename: str | None


class _Source:
    """Reads a stream up to markers."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self._buffer = b""

    async def _more(self) -> bool:
        chunk = await anext(self._stream, None)
        if chunk is None:
            return False
        self._buffer += chunk
        return True

    async def through(self, marker: bytes, maximum: int) -> bytes:
        """Return what stands before `marker` and go on after it. Error: 20001."""
        while (at := self._buffer.find(marker)) < 0:
            if len(self._buffer) > maximum or not await self._more():
                raise invalid_parameter("body", "malformed multipart/form-data")
        before, self._buffer = self._buffer[:at], self._buffer[at + len(marker) :]
        return before

    async def until(self, marker: bytes) -> AsyncIterator[bytes]:
        """Return what stands before `marker` in pieces. Error: 20001, the stream ends before it."""
        while (at := self._buffer.find(marker)) < 0:
            keep = len(marker) - 1
            if len(self._buffer) > keep:
                piece, self._buffer = self._buffer[:-keep], self._buffer[-keep:]
                yield piece
            if not await self._more():
                raise invalid_parameter("body", "malformed multipart/form-data")
        if at:
            yield self._buffer[:at]
        while await self._more():
            self._buffer = b""


async def first_file(stream: AsyncIterator[bytes], content_type: str) -> FilePart:
    """Return the first file part of a form; fields before it are skipped. Error: 20001 malformed, or no file."""
    outer = Message()
    outer["content-type"] = content_type
    boundary = outer.get_boundary("")
    if not boundary:
        raise invalid_parameter("Content-Type", "multipart/form-data without a boundary")
    marker = b"\r\n--" + boundary.encode("latin-1", "replace")
    source = _Source(_with_line(stream))
    await source.through(marker, HEADERS_MAX)
    while True:
        head = await source.through(b"\r\n\r\n", HEADERS_MAX)
        if head.startswith(b"--"):
            raise invalid_parameter("body", "the form has no file")
        headers = HeaderParser().parsestr(head.lstrip(b"\r\n").decode("utf-8", "replace"))
        filename = headers.get_filename()
        if filename is not None:
            kind = headers.get("content-type", "application/octet-stream")
            return FilePart(source.until(marker), mediatypes.essence(kind), filename or None)
        await source.through(marker, FIELD_MAX)


async def _with_line(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Put the line break before the first boundary that the others have."""
    yield b"\r\n"
    async for chunk in stream:
        yield chunk
