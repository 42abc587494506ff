"""Which PostgreSQL processes live in a folder, told by what they are and never by a pid alone.

A pid in a file may have been given to somebody else since (after a container restart nearly always). A
server of ours is recognised by its program and by its working folder, which PostgreSQL sets to its data
folder.
"""

import asyncio
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = frozenset({"postgres", "initdb"})
_POLL = 0.02
_PROC = Path("/proc")
_HAS_PROC = (_PROC / "self" / "exe").exists()


@dataclass(frozen=True)
class Process:
    """A living PostgreSQL process: its pid and its parent's."""

    pid: int
    parent: int


def running_in(folder: Path) -> list[Process]:
    """The living PostgreSQL processes whose working folder is `folder`, servers and their children."""
    if _HAS_PROC:
        pids = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
        found = [_identify(pid, folder) for pid in pids]
        return [process for process in found if process is not None]
    return _running_by_ps(folder)


def servers_of(processes: list[Process]) -> list[Process]:
    """Those that no other of them has started: the postmaster, or children that lost theirs."""
    pids = {process.pid for process in processes}
    return [process for process in processes if process.parent not in pids]


def is_postgres(pid: int, folder: Path) -> bool:
    """Whether the process with that pid is a PostgreSQL process of `folder`."""
    return any(process.pid == pid for process in running_in(folder))


def send(process: Process, folder: Path, number: signal.Signals) -> None:
    """Signal the process if it still is the one that was found; nothing happens when it has ended."""
    try:
        if not _HAS_PROC:
            os.kill(process.pid, number)
            return
        descriptor = os.pidfd_open(process.pid)
        try:
            # The descriptor pins the process, so that what is checked now is what is signalled.
            if _identify(process.pid, folder) is not None:
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)
    except ProcessLookupError:
        return


async def end_all(folder: Path, *, patience: float) -> bool:
    """End every PostgreSQL process of `folder`: fast shutdown, after `patience` seconds immediate, then kill.

    Children of a dead server have nothing to write down and get half a second. Answers whether there was one.
    """
    found = running_in(folder)
    if not found:
        return False
    headless = len(servers_of(found)) == len(found)
    for number, seconds in ((signal.SIGINT, min(patience, 0.5) if headless else patience), (signal.SIGQUIT, 5.0)):
        for process in servers_of(running_in(folder)):
            send(process, folder, number)
        if await _gone(folder, seconds):
            return True
    while not await _gone(folder, 1.0):
        for process in running_in(folder):
            send(process, folder, signal.SIGKILL)
    return True


async def _gone(folder: Path, seconds: float) -> bool:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while running_in(folder):
        if loop.time() >= end:
            return False
        await asyncio.sleep(_POLL)
    return True


def _identify(pid: int, folder: Path) -> Process | None:
    """The process, if it is alive, a PostgreSQL program and works in `folder` (Linux)."""
    entry = _PROC / str(pid)
    try:
        program = (entry / "exe").readlink().name.removesuffix(" (deleted)")
        if program not in PROGRAMS or (entry / "cwd").readlink() != folder:
            return None
        state, parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state in "ZX" else Process(pid, int(parent))


def _running_by_ps(folder: Path) -> list[Process]:
    """The same where there is no /proc: the server of the pid file, if its command line names the folder."""
    try:
        pid = int((folder / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return []
    shown = subprocess.run(
        ["ps", "-p", str(pid), "-o", "ppid=,command="], capture_output=True, text=True, check=False
    ).stdout.strip()
    parent, _, command = shown.partition(" ")
    ours = "postgres" in command and f"-D {folder}" in command
    return [Process(pid, int(parent))] if ours else []
