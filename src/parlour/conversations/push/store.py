"""Rows of push credentials, registered devices and notification settings."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("CR", "push_credential")
refs.register("BS", "push_binding")


class Credential(msgspec.Struct, kw_only=True):
    """A row of `push_credential`."""

    account_sid: str
    sid: str
    friendly_name: str | None
    type: str
    sandbox: bool
    secrets: bytes
    date_created: datetime
    date_updated: datetime


class Binding(msgspec.Struct, kw_only=True):
    """A row of `push_binding`: a device of a user; `address` is its token at the push service."""

    account_sid: str
    sid: str
    chat_service_sid: str
    credential_sid: str
    identity: str
    endpoint: str
    address: str
    binding_type: str
    message_types: list[str]
    date_created: datetime
    date_updated: datetime


class Notifications(msgspec.Struct, kw_only=True):
    """A row of `notification_configuration`."""

    account_sid: str
    chat_service_sid: str
    log_enabled: bool
    new_message: dict[str, Any]
    added_to_conversation: dict[str, Any]
    removed_from_conversation: dict[str, Any]


def _values(row: type[msgspec.Struct]) -> str:
    return ", ".join(f"${n}" for n in range(1, len(row.__struct_fields__) + 1))


CREDENTIAL: Final = ", ".join(Credential.__struct_fields__)
BINDING: Final = ", ".join(Binding.__struct_fields__)
NOTIFICATIONS: Final = ", ".join(Notifications.__struct_fields__)

INSERT_CREDENTIAL: Final = f"INSERT INTO push_credential ({CREDENTIAL}) VALUES ({_values(Credential)})"
FETCH_CREDENTIAL: Final = f"SELECT {CREDENTIAL} FROM push_credential WHERE account_sid = $1 AND sid = $2"
LOCK_CREDENTIAL: Final = f"{FETCH_CREDENTIAL} FOR UPDATE"
LIST_CREDENTIALS: Final = f"""
SELECT {CREDENTIAL} FROM push_credential WHERE account_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"""
UPDATE_CREDENTIAL: Final = """
UPDATE push_credential SET friendly_name = $3, type = $4, sandbox = $5, secrets = $6, date_updated = $7
WHERE account_sid = $1 AND sid = $2"""
DELETE_CREDENTIAL: Final = "DELETE FROM push_credential WHERE account_sid = $1 AND sid = $2 RETURNING sid"

# A device that registers again keeps its row, whoever uses it now.
PUT_BINDING: Final = f"""
INSERT INTO push_binding ({BINDING}) VALUES ({_values(Binding)})
ON CONFLICT (account_sid, chat_service_sid, binding_type, address) DO UPDATE SET credential_sid = $4, identity = $5,
    endpoint = $6, message_types = $9, date_updated = $11
RETURNING {BINDING}"""
FETCH_BINDING: Final = f"""
SELECT {BINDING} FROM push_binding WHERE account_sid = $1 AND chat_service_sid = $2 AND sid = $3"""
LIST_BINDINGS: Final = f"""
SELECT {BINDING} FROM push_binding
WHERE account_sid = $1 AND chat_service_sid = $2 AND (cardinality($3::text[]) = 0 OR binding_type = ANY($3))
    AND (cardinality($4::text[]) = 0 OR identity = ANY($4)) AND sid > $5
ORDER BY sid LIMIT $6"""
DELETE_BINDING: Final = """
DELETE FROM push_binding WHERE account_sid = $1 AND chat_service_sid = $2 AND sid = $3 RETURNING identity"""
OWNER_OF_DEVICE: Final = """
SELECT identity FROM push_binding
WHERE account_sid = $1 AND chat_service_sid = $2 AND binding_type = $3 AND address = $4"""
OWNERS_BY_CREDENTIAL: Final = """
SELECT DISTINCT chat_service_sid, identity FROM push_binding WHERE account_sid = $1 AND credential_sid = $2"""
DELETE_BINDING_OF: Final = """
DELETE FROM push_binding
WHERE account_sid = $1 AND chat_service_sid = $2 AND identity = $3
    AND (sid = $4 OR (binding_type = $5 AND address = $6))
RETURNING sid"""

FETCH_NOTIFICATIONS: Final = f"""
SELECT {NOTIFICATIONS} FROM notification_configuration WHERE account_sid = $1 AND chat_service_sid = $2"""
PUT_NOTIFICATIONS: Final = f"""
INSERT INTO notification_configuration ({NOTIFICATIONS}) VALUES ({_values(Notifications)})
ON CONFLICT (account_sid, chat_service_sid) DO UPDATE SET log_enabled = $3, new_message = $4,
    added_to_conversation = $5, removed_from_conversation = $6"""


async def insert_credential(uow: UnitOfWork, row: Credential) -> None:
    """Insert a credential."""
    await uow.execute(INSERT_CREDENTIAL, *msgspec.structs.astuple(row))


async def fetch_credential(reader: Reader, sid: str) -> Credential | None:
    """Return a credential."""
    record = await reader.fetchrow(FETCH_CREDENTIAL, reader.account_sid, sid)
    return None if record is None else Credential(**record)


async def lock_credential(uow: UnitOfWork, sid: str) -> Credential | None:
    """Return a credential, locked."""
    record = await uow.fetchrow(LOCK_CREDENTIAL, uow.account_sid, sid)
    return None if record is None else Credential(**record)


async def page_of_credentials(reader: Reader, *, after: str, limit: int) -> list[Credential]:
    """Return credentials in the order of their making."""
    return [Credential(**row) for row in await reader.fetch(LIST_CREDENTIALS, reader.account_sid, after, limit)]


async def update_credential(uow: UnitOfWork, row: Credential) -> None:
    """Write a locked credential."""
    await uow.execute(
        UPDATE_CREDENTIAL,
        row.account_sid,
        row.sid,
        row.friendly_name,
        row.type,
        row.sandbox,
        row.secrets,
        row.date_updated,
    )


async def delete_credential(uow: UnitOfWork, sid: str) -> bool:
    """Delete a credential with the devices that need it; False when there is none."""
    return await uow.fetchval(DELETE_CREDENTIAL, uow.account_sid, sid) is not None


async def put_binding(uow: UnitOfWork, row: Binding) -> Binding:
    """Insert a device, or change the one with this address, and return the row."""
    record = await uow.fetchrow(PUT_BINDING, *msgspec.structs.astuple(row))
    if record is None:
        raise AssertionError("unreachable: an upsert returns its row")
    return Binding(**record)


async def fetch_binding(reader: Reader, chat_service_sid: str, sid: str) -> Binding | None:
    """Return a device of a service."""
    record = await reader.fetchrow(FETCH_BINDING, reader.account_sid, chat_service_sid, sid)
    return None if record is None else Binding(**record)


async def page_of_bindings(
    reader: Reader,
    chat_service_sid: str,
    *,
    types: Sequence[str],
    identities: Sequence[str],
    after: str,
    limit: int,
) -> list[Binding]:
    """Return devices in the order of their making; an empty filter takes all."""
    rows = await reader.fetch(
        LIST_BINDINGS, reader.account_sid, chat_service_sid, list(types), list(identities), after, limit
    )
    return [Binding(**row) for row in rows]


async def delete_binding(uow: UnitOfWork, chat_service_sid: str, sid: str) -> str | None:
    """Delete a device and return whose it was; None when there is none."""
    identity: str | None = await uow.fetchval(DELETE_BINDING, uow.account_sid, chat_service_sid, sid)
    return identity


async def owner_of_device(reader: Reader, chat_service_sid: str, binding_type: str, address: str) -> str | None:
    """Return the identity that uses a device."""
    identity: str | None = await reader.fetchval(
        OWNER_OF_DEVICE, reader.account_sid, chat_service_sid, binding_type, address
    )
    return identity


async def owners_by_credential(reader: Reader, credential_sid: str) -> list[tuple[str, str]]:
    """Return service and identity of those whose devices need a credential."""
    rows = await reader.fetch(OWNERS_BY_CREDENTIAL, reader.account_sid, credential_sid)
    return [(row["chat_service_sid"], row["identity"]) for row in rows]


async def delete_binding_of(
    uow: UnitOfWork, chat_service_sid: str, identity: str, *, sid: str = "", binding_type: str = "", address: str = ""
) -> bool:
    """Delete a user's own device by SID, or by type and address; False when there is none."""
    found = await uow.fetchval(
        DELETE_BINDING_OF, uow.account_sid, chat_service_sid, identity, sid, binding_type, address
    )
    return found is not None


async def fetch_notifications(reader: Reader, chat_service_sid: str) -> Notifications | None:
    """Return a service's notification settings."""
    record = await reader.fetchrow(FETCH_NOTIFICATIONS, reader.account_sid, chat_service_sid)
    return None if record is None else Notifications(**record)


async def put_notifications(uow: UnitOfWork, row: Notifications) -> None:
    """Write a service's notification settings."""
    await uow.execute(PUT_NOTIFICATIONS, *msgspec.structs.astuple(row))
