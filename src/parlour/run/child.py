"""The program itself: our terminal, our signals, its exit code."""

import asyncio
import contextlib
import os
import shutil
import signal
from asyncio.subprocess import Process
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

NOT_FOUND: Final = 127  # as shells say it
NOT_EXECUTABLE: Final = 126
BY_SIGNAL: Final = 128  # plus the signal's number

_PASSED_ON: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_OF_TERMINAL: Final = (signal.SIGINT, signal.SIGQUIT)  # a terminal sends these to the program too


class NotStarted(Exception):
    """The program could not be started.

    :ivar status: the exit code that says so.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


async def run_child(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program to its end on our standard streams; return its exit code, 128 + n where signal n ended it.

    :raises NotStarted: there is no such program, or it may not be run.
    """
    held: list[Process] = []
    early: list[int] = []
    with _signals(held, early):
        try:
            child = await asyncio.create_subprocess_exec(*command, env=dict(environment))
        except OSError as error:
            # A folder on PATH that may not be read hides a missing program behind "permission denied".
            if shutil.which(command[0], os.F_OK, environment.get("PATH")) is None:
                raise NotStarted(NOT_FOUND, f"{command[0]}: there is no such program") from error
            raise NotStarted(NOT_EXECUTABLE, f"{command[0]}: {error.strerror or error}") from error
        held.append(child)
        for number in early:
            child.send_signal(number)
        status = await child.wait()
    return status if status >= 0 else BY_SIGNAL - status


@contextlib.contextmanager
def _signals(held: list[Process], early: list[int]) -> Iterator[None]:
    """Pass signals on to the program until the block ends; those that come before it is there wait for it."""
    loop = asyncio.get_running_loop()

    def pass_on(number: int) -> None:
        if number in _OF_TERMINAL and _in_foreground():
            return
        if not held:
            early.append(number)
        elif held[0].returncode is None:
            held[0].send_signal(number)

    for number in (*_PASSED_ON, *_OF_TERMINAL):
        loop.add_signal_handler(number, pass_on, number)
    try:
        yield
    finally:
        for number in (*_PASSED_ON, *_OF_TERMINAL):
            loop.remove_signal_handler(number)


def _in_foreground() -> bool:
    """Say whether a terminal has our process group before it, to which it sends its keys' signals."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
