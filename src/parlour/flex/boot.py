"""What the desktop asks for while it starts, beside its configuration (agent-clients.md §4)."""

from typing import Final

from parlour.flex import configuration, features, render
from parlour.flex.chime import chime
from parlour.flex.errors import not_configured
from parlour.flex.schemas import PublicConfiguration
from parlour.flex.store_system import Instance, system_instance
from parlour.rest.errors import missing_parameter, not_found
from parlour.rest.forms import Form
from parlour.rest.operations import ACCOUNT, PUBLIC, TOKEN, Answer, Call, Operations
from parlour.rest.rights import ANY_TOKEN

# The versions in the paths below are those that Flex UI 2.17.1 asks for.
DAY: Final = {"Cache-Control": "public, max-age=86400"}
FONTS: Final = b"/* the desktop uses the fonts of the computer it runs on */\n"

flex_api = Operations("flex-api")
flex = Operations("flex")
status = Operations("status")
assets = Operations("assets")
media = Operations("media")
operations = [flex_api, flex, status, assets, media]


@flex_api.get("/v1/Configuration/Public", callers=PUBLIC, form=PublicConfiguration)
async def fetch_public_configuration(call: Call, form: PublicConfiguration) -> Answer:
    """Read what a page may know before anybody signed in: by account, or by the address of the desktop."""
    if form.account_sid is None and form.runtime_domain is None:
        raise missing_parameter("AccountSid")
    account_sid = form.account_sid
    own = render.runtime_domain(call.urls)
    if account_sid is None and form.runtime_domain not in (own, own.partition("://")[2]):
        raise not_found(str(form.runtime_domain))
    found: Instance | None = await call.database.system(lambda one: system_instance(one, account_sid))
    if found is None:
        raise not_configured()
    row = await call.database.read(found.account_sid, configuration.fetch)
    return Answer(200, {"configurations": [render.public_configuration(row, call.urls)]})


@flex_api.get("/v1/account/provision/status", callers=ACCOUNT | TOKEN, rights=[ANY_TOKEN])
async def fetch_email_status(call: Call, _form: Form) -> Answer:
    """Say that email is no channel here."""
    url = call.urls.of("flex-api", "/v1/account/provision/status")
    return Answer(200, {"status": "not-configured", "url": url})


@flex_api.get("/v1/Instances/{InstanceSid}/Teams/Context", callers=TOKEN, rights=[ANY_TOKEN])
async def fetch_teams_context(call: Call, _form: Form) -> Answer:
    """Say that workers are not divided into teams."""
    row = await call.read(configuration.fetch)
    if row.flex_instance_sid != call.path["InstanceSid"]:
        raise not_found(call.path["InstanceSid"])
    return Answer(200, {"team_setup_complete": False})


@flex.get("/api/v1/Session", callers=TOKEN, rights=[ANY_TOKEN])
async def fetch_session(_call: Call, _form: Form) -> Answer:
    """Read the feature flags of the desktop; Insights is not served."""
    return Answer(200, {"features": [each.shown() for each in features.FEATURES], "insights_active": False})


@flex.get("/api/v1/Features/{Id}", callers=TOKEN, rights=[ANY_TOKEN])
async def fetch_feature(call: Call, _form: Form) -> Answer:
    """Read one feature flag."""
    found = features.by_id(call.path["Id"])
    if found is None:
        raise not_found(call.path["Id"])
    return Answer(200, {"enabled": found.enabled})


@status.get("/api/v2/summary.json", callers=PUBLIC)
async def fetch_status(call: Call, _form: Form) -> Answer:
    """Say how this server is; while its database is away the answer is 503."""
    await call.database.system(lambda one: one.fetchval("SELECT 1"))
    return Answer(200, {"components": [{"name": "FLEX", "status": "operational"}], "incidents": []})


@assets.get("/assets/countries.json", callers=PUBLIC)
async def list_countries(_call: Call, _form: Form) -> Answer:
    """List the countries of the dialler: none, for there is no voice."""
    return Answer(200, [], DAY)


@assets.get("/assets/flagPositions.json", callers=PUBLIC)
async def list_flag_positions(_call: Call, _form: Form) -> Answer:
    """List the flags of those countries."""
    return Answer(200, {}, DAY)


@assets.get("/public_assets/paste-fonts/1.5.1/fonts.css", callers=PUBLIC)
async def fetch_fonts(_call: Call, _form: Form) -> Answer:
    """Read the style sheet of web fonts, which names none."""
    return Answer(200, FONTS, DAY, "text/css")


@media.get("/sdk/js/client/sounds/releases/1.0.0/incoming.mp3", callers=PUBLIC)
async def fetch_sound(_call: Call, _form: Form) -> Answer:
    """Read the sound of an incoming message."""
    return Answer(200, chime(), DAY, "audio/wav")
