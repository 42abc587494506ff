"""The worker and the Conversations user of somebody who signs in (flex.md §3.1, taskrouter.md §5)."""

from typing import Any

from parlour.conversations import roles as chat_roles
from parlour.conversations import users as chat_users
from parlour.flex.sign_in.store import DesktopUser
from parlour.flex.sign_in.users import lead_role
from parlour.flex.store import Configuration
from parlour.kit.wire import decode_json, json_text
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import workers
from parlour.taskrouter.rows import Worker

# Which defaults of the configuration a new worker takes; it has none of its own for administrators.
DEFAULTS_OF = {"agent": "agent", "supervisor": "supervisor", "admin": "supervisor"}


async def ensure(uow: UnitOfWork, user: DesktopUser, configuration: Configuration) -> Worker:
    """Return the worker of a user, made at the first sign-in; name and roles follow the user's.

    :param configuration: its worker attributes and channels are the defaults of new workers.
    """
    workspace_sid = configuration.taskrouter_workspace_sid
    own = {"full_name": user.full_name, "roles": user.roles}
    known = await workers.by_name(uow, workspace_sid, user.identity)
    if known is None:
        return await _make(uow, user, configuration, own)
    attributes = decode_json(known.attributes or "{}")
    if attributes == attributes | own:
        return known
    return await workers.update(uow, workspace_sid, known.sid, attributes=json_text(attributes | own))


async def _make(uow: UnitOfWork, user: DesktopUser, configuration: Configuration, own: dict[str, Any]) -> Worker:
    kind = DEFAULTS_OF[lead_role(user.roles)]
    defaults = (configuration.settings.get("taskrouter_worker_attributes") or {}).get(kind) or {}
    attributes = {"contact_uri": f"client:{user.identity}", **defaults, **own}
    workspace_sid = configuration.taskrouter_workspace_sid
    made = await workers.create(uow, workspace_sid, friendly_name=user.identity, attributes=json_text(attributes))
    for channel in (configuration.settings.get("taskrouter_worker_channels") or {}).get(kind) or []:
        await workers.update_channel(
            uow,
            workspace_sid,
            made.sid,
            channel["name"],
            capacity=channel.get("capacity"),
            available=channel.get("availability"),
        )
    return made


async def ensure_chat_user(uow: UnitOfWork, user: DesktopUser, service_sid: str) -> None:
    """Make the Conversations user of a desktop user, with their name and the service role of their lead role."""
    known = await chat_users.ensure(uow, chat_service_sid=service_sid, identity=user.identity)
    role = await chat_roles.by_name(
        uow, chat_service_sid=service_sid, friendly_name=lead_role(user.roles), type="service"
    )
    role_sid = known.role_sid if role is None else role.sid
    if known.friendly_name != user.full_name or known.role_sid != role_sid:
        await chat_users.update(
            uow, known.sid, chat_service_sid=service_sid, friendly_name=user.full_name, role_sid=role_sid
        )
