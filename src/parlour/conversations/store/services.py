"""Rows of services, their roles and users, and of the account's configuration."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("IS", "chat_service", where="removed_at IS NULL")
refs.register("RL", "chat_role")
refs.register("US", "chat_user")


class Service(msgspec.Struct, kw_only=True):
    """A row of `chat_service`."""

    account_sid: str
    sid: str
    friendly_name: str
    default_conversation_creator_role_sid: str | None
    default_conversation_role_sid: str | None
    default_chat_service_role_sid: str | None
    reachability_enabled: bool
    date_created: datetime
    date_updated: datetime


class Configuration(msgspec.Struct, kw_only=True):
    """A row of `conversations_configuration`."""

    account_sid: str
    default_chat_service_sid: str
    default_messaging_service_sid: str | None
    default_inactive_timer: str | None
    default_closed_timer: str | None
    date_updated: datetime


class Role(msgspec.Struct, kw_only=True):
    """A row of `chat_role`."""

    account_sid: str
    sid: str
    chat_service_sid: str
    friendly_name: str
    type: str
    permissions: list[str]
    date_created: datetime
    date_updated: datetime


SERVICE_COLUMNS: Final = ", ".join(Service.__struct_fields__)
CONFIGURATION_COLUMNS: Final = ", ".join(Configuration.__struct_fields__)
ROLE_COLUMNS: Final = ", ".join(Role.__struct_fields__)

INSERT_SERVICE: Final = f"""
INSERT INTO chat_service ({SERVICE_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
FETCH_SERVICE: Final = f"""
SELECT {SERVICE_COLUMNS} FROM chat_service WHERE account_sid = $1 AND sid = $2 AND removed_at IS NULL"""
LOCK_SERVICE: Final = FETCH_SERVICE + " FOR UPDATE"
LIST_SERVICES: Final = f"""
SELECT {SERVICE_COLUMNS} FROM chat_service
WHERE account_sid = $1 AND sid > $2 AND removed_at IS NULL ORDER BY sid LIMIT $3"""
UPDATE_SERVICE: Final = """
UPDATE chat_service SET default_conversation_creator_role_sid = $3, default_conversation_role_sid = $4,
    default_chat_service_role_sid = $5, reachability_enabled = $6, date_updated = $7
WHERE account_sid = $1 AND sid = $2"""
REMOVE_SERVICE: Final = "UPDATE chat_service SET removed_at = $3 WHERE account_sid = $1 AND sid = $2"
ADDRESS_WITH_SERVICE: Final = """
SELECT sid FROM address_configuration WHERE account_sid = $1 AND conversation_service_sid = $2 ORDER BY sid LIMIT 1"""
DEFAULT_SERVICE_SID: Final = """
SELECT default_chat_service_sid FROM conversations_configuration WHERE account_sid = $1"""
PUT_CONFIGURATION: Final = f"""
INSERT INTO conversations_configuration ({CONFIGURATION_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (account_sid) DO UPDATE SET default_chat_service_sid = $2, default_messaging_service_sid = $3,
    default_inactive_timer = $4, default_closed_timer = $5, date_updated = $6"""
FETCH_CONFIGURATION: Final = f"SELECT {CONFIGURATION_COLUMNS} FROM conversations_configuration WHERE account_sid = $1"
LOCK_CONFIGURATION: Final = FETCH_CONFIGURATION + " FOR UPDATE"
INSERT_ROLE: Final = f"INSERT INTO chat_role ({ROLE_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
FETCH_ROLE: Final = f"""
SELECT {ROLE_COLUMNS} FROM chat_role WHERE account_sid = $1 AND chat_service_sid = $2 AND sid = $3"""
LOCK_ROLE: Final = FETCH_ROLE + " FOR UPDATE"
ROLE_BY_NAME: Final = f"""
SELECT {ROLE_COLUMNS} FROM chat_role
WHERE account_sid = $1 AND chat_service_sid = $2 AND friendly_name = $3 AND type = $4 ORDER BY sid LIMIT 1"""
LIST_ROLES: Final = f"""
SELECT {ROLE_COLUMNS} FROM chat_role
WHERE account_sid = $1 AND chat_service_sid = $2 AND sid > $3 ORDER BY sid LIMIT $4"""
UPDATE_ROLE: Final = "UPDATE chat_role SET permissions = $3, date_updated = $4 WHERE account_sid = $1 AND sid = $2"
DELETE_ROLE: Final = "DELETE FROM chat_role WHERE account_sid = $1 AND sid = $2"
ROLE_IN_USE: Final = """
SELECT EXISTS (SELECT 1 FROM chat_user WHERE account_sid = $1 AND role_sid = $2)
    OR EXISTS (SELECT 1 FROM participant WHERE account_sid = $1 AND role_sid = $2 AND removed_at IS NULL)
    OR EXISTS (SELECT 1 FROM chat_service WHERE account_sid = $1
        AND $2 IN (default_conversation_creator_role_sid, default_conversation_role_sid,
            default_chat_service_role_sid))"""


async def insert_service(uow: UnitOfWork, row: Service) -> None:
    """Insert a service."""
    await uow.execute(INSERT_SERVICE, *msgspec.structs.astuple(row))


async def fetch_service(reader: Reader, sid: str) -> Service | None:
    """Return a service."""
    record = await reader.fetchrow(FETCH_SERVICE, reader.account_sid, sid)
    return None if record is None else Service(**record)


async def lock_service(uow: UnitOfWork, sid: str) -> Service | None:
    """Lock a service and return it as it is now."""
    record = await uow.fetchrow(LOCK_SERVICE, uow.account_sid, sid)
    return None if record is None else Service(**record)


async def page_of_services(reader: Reader, *, after: str, limit: int) -> list[Service]:
    """Return services in the order of their making."""
    return [Service(**row) for row in await reader.fetch(LIST_SERVICES, reader.account_sid, after, limit)]


async def update_service(uow: UnitOfWork, row: Service) -> None:
    """Write a service's configuration."""
    await uow.execute(
        UPDATE_SERVICE,
        row.account_sid,
        row.sid,
        row.default_conversation_creator_role_sid,
        row.default_conversation_role_sid,
        row.default_chat_service_role_sid,
        row.reachability_enabled,
        row.date_updated,
    )


async def remove_service(uow: UnitOfWork, sid: str) -> None:
    """Hide a locked service."""
    await uow.execute(REMOVE_SERVICE, uow.account_sid, sid, uow.now)


async def address_with_service(reader: Reader, sid: str) -> str | None:
    """Return the SID of an address configuration that makes conversations in a service."""
    found: str | None = await reader.fetchval(ADDRESS_WITH_SERVICE, reader.account_sid, sid)
    return found


async def default_service_sid(reader: Reader) -> str | None:
    """Return the SID of the account's default service."""
    sid: str | None = await reader.fetchval(DEFAULT_SERVICE_SID, reader.account_sid)
    return sid


async def put_configuration(uow: UnitOfWork, row: Configuration) -> None:
    """Write the account's configuration."""
    await uow.execute(PUT_CONFIGURATION, *msgspec.structs.astuple(row))


async def fetch_configuration(reader: Reader) -> Configuration | None:
    """Return the account's configuration."""
    record = await reader.fetchrow(FETCH_CONFIGURATION, reader.account_sid)
    return None if record is None else Configuration(**record)


async def lock_configuration(uow: UnitOfWork) -> Configuration | None:
    """Lock the account's configuration and return it as it is now."""
    record = await uow.fetchrow(LOCK_CONFIGURATION, uow.account_sid)
    return None if record is None else Configuration(**record)


def _role(record: asyncpg.Record | None) -> Role | None:
    return None if record is None else Role(**record)


async def insert_role(uow: UnitOfWork, row: Role) -> None:
    """Insert a role."""
    await uow.execute(INSERT_ROLE, *msgspec.structs.astuple(row))


async def fetch_role(reader: Reader, chat_service_sid: str, sid: str) -> Role | None:
    """Return a role of a service."""
    return _role(await reader.fetchrow(FETCH_ROLE, reader.account_sid, chat_service_sid, sid))


async def lock_role(uow: UnitOfWork, chat_service_sid: str, sid: str) -> Role | None:
    """Lock a role and return it as it is now."""
    return _role(await uow.fetchrow(LOCK_ROLE, uow.account_sid, chat_service_sid, sid))


async def role_by_name(reader: Reader, chat_service_sid: str, friendly_name: str, role_type: str) -> Role | None:
    """Return the oldest role with a name and type."""
    record = await reader.fetchrow(ROLE_BY_NAME, reader.account_sid, chat_service_sid, friendly_name, role_type)
    return _role(record)


async def page_of_roles(reader: Reader, chat_service_sid: str, *, after: str, limit: int) -> list[Role]:
    """Return roles in the order of their making."""
    return [Role(**row) for row in await reader.fetch(LIST_ROLES, reader.account_sid, chat_service_sid, after, limit)]


async def update_role(uow: UnitOfWork, row: Role) -> None:
    """Write a role's permissions."""
    await uow.execute(UPDATE_ROLE, row.account_sid, row.sid, row.permissions, row.date_updated)


async def role_in_use(reader: Reader, sid: str) -> bool:
    """Tell whether a user, a participant or a service's default has the role."""
    return bool(await reader.fetchval(ROLE_IN_USE, reader.account_sid, sid))


async def delete_role(uow: UnitOfWork, sid: str) -> None:
    """Delete a role."""
    await uow.execute(DELETE_ROLE, uow.account_sid, sid)
