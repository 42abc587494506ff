"""Work that callers at the same moment share."""

import asyncio

import pytest

from parlour.kit.shared import Begin, Shared


class Work:
    """Work that begins and ends when it is told to."""

    def __init__(self) -> None:
        self.may_begin, self.may_end = asyncio.Event(), asyncio.Event()
        self.began = self.ended = 0

    async def __call__(self, begin: Begin) -> int:
        await self.may_begin.wait()
        begin()
        self.began += 1
        mine = self.began
        await self.may_end.wait()
        self.ended += 1
        return mine


async def asked(shared: Shared[int], work: Work, times: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(shared.get("key", work)) for _ in range(times)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_who_asks_before_it_begins_shares_it() -> None:
    shared, work = Shared[int](), Work()
    tasks = await asked(shared, work, 3)
    work.may_begin.set()
    work.may_end.set()
    assert await asyncio.gather(*tasks) == [1, 1, 1]


async def test_who_asks_after_it_began_has_it_done_again() -> None:
    shared, work = Shared[int](), Work()
    work.may_begin.set()
    first = await asked(shared, work, 1)
    second = await asked(shared, work, 1)
    work.may_end.set()
    assert await asyncio.gather(*first, *second) == [1, 2]


async def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    shared, work = Shared[int](), Work()
    leaver, stayer = await asked(shared, work, 2)
    leaver.cancel()
    work.may_begin.set()
    work.may_end.set()
    assert await stayer == 1


async def test_it_ends_when_everybody_has_gone() -> None:
    shared, work = Shared[int](), Work()
    work.may_begin.set()
    for each in await asked(shared, work, 2):
        each.cancel()
        with pytest.raises(asyncio.CancelledError):
            await each
    work.may_end.set()
    await asyncio.sleep(0)
    assert (work.began, work.ended) == (1, 0)


async def test_all_hear_what_went_wrong() -> None:
    shared = Shared[int]()

    async def fail(begin: Begin) -> int:
        begin()
        raise LookupError("gone")

    results = await asyncio.gather(*(shared.get("key", fail) for _ in range(2)), return_exceptions=True)
    assert [type(each) for each in results] == [LookupError, LookupError]
