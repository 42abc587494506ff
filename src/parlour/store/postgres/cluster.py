"""The PostgreSQL cluster on disk: made once, whole or not at all, and cleared of what a killed run left."""

import asyncio
import os
import shutil
import signal
import uuid
from dataclasses import dataclass
from pathlib import Path

from parlour.store.postgres import processes
from parlour.store.postgres.binaries import Binaries
from parlour.store.postgres.child import Child
from parlour.store.postgres.child_log import ChildLog
from parlour.store.postgres.errors import PostgresError, StartFailedError
from parlour.store.postgres.folder import DataFolder
from parlour.store.postgres.identity import ChildUser, child_environment, own_name

USER = "parlour"
"""The database role, which is also the owner of everything."""
_ASIDE = "postgres.initdb-"
_HERE = "/proc/self/cwd"
"""The working folder of whoever asks: a name that needs no permission on the folders above the cluster."""


@dataclass(frozen=True)
class Site:
    """All that is decided before the child starts."""

    folder: DataFolder
    user: ChildUser
    binaries: Binaries
    major: int
    reachable: bool
    """Whether the child's user may enter the data folder by its path."""

    def name_of(self, cluster: Path) -> str:
        """How the child, started inside it, is to call its cluster folder."""
        if self.reachable:
            return str(cluster)
        if not Path(_HERE).exists():
            raise PostgresError(
                f"The user {self.user.name!r}, as whom PostgreSQL runs, may not enter {self.folder.path}. "
                "Choose a data folder outside closed folders with --data."
            )
        return _HERE

    async def spawn(self, *arguments: str, cwd: Path) -> Child:
        """Start a PostgreSQL program as the child's user."""
        return await Child.start(self.user.command(*arguments), cwd=cwd, env=child_environment())


async def initialise(site: Site, log: ChildLog, *, durable: bool) -> None:
    """Make the cluster: initdb in a folder aside, then a rename, so that a kill leaves nothing half made.

    durable: False leaves out the fsync, for data that nobody will miss. Raises StartFailedError.
    """
    aside = site.folder.path / f"{_ASIDE}{uuid.uuid4().hex[:12]}"
    aside.mkdir(mode=0o700)
    own(aside, site.user)
    child = await site.spawn(str(site.binaries.initdb), *_initdb_options(site, aside, durable=durable), cwd=aside)
    try:
        code = await log.follow(child)
    except asyncio.CancelledError:
        await processes.end_all(aside, patience=1.0)
        raise
    if code != 0:
        await asyncio.to_thread(shutil.rmtree, aside, ignore_errors=True)
        raise StartFailedError(f"initdb ended with code {code}. Its last words:\n{log.last_words()}")
    aside.rename(site.folder.cluster)
    _sync_folder(site.folder.path)


def _initdb_options(site: Site, aside: Path, *, durable: bool) -> list[str]:
    # The builtin provider is immune to changes of the system's collations; it came with PostgreSQL 17.
    collation = (
        ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if site.major >= 17
        else ["--locale=C.UTF-8"]
    )
    return [
        f"--pgdata={site.name_of(aside)}",
        f"--username={USER}",
        "--auth=peer",
        "--encoding=UTF8",
        "--data-checksums",
        "--no-instructions",
        *collation,
        *([] if durable else ["--no-sync"]),
    ]


async def sweep(folder: DataFolder, *, patience: float) -> bool:
    """Clear what a killed owner left: its server, an unfinished initdb, a pid file that names a stranger.

    Only for the owner of the folder's lock. A server that outlived its supervisor is stopped, since nobody
    reads its log or restarts it. Answers whether there was one.
    """
    for aside in folder.path.glob(f"{_ASIDE}*"):
        await processes.end_all(aside, patience=0.5)
        await asyncio.to_thread(shutil.rmtree, aside, ignore_errors=True)
    found = await processes.end_all(folder.cluster, patience=patience)
    clear_pid_file(folder.cluster)
    return found


def clear_pid_file(cluster: Path) -> None:
    """Remove a pid file whose pid is somebody else's, or a zombie's: PostgreSQL would refuse to start.

    Called when no server runs in `cluster`. Other stale pid files are left to PostgreSQL, which also looks
    for shared memory in use.
    """
    pid_file = cluster / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        return
    except (ValueError, PermissionError, OverflowError):
        pid = 0
    if not processes.is_postgres(pid, cluster):
        pid_file.unlink(missing_ok=True)


def clear_sockets(socket_folder: Path) -> None:
    """Remove sockets and their lock files; only the owner of the data folder's lock may listen there."""
    for stale in socket_folder.glob(".s.PGSQL.*"):
        stale.unlink(missing_ok=True)


def write_authentication(site: Site) -> None:
    """Let exactly the operating system user of this supervisor in, as the owner (peer with a map)."""
    name = own_name().replace('"', '""')
    _replace(site, "pg_hba.conf", "local all all peer map=parlour\nlocal replication all peer map=parlour\n")
    _replace(site, "pg_ident.conf", f'parlour "{name}" {USER}\n')


def _replace(site: Site, name: str, text: str) -> None:
    # Made anew and renamed, so that root never writes through a link which the child's user put there.
    aside = site.folder.cluster / f".{name}.{uuid.uuid4().hex[:12]}"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if site.user.drop:
            os.fchown(descriptor, site.user.uid, site.user.gid)
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
    aside.replace(site.folder.cluster / name)


def own(folder: Path, user: ChildUser) -> None:
    """Give a folder which we have just made to the child's user."""
    if user.drop:
        os.chown(folder, user.uid, user.gid, follow_symlinks=False)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def stop_child(process: asyncio.subprocess.Process, cluster: Path, *, patience: float) -> None:
    """Stop our own server: fast shutdown, after `patience` seconds immediate, then kill; its children too."""
    for number, seconds in ((signal.SIGINT, patience), (signal.SIGQUIT, 5.0), (signal.SIGKILL, None)):
        if process.returncode is None:
            try:
                process.send_signal(number)
            except ProcessLookupError:
                break
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            continue
        break
    await processes.end_all(cluster, patience=1.0)
