"""``parlour desktop``: Flex UI, fetched by npm and built into a page of this server."""

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import click

from parlour.cli.desktop_build import SOURCES, BuildFailed, build_name
from parlour.cli.desktop_build import build as build_desktop
from parlour.cli.main import data_option
from parlour.flex.desktop_folder import Build, DesktopFolder
from parlour.settings import Settings, SettingsError, load

sources_option = click.option(
    "--sources",
    type=click.Path(path_type=Path, file_okay=False),
    default=SOURCES,
    help="The folder web/desktop of a checkout. Default: that of this one",
)
folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Where the built desktop is kept. Default: $PARLOUR_DESKTOP, else desktop in the data folder",
)


@click.group()
def desktop() -> None:
    """The agent desktop, which is Flex UI itself in a page of this server."""


@desktop.command()
@click.option("--anew", is_flag=True, help="Build although this very build is there")
@click.option("--keep", is_flag=True, help="Keep the 660 MB that npm installed, for a next build")
@sources_option
@folder_option
@data_option
def build(anew: bool, keep: bool, sources: Path, folder: Path | None, data: Path | None) -> None:
    """Fetch Flex UI with npm (about 75 MB, 660 MB on disk meanwhile) and build it into a page of 15 MB."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that npm is ended and the tree removed
    began = time.monotonic()
    try:
        made = build_desktop(_folder(folder, data), sources, progress=_Lines(), anew=anew, keep=keep)
    except BuildFailed as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The desktop is built: Flex UI {made.flex_ui} in {time.monotonic() - began:.0f} s, at {made.path}")


@desktop.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@sources_option
@folder_option
@data_option
def status(as_json: bool, sources: Path, folder: Path | None, data: Path | None) -> None:
    """Say whether the desktop is built, and whether its sources changed since; exit 1 where it is not."""
    place = _folder(folder, data)
    known = DesktopFolder(place).current()
    fresh = known is not None and (not sources.is_dir() or known.name == build_name(sources))
    if as_json:
        click.echo(json.dumps({"folder": str(place), "built": known is not None, "fresh": fresh, **_shown(known)}))
    elif known is None:
        click.echo(f"The desktop is not built in {place}; `parlour desktop build` builds it.")
    else:
        click.echo(f"Flex UI {known.flex_ui}, build {known.name}, in {known.path}")
        for name, about in sorted(known.files.items()):
            packed = "".join(f", {about[kind]} {kind}" for kind in ("br", "gz") if kind in about)
            click.echo(f"  {about['bytes']:>9} bytes{packed}  {name}")
        if not fresh:
            click.echo("Its sources have changed since; `parlour desktop build` builds it again.")
    sys.exit(0 if known is not None else 1)


def _folder(folder: Path | None, data: Path | None) -> Path:
    try:
        settings: Settings = load({"data": data, "desktop": folder})
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    return settings.desktop_folder


def _shown(known: Build | None) -> dict[str, Any]:
    if known is None:
        return {}
    return {"build": known.name, "path": str(known.path), "flex_ui": known.flex_ui, "files": known.files}


class _Lines:
    """Prints each word of progress with its second: over the last one in a terminal, else on a line of its own."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._terminal = sys.stdout.isatty()

    def __call__(self, said: str) -> None:
        line = f"  {time.monotonic() - self._began:5.1f} s  Flex UI: {said}"
        click.echo(f"\r\x1b[K{line}" if self._terminal else line, nl=not self._terminal)
        if self._terminal:
            sys.stdout.flush()
