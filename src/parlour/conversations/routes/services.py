"""Operations of services, roles, users and configuration (conversations.md §7-9)."""

from parlour.conversations import roles, service_removal, services
from parlour.conversations.routes.common import (
    SERVICE,
    both,
    listing,
    operations,
    renderer,
    require_change,
    service_sid,
    sid_token,
)
from parlour.conversations.schemas import (
    CreateRole,
    CreateService,
    UpdateConfiguration,
    UpdateRole,
    UpdateServiceConfiguration,
)
from parlour.conversations.store import services as store
from parlour.conversations.store.services import Role, Service
from parlour.rest.operations import Answer, Call
from parlour.store.unit import Reader, UnitOfWork


@operations.post("/v1/Services", form=CreateService)
async def create_service(call: Call, form: CreateService) -> Answer:
    """Create a service."""
    row = await call.step(lambda uow: services.create(uow, friendly_name=form.friendly_name))
    return Answer(201, renderer(call).service(row))


@operations.get("/v1/Services")
async def list_services(call: Call, _form: object) -> Answer:
    """List services in the order of their making."""
    page = call.page(maximum=100)
    rows = await call.read(lambda reader: store.page_of_services(reader, after=sid_token(page), limit=page.size + 1))
    return listing(call, "services", rows, page, renderer(call).service, lambda row: row.sid)


async def _service(call: Call) -> Service:
    return await call.read(lambda reader: services.fetch(reader, call.path["ChatServiceSid"]))


@operations.get(SERVICE)
async def fetch_service(call: Call, _form: object) -> Answer:
    """Fetch a service."""
    return Answer(200, renderer(call).service(await _service(call)))


@operations.delete(SERVICE)
async def delete_service(call: Call, _form: object) -> Answer:
    """Delete a service."""
    await call.step(lambda uow: service_removal.remove(uow, call.path["ChatServiceSid"]))
    return Answer(204)


@operations.get(f"{SERVICE}/Configuration")
async def fetch_service_configuration(call: Call, _form: object) -> Answer:
    """Fetch the defaults of a service."""
    return Answer(200, renderer(call).service_configuration(await _service(call)))


@operations.post(f"{SERVICE}/Configuration", form=UpdateServiceConfiguration)
async def update_service_configuration(call: Call, form: UpdateServiceConfiguration) -> Answer:
    """Change the defaults of a service."""
    require_change(form)
    row = await call.step(
        lambda uow: services.configure_service(
            uow,
            call.path["ChatServiceSid"],
            creator_role_sid=form.default_conversation_creator_role_sid,
            conversation_role_sid=form.default_conversation_role_sid,
            service_role_sid=form.default_chat_service_role_sid,
            reachability_enabled=form.reachability_enabled,
        )
    )
    return Answer(200, renderer(call).service_configuration(row))


@operations.get("/v1/Configuration")
async def fetch_configuration(call: Call, _form: object) -> Answer:
    """Fetch the account's defaults."""
    return Answer(200, renderer(call).configuration(await call.read(services.configuration)))


@operations.post("/v1/Configuration", form=UpdateConfiguration)
async def update_configuration(call: Call, form: UpdateConfiguration) -> Answer:
    """Change the account's defaults."""
    require_change(form)
    row = await call.step(
        lambda uow: services.configure(
            uow,
            default_chat_service_sid=form.default_chat_service_sid,
            default_messaging_service_sid=form.default_messaging_service_sid,
            default_inactive_timer=form.default_inactive_timer,
            default_closed_timer=form.default_closed_timer,
        )
    )
    return Answer(200, renderer(call).configuration(row))


@operations.post(*both("/Roles"), form=CreateRole)
async def create_role(call: Call, form: CreateRole) -> Answer:
    """Create a role."""

    async def work(uow: UnitOfWork) -> Role:
        return await roles.create(
            uow,
            chat_service_sid=await service_sid(uow, call),
            friendly_name=form.friendly_name,
            type=form.type,
            permissions=form.permission,
        )

    return Answer(201, renderer(call).role(await call.step(work)))


@operations.get(*both("/Roles"))
async def list_roles(call: Call, _form: object) -> Answer:
    """List roles in the order of their making."""
    page = call.page(maximum=50)

    async def work(reader: Reader) -> list[Role]:
        sid = await service_sid(reader, call)
        return await store.page_of_roles(reader, sid, after=sid_token(page), limit=page.size + 1)

    return listing(call, "roles", await call.read(work), page, renderer(call).role, lambda row: row.sid)


@operations.get(*both("/Roles/{Sid}"))
async def fetch_role(call: Call, _form: object) -> Answer:
    """Fetch a role."""

    async def work(reader: Reader) -> Role:
        return await roles.fetch(reader, call.path["Sid"], chat_service_sid=await service_sid(reader, call))

    return Answer(200, renderer(call).role(await call.read(work)))


@operations.post(*both("/Roles/{Sid}"), form=UpdateRole)
async def update_role(call: Call, form: UpdateRole) -> Answer:
    """Replace the permissions of a role."""

    async def work(uow: UnitOfWork) -> Role:
        return await roles.update(
            uow, call.path["Sid"], chat_service_sid=await service_sid(uow, call), permissions=form.permission
        )

    return Answer(200, renderer(call).role(await call.step(work)))


@operations.delete(*both("/Roles/{Sid}"))
async def delete_role(call: Call, _form: object) -> Answer:
    """Delete a role."""

    async def work(uow: UnitOfWork) -> None:
        await roles.remove(uow, call.path["Sid"], chat_service_sid=await service_sid(uow, call))

    await call.step(work)
    return Answer(204)
