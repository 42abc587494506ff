"""Services and the account's configuration (conversations.md §1.2, §8.3)."""

from parlour.conversations import checks, errors, reachability, roles, timers
from parlour.conversations.store import services as store
from parlour.conversations.store.services import Configuration, Service
from parlour.messaging import services as messaging_services
from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork

__all__ = [
    "Configuration",
    "Service",
    "configuration",
    "configure",
    "configure_service",
    "create",
    "create_default",
    "default_sid",
    "fetch",
]


async def create(uow: UnitOfWork, *, friendly_name: str) -> Service:
    """Create a service with the four roles that every service has (conversations.md §7.2). Errors: 50000, 50003."""
    return await _create(uow, friendly_name, roles.PLAIN_ROLES, default_conversation_role="channel user")


async def create_default(uow: UnitOfWork) -> Service:
    """Create an account's default service, with the roles of Flex, and its configuration."""
    service = await _create(
        uow, "Default Conversations Service", roles.PLAIN_ROLES | roles.FLEX_ROLES, default_conversation_role="guest"
    )
    messaging_service = await messaging_services.oldest(uow)
    await store.put_configuration(
        uow,
        Configuration(
            account_sid=uow.account_sid,
            default_chat_service_sid=service.sid,
            default_messaging_service_sid=messaging_service.sid if messaging_service else None,
            default_inactive_timer=None,
            default_closed_timer=None,
            date_updated=uow.now,
        ),
    )
    return service


async def _create(
    uow: UnitOfWork,
    friendly_name: str,
    table: dict[tuple[str, str], tuple[str, ...]],
    *,
    default_conversation_role: str,
) -> Service:
    if not friendly_name:
        raise errors.FRIENDLY_NAME_MISSING.error()
    checks.friendly_name(friendly_name)
    row = Service(
        account_sid=uow.account_sid,
        sid=uow.new_sid("IS"),
        friendly_name=friendly_name,
        default_conversation_creator_role_sid=None,
        default_conversation_role_sid=None,
        default_chat_service_role_sid=None,
        reachability_enabled=False,
        date_created=uow.now,
        date_updated=uow.now,
    )
    await store.insert_service(uow, row)
    made: dict[tuple[str, str], str] = {}
    for (name, role_type), permissions in table.items():
        role = await roles.create(
            uow, chat_service_sid=row.sid, friendly_name=name, type=role_type, permissions=permissions
        )
        made[name, role_type] = role.sid
    row.default_conversation_creator_role_sid = made["channel admin", "conversation"]
    row.default_conversation_role_sid = made[default_conversation_role, "conversation"]
    row.default_chat_service_role_sid = made["service user", "service"]
    await store.update_service(uow, row)
    return row


async def default_sid(reader: Reader) -> str:
    """Return the SID of the account's default service."""
    sid = await store.default_service_sid(reader)
    if sid is None:
        raise not_found("the default Conversations service")
    return sid


async def fetch(reader: Reader, sid: str) -> Service:
    """Return a service. Error: 404/20404."""
    row = await store.fetch_service(reader, sid)
    if row is None:
        raise not_found(sid)
    return row


async def configure_service(
    uow: UnitOfWork,
    sid: str,
    *,
    creator_role_sid: str | None = None,
    conversation_role_sid: str | None = None,
    service_role_sid: str | None = None,
    reachability_enabled: bool | None = None,
) -> Service:
    """Change a service's defaults. Errors: 404/20404, 50109 and 50102 roles of another type or service."""
    row = await store.lock_service(uow, sid)
    if row is None:
        raise not_found(sid)
    if creator_role_sid is not None:
        await roles.check(
            uow,
            chat_service_sid=sid,
            sid=creator_role_sid,
            type="conversation",
            name="DefaultConversationCreatorRoleSid",
        )
        row.default_conversation_creator_role_sid = creator_role_sid
    if conversation_role_sid is not None:
        await roles.check(
            uow, chat_service_sid=sid, sid=conversation_role_sid, type="conversation", name="DefaultConversationRoleSid"
        )
        row.default_conversation_role_sid = conversation_role_sid
    if service_role_sid is not None:
        await roles.check(
            uow, chat_service_sid=sid, sid=service_role_sid, type="service", name="DefaultChatServiceRoleSid"
        )
        row.default_chat_service_role_sid = service_role_sid
    if reachability_enabled is not None and reachability_enabled != row.reachability_enabled:
        row.reachability_enabled = reachability_enabled
        await reachability.switched(uow, sid, on=reachability_enabled)
    row.date_updated = uow.now
    await store.update_service(uow, row)
    return row


async def configuration(reader: Reader) -> Configuration:
    """Return the account's configuration."""
    row = await store.fetch_configuration(reader)
    if row is None:
        raise not_found("the account's Conversations configuration")
    return row


async def configure(
    uow: UnitOfWork,
    *,
    default_chat_service_sid: str | None = None,
    default_messaging_service_sid: str | None = None,
    default_inactive_timer: str | None = None,
    default_closed_timer: str | None = None,
) -> Configuration:
    """Change the account's defaults, which conversations made from now on take.

    Errors: 20001 unknown service, 50340-50342 messaging service, 50375, 50376, 50379, 50380 timers.
    """
    row = await store.lock_configuration(uow)
    if row is None:
        raise not_found("the account's Conversations configuration")
    if default_chat_service_sid is not None:
        if await store.fetch_service(uow, default_chat_service_sid) is None:
            raise invalid_parameter("DefaultChatServiceSid", f"{default_chat_service_sid} was not found")
        row.default_chat_service_sid = default_chat_service_sid
    if default_messaging_service_sid is not None:
        row.default_messaging_service_sid = await checks.messaging_service(
            uow, default_messaging_service_sid, "DefaultMessagingServiceSid"
        )
    if default_inactive_timer is not None:
        row.default_inactive_timer = default_inactive_timer if timers.inactive_seconds(default_inactive_timer) else None
    if default_closed_timer is not None:
        row.default_closed_timer = default_closed_timer if timers.closed_seconds(default_closed_timer) else None
    row.date_updated = uow.now
    await store.put_configuration(uow, row)
    return row


async def forget_messaging_service(uow: UnitOfWork, sid: str) -> None:
    """Leave the account without a default messaging service when the one it had is removed."""
    row = await store.lock_configuration(uow)
    if row is not None and row.default_messaging_service_sid == sid:
        row.default_messaging_service_sid = None
        row.date_updated = uow.now
        await store.put_configuration(uow, row)
