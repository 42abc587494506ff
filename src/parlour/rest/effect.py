"""The one transaction of a call with an idempotency key: its steps, and the answer that repeats them (DESIGN 2.13)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from parlour.kit.wire import encode_json
from parlour.rest import store
from parlour.rest.operations import Answer
from parlour.rest.store import Claim
from parlour.store.database import Database, DatabaseUnavailable
from parlour.store.unit import Reader, UnitOfWork

T = TypeVar("T")


class Lost(Exception):
    """Another request took the key over, since this one seemed dead; nothing of this one is kept."""


class _Abandoned(Exception):
    """The handler refused after its first step."""


class Effect:
    """What a handler does, from its first step to its answer, as one transaction.

    The first step begins it, and runs again alone where it is repeated; what the handler does with the result, and its
    further steps, run once.
    """

    def __init__(self, database: Database, account_sid: str, request_id: str, claim: Claim) -> None:
        self._database = database
        self._account_sid = account_sid
        self._request_id = request_id
        self._claim = claim
        self._unit: UnitOfWork | None = None
        self._task: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    async def step(self, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Do a unit of work as a part of the whole.

        :raises Lost: another request has the key.
        """
        if self._unit is not None:
            async with self._unit.attempt():
                result = await work(self._unit)
                await self._unit.flush()
            return result
        first: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(work, first))
        either: set[asyncio.Future[Any]] = {self._task, first}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            task, self._task = self._task, None  # nothing is done; the handler may still answer otherwise
            task.result()
        return first.result()

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T:
        """Read what the steps wrote."""
        if self._unit is None:
            return await self._database.read(self._account_sid, work)
        return await work(self._unit)

    async def finish(self, answer: Answer) -> None:
        """Store the answer and commit.

        :raises Lost: another request has the key.
        """
        if self._task is None:

            async def work(uow: UnitOfWork) -> None:
                store.answered(uow, self._claim, answer, _bytes(answer))

            await self._database.step(self._account_sid, work, request_id=self._request_id, on_begin=self._hold)
            return
        self._answer.set_result(answer)
        await self._task

    async def abandon(self) -> None:
        """Undo what was done."""
        if not self._answer.done():
            self._answer.set_result(None)
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, work: Callable[[UnitOfWork], Awaitable[Any]], first: asyncio.Future[Any]) -> None:
        async def whole(uow: UnitOfWork) -> None:
            if first.done():
                raise DatabaseUnavailable  # the handler has the result of a transaction that is gone
            result = await work(uow)
            await uow.flush()
            self._unit = uow
            first.set_result(result)
            answer = await self._answer
            if answer is None:
                raise _Abandoned
            store.answered(uow, self._claim, answer, _bytes(answer))

        await self._database.step(self._account_sid, whole, request_id=self._request_id, on_begin=self._hold)

    async def _hold(self, uow: UnitOfWork) -> None:
        if not await store.hold(uow, self._claim):
            raise Lost


def _bytes(answer: Answer) -> bytes:
    if answer.body is None:
        return b""
    return answer.body if isinstance(answer.body, bytes) else encode_json(answer.body)
