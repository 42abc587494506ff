"""Files that no row names: a crash between a file and its row leaves one (conversations.md §5.1)."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from parlour.conversations.files import MediaStore
from parlour.conversations.store_system import system_known_keys
from parlour.messaging import store_system as messaging
from parlour.outbox.process import Process
from parlour.store.database import Database, DatabaseUnavailable

OLD: Final = timedelta(days=1)  # longer than any upload or fetch takes until its row is there
EVERY: Final = 6 * 3600.0  # seconds of real time

log = structlog.get_logger("parlour.conversations")


async def sweep(database: Database, media_store: MediaStore, before: datetime) -> int:
    """Delete files stored before an instant of real time that no row names; return how many."""

    async def known(keys: Sequence[str]) -> set[str]:
        async def look(connection: Any) -> set[str]:
            return await system_known_keys(connection, keys) | await messaging.system_known_keys(connection, keys)

        return await database.system(look)

    return await media_store.sweep(before, known)


class Sweeper:
    """Sweeps from time to time, beside the server."""

    def __init__(self, database: Database, media_store: MediaStore) -> None:
        self._database = database
        self._media_store = media_store

    async def run(self, _process: Process) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                deleted = await sweep(self._database, self._media_store, datetime.now(UTC) - OLD)
            except (DatabaseUnavailable, OSError) as error:
                log.warning("files that nobody has are swept later", why=str(error))
            else:
                if deleted:
                    log.info("deleted files that nobody has", files=deleted)
            await asyncio.sleep(EVERY)
