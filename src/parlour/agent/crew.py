"""N robots in one process."""

import asyncio
import signal
from collections.abc import Callable, Sequence

from parlour.agent.calls import Calls, Refused
from parlour.agent.robot import UNREACHABLE, Books, Habits, Robot, find_workspace
from parlour.sdk.connection import Connection

START_PAUSE = 0.5  # seconds between two tries to reach the server


async def run_crew(
    connection: Connection,
    names: Sequence[str],
    habits: Habits,
    *,
    workspace: str | None = None,
    say: Callable[[str], None],
) -> Books:
    """Run robots until SIGINT or SIGTERM and return what they did.

    :param names: friendly names of their workers, which are made where there are none.
    :raises NoDesk: there is no such workspace.
    :raises Refused: the server does not take the credentials or a worker.
    """
    books = Books()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    stopping = asyncio.create_task(stop.wait(), name="stop")
    async with Calls(connection) as calls:
        finding = asyncio.create_task(_workspace(calls, workspace), name="workspace")
        await asyncio.wait([finding, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not finding.done():
            finding.cancel()
            return books
        robots = [Robot(calls, finding.result(), name, habits, books, say) for name in names]
        tasks = [asyncio.create_task(robot.run(), name=name) for robot, name in zip(robots, names, strict=True)]
        say(f"{len(names)} robot(s) at {connection.url}: {', '.join(names[:5])}{' …' if len(names) > 5 else ''}")
        done, waiting = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.gather(*(robot.leave() for robot in robots))
        for task in done - {stopping}:
            task.result()
    return books


async def _workspace(calls: Calls, wanted: str | None) -> str:
    while True:
        try:
            return await find_workspace(calls, wanted)
        except UNREACHABLE:
            await asyncio.sleep(START_PAUSE)
        except Refused as error:
            if error.status < 500:
                raise
            await asyncio.sleep(START_PAUSE)
