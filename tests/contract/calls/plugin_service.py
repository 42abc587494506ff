"""Good calls of the plugin service (flex.md §3.4)."""

import contextlib
import dataclasses
import json
from collections.abc import Callable
from typing import Any

from tests.contract.good_calls import good
from tests.contract.inprocess import raw
from tests.contract.world import World
from tests.messaging.pages import running_site

BASE = "/v1/PluginService"
PLUGIN = f"{BASE}/Plugins/{{Sid}}"
VERSIONS = f"{PLUGIN}/Versions"
CONFIGURATIONS = f"{BASE}/Configurations"
RELEASES = f"{BASE}/Releases"
META = ("one", "two")


def root(world: World) -> Any:
    """Return Flex of the official client."""
    return world.client.flex_api.v1


def plugin(world: World) -> Any:
    """Return the context of a new plugin."""
    return root(world).plugins(root(world).plugins.create(unique_name=world.unique("plugin")).sid)


def version(world: World) -> Any:
    """Return a new version of a new plugin."""
    return plugin(world).plugin_versions.create(resource_version="1.0.0", plugin_url="https://example.com/bundle.js")


def chosen(*versions: Any) -> list[Any]:
    """Return versions as a configuration takes them."""
    return [json.dumps({"plugin_version": each.sid, "phase": 3}) for each in versions]


def configuration(world: World, *versions: Any) -> Any:
    """Return a new configuration."""
    return root(world).plugin_configurations.create(name=world.unique("set"), plugins=chosen(*versions))


@good("POST", "flex-api", f"{BASE}/Plugins")
def create_plugin(world: World) -> Callable[[], Any]:
    return lambda: root(world).plugins.create(
        unique_name=world.unique("plugin"),
        friendly_name=world.unique("Plugin"),
        description=world.unique("It does"),
        flex_metadata=world.pick(*META),
    )


@good("GET", "flex-api", f"{BASE}/Plugins")
def list_plugins(world: World) -> Callable[[], Any]:
    for _ in range(2):
        plugin(world)
    return lambda: root(world).plugins.list(flex_metadata=world.pick(*META), limit=3, page_size=1)


@good("GET", "flex-api", PLUGIN)
def fetch_plugin(world: World) -> Callable[[], Any]:
    known = plugin(world)
    return lambda: known.fetch(flex_metadata=world.pick(*META))


@good("POST", "flex-api", PLUGIN)
def update_plugin(world: World) -> Callable[[], Any]:
    known = plugin(world)
    return lambda: known.update(
        friendly_name=world.unique("Plugin"), description=world.unique("It does"), flex_metadata=world.pick(*META)
    )


@good("POST", "flex-api", f"{PLUGIN}/Archive")
def archive_plugin(world: World) -> Callable[[], Any]:
    known = root(world).plugin_archive(plugin(world).fetch().sid)
    return lambda: known.update(flex_metadata=world.pick(*META))


@good("POST", "flex-api", VERSIONS)
def create_version(world: World) -> Callable[[], Any]:
    known = plugin(world)
    return lambda: [
        known.plugin_versions.create(
            resource_version=f"{number}.0.{world.unique('1').rpartition('-')[2]}",
            plugin_url=f"https://example.com/{world.unique('bundle')}.js",
            changelog=world.unique("Better"),
            private=world.pick(True, False),
            cli_version=world.pick("7.0.0", "7.1.0"),
            validate_status=world.pick("success", "failure"),
            flex_metadata=world.pick(*META),
        )
        for number in (1, 2)
    ]


@good("GET", "flex-api", VERSIONS)
def list_versions(world: World) -> Callable[[], Any]:
    known = plugin(world)
    for number in range(3):
        known.plugin_versions.create(resource_version=f"1.0.{number}", plugin_url="https://example.com/bundle.js")
    return lambda: known.plugin_versions.list(flex_metadata=world.pick(*META), limit=3, page_size=1)


@good("GET", "flex-api", f"{VERSIONS}/{{Sid}}")
def fetch_version(world: World) -> Callable[[], Any]:
    made = version(world)
    known = root(world).plugins(made.plugin_sid).plugin_versions(made.sid)
    return lambda: known.fetch(flex_metadata=world.pick(*META))


@good("POST", "flex-api", f"{VERSIONS}/{{Sid}}/Archive")
def archive_version(world: World) -> Callable[[], Any]:
    made = version(world)
    known = root(world).plugin_version_archive(made.plugin_sid, made.sid)
    return lambda: known.update(flex_metadata=world.pick(*META))


@good("POST", "flex-api", CONFIGURATIONS)
def create_configuration(world: World) -> Callable[[], Any]:
    versions = [chosen(version(world)), chosen(version(world), version(world))]
    return lambda: [
        root(world).plugin_configurations.create(
            name=world.unique("set"),
            plugins=plugins,
            description=world.unique("Together"),
            flex_metadata=world.pick(*META),
        )
        for plugins in versions
    ]


@good("GET", "flex-api", CONFIGURATIONS)
def list_configurations(world: World) -> Callable[[], Any]:
    for _ in range(3):
        configuration(world)
    return lambda: root(world).plugin_configurations.list(flex_metadata=world.pick(*META), limit=3, page_size=1)


@good("GET", "flex-api", f"{CONFIGURATIONS}/{{Sid}}")
def fetch_configuration(world: World) -> Callable[[], Any]:
    known = root(world).plugin_configurations(configuration(world).sid)
    return lambda: known.fetch(flex_metadata=world.pick(*META))


@good("POST", "flex-api", f"{CONFIGURATIONS}/{{Sid}}/Archive")
def archive_configuration(world: World) -> Callable[[], Any]:
    known = root(world).plugin_configuration_archive(configuration(world).sid)
    return lambda: known.update(flex_metadata=world.pick(*META))


@good("GET", "flex-api", f"{CONFIGURATIONS}/{{ConfigurationSid}}/Plugins")
def list_configured(world: World) -> Callable[[], Any]:
    made = configuration(world, *(version(world) for _ in range(3)))
    known = root(world).plugin_configurations(made.sid).plugins
    return lambda: known.list(flex_metadata=world.pick(*META), limit=3, page_size=1)


@good("GET", "flex-api", f"{CONFIGURATIONS}/{{ConfigurationSid}}/Plugins/{{PluginSid}}")
def fetch_configured(world: World) -> Callable[[], Any]:
    one = version(world)
    known = root(world).plugin_configurations(configuration(world, one).sid).plugins(one.plugin_sid)
    return lambda: known.fetch(flex_metadata=world.pick(*META))


@good("POST", "flex-api", RELEASES)
def create_release(world: World) -> Callable[[], Any]:
    sids = [configuration(world).sid for _ in range(2)]
    return lambda: [
        root(world).plugin_releases.create(configuration_id=sid, flex_metadata=world.pick(*META)) for sid in sids
    ]


def release(world: World) -> str:
    """Return a new release."""
    return str(root(world).plugin_releases.create(configuration_id=configuration(world).sid).sid)


@good("GET", "flex-api", RELEASES)
def list_releases(world: World) -> Callable[[], Any]:
    for _ in range(3):
        release(world)
    return lambda: root(world).plugin_releases.list(flex_metadata=world.pick(*META), limit=3, page_size=1)


@good("GET", "flex-api", f"{RELEASES}/{{Sid}}")
def fetch_release(world: World) -> Callable[[], Any]:
    known = root(world).plugin_releases(release(world))
    return lambda: known.fetch(flex_metadata=world.pick(*META))


def bundle_address(world: World) -> str:
    """Return where a bundle is, on a site that is there until the tests end."""
    stack: contextlib.ExitStack = world.keep("sites", contextlib.ExitStack)
    site = world.keep("site", lambda: stack.enter_context(running_site()))
    return site.says("/bundle.js", "/* nothing */", kind="application/javascript")


@good("GET", "flex", "/plugins/v1/{Name}/{Version}/bundle.js")
def fetch_bundle(world: World) -> Callable[[], Any]:
    known = plugin(world)
    made = known.plugin_versions.create(resource_version="1.0.0", plugin_url=bundle_address(world))
    name = known.fetch().unique_name
    plain = raw(world.credentials, "GET", "flex", f"/plugins/v1/{name}/1.0.0/bundle.js")
    request = dataclasses.replace(plain, query=(("sid", made.sid),))
    return lambda: world.transport.carry(request)
