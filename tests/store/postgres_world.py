"""What the tests of the embedded PostgreSQL share: a place, an actor (root or an ordinary user), faults."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

import parlour
from parlour.store.postgres import processes
from parlour.store.postgres.binaries import Binaries
from parlour.store.postgres.folder import DataFolder

ACTOR = Path(__file__).with_name("postgres_actor.py")
PATIENCE = 30.0
OTHER = "nobody"
"""The ordinary user whom root becomes."""
SOURCE = Path(parlour.__file__).resolve().parents[1]


async def eventually(condition: Callable[[], bool | Awaitable[bool]], what: str, *, seconds: float = PATIENCE) -> None:
    """Wait until the condition holds; a failure names what never came true."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        found = condition()
        if found if isinstance(found, bool) else await found:
            return
        assert loop.time() < end, f"never came true: {what}"
        await asyncio.sleep(0.02)


def short_folder() -> Path:
    """A new folder with a short path which every user may enter (pytest's own are closed); in memory if it fits."""
    memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="pl-", dir=memory if _roomy(memory) else None))
    path.chmod(0o755)
    return path


def _roomy(folder: Path) -> bool:
    if not os.access(folder, os.W_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize > 2**30 and not found.f_flag & os.ST_NOEXEC


def copy(source: Path, target: Path) -> None:
    """Copy a folder with its owners, modes and sockets."""
    subprocess.run(["cp", "-a", source, target], check=True)


def kill_postgres(pid: int) -> None:
    """Kill the server the hard way: the postmaster dies and its children follow when they notice."""
    os.kill(pid, signal.SIGKILL)


@dataclass
class Running:
    """A `parlour db run`: its process, and what it printed on stdout and stderr."""

    process: asyncio.subprocess.Process
    url: str = ""
    said: list[str] = field(default_factory=list)
    reader: asyncio.Task[None] | None = None

    @property
    def log(self) -> str:
        return "".join(self.said)

    async def read_log(self) -> None:
        stream = self.process.stderr
        assert stream is not None
        while line := await stream.readline():
            self.said.append(line.decode())


@dataclass
class World:
    """A place of its own under a short, open path, and the user who acts there (None: ourselves)."""

    place: Path
    user: str | None
    binaries: Binaries
    started: list[Running] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def data(self) -> Path:
        return self.place / "data"

    @property
    def child_uid(self) -> int:
        """The user id of PostgreSQL itself."""
        if self.user is not None:
            return pwd.getpwnam(self.user).pw_uid
        return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()

    def folder(self, *parts: str, mode: int = 0o755) -> Path:
        """A folder that belongs to the acting user."""
        path = self.place
        for part in parts:
            path = path / part
            if not path.exists():
                path.mkdir()
                path.chmod(mode)
                if self.user is not None:
                    os.chown(path, self.child_uid, pwd.getpwnam(self.user).pw_gid)
        return path

    async def command(self, *arguments: str, new_group: bool = False) -> asyncio.subprocess.Process:
        """Start `parlour db ARGUMENTS` as the acting user."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, str(ACTOR), self.user or "-", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=new_group,
            cwd=self.place,
            env=os.environ | {"PYTHONPATH": str(SOURCE)},
        )

    async def output(self, *arguments: str) -> tuple[int, str]:
        """Run `parlour db ARGUMENTS` to its end: exit code and all it printed."""
        process = await self.command(*arguments)
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, (out + err).decode()

    async def run(
        self,
        data: Path | None = None,
        *,
        binaries: Path | None = None,
        new_group: bool = False,
        wait: bool = True,
    ) -> Running:
        """Start `parlour db run` and, if `wait`, read the address that it prints."""
        programs = binaries or self.binaries.folder
        process = await self.command(
            "run", "--data", str(data or self.data), "--binaries", str(programs), new_group=new_group
        )
        running = Running(process)
        self.started.append(running)
        running.reader = asyncio.create_task(running.read_log())
        if wait:
            await self.address(running)
        return running

    async def address(self, running: Running) -> str:
        """The address it prints, once it does."""
        assert running.process.stdout is not None
        running.url = (await running.process.stdout.readline()).decode().strip()
        if not running.url:
            await self.wait(running)
        assert running.url.startswith("postgresql://"), running.log
        return running.url

    async def wait(self, running: Running) -> int:
        """Wait for its end: the exit code."""
        code = await running.process.wait()
        assert running.reader is not None
        await running.reader
        return code

    async def stop(self, running: Running, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it and wait for its end: the exit code."""
        running.process.send_signal(number)
        return await self.wait(running)

    @asynccontextmanager
    async def connection(self, url: str) -> Any:
        """A connection as the acting user, which is what peer authentication looks at."""
        async with self.turn:
            if self.user is not None:
                os.seteuid(self.child_uid)
            try:
                connection = await asyncpg.connect(url, password="")
            finally:
                os.seteuid(os.getuid())
        try:
            yield connection
        finally:
            await connection.close()

    async def value(self, url: str, sql: str) -> Any:
        """The first value of a statement."""
        async with self.connection(url) as connection:
            return await connection.fetchval(sql)

    async def execute(self, url: str, sql: str) -> None:
        async with self.connection(url) as connection:
            await connection.execute(sql)

    async def answers(self, url: str) -> bool:
        try:
            return bool(await self.value(url, "SELECT true"))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False

    async def has_its_row(self, url: str) -> bool:
        """Whether the row of the copied database is there."""
        return bool(await self.value(url, "SELECT value = 42 FROM kept"))

    def instance(self, data: Path) -> str:
        """The start of the folder's identity, which names its temporary folders."""
        identity = DataFolder(data).status().identity
        assert identity is not None
        return identity.instance[:12]

    def servers(self, data: Path | None = None) -> list[int]:
        """The pids of the servers that run in a data folder."""
        folder = DataFolder(data or self.data)
        return [process.pid for process in processes.servers_of(processes.running_in(folder.cluster))]

    def server(self, data: Path | None = None) -> int:
        """The pid of the one server."""
        (pid,) = self.servers(data)
        return pid

    async def close(self) -> None:
        """End what is still there and remove the place."""
        for running in self.started:
            if running.process.returncode is None:
                running.process.kill()
            await self.wait(running)
        for cluster in [*self.place.rglob("postgres"), *self.place.rglob("postgres.initdb-*")]:
            if cluster.is_dir():
                await processes.end_all(cluster, patience=0.5)
        shutil.rmtree(self.place)


def modes(*paths: Path) -> dict[str, tuple[int, int, int]]:
    """Owner, group and mode of the paths and of every folder above them."""
    above = {folder for path in paths for folder in (path, *path.parents)}
    return {str(path): (path.lstat().st_mode, path.lstat().st_uid, path.lstat().st_gid) for path in sorted(above)}
