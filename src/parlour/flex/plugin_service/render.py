"""Wire shapes of the plugin service (flex.md §3.4)."""

from typing import Any

from parlour.flex.plugin_service.store import Configuration, Configured, Plugin, Release, Version
from parlour.kit.wire import iso
from parlour.rest.operations import Urls

BASE = "/v1/PluginService"


def _url(urls: Urls, path: str) -> str:
    return urls.of("flex-api", f"{BASE}{path}")


def plugin(row: Plugin, urls: Urls) -> dict[str, Any]:
    """A plugin."""
    url = _url(urls, f"/Plugins/{row.sid}")
    return {**_plugin(row), "url": url, "links": {"plugin_versions": f"{url}/Versions"}}


def plugin_archive(row: Plugin, urls: Urls) -> dict[str, Any]:
    """A plugin that was archived."""
    return {**_plugin(row), "url": _url(urls, f"/Plugins/{row.sid}/Archive")}


def _plugin(row: Plugin) -> dict[str, Any]:
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "unique_name": row.unique_name,
        "friendly_name": row.friendly_name,
        "description": row.description,
        "archived": row.archived,
        "date_created": iso(row.date_created),
        "date_updated": iso(row.date_updated),
    }


def version(row: Version, urls: Urls) -> dict[str, Any]:
    """A version of a plugin."""
    url = _url(urls, f"/Plugins/{row.plugin_sid}/Versions/{row.sid}")
    return {**_version(row), "validated": row.validate_status == "success", "url": url}


def version_archive(row: Version, urls: Urls) -> dict[str, Any]:
    """A version that was archived."""
    return {**_version(row), "url": _url(urls, f"/Plugins/{row.plugin_sid}/Versions/{row.sid}/Archive")}


def _version(row: Version) -> dict[str, Any]:
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "plugin_sid": row.plugin_sid,
        "version": row.version,
        "plugin_url": row.plugin_url,
        "changelog": row.changelog,
        "private": row.private,
        "archived": row.archived,
        "date_created": iso(row.date_created),
    }


def configuration(row: Configuration, urls: Urls) -> dict[str, Any]:
    """A configuration."""
    url = _url(urls, f"/Configurations/{row.sid}")
    return {**_configuration(row), "url": url, "links": {"plugins": f"{url}/Plugins"}}


def configuration_archive(row: Configuration, urls: Urls) -> dict[str, Any]:
    """A configuration that was archived."""
    return {**_configuration(row), "url": _url(urls, f"/Configurations/{row.sid}/Archive")}


def _configuration(row: Configuration) -> dict[str, Any]:
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "name": row.name,
        "description": row.description,
        "archived": row.archived,
        "date_created": iso(row.date_created),
    }


def configured(row: Configured, urls: Urls) -> dict[str, Any]:
    """A plugin of a configuration."""
    return {
        "account_sid": row.account_sid,
        "configuration_sid": row.configuration_sid,
        "plugin_sid": row.plugin_sid,
        "plugin_version_sid": row.plugin_version_sid,
        "phase": row.phase,
        "plugin_url": row.plugin_url,
        "unique_name": row.unique_name,
        "friendly_name": row.friendly_name,
        "description": row.description,
        "plugin_archived": row.plugin_archived,
        "version": row.version,
        "changelog": row.changelog,
        "plugin_version_archived": row.plugin_version_archived,
        "private": row.private,
        "date_created": iso(row.date_created),
        "url": _url(urls, f"/Configurations/{row.configuration_sid}/Plugins/{row.plugin_sid}"),
    }


def release(row: Release, urls: Urls) -> dict[str, Any]:
    """A release."""
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "configuration_sid": row.configuration_sid,
        "date_created": iso(row.date_created),
        "url": _url(urls, f"/Releases/{row.sid}"),
    }
