"""Operations of the plugin service, as its command line calls them (flex.md §3.4)."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from parlour.flex.plugin_service import plugins, render, store
from parlour.flex.plugin_service.render import BASE
from parlour.flex.plugin_service.store import Configuration, Configured, Plugin, Release, Version
from parlour.rest.forms import Form, Limit, choice, param
from parlour.rest.operations import Answer, Call, Operations, Page, Urls
from parlour.store.unit import Reader

PLUGIN: Final = f"{BASE}/Plugins/{{PluginSid}}"
VERSIONS: Final = f"{PLUGIN}/Versions"
CONFIGURATIONS: Final = f"{BASE}/Configurations"
RELEASES: Final = f"{BASE}/Releases"
TEXT = Annotated[str, Limit(max=500)]
NAME = Annotated[str, Limit(max=256)]
METADATA: Final = ("Flex-Metadata",)  # what the tool that asks says of itself
STORED: Final = {"CliVersion": "it says what made the bundle"}

operations = Operations("flex-api")


class UpdatePlugin(Form):
    """The words of a plugin."""

    friendly_name: NAME | None = None
    description: TEXT | None = None


class CreatePlugin(Form):
    """A plugin."""

    unique_name: NAME
    friendly_name: NAME | None = None
    description: TEXT | None = None


class CreateVersion(Form):
    """A version of a plugin."""

    version: Annotated[str, Limit(max=128)]
    plugin_url: Annotated[str, Limit(max=2048)]
    changelog: Annotated[str, Limit(max=16_384)] | None = None
    private: bool = False
    cli_version: Annotated[str, Limit(max=128)] | None = None
    validate_status: Annotated[str, choice("success", "failure")] | None = None


class CreateConfiguration(Form):
    """Versions that are used together."""

    name: NAME
    plugins: list[str] = param("Plugins", default_factory=list)
    description: TEXT | None = None


class CreateRelease(Form):
    """A configuration that agents use from now on."""

    configuration_id: NAME


def _listing(
    call: Call, key: str, page: Page, rows: list[Any], shown: Callable[[Any, Urls], dict[str, Any]], last: str = "sid"
) -> Answer:
    more = getattr(rows[page.size - 1], last) if len(rows) > page.size else None
    return call.listing(key, [shown(row, call.urls) for row in rows[: page.size]], page, next_token=more)


def _reads(
    shown: Callable[[Any, Urls], dict[str, Any]], find: Callable[[Reader, Call], Awaitable[Any]]
) -> Callable[[Call, object], Awaitable[Answer]]:
    async def fetch_row(call: Call, _form: object) -> Answer:
        return Answer(200, shown(await call.read(lambda reader: find(reader, call)), call.urls))

    return fetch_row


# -- plugins and their versions ----------------------------------------------------------------


@operations.post(f"{BASE}/Plugins", form=CreatePlugin, ignored=METADATA)
async def create_plugin(call: Call, form: CreatePlugin) -> Answer:
    """Make a plugin."""
    row = await call.step(
        lambda uow: plugins.create(
            uow, unique_name=form.unique_name, friendly_name=form.friendly_name, description=form.description
        )
    )
    return Answer(201, render.plugin(row, call.urls))


@operations.get(f"{BASE}/Plugins", ignored=METADATA)
async def list_plugins(call: Call, _form: Form) -> Answer:
    """List plugins."""
    page = call.page()
    rows = await call.read(lambda reader: store.page(reader, Plugin, after=page.token, limit=page.size + 1))
    return _listing(call, "plugins", page, rows, render.plugin)


operations.get(PLUGIN, ignored=METADATA)(
    _reads(render.plugin, lambda reader, call: plugins.fetch(reader, call.path["PluginSid"]))
)


@operations.post(PLUGIN, form=UpdatePlugin, ignored=METADATA)
async def update_plugin(call: Call, form: UpdatePlugin) -> Answer:
    """Change a plugin's words."""
    row = await call.step(
        lambda uow: plugins.update(
            uow, call.path["PluginSid"], friendly_name=form.friendly_name, description=form.description
        )
    )
    return Answer(200, render.plugin(row, call.urls))


@operations.post(f"{PLUGIN}/Archive", ignored=METADATA)
async def archive_plugin(call: Call, _form: Form) -> Answer:
    """Take a plugin out of use."""
    row = await call.step(lambda uow: plugins.archive(uow, call.path["PluginSid"]))
    return Answer(200, render.plugin_archive(row, call.urls))


@operations.post(VERSIONS, form=CreateVersion, stored_only=STORED, ignored=METADATA)
async def create_version(call: Call, form: CreateVersion) -> Answer:
    """Make a version."""
    row = await call.step(
        lambda uow: plugins.create_version(
            uow,
            call.path["PluginSid"],
            version=form.version,
            plugin_url=form.plugin_url,
            changelog=form.changelog,
            private=form.private,
            cli_version=form.cli_version,
            validate_status=form.validate_status,
        )
    )
    return Answer(201, render.version(row, call.urls))


@operations.get(VERSIONS, ignored=METADATA)
async def list_versions(call: Call, _form: Form) -> Answer:
    """List versions."""
    page = call.page()

    async def work(reader: Reader) -> list[Version]:
        owner = await plugins.fetch(reader, call.path["PluginSid"])
        return await store.page(reader, Version, after=page.token, limit=page.size + 1, plugin_sid=owner.sid)

    return _listing(call, "plugin_versions", page, await call.read(work), render.version)


operations.get(f"{VERSIONS}/{{Sid}}", ignored=METADATA)(
    _reads(
        render.version,
        lambda reader, call: plugins.fetch_version(reader, call.path["PluginSid"], call.path["Sid"]),
    )
)


@operations.post(f"{VERSIONS}/{{Sid}}/Archive", ignored=METADATA)
async def archive_version(call: Call, _form: Form) -> Answer:
    """Take a version out of use."""
    row = await call.step(lambda uow: plugins.archive_version(uow, call.path["PluginSid"], call.path["Sid"]))
    return Answer(200, render.version_archive(row, call.urls))


# -- configurations and releases ---------------------------------------------------------------


@operations.post(CONFIGURATIONS, form=CreateConfiguration, ignored=METADATA)
async def create_configuration(call: Call, form: CreateConfiguration) -> Answer:
    """Make a configuration."""
    row = await call.step(
        lambda uow: plugins.configure(uow, name=form.name, description=form.description, plugins=form.plugins)
    )
    return Answer(201, render.configuration(row, call.urls))


@operations.get(CONFIGURATIONS, ignored=METADATA)
async def list_configurations(call: Call, _form: Form) -> Answer:
    """List configurations."""
    page = call.page()
    rows = await call.read(lambda reader: store.page(reader, Configuration, after=page.token, limit=page.size + 1))
    return _listing(call, "configurations", page, rows, render.configuration)


operations.get(f"{CONFIGURATIONS}/{{Sid}}", ignored=METADATA)(
    _reads(render.configuration, lambda reader, call: plugins.fetch_configuration(reader, call.path["Sid"]))
)


@operations.post(f"{CONFIGURATIONS}/{{Sid}}/Archive", ignored=METADATA)
async def archive_configuration(call: Call, _form: Form) -> Answer:
    """Take a configuration out of use."""
    row = await call.step(lambda uow: plugins.archive_configuration(uow, call.path["Sid"]))
    return Answer(200, render.configuration_archive(row, call.urls))


@operations.get(f"{CONFIGURATIONS}/{{ConfigurationSid}}/Plugins", ignored=METADATA)
async def list_configured(call: Call, _form: Form) -> Answer:
    """List the plugins of a configuration."""
    page = call.page()

    async def work(reader: Reader) -> list[Configured]:
        row = await plugins.fetch_configuration(reader, call.path["ConfigurationSid"])
        return await store.configured(reader, row.sid, after=page.token, limit=page.size + 1)

    return _listing(call, "plugins", page, await call.read(work), render.configured, last="plugin_sid")


operations.get(f"{CONFIGURATIONS}/{{ConfigurationSid}}/Plugins/{{PluginSid}}", ignored=METADATA)(
    _reads(
        render.configured,
        lambda reader, call: plugins.fetch_configured(reader, call.path["ConfigurationSid"], call.path["PluginSid"]),
    )
)


@operations.post(RELEASES, form=CreateRelease, ignored=METADATA)
async def create_release(call: Call, form: CreateRelease) -> Answer:
    """Have agents use a configuration from now on."""
    row = await call.step(lambda uow: plugins.release(uow, form.configuration_id))
    return Answer(201, render.release(row, call.urls))


@operations.get(RELEASES, ignored=METADATA)
async def list_releases(call: Call, _form: Form) -> Answer:
    """List releases; the first is the active one."""
    page = call.page()
    rows = await call.read(lambda reader: store.page(reader, Release, after=page.token, limit=page.size + 1))
    return _listing(call, "releases", page, rows, render.release)


operations.get(f"{RELEASES}/{{Sid}}", ignored=METADATA)(
    _reads(render.release, lambda reader, call: plugins.fetch_release(reader, call.path["Sid"]))
)
