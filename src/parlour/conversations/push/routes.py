"""Operations of push: credentials, devices and notification settings; registration is product `ers`."""

from typing import Any, Final

from parlour.accounts import grants
from parlour.conversations import permissions, services
from parlour.conversations.push import credentials, notifications, registrations, render, store
from parlour.conversations.push.schemas import (
    NOTHING_PUSHED,
    CreateCredential,
    ListBindings,
    UpdateCredential,
    UpdateNotifications,
)
from parlour.conversations.push.store import Binding
from parlour.conversations.routes.common import SERVICE, listing, require_change, sid_token
from parlour.kit.secrets_box import SecretsBox
from parlour.rest.errors import invalid_parameter
from parlour.rest.forms import plan_of
from parlour.rest.operations import TOKEN, Answer, Call, Operations
from parlour.store.unit import Reader, UnitOfWork

CREDENTIALS: Final = "/v1/Credentials"
BINDINGS: Final = f"{SERVICE}/Bindings"
NOTIFICATIONS: Final = f"{SERVICE}/Configuration/Notifications"
REGISTRATIONS: Final = "/v1/registrations"
STORED_CREDENTIAL: Final = dict.fromkeys(
    ("Type", "Certificate", "PrivateKey", "Sandbox", "ApiKey", "Secret"), NOTHING_PUSHED
)
STORED_NOTIFICATIONS: Final = dict.fromkeys(plan_of(UpdateNotifications).fields, NOTHING_PUSHED)


def make_operations(box: SecretsBox) -> list[Operations]:
    """Return the operations; secrets of credentials are sealed in `box`."""
    operations = Operations("conversations")
    _credentials(operations, box)
    _bindings(operations)
    _notifications(operations)
    return [operations, registering]


def _credentials(operations: Operations, box: SecretsBox) -> None:
    @operations.post(CREDENTIALS, form=CreateCredential, stored_only=STORED_CREDENTIAL)
    async def create_credential(call: Call, form: CreateCredential) -> Answer:
        """Create a credential."""
        row = await call.step(lambda uow: credentials.create(uow, box, form))
        return Answer(201, render.credential(row, call.urls))

    @operations.get(CREDENTIALS)
    async def list_credentials(call: Call, _form: object) -> Answer:
        """List credentials in the order of their making."""
        page = call.page(maximum=100)
        rows = await call.read(
            lambda reader: store.page_of_credentials(reader, after=sid_token(page), limit=page.size + 1)
        )
        return listing(
            call, "credentials", rows, page, lambda row: render.credential(row, call.urls), lambda row: row.sid
        )

    @operations.get(f"{CREDENTIALS}/{{Sid}}")
    async def fetch_credential(call: Call, _form: object) -> Answer:
        """Fetch a credential."""
        row = await call.read(lambda reader: credentials.fetch(reader, call.path["Sid"]))
        return Answer(200, render.credential(row, call.urls))

    @operations.post(f"{CREDENTIALS}/{{Sid}}", form=UpdateCredential, stored_only=STORED_CREDENTIAL)
    async def update_credential(call: Call, form: UpdateCredential) -> Answer:
        """Change a credential."""
        require_change(form)
        row = await call.step(lambda uow: credentials.update(uow, box, call.path["Sid"], form))
        return Answer(200, render.credential(row, call.urls))

    @operations.delete(f"{CREDENTIALS}/{{Sid}}")
    async def delete_credential(call: Call, _form: object) -> Answer:
        """Delete a credential."""
        await call.step(lambda uow: credentials.remove(uow, call.path["Sid"]))
        return Answer(204)


def _bindings(operations: Operations) -> None:
    @operations.get(BINDINGS, form=ListBindings)
    async def list_bindings(call: Call, form: ListBindings) -> Answer:
        """List the devices of a service."""
        page = call.page(maximum=100)

        async def work(reader: Reader) -> list[Binding]:
            service = await services.fetch(reader, call.path["ChatServiceSid"])
            return await registrations.page(
                reader,
                service.sid,
                types=form.binding_type,
                identities=form.identity,
                after=sid_token(page),
                limit=page.size + 1,
            )

        rows = await call.read(work)
        return listing(call, "bindings", rows, page, lambda row: render.binding(row, call.urls), lambda row: row.sid)

    @operations.get(f"{BINDINGS}/{{Sid}}")
    async def fetch_binding(call: Call, _form: object) -> Answer:
        """Fetch a device."""
        row = await call.read(lambda reader: registrations.fetch(reader, call.path["ChatServiceSid"], call.path["Sid"]))
        return Answer(200, render.binding(row, call.urls))

    @operations.delete(f"{BINDINGS}/{{Sid}}")
    async def delete_binding(call: Call, _form: object) -> Answer:
        """Delete a device."""
        await call.step(lambda uow: registrations.remove(uow, call.path["ChatServiceSid"], call.path["Sid"]))
        return Answer(204)


def _notifications(operations: Operations) -> None:
    @operations.get(NOTIFICATIONS)
    async def fetch_notifications(call: Call, _form: object) -> Answer:
        """Fetch a service's notification settings."""
        row = await call.read(lambda reader: notifications.fetch(reader, call.path["ChatServiceSid"]))
        return Answer(200, render.notifications(row, call.urls))

    @operations.post(NOTIFICATIONS, form=UpdateNotifications, stored_only=STORED_NOTIFICATIONS)
    async def update_notifications(call: Call, form: UpdateNotifications) -> Answer:
        """Change a service's notification settings."""
        require_change(form)
        row = await call.step(lambda uow: notifications.update(uow, call.path["ChatServiceSid"], form))
        return Answer(200, render.notifications(row, call.urls))


registering: Final = Operations("ers")


def _object(call: Call) -> dict[str, Any]:
    body = call.json()
    if not isinstance(body, dict):
        raise invalid_parameter("body", "must be a JSON object")
    return body


@registering.post(REGISTRATIONS, body="json", callers=TOKEN, rights=[permissions.REGISTER_DEVICE])
async def register(call: Call, _form: object) -> Answer:
    """Register a device of the token's user (realtime-protocol.md §12)."""
    chat = call.caller.grants.get("chat")
    grant = chat if isinstance(chat, dict) else {}
    body = _object(call)

    async def work(uow: UnitOfWork) -> Binding:
        service = await services.fetch(uow, grants.chat_service(call.caller))
        return await registrations.register(
            uow,
            chat_service_sid=service.sid,
            identity=grants.identity(call.caller),
            credential_sid=grant.get("push_credential_sid"),
            endpoint=grant.get("endpoint_id"),
            body=body,
        )

    return Answer(201, {"id": (await call.step(work)).sid})


@registering.delete(f"{REGISTRATIONS}/{{Sid}}", callers=TOKEN, rights=[permissions.REGISTER_DEVICE])
async def unregister(call: Call, _form: object) -> Answer:
    """Delete a device of the token's user."""
    await _unregister(call, sid=call.path["Sid"])
    return Answer(204)


@registering.delete(REGISTRATIONS, body="json", callers=TOKEN, rights=[permissions.REGISTER_DEVICE])
async def unregister_address(call: Call, _form: object) -> Answer:
    """Delete a device of the token's user by type and address."""
    body = _object(call)
    kind, address = body.get("binding_type"), body.get("address")
    if not isinstance(kind, str) or not isinstance(address, str):
        raise invalid_parameter("address", "binding_type and address must be texts")
    await _unregister(call, binding_type=kind, address=address)
    return Answer(204)


async def _unregister(call: Call, **which: str) -> None:
    await call.step(
        lambda uow: registrations.unregister(
            uow,
            chat_service_sid=grants.chat_service(call.caller),
            identity=grants.identity(call.caller),
            **which,
        )
    )
