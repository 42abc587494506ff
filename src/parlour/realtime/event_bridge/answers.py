"""Answers that were sent: an event waits for the answer of the call that caused it (DESIGN 2.7)."""

import asyncio
from collections import OrderedDict
from typing import Final

REMEMBERED: Final = 10_000
PATIENCE: Final = 0.5  # seconds of real time; only a process that died between commit and answer is waited for so long
LEAD: Final = 0.05  # seconds of real time; answer and event travel on two lines, and the answer shall be there first


class Answers:
    """Knows which calls were answered, in this process or another that said so on the bus."""

    def __init__(self) -> None:
        self._sent: OrderedDict[str, float] = OrderedDict()
        self._awaited: dict[str, asyncio.Event] = {}

    def sent(self, call: str) -> None:
        """Note that the answer of a call went out."""
        self._sent[call] = asyncio.get_running_loop().time()
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)
        awaited = self._awaited.get(call)
        if awaited is not None:
            awaited.set()

    async def wait(self, call: str) -> None:
        """Wait until the answer of a call must have arrived, but not for ever."""
        if call not in self._sent:
            await self._until_sent(call)
        await asyncio.sleep(max(self._sent.get(call, 0.0) + LEAD - asyncio.get_running_loop().time(), 0.0))

    async def _until_sent(self, call: str) -> None:
        event = self._awaited.setdefault(call, asyncio.Event())
        try:
            async with asyncio.timeout(PATIENCE):
                await event.wait()
        except TimeoutError:
            self.sent(call)
        finally:
            self._awaited.pop(call, None)
