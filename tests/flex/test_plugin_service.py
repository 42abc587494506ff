"""Plugins from deployment to the desktop, as the published command line deploys them (flex.md §3.4)."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from twilio.base.exceptions import TwilioRestException

from tests.conftest import LiveServer
from tests.flex.signing_in import Desktop
from tests.messaging.pages import Site, running_site

counter = iter(range(1000))
SCRIPT = "Twilio.Flex.Plugins.init(class {})"


def refused(call: Callable[[], Any]) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refusal:
        call()
    return refusal.value.status, refusal.value.code


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as one:
        yield one


class Developer:
    """Somebody who deploys plugins as the command line does."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.flex = server.client().flex_api.v1
        self.auth = (server.credentials.account_sid, server.credentials.auth_token)

    def plugin(self) -> Any:
        """Register a plugin that is not there yet."""
        name = f"plugin-{next(counter)}"
        assert refused(self.flex.plugins(name).fetch) == (404, 20404)
        return self.flex.plugins(self.flex.plugins.create(unique_name=name, friendly_name="One").sid)

    def version(self, plugin: Any, url: str, number: str = "1.0.0", **options: Any) -> Any:
        """Make a version."""
        return plugin.plugin_versions.create(resource_version=number, plugin_url=url, **options)

    def configure(self, *versions: Any, phase: int = 3) -> Any:
        """Make a configuration."""
        plugins = [json.dumps({"plugin_version": each.sid, "phase": phase}) for each in versions]
        return self.flex.plugin_configurations.create(name="set", plugins=plugins, description="together")

    def release(self, *versions: Any, phase: int = 3) -> Any:
        """Have agents use these versions."""
        return self.flex.plugin_releases.create(configuration_id=self.configure(*versions, phase=phase).sid)


@pytest.fixture
def developer(frozen: LiveServer) -> Developer:
    return Developer(frozen)


def loaded(frozen: LiveServer, token: str) -> list[dict[str, Any]]:
    """Return what the desktop is told to load."""
    url = f"{frozen.url}/_tw/flex.twilio.com/plugins"
    answer = requests.get(url, params={"roles": "agent"}, headers={"X-Flex-JWE": token}, timeout=30)
    found: list[dict[str, Any]] = answer.json()
    return found


def test_the_desktop_loads_the_plugins_of_the_active_release(
    frozen: LiveServer, developer: Developer, desktop: Desktop, site: Site
) -> None:
    token = str(desktop.exchange(desktop.code("carla")).json["access_token"])
    url = site.says("/bundle.js", SCRIPT, kind="application/javascript")
    plugin = developer.plugin()
    first = developer.version(plugin, url)
    release = developer.release(first, phase=2)
    shown = plugin.fetch()
    [one] = loaded(frozen, token)
    src = one.pop("src")
    assert one == {
        "name": shown.unique_name,
        "version": "1.0.0",
        "phase": 2,
        "pluginSid": shown.sid,
        "pluginVersionSid": first.sid,
        "configurationSid": release.configuration_sid,
        "releaseSid": release.sid,
    }
    assert urlsplit(src).path.endswith(f"/plugins/v1/{shown.unique_name}/1.0.0/bundle.js")
    assert src.startswith(frozen.url)
    answer = requests.get(src, timeout=30)
    assert (answer.text, answer.headers["Content-Type"]) == (SCRIPT, "application/javascript; charset=utf-8")
    requests.get(src, timeout=30)
    assert len(site.book) == 1

    second = developer.version(plugin, url, "1.1.0")
    assert [each["version"] for each in loaded(frozen, token)] == ["1.0.0"]
    developer.release(second)
    assert [each["version"] for each in loaded(frozen, token)] == ["1.1.0"]
    developer.flex.plugin_releases.create(configuration_id=release.configuration_sid)
    assert [each["version"] for each in loaded(frozen, token)] == ["1.0.0"]
    configuration = f"{frozen.url}/_tw/flex-api.twilio.com/v1/Configuration"
    body: dict[str, Any] = {"account_sid": developer.auth[0], "plugin_service_enabled": False}
    requests.post(configuration, json=body, auth=developer.auth, timeout=30)
    assert loaded(frozen, token) == []
    requests.post(configuration, json=body | {"plugin_service_enabled": True}, auth=developer.auth, timeout=30)


def test_plugins_load_in_the_order_in_which_they_were_made(
    frozen: LiveServer, developer: Developer, desktop: Desktop, site: Site
) -> None:
    token = str(desktop.exchange(desktop.code("carla")).json["access_token"])
    made = [developer.version(developer.plugin(), site.url + "/b.js") for _ in range(3)]
    developer.release(*made)
    assert [each["pluginVersionSid"] for each in loaded(frozen, token)] == [each.sid for each in made]
    developer.release()
    assert loaded(frozen, token) == []


def test_a_private_bundle_needs_the_link_that_the_desktop_was_given(
    frozen: LiveServer, developer: Developer, desktop: Desktop, site: Site
) -> None:
    token = str(desktop.exchange(desktop.code("carla")).json["access_token"])
    url = site.says("/private.js", SCRIPT, kind="application/javascript")
    developer.release(developer.version(developer.plugin(), url, private=True))
    [one] = loaded(frozen, token)
    assert requests.get(one["src"], timeout=30).status_code == 200
    assert requests.get(one["src"].partition("&pass=")[0], timeout=30).status_code == 403
    assert requests.get(one["src"][:-6] + "AAAA==", timeout=30).status_code == 403


def test_a_bundle_that_is_not_to_be_had_is_told_so(developer: Developer, frozen: LiveServer, site: Site) -> None:
    plugin = developer.plugin()
    made = developer.version(plugin, site.url + "/nowhere.js")
    path = f"/plugins/v1/{plugin.fetch().unique_name}/1.0.0/bundle.js"
    answer = requests.get(f"{frozen.url}/_tw/flex.twilio.com{path}", params={"sid": made.sid}, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (502, 45005)


def test_what_is_deployed_is_found_newest_first_by_sid_name_and_number(developer: Developer) -> None:
    plugin = developer.plugin()
    numbers = ["1.0.0", "1.1.0", "2.0.0-beta.1"]
    made = [developer.version(plugin, "https://a.example/b.js", number, changelog="x") for number in numbers]
    assert [each.version for each in plugin.plugin_versions.list()] == numbers[::-1]
    shown = plugin.fetch()
    by_name = developer.flex.plugins(shown.unique_name)
    assert by_name.fetch().sid == shown.sid
    assert by_name.plugin_versions("1.1.0").fetch().sid == made[1].sid
    assert developer.flex.plugins.list(limit=1)[0].sid == shown.sid
    configuration = developer.configure(made[0])
    own = developer.flex.plugin_configurations(configuration.sid).plugins
    assert [(each.unique_name, each.version) for each in own.list()] == [(shown.unique_name, "1.0.0")]
    assert own(shown.sid).fetch().plugin_version_sid == made[0].sid
    release = developer.flex.plugin_releases.create(configuration_id=configuration.sid)
    assert developer.flex.plugin_releases("Active").fetch().sid == release.sid
    assert developer.flex.plugin_releases.list(limit=1)[0].sid == release.sid


def test_what_is_archived_is_not_used_any_more_and_what_is_released_not_archived(developer: Developer) -> None:
    flex = developer.flex
    plugin = developer.plugin()
    made = developer.version(plugin, "https://a.example/b.js")
    used = developer.configure(made)
    flex.plugin_releases.create(configuration_id=used.sid)
    sid = plugin.fetch().sid
    assert refused(flex.plugin_archive(sid).update) == (422, 45008)
    assert refused(flex.plugin_version_archive(sid, made.sid).update) == (422, 45008)
    assert refused(flex.plugin_configuration_archive(used.sid).update) == (422, 45008)
    developer.release()
    assert flex.plugin_configuration_archive(used.sid).update().archived is True
    assert refused(lambda: flex.plugin_releases.create(configuration_id=used.sid)) == (422, 45008)
    assert flex.plugin_version_archive(sid, made.sid).update().archived is True
    assert refused(lambda: developer.configure(made)) == (422, 45008)
    assert flex.plugin_archive(sid).update().archived is True
    assert refused(lambda: developer.version(plugin, "https://a.example/b.js", "9.0.0")) == (422, 45008)


def test_what_cannot_be_deployed_is_refused(developer: Developer) -> None:
    flex = developer.flex
    plugin = developer.plugin()
    made = developer.version(plugin, "https://a.example/b.js")
    name = plugin.fetch().unique_name
    assert refused(lambda: flex.plugins.create(unique_name=name)) == (409, 45007)
    assert refused(lambda: developer.version(plugin, "https://a.example/b.js")) == (409, 45007)
    assert refused(lambda: developer.version(plugin, "https://a.example/b.js", "one")) == (400, 45004)
    assert refused(lambda: developer.version(plugin, "nowhere", "2.0.0")) == (400, 45004)
    assert refused(lambda: developer.configure(made, made)) == (400, 45004)
    assert refused(lambda: developer.configure(made, phase=0)) == (400, 45004)
    create = flex.plugin_configurations.create
    assert refused(lambda: create(name="x", plugins=['{"plugin_version":"FV' + "0" * 32 + '"}'])) == (400, 45004)
    assert refused(lambda: create(name="x", plugins=["{half"])) == (400, 45004)
    assert refused(lambda: flex.plugin_releases.create(configuration_id="FJ" + "0" * 32)) == (400, 45004)
