"""SQL of who is reachable: open sockets, devices, and what users show of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from parlour.store.unit import Reader, UnitOfWork

# Who opens or ends a socket holds up a change of the setting meanwhile, so that none is overlooked by it.
ENABLED: Final = """
SELECT reachability_enabled FROM chat_service
WHERE account_sid = $1 AND sid = $2 AND removed_at IS NULL FOR SHARE"""
INSERT_SESSION: Final = """
INSERT INTO chat_session (account_sid, sid, chat_service_sid, identity, process, opened_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_sid, sid) DO NOTHING"""
REMOVE_SESSION: Final = "DELETE FROM chat_session WHERE account_sid = $1 AND sid = $2"
HAS_SESSION: Final = """
SELECT EXISTS (SELECT FROM chat_session WHERE account_sid = $1 AND chat_service_sid = $2 AND identity = $3)"""
HAS_DEVICE: Final = """
SELECT EXISTS (SELECT FROM push_binding WHERE account_sid = $1 AND chat_service_sid = $2 AND identity = $3)"""
SHOW: Final = """
UPDATE chat_user SET is_online = $3, is_notifiable = $4, change = change + 1
WHERE account_sid = $1 AND sid = $2 RETURNING change"""
SHOW_ALL: Final = """
UPDATE chat_user u SET change = change + 1,
    is_online = CASE WHEN u.identity = ANY($3) THEN TRUE END,
    is_notifiable = CASE WHEN u.identity = ANY($4) THEN TRUE END
WHERE account_sid = $1 AND chat_service_sid = $2 AND (u.identity = ANY($3) OR u.identity = ANY($4))"""
SHOW_NONE: Final = """
UPDATE chat_user SET change = change + 1, is_online = NULL, is_notifiable = NULL
WHERE account_sid = $1 AND chat_service_sid = $2 AND (is_online IS NOT NULL OR is_notifiable IS NOT NULL)"""
ONLINE: Final = "SELECT DISTINCT identity FROM chat_session WHERE account_sid = $1 AND chat_service_sid = $2"
NOTIFIABLE: Final = "SELECT DISTINCT identity FROM push_binding WHERE account_sid = $1 AND chat_service_sid = $2"


async def enabled(uow: UnitOfWork, chat_service_sid: str) -> bool | None:
    """Tell whether a service shows who is reachable, which stays so until the unit ends; None: no such service."""
    found: bool | None = await uow.fetchval(ENABLED, uow.account_sid, chat_service_sid)
    return found


async def insert_session(
    uow: UnitOfWork, sid: str, *, chat_service_sid: str, identity: str, process: int, opened_at: datetime
) -> None:
    """Write an open socket; ``opened_at`` is real time."""
    await uow.execute(INSERT_SESSION, uow.account_sid, sid, chat_service_sid, identity, process, opened_at)


async def remove_session(uow: UnitOfWork, sid: str) -> None:
    """Remove a socket."""
    await uow.execute(REMOVE_SESSION, uow.account_sid, sid)


async def has_session(reader: Reader, chat_service_sid: str, identity: str) -> bool:
    """Tell whether an identity has an open socket."""
    return bool(await reader.fetchval(HAS_SESSION, reader.account_sid, chat_service_sid, identity))


async def has_device(reader: Reader, chat_service_sid: str, identity: str) -> bool:
    """Tell whether an identity has a registered device."""
    return bool(await reader.fetchval(HAS_DEVICE, reader.account_sid, chat_service_sid, identity))


async def show(uow: UnitOfWork, sid: str, *, is_online: bool | None, is_notifiable: bool | None) -> int:
    """Write what a locked user shows, and return its change number."""
    return int(await uow.fetchval(SHOW, uow.account_sid, sid, is_online, is_notifiable))


async def show_all(uow: UnitOfWork, chat_service_sid: str) -> None:
    """Have the users of a service show their open sockets and devices."""
    online: Sequence[str] = [row[0] for row in await uow.fetch(ONLINE, uow.account_sid, chat_service_sid)]
    notifiable: Sequence[str] = [row[0] for row in await uow.fetch(NOTIFIABLE, uow.account_sid, chat_service_sid)]
    await uow.execute(SHOW_ALL, uow.account_sid, chat_service_sid, online, notifiable)


async def show_none(uow: UnitOfWork, chat_service_sid: str) -> None:
    """Have the users of a service show nothing."""
    await uow.execute(SHOW_NONE, uow.account_sid, chat_service_sid)
