"""The bounded queue of what a socket still has to send."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

BOUND: Final = 4 * 1024 * 1024  # bytes that wait for one socket; a live one never has more than a few frames
PATIENCE: Final = 30.0  # seconds of real time that one frame may take to leave

Deliver = Callable[[bytes], Awaitable[None]]


class Overflow(Exception):
    """The reader is too slow for what it subscribed to."""


class Sending:
    """Sends frames one after the other; a reader that is too slow is given up, not buffered for."""

    def __init__(self, deliver: Deliver, bound: int = BOUND) -> None:
        self._deliver = deliver
        self._bound = bound
        self._frames: deque[bytes] = deque()
        self._waiting = 0
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._closing = False

    @property
    def waiting(self) -> int:
        """Return how many bytes wait."""
        return self._waiting

    def offer(self, frame: bytes) -> None:
        """Keep a frame that nobody waits for.

        :raises Overflow: there is no room.
        """
        if self._waiting and self._waiting + len(frame) > self._bound:
            raise Overflow
        self._keep(frame)

    async def put(self, frame: bytes) -> None:
        """Keep an answer, after waiting for room."""
        while self._waiting and self._waiting + len(frame) > self._bound and not self._closing:
            self._room.clear()
            await self._room.wait()
        self._keep(frame)

    def clear(self) -> None:
        """Drop what waits."""
        self._frames.clear()
        self._waiting = 0

    def finish(self) -> None:
        """Take nothing more; ``run`` returns when what waits is sent."""
        self._closing = True
        self._more.set()
        self._room.set()

    async def run(self) -> None:
        """Send until ``finish``.

        :raises TimeoutError: a frame took longer than half a minute.
        """
        while True:
            while self._frames:
                frame = self._frames.popleft()
                async with asyncio.timeout(PATIENCE):
                    await self._deliver(frame)
                self._waiting -= min(len(frame), self._waiting)
                self._room.set()
            if self._closing:
                return
            self._more.clear()
            await self._more.wait()

    def _keep(self, frame: bytes) -> None:
        if self._closing:
            return
        self._frames.append(frame)
        self._waiting += len(frame)
        self._more.set()
