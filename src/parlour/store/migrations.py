"""Migrations: plain SQL, forward only, under an advisory lock (DESIGN 2.16)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import structlog

_LOCK: Final = 7_265_001  # advisory lock key of the migration run
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migration (
    floor text NOT NULL, name text NOT NULL, checksum text NOT NULL,
    PRIMARY KEY (floor, name)
)"""

log = structlog.get_logger("parlour.store.migrations")


class MigrationsDiffer(Exception):
    """A migration that already ran was edited afterwards."""


@dataclass(frozen=True)
class Migration:
    """One file of SQL that brings the schema one step forward."""

    floor: str
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the SQL."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def of_floor(package: str) -> list[Migration]:
    """Return the migrations in the folder ``migrations`` of a package, in order of their names."""
    folder = files(package).joinpath("migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [Migration(package.rpartition(".")[2], name, folder.joinpath(name).read_text()) for name in names]


async def pending(connection: Any, migrations: Sequence[Migration]) -> list[Migration]:
    """Return the migrations that have not run here.

    :raises MigrationsDiffer: one that ran has another text now.
    """
    await connection.execute(_TABLE)
    rows = await connection.fetch("SELECT floor, name, checksum FROM schema_migration")
    done = {(row["floor"], row["name"]): row["checksum"] for row in rows}
    for migration in migrations:
        known = done.get((migration.floor, migration.name))
        if known is not None and known != migration.checksum:
            raise MigrationsDiffer(
                f"{migration.floor}/{migration.name} was changed after it ran on this data folder; "
                "history is never edited: add a new file, or start on a new data folder"
            )
    return [migration for migration in migrations if (migration.floor, migration.name) not in done]


async def migrate(connection: Any, migrations: Sequence[Migration]) -> int:
    """Run what is pending, each file in its own transaction, and return how many ran.

    A kill leaves whole files only; the next start goes on after them. Two starters take turns.
    """
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        todo = await pending(connection, migrations)
        for migration in todo:
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '5s'")
                await connection.execute("SET LOCAL statement_timeout = '120s'")
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO schema_migration (floor, name, checksum) VALUES ($1, $2, $3)",
                    migration.floor,
                    migration.name,
                    migration.checksum,
                )
            log.info("migrated", floor=migration.floor, name=migration.name)
        return len(todo)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
