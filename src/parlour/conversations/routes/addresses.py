"""Operations of address configurations (conversations.md §8.1)."""

from parlour.conversations import addresses
from parlour.conversations.addresses import AutoCreation
from parlour.conversations.routes.common import listing, operations, renderer, require_change, sid_token
from parlour.conversations.schemas import AutoCreationForm, CreateAddress, ListAddresses
from parlour.conversations.store import addresses as store
from parlour.rest.operations import Answer, Call

LIST = "/v1/Configuration/Addresses"
INSTANCE = f"{LIST}/{{Sid}}"


def _auto_creation(form: AutoCreationForm) -> AutoCreation:
    return AutoCreation(
        enabled=form.enabled,
        type=form.auto_creation_type,
        conversation_service_sid=form.conversation_service_sid,
        webhook_url=form.webhook_url,
        webhook_method=form.webhook_method,
        webhook_filters=form.webhook_filters or None,
        studio_flow_sid=form.studio_flow_sid,
        studio_retry_count=form.studio_retry_count,
    )


@operations.post(LIST, form=CreateAddress)
async def create_address(call: Call, form: CreateAddress) -> Answer:
    """Configure an address."""
    row = await call.step(
        lambda uow: addresses.create(
            uow,
            type=form.type,
            address=form.address,
            friendly_name=form.friendly_name,
            auto_creation=_auto_creation(form),
            address_country=form.address_country,
        )
    )
    return Answer(201, renderer(call).address(row))


@operations.get(LIST, form=ListAddresses)
async def list_addresses(call: Call, form: ListAddresses) -> Answer:
    """List address configurations in the order of their making."""
    page = call.page(maximum=50)
    kind = form.type.lower() if form.type else None
    rows = await call.read(
        lambda reader: store.page(reader, address_type=kind, after=sid_token(page), limit=page.size + 1)
    )
    return listing(call, "address_configurations", rows, page, renderer(call).address, lambda row: row.sid)


@operations.get(INSTANCE)
async def fetch_address(call: Call, _form: object) -> Answer:
    """Fetch an address configuration by SID or address."""
    row = await call.read(lambda reader: addresses.fetch(reader, call.path["Sid"]))
    return Answer(200, renderer(call).address(row))


@operations.post(INSTANCE, form=AutoCreationForm)
async def update_address(call: Call, form: AutoCreationForm) -> Answer:
    """Change an address configuration."""
    require_change(form)
    row = await call.step(
        lambda uow: addresses.update(
            uow, call.path["Sid"], friendly_name=form.friendly_name, auto_creation=_auto_creation(form)
        )
    )
    return Answer(200, renderer(call).address(row))


@operations.delete(INSTANCE)
async def delete_address(call: Call, _form: object) -> Answer:
    """Delete an address configuration."""
    await call.step(lambda uow: addresses.remove(uow, call.path["Sid"]))
    return Answer(204)
