"""Wake-ups: hints that hurry what a sweep would find anyway (DESIGN 2.8)."""

import asyncio


class Wake:
    """Wakes the runner of this process."""

    def __init__(self) -> None:
        self._jobs = asyncio.Event()

    def jobs(self) -> None:
        """Say that there may be jobs that are due."""
        self._jobs.set()

    async def wait(self, seconds: float) -> None:
        """Wait for a hint, at most ``seconds`` of real time."""
        try:
            async with asyncio.timeout(seconds):
                await self._jobs.wait()
        except TimeoutError:
            pass
        self._jobs.clear()
