"""A child process and the pipe of what it says, which may stay open longer than the child lives."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_LONGEST_LINE = 1024 * 1024


@dataclass(frozen=True)
class Child:
    """A started program.

    The pipe is ours and not asyncio's: asyncio's `wait` may wait for the pipe too, which the children of a killed
    server hold open.
    """

    process: asyncio.subprocess.Process
    _stream: asyncio.StreamReader
    _transport: asyncio.ReadTransport

    @classmethod
    async def start(cls, command: list[str], *, cwd: Path, env: Mapping[str, str]) -> Self:
        """Start a program in a session of its own, so that no Ctrl-C reaches it, reading its standard error."""
        loop = asyncio.get_running_loop()
        reading, writing = os.pipe()
        stream = asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reading, "rb", 0)
        )
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=writing,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
        except BaseException:
            transport.close()
            raise
        finally:
            os.close(writing)
        return cls(process, stream, transport)

    async def lines(self) -> AsyncIterator[str]:
        """What it says, line by line, until nobody can say anything any more."""
        rest = b""
        while block := await self._stream.read(65536):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace")
            rest = rest[-_LONGEST_LINE:]
        if rest:
            yield rest.decode(errors="replace")

    def close(self) -> None:
        """Read no further."""
        self._transport.close()
