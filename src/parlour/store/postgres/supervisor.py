"""The embedded PostgreSQL: owned, started, watched, restarted and stopped, without blocking the event loop.

How the child is kept apart from us (user, session, environment) is in `identity` and `cluster`; DESIGN 2.1
lists the traps. While PostgreSQL is away, users of the database see connection errors and wait; the
supervisor brings it back.
"""

import asyncio
import os
import shutil
import stat
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg
import structlog

from parlour.store.postgres import cluster, processes
from parlour.store.postgres.binaries import Binaries, copy_binaries, locate_binaries, major_of
from parlour.store.postgres.child_log import ChildLog, Log
from parlour.store.postgres.errors import PostgresError, StartFailedError
from parlour.store.postgres.folder import Address, DataFolder
from parlour.store.postgres.identity import ChildUser, choose_user, own_name
from parlour.store.postgres.ready import answers, until_ready
from parlour.store.postgres.sockets import PORT, SocketFolder, make_socket_folder, short_places

DATABASE = "parlour"
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    # In the data folder: a container's /dev/shm is small, and a killed server would leave its segments there.
    "dynamic_shared_memory_type": "mmap",
    "jit": "off",
    # Statements are planned once, so a table that grows must be looked at soon (docs/decisions/hot-path.md).
    "autovacuum_naptime": "5s",
    "autovacuum_analyze_threshold": "50",
    "autovacuum_analyze_scale_factor": "0.2",
    "fsync": "on",
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "10s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_line_prefix": "%m [%p] ",
    # Key values and statements hold what customers wrote; they do not belong in a log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_startup_progress_interval": "5s",
    "cluster_name": "parlour",
}
"""Server settings; the caller's come on top of them."""

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0
_ORPHANS_PATIENCE = 0.1
"""Seconds for processes without their server: what they hold is lost, and recovery waits for their end."""
_STEADY = 1.0
"""Seconds of service after which the next restart is at once again."""


class Supervisor:
    """Owns a data folder and runs PostgreSQL in it; use it as `async with`.

    data_folder: made when missing; binaries: folder with `bin/postgres`, default the wheel's; user: whom
    root runs the child as; settings: server settings on top of `SETTINGS`; patience: seconds for a fast
    shutdown before an immediate one; progress: seconds between two lines of log while the server starts.
    """

    def __init__(
        self,
        data_folder: Path | str,
        *,
        binaries: Path | str | None = None,
        user: str | None = None,
        log: Log | None = None,
        settings: Mapping[str, str] | None = None,
        patience: float = 20.0,
        progress: float = 5.0,
    ) -> None:
        self.folder = DataFolder(data_folder)
        self._binaries = binaries
        self._user = user
        self._log: Log = structlog.get_logger("postgres") if log is None else log
        self._settings = dict(settings or {})
        self._patience = patience
        self._progress = progress
        self._lines = ChildLog(self.folder.logs, self._log)
        self._stack = AsyncExitStack()
        self._address: Address | None = None
        self._child: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[int] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.restarts = 0
        """How often the server had to be brought back."""

    @property
    def address(self) -> Address:
        """Where the database is. Raises PostgresError before the start."""
        if self._address is None:
            raise PostgresError("PostgreSQL has not been started.")
        return self._address

    @property
    def pid(self) -> int | None:
        """The process id of the server, None while there is none."""
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> Address:
        """Own the folder, make the cluster if there is none, start PostgreSQL and wait until it answers.

        There is no time limit: recovery takes as long as it takes and its progress is logged.
        Raises FolderLockedError, FolderMismatchError, BinariesMissingError, StartFailedError.
        """
        if self._watcher is not None:
            return self.address
        try:
            site, sockets = await self._prepare()
            address = Address(sockets.path, PORT, DATABASE, cluster.USER)
            run = partial(self._bring_up, site, self._command(site, sockets), address)
            await run()
        except PermissionError as error:
            await self.stop()
            raise PostgresError(
                f"The user {own_name()!r} may not use {error.filename}. Start Parlour as the user who made the data "
                f"folder {self.folder.path}, or choose another one with --data."
            ) from error
        except BaseException:
            await self.stop()
            raise
        self._address = address
        self.folder.publish(address)
        self._watcher = asyncio.create_task(self._watch(run), name="postgres-watcher")
        return address

    async def stop(self) -> None:
        """Stop PostgreSQL (fast, then immediate) and give the folder back; harmless when not started."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
        await self._stop_child()
        self._address = None
        await self._stack.aclose()

    async def wait_exit(self) -> None:
        """Wait until the supervision ends: by `stop`, or by an error of its own, which is raised."""
        if self._watcher is not None:
            await asyncio.wait([self._watcher])
            if not self._watcher.cancelled():
                self._watcher.result()

    async def _prepare(self) -> tuple[cluster.Site, SocketFolder]:
        """Do everything before the server itself; what the end must undo goes on the stack, lock first."""
        self.folder.make()
        await self.folder.lock()
        self._stack.callback(self.folder.unlock)
        self._stack.callback(self._lines.close)
        self._stack.push_async_callback(processes.end_all, self.folder.cluster, patience=self._patience)
        if await cluster.sweep(self.folder, patience=self._patience):
            self._log.warning("stopped the PostgreSQL of a killed owner", folder=str(self.folder.path))
        binaries = locate_binaries(self._binaries)
        version = await binaries.version()
        identity = self.folder.identify(major_of(version))
        site = await self._site(binaries, version, identity.instance)
        if self.folder.cluster_major() is None:
            self._log.info("making the database", folder=str(self.folder.path), postgresql=version)
            durable = self._settings.get("fsync", SETTINGS["fsync"]) != "off"
            await cluster.initialise(site, self._lines, durable=durable)
        cluster.write_authentication(site)
        sockets = await make_socket_folder(site, identity.instance)
        if sockets.transient:
            self._stack.callback(shutil.rmtree, sockets.path, ignore_errors=True)
        return site, sockets

    async def _site(self, binaries: Binaries, version: str, instance: str) -> cluster.Site:
        """Decide the child's user and the programs it can run: those at hand, else a copy in its reach."""
        user = choose_user(self._user, (self.folder.cluster, self.folder.path))
        reached = await user.reaches([self.folder.path, binaries.postgres, binaries.initdb])
        reachable = reached[self.folder.path]
        if not (reached[binaries.postgres] and reached[binaries.initdb]):
            binaries = await self._copy(binaries, version, instance, user, below_data=reachable)
        return cluster.Site(self.folder, user, binaries, major_of(version), reachable)

    async def _copy(
        self, binaries: Binaries, version: str, instance: str, user: ChildUser, *, below_data: bool
    ) -> Binaries:
        """Copy the programs into the data folder or, where the child cannot enter it, a temporary one."""
        if below_data:
            return await asyncio.to_thread(copy_binaries, binaries, self.folder.path, version)
        for place in await short_places(user):
            folder = place / f"parlour-{instance[:12]}-programs"
            self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
            _make_public(folder)
            copied = await asyncio.to_thread(copy_binaries, binaries, folder, version)
            if (await user.reaches([copied.postgres]))[copied.postgres]:
                return copied
        raise PostgresError(
            f"The user {user.name!r}, as whom PostgreSQL runs, may not run {binaries.postgres}, and no copy "
            "of it could be put where it may. Choose a data folder outside closed folders with --data."
        )

    def _command(self, site: cluster.Site, sockets: SocketFolder) -> list[str]:
        settings = {**SETTINGS, "unix_socket_directories": sockets.name, **self._settings}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(site.binaries.postgres), "-D", site.name_of(self.folder.cluster), *options]

    async def _bring_up(self, site: cluster.Site, command: list[str], address: Address) -> None:
        """Start the server once and wait until it answers. Raises StartFailedError when it ends instead."""
        cluster.clear_pid_file(self.folder.cluster)
        cluster.clear_sockets(address.socket_folder)
        self._lines.starting = True
        started = await site.spawn(*command, cwd=self.folder.cluster)
        child = self._child = started.process
        self._reader = asyncio.create_task(self._lines.follow(started), name="postgres")
        try:
            ready = await until_ready(
                partial(answers, address),
                lambda: child.returncode is not None,
                report=self._report,
                every=self._progress,
                clock=asyncio.get_running_loop().time,
            )
        finally:
            self._lines.starting = False
        if not ready:
            await self._reader
            raise StartFailedError(
                f"PostgreSQL ended with code {child.returncode} while starting. Its last words "
                f"(more in {self.folder.logs}):\n{self._lines.last_words()}"
            )

    def _report(self, waited: float) -> None:
        self._log.info("PostgreSQL is still starting", seconds=round(waited, 1), folder=str(self.folder.path))

    async def _watch(self, run: Callable[[], Awaitable[None]]) -> None:
        """Bring the server back whenever it ends, sooner or later, for as long as we are not stopped."""
        clock = asyncio.get_running_loop().time
        pause = _FIRST_PAUSE
        while True:
            since = clock()
            code = await self._ended()
            pause = _FIRST_PAUSE if clock() - since >= _STEADY else pause
            self._log.error("PostgreSQL ended by itself and is started again", code=code, in_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            try:
                await processes.end_all(self.folder.cluster, patience=_ORPHANS_PATIENCE)
                await run()
            except (PostgresError, OSError, asyncpg.PostgresError) as error:
                self._log.error("PostgreSQL could not be started again", error=str(error))
                await self._stop_child()
            else:
                self.restarts += 1
                self._log.warning("PostgreSQL is back", pid=self.pid)

    async def _ended(self) -> int | None:
        return None if self._reader is None else await asyncio.shield(self._reader)

    async def _stop_child(self) -> None:
        child, self._child = self._child, None
        reader, self._reader = self._reader, None
        if child is not None:
            await cluster.stop_child(child, self.folder.cluster, patience=self._patience)
        if reader is not None:
            await reader


def _make_public(folder: Path) -> None:
    """Make a folder that all may enter and only we may change. Raises PostgresError if others made it."""
    try:
        folder.mkdir(mode=0o755)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PostgresError(f"{folder} belongs to somebody else; remove it.") from None
    folder.chmod(0o755)
