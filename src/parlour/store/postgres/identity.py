"""As whom PostgreSQL runs: it refuses root, so a supervisor run by root gives its child to another user."""

import asyncio
import os
import pwd
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from parlour.store.postgres.errors import PostgresError

UNPRIVILEGED = ("parlour", "nobody")
"""Names tried in this order when root starts PostgreSQL and neither folder nor caller names a user."""

_DROP = (
    "import os,sys;u,g=int(sys.argv[1]),int(sys.argv[2]);os.umask(0o077);os.setgroups([]);os.setgid(g);os.setuid(u);"
)
_EXEC = _DROP + "os.execv(sys.argv[3],sys.argv[3:])"
_PROBE = _DROP + "print(*(int(os.access(p,os.X_OK)) for p in sys.argv[3:]))"


@dataclass(frozen=True)
class ChildUser:
    """The user PostgreSQL runs as; `drop` says that we are root and must become that user first."""

    uid: int
    gid: int
    name: str
    drop: bool

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs `arguments` as this user.

        A tiny launcher instead of `user=`, which uvloop refuses; the session is set by the caller.
        """
        if not self.drop:
            return list(arguments)
        return [sys.executable, "-I", "-S", "-c", _EXEC, str(self.uid), str(self.gid), *arguments]

    async def reaches(self, paths: Iterable[Path]) -> dict[Path, bool]:
        """Which folders this user may enter and which programs it may run."""
        asked = list(paths)
        if not self.drop:
            return {path: os.access(path, os.X_OK) for path in asked}
        command = [sys.executable, "-I", "-S", "-c", _PROBE, str(self.uid), str(self.gid), *map(str, asked)]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd="/"
        )
        output, error = await process.communicate()
        if process.returncode != 0:
            reason = error.decode(errors="replace").strip().rpartition("\n")[2]
            raise PostgresError(
                f"Run by root, PostgreSQL must run as another user, but becoming {self.name!r} failed "
                f"({reason}). Run Parlour as an ordinary user, or use your own server with --database-url."
            )
        return dict(zip(asked, (word == b"1" for word in output.split()), strict=True))


def own_name() -> str:
    """The name of the operating system user of this process, which peer authentication compares."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise PostgresError(
            f"The user id {os.geteuid()} has no name in the user database, which PostgreSQL needs. Add it to "
            "/etc/passwd, run as another user, or use a server of your own with --database-url."
        ) from None


def choose_user(explicit: str | None, folders: Iterable[Path]) -> ChildUser:
    """The user for the child: ourselves, or, as root, the named one, a folder's owner, an unprivileged one.

    explicit: a user name (only root may choose); folders: the first existing one that root does not own
    decides. Raises PostgresError.
    """
    if os.geteuid() != 0:
        name = own_name()
        if explicit not in (None, name):
            raise PostgresError(f"Only root can run PostgreSQL as {explicit!r}; start as that user.")
        return ChildUser(os.geteuid(), os.getegid(), name, drop=False)
    if explicit is not None:
        return _by_name(explicit)
    for folder in folders:
        if folder.exists() and folder.stat().st_uid != 0:
            return _by_uid(folder.stat().st_uid)
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in UNPRIVILEGED:
        if name in known:
            return _by_name(name)
    raise PostgresError("Run by root, PostgreSQL needs an unprivileged user; there is no 'nobody': name one.")


def _by_name(name: str) -> ChildUser:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise PostgresError(f"There is no user {name!r} to run PostgreSQL as.") from None
    if entry.pw_uid == 0:
        raise PostgresError("PostgreSQL refuses to run as root; name another user.")
    return ChildUser(entry.pw_uid, entry.pw_gid, entry.pw_name, drop=True)


def _by_uid(uid: int) -> ChildUser:
    try:
        return _by_name(pwd.getpwuid(uid).pw_name)
    except KeyError:
        raise PostgresError(
            f"The data folder belongs to user id {uid}, which has no name in the user database as PostgreSQL "
            "needs. Add it to /etc/passwd, or give the folder to a user that has one."
        ) from None


def child_environment(source: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of PostgreSQL: no secrets of ours, no PG* settings of the operator's shell."""
    given = os.environ if source is None else source
    kept = {name: given[name] for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in given}
    return {"PATH": "/usr/bin:/bin"} | kept | {"LC_ALL": "C", "TZ": "UTC"}
