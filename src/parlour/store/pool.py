"""A pool of database connections that are given back as they are.

The driver's own pool runs a reset query, two time-outs and a task at each return; units of work leave nothing on a
connection, so none of that is needed on the path of every request (docs/decisions/hot-path.md).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

CLOSE_PATIENCE: Final = 5.0  # seconds for a connection to say goodbye

Connect = Callable[[], Awaitable[Any]]


class Pool:
    """Lends connections, the one used last first; closed ones are forgotten and replaced when one is asked for.

    :param connect: opens a connection.
    :param size: the largest number of connections.
    """

    def __init__(self, connect: Connect, size: int) -> None:
        self._connect = connect
        self._size = size
        self._free: list[Any] = []
        self._lent: set[Any] = set()
        self._opening = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self, patience: float) -> Any:
        """Borrow a connection.

        :param patience: seconds to wait for one to come back when all are lent.
        :raises TimeoutError: none came back in time.
        :raises OSError: the database cannot be reached; so do the driver's own errors.
        """
        while True:
            while self._free:
                connection = self._free.pop()
                if not connection.is_closed():
                    self._lent.add(connection)
                    return connection
            if len(self._lent) + self._opening < self._size:
                return await self._open()
            await self._wait(patience)

    def release(self, connection: Any) -> None:
        """Take a connection back; one in the middle of a transaction is cut."""
        self._lent.discard(connection)
        if not connection.is_closed():
            if connection.is_in_transaction():
                connection.terminate()
            else:
                self._free.append(connection)
        self._wake_one()

    @property
    def crowded(self) -> bool:
        """Say whether somebody waits for a connection."""
        return bool(self._waiting)

    async def close(self) -> None:
        """Close what is free and cut what is lent."""
        free, self._free = self._free, []
        for connection in self._lent:
            connection.terminate()
        for connection in free:
            try:
                await connection.close(timeout=CLOSE_PATIENCE)
            except (TimeoutError, OSError):
                connection.terminate()

    async def _open(self) -> Any:
        self._opening += 1
        try:
            connection = await self._connect()
        except BaseException:
            self._wake_one()
            raise
        finally:
            self._opening -= 1
        self._lent.add(connection)
        return connection

    async def _wait(self, patience: float) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(patience):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._wake_one()  # our turn came as we left
            raise

    def _wake_one(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
