"""`parlour say`: texts from a handset of the carrier simulator."""

import base64
import json
import mimetypes
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

from parlour.settings import DEFAULT_DATA, DEFAULT_PORT

SECONDS = 30
DEFAULT_SERVER = f"http://127.0.0.1:{DEFAULT_PORT}"
MOUNT = "/simulator"  # where a demo server has the simulator
ADDRESS = "parlour.json"  # what a running server leaves in its data folder


@click.command()
@click.option("--from", "sender", required=True, help="The handset's number, such as +15550100001")
@click.option("--to", required=True, help="The number it writes to")
@click.option(
    "--media",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A picture to send with it; may be given several times",
)
@click.option(
    "--simulator",
    envvar="PARLOUR_SIMULATOR",
    help="Address of the simulator. Default: that of the demo server of the data folder",
)
@click.option(
    "--data",
    default=DEFAULT_DATA,
    envvar="PARLOUR_DATA",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Data folder of the demo server",
)
@click.argument("text", default="")
def say(sender: str, to: str, files: tuple[Path, ...], simulator: str | None, data: Path, text: str) -> None:
    """Text from a simulated handset, as a customer would; prints the carrier's SID of the message."""
    simulator = simulator or _address(data) + MOUNT
    body = {"from": sender, "to": to, "body": text, "media": [_media(file) for file in files]}
    request = urllib.request.Request(  # noqa: S310 - the person who types it names the address
        f"{simulator.rstrip('/')}/_sim/inbound",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            click.echo(json.load(answer)["sid"])
    except urllib.error.HTTPError as error:
        raise click.ClickException(_refusal(error)) from error
    except OSError as error:
        raise click.ClickException(f"no carrier simulator answers at {simulator}: {error}") from error


def _address(data: Path) -> str:
    try:
        return str(json.loads((data / ADDRESS).read_text())["url"])
    except (OSError, ValueError, KeyError):
        return DEFAULT_SERVER


def _media(file: Path) -> dict[str, Any]:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return {"content_type": kind, "filename": file.name, "base64": base64.b64encode(file.read_bytes()).decode()}


def _refusal(error: urllib.error.HTTPError) -> str:
    try:
        message = json.load(error).get("message")
    except ValueError:
        message = None
    if error.code == 404 and message is None:
        return "there is no carrier simulator here; is the server started with --demo?"
    return str(message or f"the simulator answered {error.code}")
