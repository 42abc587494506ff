"""Callers at the same moment share one piece of work."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")
Begin = Callable[[], None]


@dataclass(eq=False)
class _Coming(Generic[T]):
    task: "asyncio.Task[T]"
    waiting: int = 0


class Shared(Generic[T]):
    """Work that is about to begin, by what it is about.

    Who asks before a piece of work begins waits for its result, so that a hundred jobs which start together have it
    done once. Who asks later has it done again: a result is never older than the question.
    """

    def __init__(self) -> None:
        self._coming: Final[dict[Hashable, _Coming[T]]] = {}

    async def get(self, key: Hashable, work: Callable[[Begin], Awaitable[T]]) -> T:
        """Return what ``work`` returns, or what the one that is coming for ``key`` does.

        :param work: calls what it is given when it begins; it is ended when everybody who waits has gone.
        :raises Exception: whatever the work raised, to all who wait for it.
        """
        coming = self._coming.get(key)
        if coming is None:
            coming = self._coming[key] = _Coming(asyncio.create_task(self._run(key, work)))
        coming.waiting += 1
        try:
            return await asyncio.shield(coming.task)
        finally:
            coming.waiting -= 1
            if not coming.waiting:
                coming.task.cancel()  # nothing where it is done

    async def _run(self, key: Hashable, work: Callable[[Begin], Awaitable[T]]) -> T:
        task = asyncio.current_task()

        def begin() -> None:
            known = self._coming.get(key)
            if known is not None and known.task is task:
                del self._coming[key]

        try:
            return await work(begin)
        finally:
            begin()
