"""Flow definitions as files."""

import json
from pathlib import Path
from typing import Any

import click


def read_definition(file: Path) -> dict[str, Any]:
    """Read an exported definition, or the answer of the API that holds one.

    :raises click.ClickException: it is none.
    """
    try:
        raw = json.loads(file.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise click.ClickException(f"{file} is not JSON: {error}") from error
    if isinstance(raw, dict) and "states" not in raw and isinstance(raw.get("definition"), dict):
        raw = raw["definition"]
    if not isinstance(raw, dict):
        raise click.ClickException(f"{file} is not a flow: a JSON object is expected")
    return raw
