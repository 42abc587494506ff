"""Wake-ups: hints that hurry what a sweep would find anyway (DESIGN 2.8)."""

import asyncio
from collections.abc import Callable
from typing import Final

Hear = Callable[[str], None]

CHANGED: Final = "changed"  # its body is the SID of a row whose readers may look again


class Wake:
    """Wakes the runner of this process, and carries hints to whoever listens here or in another process."""

    def __init__(self) -> None:
        self._stirred = asyncio.Event()
        self._jobs = False
        self._listeners: dict[str, list[Hear]] = {}
        self._carrier: Callable[[str, str], None] | None = None

    def jobs(self) -> None:
        """Say that there may be jobs that are due."""
        self._jobs = True
        self._stirred.set()

    def stir(self) -> None:
        """End the wait for another reason than new jobs."""
        self._stirred.set()

    def take_jobs(self) -> bool:
        """Tell whether ``jobs`` was said since the last time."""
        said, self._jobs = self._jobs, False
        return said

    async def wait(self, seconds: float) -> bool:
        """Wait until something stirs, at most ``seconds`` of real time; False: nothing did."""
        try:
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        except TimeoutError:
            return False
        finally:
            self._stirred.clear()
        return True

    def hear(self, subject: str, call: Hear) -> None:
        """Have ``call`` called with the body of each hint on ``subject``, ours or another process's."""
        self._listeners.setdefault(subject, []).append(call)

    def say(self, subject: str, body: str) -> None:
        """Give a hint to this process now and to the others soon; it may be lost."""
        if self._carrier is not None:
            self._carrier(subject, body)
        else:
            self.heard(subject, body)

    def heard(self, subject: str, body: str) -> None:
        """Pass on a hint that came to this process."""
        for call in self._listeners.get(subject, ()):
            call(body)

    def carry(self, carrier: Callable[[str, str], None]) -> None:
        """Have hints go through ``carrier``, which brings them to every process, this one by ``heard``."""
        self._carrier = carrier
