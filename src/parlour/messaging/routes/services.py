"""Operations of messaging services and their pools of numbers (channels.md §1.5)."""

from typing import Annotated, Final

import msgspec

from parlour.messaging import render, services
from parlour.messaging.services import Settings
from parlour.messaging.store import services as store
from parlour.messaging.store.services import PoolNumber
from parlour.rest.forms import Form, Limit, choice, ref
from parlour.rest.operations import Answer, Call, Operations
from parlour.store.unit import Reader, UnitOfWork

METHOD = Annotated[str, choice("GET", "POST")]
URL = Annotated[str, Limit(max=2048)]
USECASES: Final = ("notifications", "marketing", "verification", "discussion", "poll", "undeclared")
CARRIERS: Final = "the carrier converts what its networks do not take"
STORED_ONLY: Final = {
    "MmsConverter": CARRIERS,
    "SmartEncoding": "the text is sent as it is",
    "ScanMessageContent": "nothing is scanned here",
    "FallbackToLongCode": "obsolete in the contract; there are no short codes",
    "ValidityPeriod": "the carrier's own queue decides",
    "SynchronousValidation": "reserved in the contract",
}

operations = Operations("messaging")
own = Operations("parlour")


class UpdateService(Form):
    """What can be set of a service."""

    friendly_name: Annotated[str, Limit(max=64)] | None = None
    inbound_request_url: URL | None = None
    inbound_method: METHOD | None = None
    fallback_url: URL | None = None
    fallback_method: METHOD | None = None
    status_callback: URL | None = None
    sticky_sender: bool | None = None
    mms_converter: bool | None = None
    smart_encoding: bool | None = None
    scan_message_content: Annotated[str, choice("inherit", "enable", "disable")] | None = None
    fallback_to_long_code: bool | None = None
    area_code_geomatch: bool | None = None
    validity_period: Annotated[int, Limit(min=1, max=36_000)] | None = None
    synchronous_validation: bool | None = None
    usecase: Annotated[str, choice(*USECASES)] | None = None
    use_inbound_webhook_on_number: bool | None = None

    def settings(self) -> Settings:
        """Return what was given."""
        return Settings(**msgspec.structs.asdict(self))


class CreateService(UpdateService):
    """A service to make."""

    friendly_name: Annotated[str, Limit(max=64, min=1)]


class UpdateIntegration(Form):
    """What the contract has in its console only."""

    autocreate: bool


class AddNumber(Form):
    """A number for the pool."""

    phone_number_sid: Annotated[str, ref("PN")]


@operations.post("/v1/Services", form=CreateService, stored_only=STORED_ONLY)
async def create_service(call: Call, form: CreateService) -> Answer:
    """Make a messaging service."""
    row = await call.step(lambda uow: services.create(uow, form.settings()))
    return Answer(201, render.service(row, call.urls))


@operations.get("/v1/Services")
async def list_services(call: Call, _form: Form) -> Answer:
    """List messaging services, newest first."""
    page = call.page()
    rows = await call.read(lambda reader: store.page(reader, after=page.token, limit=page.size + 1))
    shown = [render.service(row, call.urls) for row in rows[: page.size]]
    more = rows[page.size - 1].sid if len(rows) > page.size else None
    return call.listing("services", shown, page, next_token=more)


@operations.get("/v1/Services/{Sid}")
async def fetch_service(call: Call, _form: Form) -> Answer:
    """Fetch a messaging service."""
    row = await call.read(lambda reader: services.fetch(reader, call.path["Sid"]))
    return Answer(200, render.service(row, call.urls))


@operations.post("/v1/Services/{Sid}", form=UpdateService, stored_only=STORED_ONLY)
async def update_service(call: Call, form: UpdateService) -> Answer:
    """Change a messaging service."""
    row = await call.step(lambda uow: services.update(uow, call.path["Sid"], form.settings()))
    return Answer(200, render.service(row, call.urls))


@operations.delete("/v1/Services/{Sid}")
async def delete_service(call: Call, _form: Form) -> Answer:
    """Delete a messaging service."""

    async def work(uow: UnitOfWork) -> None:
        await services.remove(uow, call.path["Sid"])

    await call.step(work)
    return Answer(204)


@own.get("/v1/MessagingServices/{Sid}")
async def fetch_integration(call: Call, _form: Form) -> Answer:
    """Say whether a text to the service that belongs to no conversation makes one."""
    row = await call.read(lambda reader: services.fetch(reader, call.path["Sid"]))
    return Answer(200, render.integration(row, call.urls))


@own.post("/v1/MessagingServices/{Sid}", form=UpdateIntegration)
async def update_integration(call: Call, form: UpdateIntegration) -> Answer:
    """Have conversations made of texts to the service, or no more."""
    given = Settings(autocreate=form.autocreate)
    row = await call.step(lambda uow: services.update(uow, call.path["Sid"], given))
    return Answer(200, render.integration(row, call.urls))


POOL: Final = "/v1/Services/{ServiceSid}/PhoneNumbers"


@operations.post(POOL, form=AddNumber)
async def add_number(call: Call, form: AddNumber) -> Answer:
    """Put a number into the pool."""
    row = await call.step(lambda uow: services.add_number(uow, call.path["ServiceSid"], form.phone_number_sid))
    return Answer(201, render.pool_number(row, call.urls))


@operations.get(POOL)
async def list_numbers(call: Call, _form: Form) -> Answer:
    """List the numbers of the pool, newest first."""
    page = call.page()
    service_sid = call.path["ServiceSid"]

    async def work(reader: Reader) -> list[PoolNumber]:
        await services.fetch(reader, service_sid)
        return await store.numbers_page(reader, service_sid, after=page.token, limit=page.size + 1)

    rows = await call.read(work)
    shown = [render.pool_number(row, call.urls) for row in rows[: page.size]]
    more = rows[page.size - 1].number_sid if len(rows) > page.size else None
    return call.listing("phone_numbers", shown, page, next_token=more)


@operations.get(f"{POOL}/{{Sid}}")
async def fetch_number(call: Call, _form: Form) -> Answer:
    """Fetch a number of the pool."""
    row = await call.read(lambda reader: services.fetch_number(reader, call.path["ServiceSid"], call.path["Sid"]))
    return Answer(200, render.pool_number(row, call.urls))


@operations.delete(f"{POOL}/{{Sid}}")
async def delete_number(call: Call, _form: Form) -> Answer:
    """Take a number out of the pool."""

    async def work(uow: UnitOfWork) -> None:
        await services.remove_number(uow, call.path["ServiceSid"], call.path["Sid"])

    await call.step(work)
    return Answer(204)
