"""The floor of webhooks."""

import asyncio
from datetime import timedelta
from typing import Any, Final

import structlog

from parlour.outbox.process import Process
from parlour.package import Package
from parlour.store.database import Database, DatabaseUnavailable
from parlour.webhooks.store_system import system_forget

KEPT: Final = timedelta(days=14)
EVERY: Final = 3600.0  # seconds of real time between two looks for what is older

log = structlog.get_logger("parlour.webhooks")


def package(database: Database) -> Package:
    """Return what the floor offers."""

    async def look(connection: Any) -> None:
        await system_forget(connection, database.clock.now() - KEPT)

    async def forget(_process: Process) -> None:
        while True:
            try:
                await database.system(look)
            except DatabaseUnavailable:
                log.warning("the database is away; old deliveries are forgotten later")
            await asyncio.sleep(EVERY)

    return Package(name="webhooks", migrations="parlour.webhooks", companions=[forget])
