"""Carrier connections of an account: where the carrier is, and the credentials of our account there."""

import time
from typing import Final
from urllib.parse import urlsplit

from parlour.channels.sms.store import connections as store
from parlour.channels.sms.store.connections import Connection
from parlour.channels.sms.store_system import system_fetch_connection
from parlour.kit.secrets_box import SecretsBox
from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.database import Database
from parlour.store.unit import Reader, UnitOfWork

REMEMBER: Final = 10.0  # seconds of real time that a connection is believed without asking the database


async def create(
    uow: UnitOfWork,
    box: SecretsBox,
    *,
    name: str,
    base_url: str,
    upstream_account_sid: str,
    auth_token: str,
    lists_at_once: bool = False,
    takes_groups: bool = False,
) -> Connection:
    """Make a connection, or change the one of this name.

    :param base_url: where the carrier's API is; `/2010-04-01/…` is put behind it.
    :param lists_at_once: see `Connection`, also for `takes_groups`.
    :raises ContractError: 20001, the URL is none.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid_parameter("BaseUrl", f"'{base_url[:200]}' is not an http or https URL")
    if not upstream_account_sid or not auth_token:
        raise invalid_parameter("AuthToken", "the carrier's account SID and auth token must be given")
    known = await store.by_name(uow, name)
    row = Connection(
        account_sid=uow.account_sid,
        sid=known.sid if known else uow.new_sid("CX"),
        name=name,
        base_url=base_url.rstrip("/"),
        upstream_account_sid=upstream_account_sid,
        auth_token=box.seal(auth_token),
        lists_at_once=lists_at_once,
        takes_groups=takes_groups,
        date_created=known.date_created if known else uow.now,
        date_updated=uow.now,
    )
    if known:
        await store.update(uow, row)
    elif not await store.insert(uow, row):
        raise invalid_parameter("Name", f"there is a connection {name} already")
    return row


async def fetch(reader: Reader, sid: str) -> Connection:
    """Return a connection.

    :raises ContractError: 404.
    """
    row = await store.fetch(reader, sid)
    if row is None:
        raise not_found(sid)
    return row


async def of_number(reader: Reader, connection_sid: str | None) -> Connection | None:
    """Return the connection of a number: its own, else the account's only one."""
    if connection_sid is not None:
        return await store.fetch(reader, connection_sid)
    rows = await store.list_all(reader, 2)
    return rows[0] if len(rows) == 1 else None


class Connections:
    """Finds connections for webhooks, which name no account; remembers them for some seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[float, Connection]] = {}

    async def find(self, sid: str) -> Connection | None:
        """Return the connection of any account."""
        known = self._known.get(sid)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        row = await self._database.system(lambda connection: system_fetch_connection(connection, sid))
        if row is not None:
            self._known[sid] = (time.monotonic() + REMEMBER, row)
        return row
