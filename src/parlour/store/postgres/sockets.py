"""Where the socket lives: in the data folder, unless its path is too long for one."""

import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from parlour.store.postgres.cluster import Site, own
from parlour.store.postgres.errors import PostgresError
from parlour.store.postgres.identity import ChildUser

PORT = 5432
"""Only part of the socket's name; nothing listens on TCP."""
LIMIT = 107 if sys.platform == "linux" else 103
"""Bytes of a unix socket's path that the system can hold."""


@dataclass(frozen=True)
class SocketFolder:
    """The socket's folder, its name for the server (which works in the cluster), whether it goes away."""

    path: Path
    name: str
    transient: bool


def fits(folder: Path) -> bool:
    """Whether a socket in this folder can be named to the system, to libpq and to asyncpg (no comma)."""
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= LIMIT and "," not in str(folder)


async def make_socket_folder(site: Site, instance: str) -> SocketFolder:
    """A private (0700) folder of the child's user: `run` in the cluster, else a short temporary one.

    instance: of the data folder: the address stays the same from start to start. Raises PostgresError.
    """
    inside = site.folder.cluster / "run"
    if fits(inside):
        _make_private(inside, site)
        return SocketFolder(inside, "run", transient=False)
    for base in await short_places(site.user):
        folder = base / f"parlour-{instance[:12]}"
        if fits(folder):
            _make_private(folder, site)
            return SocketFolder(folder, str(folder), transient=True)
    raise PostgresError(
        f"The path of {site.folder.path} is too long for a socket and no folder for temporary files has a "
        "short enough one; choose a shorter data folder with --data."
    )


async def short_places(user: ChildUser) -> list[Path]:
    """Existing folders for what lives as long as the server, which both we and the child's user may enter."""
    places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and not user.drop:
        places.insert(0, Path(runtime))
    usable = [place for place in dict.fromkeys(places) if os.access(place, os.W_OK | os.X_OK)]
    reached = await user.reaches(usable)
    return [place for place in usable if reached[place]]


def _make_private(folder: Path, site: Site) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        # In a public folder somebody may have been there first, to catch our clients.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (site.user.uid, os.geteuid()):
            raise PostgresError(f"{folder} belongs to somebody else; remove it.") from None
    folder.chmod(0o700)
    own(folder, site.user)
