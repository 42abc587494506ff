"""Plugins, versions, configurations and releases (flex.md §3.4)."""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from parlour.flex.plugin_service import errors, store
from parlour.flex.plugin_service.store import Configuration, Plugin, Release, Version
from parlour.kit.sids import is_sid
from parlour.kit.wire import decode_json
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork

SEMVER: Final = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
DEFAULT_PHASE: Final = 3
PHASE_MAX: Final = 100
PLUGINS_MAX: Final = 100  # in one configuration
ACTIVE: Final = "Active"


async def create(uow: UnitOfWork, *, unique_name: str, friendly_name: str | None, description: str | None) -> Plugin:
    """Make a plugin.

    :raises ContractError: 409/45007, the name is taken.
    """
    if not unique_name or is_sid(unique_name, "FP"):
        raise errors.invalid("UniqueName", "must be a name")
    row = Plugin(
        account_sid=uow.account_sid,
        sid=uow.new_sid("FP"),
        unique_name=unique_name,
        friendly_name=friendly_name or unique_name,
        description=description or "",
        archived=False,
        date_created=uow.now,
        date_updated=uow.now,
    )
    if not await store.insert(uow, row):
        raise errors.taken("UniqueName", unique_name)
    return row


async def fetch(reader: Reader, sid_or_name: str) -> Plugin:
    """Return a plugin by SID or unique name.

    :raises ContractError: 404.
    """
    found = await store.fetch(reader, Plugin, sid_or_name) or await store.by_name(reader, sid_or_name)
    if found is None:
        raise not_found(sid_or_name)
    return found


async def update(uow: UnitOfWork, sid: str, *, friendly_name: str | None, description: str | None) -> Plugin:
    """Change a plugin's words.

    :raises ContractError: 404, 422/45008 archived.
    """
    row = await store.lock(uow, Plugin, (await fetch(uow, sid)).sid)
    if row is None or row.archived:
        raise errors.archived(sid)
    changed = msgspec.structs.replace(
        row,
        friendly_name=row.friendly_name if friendly_name is None else friendly_name,
        description=row.description if description is None else description,
        date_updated=uow.now,
    )
    await store.update_plugin(uow, changed)
    return changed


async def archive(uow: UnitOfWork, sid: str) -> Plugin:
    """Take a plugin out of use.

    :raises ContractError: 404, 422/45008 agents use it now.
    """
    row = await fetch(uow, sid)
    if any(each.plugin_sid == row.sid for each in await active_plugins(uow)):
        raise errors.released(row.sid)
    changed = msgspec.structs.replace(row, archived=True, date_updated=uow.now)
    await store.update_plugin(uow, changed)
    return changed


async def create_version(
    uow: UnitOfWork,
    plugin: str,
    *,
    version: str,
    plugin_url: str,
    changelog: str | None,
    private: bool,
    cli_version: str | None,
    validate_status: str | None,
) -> Version:
    """Make a version of a plugin.

    :raises ContractError: 404, 422/45008 the plugin is archived, 45004 version or URL, 409/45007 the version is there.
    """
    owner = await fetch(uow, plugin)
    if owner.archived:
        raise errors.archived(owner.sid)
    if not SEMVER.fullmatch(version):
        raise errors.invalid("Version", f"'{version[:64]}' is no semantic version such as 1.0.0")
    parts = urlsplit(plugin_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise errors.invalid("PluginUrl", f"'{plugin_url[:200]}' is not an http or https URL")
    row = Version(
        account_sid=uow.account_sid,
        sid=uow.new_sid("FV"),
        plugin_sid=owner.sid,
        version=version,
        plugin_url=plugin_url,
        changelog=changelog or "",
        private=private,
        cli_version=cli_version,
        validate_status=validate_status,
        archived=False,
        date_created=uow.now,
    )
    if not await store.insert(uow, row):
        raise errors.taken("Version", version)
    return row


async def fetch_version(reader: Reader, plugin: str, sid_or_version: str) -> Version:
    """Return a version of a plugin, by SID or number.

    :raises ContractError: 404.
    """
    owner = await fetch(reader, plugin)
    found = await store.fetch(reader, Version, sid_or_version)
    found = found or await store.by_version(reader, owner.sid, sid_or_version)
    if found is None or found.plugin_sid != owner.sid:
        raise not_found(f"{plugin}/{sid_or_version}")
    return found


async def archive_version(uow: UnitOfWork, plugin: str, sid: str) -> Version:
    """Take a version out of use.

    :raises ContractError: 404, 422/45008 agents use it now.
    """
    row = await fetch_version(uow, plugin, sid)
    if any(each.plugin_version_sid == row.sid for each in await active_plugins(uow)):
        raise errors.released(row.sid)
    await store.archive(uow, row)
    return msgspec.structs.replace(row, archived=True)


async def configure(uow: UnitOfWork, *, name: str, description: str | None, plugins: Sequence[str]) -> Configuration:
    """Make a configuration of versions that are used together.

    :param plugins: JSON objects with `plugin_version` (a SID) and `phase`.
    :raises ContractError: 45004 names what is wrong, 422/45008 a version is archived.
    """
    if not name:
        raise errors.invalid("Name", "must not be empty")
    if len(plugins) > PLUGINS_MAX:
        raise errors.invalid("Plugins", f"at most {PLUGINS_MAX}")
    chosen: dict[str, tuple[Version, int]] = {}
    for text in plugins:
        version, phase = await _wanted(uow, text)
        if version.plugin_sid in chosen:
            raise errors.invalid("Plugins", f"{version.plugin_sid} is there twice")
        chosen[version.plugin_sid] = (version, phase)
    row = Configuration(
        account_sid=uow.account_sid,
        sid=uow.new_sid("FJ"),
        name=name,
        description=description or "",
        archived=False,
        date_created=uow.now,
    )
    await store.insert(uow, row)
    for version, phase in chosen.values():
        await store.insert_configured(uow, row.sid, version, phase)
    return row


async def _wanted(reader: Reader, text: str) -> tuple[Version, int]:
    try:
        given: Any = decode_json(text)
    except msgspec.DecodeError as error:
        raise errors.invalid("Plugins", f"not valid JSON ({error})") from error
    if not isinstance(given, dict):
        raise errors.invalid("Plugins", "each must be a JSON object")
    sid, phase = given.get("plugin_version"), given.get("phase", DEFAULT_PHASE)
    if not isinstance(sid, str) or not is_sid(sid, "FV"):
        raise errors.invalid("Plugins", f"plugin_version '{str(sid)[:64]}' is not a SID of FV")
    if isinstance(phase, bool) or not isinstance(phase, int) or not 1 <= phase <= PHASE_MAX:
        raise errors.invalid("Plugins", f"phase must be 1 to {PHASE_MAX}")
    version = await store.fetch(reader, Version, sid)
    if version is None:
        raise errors.invalid("Plugins", f"plugin_version {sid} was not found")
    plugin = await fetch(reader, version.plugin_sid)
    if version.archived or plugin.archived:
        raise errors.archived(sid if version.archived else plugin.sid)
    return version, phase


async def fetch_configuration(reader: Reader, sid: str) -> Configuration:
    """Return a configuration.

    :raises ContractError: 404.
    """
    found = await store.fetch(reader, Configuration, sid)
    if found is None:
        raise not_found(sid)
    return found


async def archive_configuration(uow: UnitOfWork, sid: str) -> Configuration:
    """Take a configuration out of use.

    :raises ContractError: 404, 422/45008 it is the released one.
    """
    row = await fetch_configuration(uow, sid)
    release = await store.active(uow)
    if release is not None and release.configuration_sid == row.sid:
        raise errors.released(row.sid)
    await store.archive(uow, row)
    return msgspec.structs.replace(row, archived=True)


async def release(uow: UnitOfWork, configuration: str) -> Release:
    """Have agents use a configuration from now on; an earlier one may be released again.

    :param configuration: SID, or the name of which the newest is taken.
    :raises ContractError: 45004 there is none, 422/45008 it is archived.
    """
    found = await store.fetch(uow, Configuration, configuration) or await store.latest_named(uow, configuration)
    if found is None:
        raise errors.invalid("ConfigurationId", f"{configuration[:64]} was not found")
    if found.archived:
        raise errors.archived(found.sid)
    row = Release(account_sid=uow.account_sid, sid=uow.new_sid("FK"), configuration_sid=found.sid, date_created=uow.now)
    await store.insert(uow, row)
    return row


async def fetch_release(reader: Reader, sid: str) -> Release:
    """Return a release by SID, or the one that is `Active`.

    :raises ContractError: 404.
    """
    found = await (store.active(reader) if sid.lower() == ACTIVE.lower() else store.fetch(reader, Release, sid))
    if found is None:
        raise not_found(sid)
    return found


async def active_plugins(reader: Reader) -> list[store.Configured]:
    """Return the plugins of the active release, the last made first."""
    release = await store.active(reader)
    return [] if release is None else await store.configured(reader, release.configuration_sid)


async def fetch_configured(reader: Reader, configuration_sid: str, plugin: str) -> store.Configured:
    """Return a plugin as a configuration has it.

    :raises ContractError: 404.
    """
    await fetch_configuration(reader, configuration_sid)
    found = await store.fetch_configured(reader, configuration_sid, plugin)
    if found is None:
        raise not_found(f"{configuration_sid}/{plugin}")
    return found
