"""How many jobs use the database at once: few while requests wait for it, so that callers come first."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

FEW: Final = 4
MANY: Final = 10


class Turns:
    """Lets a few of those who enter go on at once, in the order of their coming.

    :param crowded: says whether somebody waits for a connection at the moment.
    """

    def __init__(self, crowded: Callable[[], bool]) -> None:
        self._crowded = crowded
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        """Wait for a turn."""
        if not self._waiting and self._inside < self._limit():
            self._inside += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                await self.__aexit__()  # our turn came as we left
            raise

    async def __aexit__(self, *_: object) -> None:
        """Give the turn to the next."""
        self._inside -= 1
        limit = self._limit()
        while self._waiting and self._inside < limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)

    def _limit(self) -> int:
        return FEW if self._crowded() else MANY
