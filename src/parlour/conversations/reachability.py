"""Who is reachable: online while a socket is open, notifiable while a device is registered (conversations.md §9).

Users show it where the configuration of their service has ``ReachabilityEnabled``, from then on; else it is null.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from parlour.conversations import users
from parlour.conversations.events import SDK, Origin
from parlour.conversations.store import reachability as store
from parlour.conversations.store import users as user_store
from parlour.conversations.store.users import User
from parlour.outbox.timers import cancel, schedule
from parlour.store.unit import UnitOfWork

HANDLER: Final = "conversations.reachability_grace_over"
GRACE: Final = timedelta(seconds=10)  # domain time: clients whose line broke are back within seconds


async def opened(
    uow: UnitOfWork, sid: str, *, chat_service_sid: str, identity: str, process: int, at: datetime
) -> None:
    """Write a client's open socket: its user is online.

    :param process: number of the server that holds it.
    :param at: real time.
    """
    enabled = await store.enabled(uow, chat_service_sid)
    if enabled is None:
        return  # a client of no service is refused whatever it asks for
    user = await _locked(uow, chat_service_sid, identity)
    await store.insert_session(
        uow, sid, chat_service_sid=chat_service_sid, identity=identity, process=process, opened_at=at
    )
    if enabled and user is not None:
        if user.is_online:
            await cancel(uow, _lane(user.sid))
        await _show(uow, user, is_online=True, is_notifiable=user.is_notifiable)


async def closed(uow: UnitOfWork, sid: str, *, chat_service_sid: str, identity: str, gone: bool) -> None:
    """Remove a client's socket; with the last one the user goes offline.

    :param gone: whether the client said goodbye; else it has some seconds to come back.
    """
    enabled = await store.enabled(uow, chat_service_sid)
    user = await _locked(uow, chat_service_sid, identity)
    await store.remove_session(uow, sid)
    if not enabled or user is None or not user.is_online or await store.has_session(uow, chat_service_sid, identity):
        return
    await cancel(uow, _lane(user.sid))
    if gone:
        await _show(uow, user, is_online=False, is_notifiable=user.is_notifiable)
        return
    payload = {"chat_service_sid": chat_service_sid, "identity": identity}
    schedule(uow, HANDLER, lane=_lane(user.sid), at=uow.now + GRACE, payload=payload)


async def grace_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Show a user as offline whose lost socket was not replaced."""
    chat_service_sid, identity = str(payload["chat_service_sid"]), str(payload["identity"])
    enabled = await store.enabled(uow, chat_service_sid)
    user = await _locked(uow, chat_service_sid, identity)
    if enabled and user is not None and user.is_online:
        online = await store.has_session(uow, chat_service_sid, identity)
        await _show(uow, user, is_online=online, is_notifiable=user.is_notifiable)


async def devices_changed(uow: UnitOfWork, chat_service_sid: str, identities: Iterable[str]) -> None:
    """Look again whether users have devices, after some were registered or removed."""
    if not await store.enabled(uow, chat_service_sid):
        return
    for identity in sorted(set(identities)):
        user = await _locked(uow, chat_service_sid, identity)
        if user is not None:
            has = await store.has_device(uow, chat_service_sid, identity)
            never = not has and user.is_notifiable is None
            await _show(uow, user, is_online=user.is_online, is_notifiable=None if never else has)


async def switched(uow: UnitOfWork, chat_service_sid: str, *, on: bool) -> None:
    """Show who is reachable in a locked service from now on, or no more."""
    await (store.show_all if on else store.show_none)(uow, chat_service_sid)


async def _locked(uow: UnitOfWork, chat_service_sid: str, identity: str) -> User | None:
    found = await user_store.lock(uow, chat_service_sid, identity)
    return found if found is not None and found.identity == identity else None


async def _show(uow: UnitOfWork, user: User, *, is_online: bool | None, is_notifiable: bool | None) -> None:
    if (user.is_online, user.is_notifiable) == (is_online, is_notifiable):
        return
    user.is_online, user.is_notifiable = is_online, is_notifiable
    user.change = await store.show(uow, user.sid, is_online=is_online, is_notifiable=is_notifiable)
    await users.announce(uow, "user.updated/1", user, Origin(source=SDK, client_identity=user.identity))


def _lane(user_sid: str) -> str:
    return f"timer:reachability:{user_sid}"
