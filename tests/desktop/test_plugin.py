"""A plugin of one's own in the unmodified Flex UI: deployed, released, loaded from this server alone."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.conftest import LiveServer
from tests.desktop.test_flex_ui import READY, Watch, sign_in
from tests.messaging.pages import Site, running_site

BUNDLE = """
(() => {
  const { createElement } = window.React;
  class Greeter {
    constructor() { this.name = "GreeterPlugin"; }
    init(flex, manager) {
      const words = `Good day, ${manager.workerClient.attributes.full_name}`;
      flex.MainHeader.Content.add(createElement("p", { key: "greeting" }, words), { sortOrder: 1, align: "end" });
    }
  }
  window.Twilio.Flex.Plugins.init(Greeter);
})();
"""


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as one:
        yield one


@pytest.fixture
def released(desktop_server: LiveServer, site: Site) -> Iterator[None]:
    """A released plugin, whose bundle lies on another host than the page."""
    flex = desktop_server.client().flex_api.v1
    url = site.says("/greeter/bundle.js", BUNDLE, kind="application/javascript")
    plugin = flex.plugins.create(unique_name="greeter", friendly_name="Greeter")
    version = flex.plugins(plugin.sid).plugin_versions.create(resource_version="1.0.0", plugin_url=url, private=True)
    chosen = [json.dumps({"plugin_version": version.sid, "phase": 3})]
    configuration = flex.plugin_configurations.create(name="with", plugins=chosen)
    flex.plugin_releases.create(configuration_id=configuration.sid)
    yield
    nothing = flex.plugin_configurations.create(name="without")
    flex.plugin_releases.create(configuration_id=nothing.sid)


@pytest.mark.usefixtures("released")
def test_the_desktop_runs_the_plugin_that_is_released(
    context: BrowserContext, desktop_server: LiveServer, site: Site
) -> None:
    page: Page = context.new_page()
    watch = Watch(page)
    sign_in(page, desktop_server, "carla")
    expect(page.get_by_text("Good day, Carla Cruz")).to_be_visible(timeout=READY)
    assert site.url.removeprefix("http://") not in watch.hosts
    assert watch.errors == []
    assert len(site.book) == 1
