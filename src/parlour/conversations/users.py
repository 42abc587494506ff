"""Users: the people of a service, made when their identity first appears (conversations.md §9)."""

from parlour.conversations import checks, errors, pre_events, roles
from parlour.conversations.events import API, Origin, listeners_of, wire
from parlour.conversations.store import reachability, webhook_configurations
from parlour.conversations.store import services as service_store
from parlour.conversations.store import users as store
from parlour.conversations.store.users import User
from parlour.outbox.facts import state
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork

__all__ = ["User", "announce", "create", "ensure", "fetch", "update"]


async def create(
    uow: UnitOfWork,
    *,
    chat_service_sid: str,
    identity: str,
    friendly_name: str | None = None,
    attributes: str = "{}",
    role_sid: str | None = None,
    origin: Origin = API,
) -> User:
    """Create a user. Errors: 50201 the identity has one, 50203-50207 identity, 50102 role, 50003, 50303, 50304."""
    checks.identity(identity)
    row = await _insert(uow, chat_service_sid, identity, friendly_name, attributes, role_sid)
    if row is None:
        raise errors.USER_EXISTS.error()
    await announce(uow, "user.added/1", row, origin)
    return row


async def ensure(uow: UnitOfWork, *, chat_service_sid: str, identity: str) -> User:
    """Return the user of an identity, made with the default service role if there is none yet."""
    found = await store.fetch(uow, chat_service_sid, identity)
    if found is not None and found.identity == identity:
        return found
    row = await _insert(uow, chat_service_sid, checks.identity(identity), None, "{}", None)
    if row is None:
        return await fetch(uow, identity, chat_service_sid=chat_service_sid)
    await announce(uow, "user.added/1", row, Origin(webhooks=True))
    return row


async def _insert(
    uow: UnitOfWork,
    chat_service_sid: str,
    identity: str,
    friendly_name: str | None,
    attributes: str,
    role_sid: str | None,
) -> User | None:
    service = await service_store.fetch_service(uow, chat_service_sid)
    if service is None:
        raise not_found(chat_service_sid)
    if role_sid is not None:
        await roles.check(uow, chat_service_sid=chat_service_sid, sid=role_sid, type="service")
    is_online, is_notifiable = None, None
    if service.reachability_enabled:  # a socket is open before its user is made
        is_online = await reachability.has_session(uow, chat_service_sid, identity) or None
        is_notifiable = await reachability.has_device(uow, chat_service_sid, identity) or None
    row = User(
        account_sid=uow.account_sid,
        sid=uow.new_sid("US"),
        chat_service_sid=chat_service_sid,
        identity=identity,
        role_sid=role_sid or service.default_chat_service_role_sid or "",
        friendly_name=checks.friendly_name(friendly_name),
        attributes=checks.attributes(attributes, maximum=checks.LONG_ATTRIBUTES_MAX),
        conversations_sid=uow.new_sid("MP"),
        info_sid=uow.new_sid("MP"),
        change=1,
        conversations_change=0,
        is_online=is_online,
        is_notifiable=is_notifiable,
        date_created=uow.now,
        date_updated=uow.now,
    )
    return row if await store.insert(uow, row) else None


async def announce(uow: UnitOfWork, kind: str, row: User, origin: Origin) -> None:
    """State a fact about a user."""
    snapshot = wire(row) | {
        "source": origin.source,
        "client_identity": origin.client_identity,
        "webhooks": origin.heard,
    }
    configured = await webhook_configurations.listener(uow, row.chat_service_sid) if origin.heard else None
    listeners = listeners_of({"webhooks": []}, origin, configured)
    await state(uow, kind, stream=row.sid, object_sid=row.sid, snapshot=snapshot, listeners=listeners)


async def fetch(reader: Reader, sid_or_identity: str, *, chat_service_sid: str) -> User:
    """Return a user by SID or identity. Error: 404/20404."""
    row = await store.fetch(reader, chat_service_sid, sid_or_identity)
    if row is None:
        raise not_found(sid_or_identity)
    return row


async def update(
    uow: UnitOfWork,
    sid_or_identity: str,
    *,
    chat_service_sid: str,
    friendly_name: str | None = None,
    attributes: str | None = None,
    role_sid: str | None = None,
    origin: Origin = API,
) -> User:
    """Change a user. Errors: 404/20404, 50102 role, 50003, 50303, 50304."""
    row = await store.lock(uow, chat_service_sid, sid_or_identity)
    if row is None:
        raise not_found(sid_or_identity)
    if friendly_name is not None:
        row.friendly_name = checks.friendly_name(friendly_name)
    if attributes is not None:
        row.attributes = checks.attributes(attributes, maximum=checks.LONG_ATTRIBUTES_MAX)
    if role_sid is not None:
        row.role_sid = (await roles.check(uow, chat_service_sid=chat_service_sid, sid=role_sid, type="service")).sid
    row.date_updated = uow.now
    await pre_events.ask(
        uow,
        "onUserUpdate",
        origin,
        chat_service_sid=row.chat_service_sid,
        stream=row.sid,
        snapshot=lambda: wire(row),
    )
    await store.update(uow, row)
    await announce(uow, "user.updated/1", row, origin)
    return row
