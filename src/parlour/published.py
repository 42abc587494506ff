"""What a running server leaves in its data folder for the tools beside it: where it is, never a secret.

In demo and ephemeral mode, where credentials guard nothing, the first account's stand beside it (0600), so that
`parlour agent` needs no arguments.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from parlour.accounts import service
from parlour.accounts.store_system import system_list_accounts
from parlour.app import Program
from parlour.kit.wire import json_text
from parlour.settings import Settings

ADDRESS: Final = "parlour.json"
DEMO_CREDENTIALS: Final = "credentials.json"


@contextmanager
def address_published(settings: Settings) -> Iterator[None]:
    """Have the server's address in the data folder until the block ends."""
    path = settings.data / ADDRESS
    _write(path, json_text({"url": settings.base_url, "pid": os.getpid()}), 0o644)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


async def publish_demo_credentials(program: Program) -> None:
    """Write the first account's credentials into the data folder, in demo and ephemeral mode only."""
    path = program.settings.data / DEMO_CREDENTIALS
    if not program.settings.playground:
        path.unlink(missing_ok=True)
        return
    accounts = await program.database.system(system_list_accounts)
    known = await service.read_credentials(program.database, program.box, accounts[0]["account_sid"])
    _write(path, json_text({"account_sid": known.account_sid, "auth_token": known.auth_token}), 0o600)


def _write(path: Path, text: str, mode: int) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    fresh.replace(path)
