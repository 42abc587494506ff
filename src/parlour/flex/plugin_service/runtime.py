"""What the desktop loads: the plugins of the active release, and their bundles from its own origin (flex.md §3.4).

A page of this server runs no script of another host, so that bundles are fetched by the server. Versions are never
changed: what was fetched once is kept in memory.
"""

import base64
import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from cryptography.exceptions import InvalidTag

from parlour.flex import configuration
from parlour.flex.plugin_service import errors, plugins, store
from parlour.flex.plugin_service.store import Configured, Version
from parlour.flex.plugin_service.store_system import system_account_of_version
from parlour.flex.schemas import ListForm
from parlour.kit.outgoing import Outgoing, OutgoingError
from parlour.kit.secrets_box import SecretsBox
from parlour.kit.sids import is_sid
from parlour.kit.wire import parse_iso
from parlour.rest.errors import forbidden, not_found
from parlour.rest.forms import Form, param
from parlour.rest.operations import PUBLIC, TOKEN, Answer, Call, Operations
from parlour.rest.rights import ANY_TOKEN
from parlour.store.database import Database
from parlour.store.unit import Reader

BUNDLE_MAX: Final = 16 * 1024 * 1024  # bytes
FETCH_TIMEOUT: Final = 15.0  # seconds
KEPT: Final = 32  # bundles
PASS_LIFE: Final = timedelta(hours=1)  # of the link to a private bundle
SCRIPT: Final = "application/javascript; charset=utf-8"


class FetchBundle(Form):
    """Which version, and the pass that a private one needs."""

    version_sid: str = param("sid", default="")
    granted: str = param("pass", default="")


class Bundles:
    """Fetches bundles, and keeps the last ones."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    async def fetch(self, row: Version) -> bytes:
        """Return the bundle of a version.

        :raises ContractError: 502/45005, its address gives none.
        """
        kept = self._kept.pop(row.sid, None)
        if kept is None:
            kept = await self._get(row.plugin_url)
        self._kept[row.sid] = kept
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept

    async def _get(self, url: str) -> bytes:
        try:
            answer = await self._outgoing.request("GET", url, timeout=FETCH_TIMEOUT, max_bytes=BUNDLE_MAX)
        except OutgoingError as error:
            raise errors.not_to_be_had(url, str(error)) from error
        if answer.status != 200:
            raise errors.not_to_be_had(url, f"its server answered {answer.status}")
        return answer.body


class Passes:
    """Links to private bundles: good for who was given them, and for a while."""

    def __init__(self, box: SecretsBox) -> None:
        self._box = box

    def make(self, version_sid: str, now: datetime) -> str:
        """Return a pass for a version."""
        sealed = self._box.seal(f"{version_sid} {(now + PASS_LIFE).isoformat()}")
        return base64.urlsafe_b64encode(sealed).decode()

    def admits(self, given: str, version_sid: str, now: datetime) -> bool:
        """Say whether a pass was made here for a version, and is good still."""
        try:
            sid, _, end = self._box.open(base64.urlsafe_b64decode(given)).partition(" ")
        except (InvalidTag, ValueError):
            return False
        return sid == version_sid and parse_iso(end) > now


def make_operations(database: Database, box: SecretsBox, outgoing: Outgoing) -> Operations:
    """Return the operations that the desktop calls."""
    operations = Operations("flex")
    bundles, passes = Bundles(outgoing), Passes(box)

    @operations.get("/plugins", callers=TOKEN, form=ListForm, ignored=("roles",), rights=[ANY_TOKEN])
    async def list_plugins(call: Call, _form: ListForm) -> Answer:
        """List the plugins of the active release, none where the configuration switches them off."""

        async def work(reader: Reader) -> list[dict[str, Any]]:
            if (await configuration.fetch(reader)).settings.get("plugin_service_enabled") is False:
                return []
            release = await store.active(reader)
            if release is None:
                return []
            rows = reversed(await store.configured(reader, release.configuration_sid))
            return [_shown(call, row, release.sid, passes, reader.now) for row in rows]

        return Answer(200, await call.read(work))

    @operations.get("/plugins/v1/{Name}/{Version}/bundle.js", callers=PUBLIC, form=FetchBundle)
    async def fetch_bundle(call: Call, form: FetchBundle) -> Answer:
        """Read a bundle; the address names its version by SID, since a script tag tells no account."""
        row = await _version(database, call, form.version_sid)
        if row.private and not passes.admits(form.granted, row.sid, database.clock.now()):
            raise forbidden(f"{row.sid} is private, and this link has expired or was not made here")
        body = await bundles.fetch(row)
        headers = {
            "Cache-Control": "private, max-age=86400",
            "ETag": f'"{hashlib.sha256(body).hexdigest()}"',
            "X-Content-Type-Options": "nosniff",
        }
        return Answer(200, body, headers, SCRIPT)

    return operations


async def _version(database: Database, call: Call, sid: str) -> Version:
    account_sid = None
    if is_sid(sid, "FV"):
        account_sid = await database.system(lambda connection: system_account_of_version(connection, sid))
    if account_sid is None:
        raise not_found(f"{call.own_path} {sid[:64]}")

    async def work(reader: Reader) -> Version | None:
        row = await store.fetch(reader, Version, sid)
        if row is None or row.version != call.path["Version"]:
            return None
        owner = await plugins.fetch(reader, row.plugin_sid)
        return row if owner.unique_name == call.path["Name"] else None

    found = await database.read(account_sid, work)
    if found is None:
        raise not_found(f"{call.own_path} {sid[:64]}")
    return found


def _shown(call: Call, row: Configured, release_sid: str, passes: Passes, now: datetime) -> dict[str, Any]:
    """A plugin as the desktop's loader reads it."""
    query = {"sid": row.plugin_version_sid}
    if row.private:
        query["pass"] = passes.make(row.plugin_version_sid, now)
    path = f"/plugins/v1/{quote(row.unique_name, safe='')}/{quote(row.version, safe='')}/bundle.js?{urlencode(query)}"
    return {
        "name": row.unique_name,
        "version": row.version,
        "src": call.urls.of("flex", path),
        "phase": row.phase,
        "pluginSid": row.plugin_sid,
        "pluginVersionSid": row.plugin_version_sid,
        "configurationSid": row.configuration_sid,
        "releaseSid": release_sid,
    }
