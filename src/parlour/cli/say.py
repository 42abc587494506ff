"""`parlour say`: texts from a handset of the carrier simulator."""

import base64
import json
import mimetypes
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

from parlour.settings import DEFAULT_PORT

SECONDS = 30
DEFAULT_SIMULATOR = f"http://127.0.0.1:{DEFAULT_PORT}"


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
    default=DEFAULT_SIMULATOR,
    envvar="PARLOUR_SIMULATOR",
    show_default=True,
    help="Address of the simulator",
)
@click.argument("text", default="")
def say(sender: str, to: str, files: tuple[Path, ...], simulator: str, text: str) -> None:
    """Text from a simulated handset, as a customer would; prints the carrier's SID of the message."""
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
