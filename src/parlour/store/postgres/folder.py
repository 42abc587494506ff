"""The data folder: its rooms, its lock, its version."""

import asyncio
import errno
import fcntl
import json
import os
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from parlour.store.postgres.errors import FolderLockedError, FolderMismatchError, PostgresError

FORMAT = 1
"""Version of the layout of the data folder; raised when an older Parlour could no longer use it."""

_LOCK_TRIES = 10
_LOCK_PAUSE = 0.05
"""A reader of the status holds the lock for an instant: a starter tries for half a second."""


@dataclass(frozen=True)
class Address:
    """Where the database is: a unix socket and the names to use there."""

    socket_folder: Path
    port: int
    database: str
    user: str

    @property
    def dsn(self) -> str:
        """The address as a URL which asyncpg, libpq and `--database-url` take."""
        host = quote(str(self.socket_folder))
        return f"postgresql://{self.user}@/{self.database}?host={host}&port={self.port}"


@dataclass(frozen=True)
class Identity:
    """What `store.json` says of a folder: who it is, its layout version, its PostgreSQL major version."""

    instance: str
    format: int
    postgresql: int


@dataclass(frozen=True)
class Status:
    """What can be said of a data folder from outside."""

    running: bool
    pid: int | None
    address: Address | None
    identity: Identity | None


class DataFolder:
    """The files of one data folder.

    path: absolute; made when missing (0700; 0711 by root, whose PostgreSQL runs as another user). A folder
    that is there already keeps its owner and permissions.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(os.path.realpath(path))
        self.cluster = self.path / "postgres"
        self.logs = self.path / "log"
        self._lock = self.path / "parlour.lock"
        self._store = self.path / "store.json"
        self._descriptor: int | None = None

    def make(self) -> None:
        """Make the folder when it is missing. Raises PostgresError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.is_dir():
                self.path.mkdir()
                self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
            self.logs.mkdir(mode=0o700, exist_ok=True)
        except PermissionError:
            raise
        except OSError as error:
            raise PostgresError(f"The data folder {self.path} cannot be made: {error.strerror}.") from error

    async def lock(self) -> None:
        """Own the folder until `unlock` or the end of the process. Raises FolderLockedError."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for attempt in range(_LOCK_TRIES):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    os.close(descriptor)
                    raise PostgresError(f"{self._lock} cannot be locked: {error.strerror}.") from error
                if attempt + 1 == _LOCK_TRIES:
                    os.close(descriptor)
                    raise self._locked() from None
                await asyncio.sleep(_LOCK_PAUSE)
            else:
                self._descriptor = descriptor
                self.publish(None)
                return

    def _locked(self) -> FolderLockedError:
        holder = self._read(self._lock)
        pid = holder.get("pid")
        who = f"process {pid} (since {holder.get('since')})" if isinstance(pid, int) else "another process"
        end = f"end that process (kill {pid})" if isinstance(pid, int) else "end that process"
        return FolderLockedError(
            f"The data folder {self.path} is in use by {who}. To run a second server on the same data, start "
            f"`parlour serve --database-url` with the address that `parlour db status` shows; to start here, "
            f"{end}; for a separate system, choose another folder with --data.",
            pid if isinstance(pid, int) else None,
        )

    def publish(self, address: Address | None) -> None:
        """Write into the lock file who owns the folder and where the database is, for `db status`."""
        if self._descriptor is None:
            return
        since = datetime.now(UTC).isoformat(timespec="seconds")
        holder: dict[str, object] = {"pid": os.getpid(), "since": since}
        if address is not None:
            holder["address"] = asdict(address) | {"socket_folder": str(address.socket_folder)}
        content = json.dumps(holder).encode()
        os.pwrite(self._descriptor, content, 0)
        os.ftruncate(self._descriptor, len(content))

    def unlock(self) -> None:
        """Give the folder back. The file stays: removing it would let two processes lock two files."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def identify(self, major: int) -> Identity:
        """Check that this Parlour with this PostgreSQL may use the folder, and give a new one its identity.

        major: PostgreSQL major version of the programs at hand. Raises FolderMismatchError with the remedy.
        """
        identity = self._identity()
        initialised = self.cluster_major()
        if identity is None:
            if initialised is not None:
                raise FolderMismatchError(
                    f"{self.path} holds a PostgreSQL cluster but no readable store.json, so it is not known "
                    "which Parlour wrote it. Restore store.json from a backup, or choose another folder with "
                    "--data."
                )
            identity = Identity(uuid.uuid4().hex, FORMAT, major)
            self._write_store(identity)
        if identity.format != FORMAT:
            raise FolderMismatchError(
                f"The data folder {self.path} has format {identity.format}; this Parlour writes format "
                f"{FORMAT}. Run the Parlour that wrote it, or dump its data and load it into a new folder."
            )
        if initialised is None and identity.postgresql != major:
            identity = Identity(identity.instance, FORMAT, major)
            self._write_store(identity)
        if (initialised or identity.postgresql) != major:
            raise FolderMismatchError(
                f"The data folder {self.path} was made by PostgreSQL {initialised}; the programs at hand are "
                f"PostgreSQL {major}. Use programs of version {initialised}, or dump the data with them and "
                "load the dump into a new folder."
            )
        return identity

    def cluster_major(self) -> int | None:
        """The PostgreSQL major version of the cluster, None before initdb."""
        try:
            text = (self.cluster / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            return None
        try:
            return int(text.split(".", 1)[0])
        except ValueError:
            raise FolderMismatchError(
                f"{self.cluster / 'PG_VERSION'} is not readable as a version; restore it."
            ) from None

    def status(self) -> Status:
        """Whether a process owns the folder, which, and where its database is."""
        holder = self._read(self._lock)
        running = self._is_locked()
        address = holder.get("address") if running else None
        pid = holder.get("pid") if running else None
        return Status(
            running=running,
            pid=pid if isinstance(pid, int) else None,
            address=_address(address) if isinstance(address, dict) else None,
            identity=self._identity(),
        )

    def _is_locked(self) -> bool:
        try:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _identity(self) -> Identity | None:
        held = self._read(self._store)
        instance, layout, major = held.get("instance"), held.get("format"), held.get("postgresql")
        if isinstance(instance, str) and isinstance(layout, int) and isinstance(major, int):
            return Identity(instance, layout, major)
        return None

    def _write_store(self, identity: Identity) -> None:
        aside = self._store.with_suffix(".new")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, json.dumps(asdict(identity), indent=1).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        aside.replace(self._store)

    @staticmethod
    def _read(path: Path) -> dict[str, object]:
        try:
            held = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return held if isinstance(held, dict) else {}


def _address(held: dict[str, object]) -> Address:
    return Address(Path(str(held["socket_folder"])), int(str(held["port"])), str(held["database"]), str(held["user"]))
