"""Builds the agent desktop: npm fetches what the lock file pins, esbuild makes it into one page.

The tree that npm installs is large and needed for a minute only, so it stands in the desktop's folder while the build
runs and is removed afterwards.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from parlour.flex.desktop_folder import Build, DesktopFolder

INSTALLED_MB: Final = 660  # what npm installs, about, in whole blocks of a disk
BLOCK: Final = 512  # bytes of a block in st_blocks
SOURCES: Final = Path(__file__).parents[3] / "web" / "desktop"
NEEDS_NODE: Final = "The agent desktop needs Node 20 or newer with npm; on Debian: apt-get install nodejs npm"
STEP_MB: Final = 50  # between two words of progress
LOOK: Final = 2.0  # seconds between looks at how much is installed, at least
TREE: Final = ".tree"
INSTALLED: Final = ".installed"  # in the tree: the hash of the lock file that npm installed
LOG: Final = "build.log"

Progress = Callable[[str], None]


class BuildFailed(Exception):
    """The desktop could not be built; the message says why and what to do."""


def build_name(sources: Path) -> str:
    """Return the name of the build of these sources: the same for the same files."""
    seen = hashlib.sha256()
    for path in _sources(sources):
        seen.update(f"{path.relative_to(sources)}\0{path.stat().st_size}\0".encode())
        seen.update(path.read_bytes())
    return seen.hexdigest()[:16]


def build(folder: Path, sources: Path, *, progress: Progress, anew: bool = False, keep: bool = False) -> Build:
    """Build the desktop, unless this very build is there.

    :param folder: where builds are kept.
    :param sources: the folder `web/desktop` of a checkout.
    :param progress: hears how it goes.
    :param anew: build even where it is there.
    :param keep: leave what npm installed, for the next build of the same lock file.
    :raises BuildFailed: sources or npm are missing, or npm or esbuild complained.
    """
    if not (sources / "package-lock.json").is_file():
        raise BuildFailed(f"{sources} has no sources of the desktop; name the folder web/desktop with --sources")
    folder.mkdir(parents=True, exist_ok=True)
    desktop = DesktopFolder(folder)
    name = build_name(sources)
    with _alone(folder, progress):
        known = desktop.current()
        if known is not None and known.name == name and not anew:
            return known
        if shutil.which("npm") is None or shutil.which("node") is None:
            raise BuildFailed(NEEDS_NODE)
        tree, made = folder / TREE, folder / f".made-{name}"
        # Whoever ends us waits: then the tree stays, and the next build begins by removing it.
        try:
            _prepare(sources, tree, folder / LOG, progress)
            progress("bundling")
            _run(["node", "build.mjs", str(made.resolve())], tree, folder / LOG)
            built = desktop.adopt(made, name)
        except BuildFailed:
            shutil.rmtree(made, ignore_errors=True)
            _remove(tree, progress)
            raise
        if not keep:
            _remove(tree, progress)
        return built


def _remove(tree: Path, progress: Progress) -> None:
    progress("tidying up")
    shutil.rmtree(tree, ignore_errors=True)


def _sources(sources: Path) -> list[Path]:
    found = [path for path in sources.rglob("*") if path.is_file()]
    return sorted(path for path in found if "node_modules" not in path.relative_to(sources).parts)


def _prepare(sources: Path, tree: Path, log: Path, progress: Progress) -> None:
    """Have the sources in the tree, and what their lock file names: from the last build where it was kept."""
    lock = hashlib.sha256((sources / "package-lock.json").read_bytes()).hexdigest()
    mark = tree / INSTALLED
    if not mark.is_file() or mark.read_text() != lock:
        shutil.rmtree(tree, ignore_errors=True)
    for path in _sources(sources):
        target = tree / path.relative_to(sources)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    if not mark.is_file():
        _install(tree, log, progress)
        mark.write_text(lock)


def _install(tree: Path, log: Path, progress: Progress) -> None:
    done = threading.Event()
    watching = threading.Thread(target=_watch, args=(tree / "node_modules", done, progress), daemon=True)
    watching.start()
    try:
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"], tree, log)
    finally:
        done.set()
        watching.join()


def _watch(modules: Path, done: threading.Event, progress: Progress) -> None:
    progress("fetching and unpacking what the lock file names")
    pause, said = LOOK, 0
    while not done.wait(pause):
        began = time.monotonic()
        found = _megabytes(modules)
        if found >= said + STEP_MB:
            said = found
            progress(f"{found} of about {INSTALLED_MB} MB installed")
        pause = max(LOOK, 5 * (time.monotonic() - began))  # looking must not slow what it looks at


def _megabytes(folder: Path) -> int:
    total = 0
    waiting = [str(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * BLOCK
    return total // 1_000_000


def _run(command: list[str], tree: Path, log: Path) -> None:
    """Run a command in the tree; it and its children end when we are ended."""
    with log.open("ab") as output:
        began = output.tell()
        process = subprocess.Popen(
            command, cwd=tree, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            status = process.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if status:
        said = log.read_bytes()[began:].decode(errors="replace").strip()
        raise BuildFailed(f"`{' '.join(command[:2])}` ended with {status}:\n{said[-2000:]}\nAll of it is in {log}.")


@contextlib.contextmanager
def _alone(folder: Path, progress: Progress) -> Iterator[None]:
    """Hold the folder's lock: a second build waits for the first and finds it done."""
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another build of this folder")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
