"""Rows of the plugin service. A list is newest first; its clients take the first as the latest (flex.md §3.4)."""

# ruff: noqa: S608 - only names of tables and columns of the row classes are put into statements

from datetime import datetime
from typing import Final, TypeVar

import asyncpg
import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork


class Plugin(msgspec.Struct, kw_only=True, frozen=True):
    """A row of `plugin`."""

    account_sid: str
    sid: str
    unique_name: str
    friendly_name: str
    description: str
    archived: bool
    date_created: datetime
    date_updated: datetime


class Version(msgspec.Struct, kw_only=True, frozen=True):
    """A row of `plugin_version`."""

    account_sid: str
    sid: str
    plugin_sid: str
    version: str
    plugin_url: str
    changelog: str
    private: bool
    cli_version: str | None
    validate_status: str | None
    archived: bool
    date_created: datetime


class Configuration(msgspec.Struct, kw_only=True, frozen=True):
    """A row of `plugin_configuration`: which versions are used together."""

    account_sid: str
    sid: str
    name: str
    description: str
    archived: bool
    date_created: datetime


class Release(msgspec.Struct, kw_only=True, frozen=True):
    """A row of `plugin_release`; the newest is the active one."""

    account_sid: str
    sid: str
    configuration_sid: str
    date_created: datetime


class Configured(msgspec.Struct, kw_only=True, frozen=True):
    """A plugin as a configuration has it, beside its version."""

    account_sid: str
    configuration_sid: str
    plugin_sid: str
    plugin_version_sid: str
    phase: int
    date_created: datetime
    unique_name: str
    friendly_name: str
    description: str
    plugin_archived: bool
    version: str
    plugin_url: str
    changelog: str
    private: bool
    plugin_version_archived: bool


Row = TypeVar("Row", Plugin, Version, Configuration, Release)
TABLES: Final[dict[type, str]] = {
    Plugin: "plugin",
    Version: "plugin_version",
    Configuration: "plugin_configuration",
    Release: "plugin_release",
}
for _prefix, _type in (("FP", Plugin), ("FV", Version), ("FJ", Configuration), ("FK", Release)):
    refs.register(_prefix, TABLES[_type])

BY_NAME: Final = "SELECT * FROM plugin WHERE account_sid = $1 AND unique_name = $2"
BY_VERSION: Final = "SELECT * FROM plugin_version WHERE account_sid = $1 AND plugin_sid = $2 AND version = $3"
LATEST_NAMED: Final = """
SELECT * FROM plugin_configuration WHERE account_sid = $1 AND name = $2 AND NOT archived ORDER BY sid DESC LIMIT 1"""
ACTIVE: Final = "SELECT * FROM plugin_release WHERE account_sid = $1 ORDER BY sid DESC LIMIT 1"
UPDATE_PLUGIN: Final = """
UPDATE plugin SET friendly_name = $3, description = $4, archived = $5, date_updated = $6
WHERE account_sid = $1 AND sid = $2"""
INSERT_CONFIGURED: Final = """
INSERT INTO plugin_configured (account_sid, configuration_sid, plugin_sid, plugin_version_sid, phase, date_created)
VALUES ($1, $2, $3, $4, $5, $6)"""
_CONFIGURED: Final = """
SELECT c.account_sid, c.configuration_sid, c.plugin_sid, c.plugin_version_sid, c.phase, c.date_created, p.unique_name,
    p.friendly_name, p.description, p.archived AS plugin_archived, v.version, v.plugin_url, v.changelog, v.private,
    v.archived AS plugin_version_archived
FROM plugin_configured AS c
JOIN plugin AS p ON p.account_sid = c.account_sid AND p.sid = c.plugin_sid
JOIN plugin_version AS v ON v.account_sid = c.account_sid AND v.sid = c.plugin_version_sid
WHERE c.account_sid = $1 AND c.configuration_sid = $2"""
LIST_CONFIGURED: Final = (
    f"{_CONFIGURED} AND ($3::text IS NULL OR c.plugin_sid < $3) ORDER BY c.plugin_sid DESC LIMIT $4"
)
FETCH_CONFIGURED: Final = f"{_CONFIGURED} AND (c.plugin_sid = $3 OR p.unique_name = $3)"


def _insert(kind: type) -> str:
    names = kind.__struct_fields__  # type: ignore[attr-defined]
    numbers = ", ".join(f"${n}" for n in range(1, len(names) + 1))
    return f"INSERT INTO {TABLES[kind]} ({', '.join(names)}) VALUES ({numbers}) ON CONFLICT DO NOTHING RETURNING sid"


INSERTS: Final = {kind: _insert(kind) for kind in TABLES}
FETCHES: Final = {kind: f"SELECT * FROM {table} WHERE account_sid = $1 AND sid = $2" for kind, table in TABLES.items()}
ARCHIVES: Final = {
    kind: f"UPDATE {TABLES[kind]} SET archived = true WHERE account_sid = $1 AND sid = $2"
    for kind in (Plugin, Version, Configuration)
}
PAGES: Final = {
    kind: f"""
SELECT * FROM {table} WHERE account_sid = $1 AND ($2::text IS NULL OR sid < $2)
    AND ($3::text IS NULL OR {"plugin_sid" if kind is Version else "sid"} = $3)
ORDER BY sid DESC LIMIT $4"""
    for kind, table in TABLES.items()
}


async def insert(uow: UnitOfWork, row: Row) -> bool:
    """Insert a row; False when its name or version is taken."""
    return await uow.fetchval(INSERTS[type(row)], *msgspec.structs.astuple(row)) is not None


async def fetch(reader: Reader, kind: type[Row], sid: str) -> Row | None:
    """Return a row by SID."""
    return _row(kind, await reader.fetchrow(FETCHES[kind], reader.account_sid, sid))


async def lock(uow: UnitOfWork, kind: type[Row], sid: str) -> Row | None:
    """Return a row by SID, locked."""
    return _row(kind, await uow.fetchrow(f"{FETCHES[kind]} FOR UPDATE", uow.account_sid, sid))


async def page(
    reader: Reader, kind: type[Row], *, after: str | None, limit: int, plugin_sid: str | None = None
) -> list[Row]:
    """Return rows, newest first.

    :param plugin_sid: whose versions.
    """
    return [kind(**record) for record in await reader.fetch(PAGES[kind], reader.account_sid, after, plugin_sid, limit)]


async def archive(uow: UnitOfWork, row: Plugin | Version | Configuration) -> None:
    """Mark a row as not used any more."""
    await uow.execute(ARCHIVES[type(row)], uow.account_sid, row.sid)


async def by_name(reader: Reader, unique_name: str) -> Plugin | None:
    """Return a plugin by its unique name."""
    return _row(Plugin, await reader.fetchrow(BY_NAME, reader.account_sid, unique_name))


async def by_version(reader: Reader, plugin_sid: str, version: str) -> Version | None:
    """Return a version of a plugin by its number."""
    return _row(Version, await reader.fetchrow(BY_VERSION, reader.account_sid, plugin_sid, version))


async def latest_named(reader: Reader, name: str) -> Configuration | None:
    """Return the newest configuration of a name that is not archived."""
    return _row(Configuration, await reader.fetchrow(LATEST_NAMED, reader.account_sid, name))


async def active(reader: Reader) -> Release | None:
    """Return the newest release."""
    return _row(Release, await reader.fetchrow(ACTIVE, reader.account_sid))


async def update_plugin(uow: UnitOfWork, row: Plugin) -> None:
    """Write the changeable columns of a locked plugin."""
    await uow.execute(
        UPDATE_PLUGIN, uow.account_sid, row.sid, row.friendly_name, row.description, row.archived, row.date_updated
    )


async def insert_configured(uow: UnitOfWork, configuration_sid: str, version: Version, phase: int) -> None:
    """Put a version into a configuration."""
    await uow.execute(
        INSERT_CONFIGURED, uow.account_sid, configuration_sid, version.plugin_sid, version.sid, phase, uow.now
    )


async def configured(
    reader: Reader, configuration_sid: str, *, after: str | None = None, limit: int = 1000
) -> list[Configured]:
    """Return the plugins of a configuration, newest first."""
    records = await reader.fetch(LIST_CONFIGURED, reader.account_sid, configuration_sid, after, limit)
    return [Configured(**record) for record in records]


async def fetch_configured(reader: Reader, configuration_sid: str, plugin: str) -> Configured | None:
    """Return a plugin of a configuration, by SID or unique name."""
    record = await reader.fetchrow(FETCH_CONFIGURED, reader.account_sid, configuration_sid, plugin)
    return None if record is None else Configured(**record)


def _row(kind: type[Row], record: asyncpg.Record | None) -> Row | None:
    return None if record is None else kind(**record)
