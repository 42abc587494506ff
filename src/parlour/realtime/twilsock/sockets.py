"""All sockets of this process, and the look at them each second."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Final

import structlog

from parlour.kit.clock import Clock
from parlour.kit.errors import ContractError
from parlour.outbox.wake import Wake
from parlour.realtime.twilsock.presence import Presence

if TYPE_CHECKING:
    from parlour.realtime.twilsock.socket import Socket

SWEEP: Final = 1.0  # seconds of real time

log = structlog.get_logger("parlour.realtime")


class Sockets:
    """Knows who is connected here; sweeps while anybody is."""

    def __init__(self, clock: Clock, wake: Wake, presence: Presence) -> None:
        self.clock = clock
        self.presence = presence
        self._sockets: dict[Socket, None] = {}
        self._sweeps: list[tuple[int, Callable[[], Awaitable[None]]]] = []
        self._left: list[Callable[[Socket], None]] = []
        self._task: asyncio.Task[None] | None = None
        # Under a test clock time jumps, and nobody should wait a second for what fell due.
        wake.hear("clock", lambda _: self._check_tokens())

    def every(self, seconds: int, sweep: Callable[[], Awaitable[None]]) -> None:
        """Have ``sweep`` run every so many seconds while somebody is connected."""
        self._sweeps.append((seconds, sweep))

    def when_left(self, call: Callable[["Socket"], None]) -> None:
        """Have ``call`` hear of each socket that went."""
        self._left.append(call)

    def enter(self, socket: "Socket") -> None:
        """Know a socket whose client has logged in."""
        self._sockets[socket] = None
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._sweep(), name="sockets")

    def leave(self, socket: "Socket") -> None:
        """Forget a socket."""
        if socket in self._sockets:
            del self._sockets[socket]
            for call in self._left:
                call(socket)

    def of_account(self, account_sid: str) -> Iterator["Socket"]:
        """Yield the sockets of an account's clients."""
        return (socket for socket in list(self._sockets) if socket.caller.account_sid == account_sid)

    async def _sweep(self) -> None:
        second = 0
        while self._sockets:
            await asyncio.sleep(SWEEP)
            second += 1
            self._check_tokens()
            for every, sweep in self._sweeps:
                if second % every == 0:
                    await _carefully(sweep)

    def _check_tokens(self) -> None:
        now = self.clock.now()
        for socket in list(self._sockets):
            socket.check_token(now)


async def _carefully(sweep: Callable[[], Awaitable[None]]) -> None:
    try:
        await sweep()
    except ContractError as away:
        log.warning("a sweep of the sockets could not look", why=away.message)
    except Exception:
        log.exception("a sweep of the sockets failed")  # the next one may go well
