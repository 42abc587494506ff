"""The folder of the built desktop: one build is current, and it changes at one stroke.

`current` is a file with the name of the build's folder, so that a page and its files are never of two builds. Files
of an earlier build stay until the next build begins, for pages that are open.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

CURRENT: Final = "current"
MANIFEST: Final = "manifest.json"


@dataclass(frozen=True)
class Build:
    """A finished build.

    :ivar name: made of what went in, so that the same sources have the same name.
    :ivar files: file name to its ``bytes`` and ``sha256``, and the sizes of its packed forms.
    """

    name: str
    path: Path
    flex_ui: str
    files: dict[str, Any]


class DesktopFolder:
    """Knows the builds in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def current(self) -> Build | None:
        """Return the build that is served, None where there is none."""
        try:
            name = (self.path / CURRENT).read_text().strip()
            manifest = msgspec.json.decode((self.path / name / MANIFEST).read_bytes())
        except (OSError, msgspec.DecodeError):
            return None
        return Build(name, self.path / name, manifest["flex_ui"], manifest["files"])

    def file(self, *names: str) -> Path | None:
        """Return a file of the current build, or of an earlier one that is still there."""
        if any(name in ("", "..") or "/" in name or "\\" in name for name in names):
            return None
        try:
            first = (self.path / CURRENT).read_text().strip()
        except OSError:
            return None
        for build in (first, *self._others(first)):
            path = self.path.joinpath(build, *names)
            if path.is_file():
                return path
        return None

    def adopt(self, built: Path, name: str) -> Build:
        """Make a finished folder the current build, and forget all but the one before it."""
        before = self.current()
        target = self.path / name
        if target != built:
            shutil.rmtree(target, ignore_errors=True)
            built.rename(target)
        fresh = self.path / f".{CURRENT}"
        fresh.write_text(f"{name}\n")
        fresh.replace(self.path / CURRENT)
        for other in self._others(name):
            if before is None or other != before.name:
                shutil.rmtree(self.path / other, ignore_errors=True)
        made = self.current()
        if made is None:
            raise FileNotFoundError(f"{target} has no {MANIFEST}")
        return made

    def _others(self, name: str) -> list[str]:
        found = [path.name for path in self.path.iterdir() if path.is_dir() and (path / MANIFEST).is_file()]
        return sorted(other for other in found if other != name and not other.startswith("."))
