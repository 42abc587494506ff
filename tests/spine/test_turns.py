"""Those who wait for a turn get it in order, and fewer at once while the database is crowded."""

import asyncio

import pytest

from parlour.outbox.turns import FEW, MANY, Turns


class Crowd:
    """Says what it is told to say."""

    there = False

    def __call__(self) -> bool:
        return self.there


async def inside_of(turns: Turns, count: int, done: asyncio.Event) -> tuple[list[int], list[asyncio.Task[None]]]:
    """Have so many enter and stay until `done`; return who is inside, in order, and the tasks."""
    entered: list[int] = []

    async def enter(number: int) -> None:
        async with turns:
            entered.append(number)
            await done.wait()

    tasks = [asyncio.create_task(enter(number)) for number in range(count)]
    await settle()
    return entered, tasks


async def settle() -> None:
    """Let everybody who can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("crowded", "limit"), [(False, MANY), (True, FEW)])
async def test_only_so_many_are_inside_and_all_come_in_at_last(crowded: bool, limit: int) -> None:
    crowd = Crowd()
    crowd.there = crowded
    done = asyncio.Event()
    entered, tasks = await inside_of(Turns(crowd), 3 * MANY, done)
    assert entered == list(range(limit))
    done.set()
    await asyncio.gather(*tasks)
    assert entered == list(range(3 * MANY))


async def test_who_leaves_while_waiting_takes_no_turn_along() -> None:
    done = asyncio.Event()
    turns = Turns(Crowd())
    entered, tasks = await inside_of(turns, MANY + 3, done)
    tasks[MANY].cancel()
    await settle()
    done.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert entered == [*range(MANY), MANY + 1, MANY + 2]
    again, more = await inside_of(turns, MANY, done)
    await asyncio.gather(*more)
    assert len(again) == MANY


async def test_a_turn_given_to_one_who_leaves_at_that_moment_goes_on() -> None:
    done = asyncio.Event()
    turns = Turns(Crowd())
    _, tasks = await inside_of(turns, MANY + 2, done)
    done.set()
    await asyncio.sleep(0)
    tasks[MANY].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    again, more = await inside_of(turns, MANY, done)
    await asyncio.gather(*more)
    assert len(again) == MANY


async def test_when_the_crowd_is_gone_more_come_in() -> None:
    crowd, done = Crowd(), asyncio.Event()
    crowd.there = True
    turns = Turns(crowd)
    entered, tasks = await inside_of(turns, MANY + FEW, done)
    assert len(entered) == FEW
    crowd.there = False
    tasks[0].cancel()
    await settle()
    assert len(entered) == MANY + 1
    done.set()
    await asyncio.gather(*tasks, return_exceptions=True)
