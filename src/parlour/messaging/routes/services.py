"""Operations of messaging services and their pools, product `messaging` (channels.md §1.5)."""

from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from parlour.messaging import render, services
from parlour.messaging.store import services as store
from parlour.messaging.store.services import Pooled
from parlour.rest.errors import invalid_parameter
from parlour.rest.forms import Form, Limit, choice
from parlour.rest.operations import Answer, Call, Operations
from parlour.store.unit import Reader, UnitOfWork

LIST: Final = "/v1/Services"
INSTANCE: Final = f"{LIST}/{{Sid}}"
POOL: Final = f"{LIST}/{{ServiceSid}}/PhoneNumbers"
URLS: Final = ("inbound_request_url", "fallback_url", "status_callback")
NO_WEBHOOK: Final = "texts are told to conversations, not to messaging webhooks"
AS_IT_IS: Final = "the text is sent as it is"
STORED: Final = {
    **dict.fromkeys(
        ("InboundRequestUrl", "InboundMethod", "FallbackUrl", "FallbackMethod", "UseInboundWebhookOnNumber"), NO_WEBHOOK
    ),
    "StatusCallback": "status callbacks of direct messages; read the message instead",
    "MmsConverter": AS_IT_IS,
    "SmartEncoding": AS_IT_IS,
    "FallbackToLongCode": "obsolete in the contract",
    "ScanMessageContent": "reserved in the contract",
    "SynchronousValidation": "reserved in the contract",
    "ValidityPeriod": "the carrier's own queue decides",
    "Usecase": "a description",
}
METHOD = Annotated[str, choice("GET", "POST")]
Url = Annotated[str, Limit(max=2048)]

operations = Operations("messaging")


class WriteService(Form):
    """What can be changed of a service."""

    friendly_name: Annotated[str, Limit(max=64, min=1)] | None = None
    inbound_request_url: Url | None = None
    inbound_method: METHOD | None = None
    fallback_url: Url | None = None
    fallback_method: METHOD | None = None
    status_callback: Url | None = None
    sticky_sender: bool | None = None
    mms_converter: bool | None = None
    smart_encoding: bool | None = None
    scan_message_content: Annotated[str, choice("inherit", "enable", "disable")] | None = None
    fallback_to_long_code: bool | None = None
    area_code_geomatch: bool | None = None
    validity_period: Annotated[int, Limit(min=1, max=36000)] | None = None
    synchronous_validation: bool | None = None
    usecase: (
        Annotated[str, choice("notifications", "marketing", "verification", "discussion", "poll", "undeclared")] | None
    ) = None
    use_inbound_webhook_on_number: bool | None = None


class CreateService(WriteService, kw_only=True):
    """A new service."""

    friendly_name: Annotated[str, Limit(max=64, min=1)]


class AddNumber(Form):
    """A number for the pool."""

    phone_number_sid: str


def _given(form: WriteService) -> dict[str, Any]:
    """Return what was given; an empty URL clears it. Error: 20001, no URL."""
    given = {name: value for name, value in msgspec.structs.asdict(form).items() if value is not None}
    for name in URLS:
        if name not in given:
            continue
        parts = urlsplit(given[name])
        if given[name] and (parts.scheme not in ("http", "https") or not parts.hostname):
            parameter = "".join(word.capitalize() for word in name.split("_"))
            raise invalid_parameter(parameter, f"'{given[name][:200]}' is not an HTTP URL")
        given[name] = given[name] or None
    return given


@operations.post(LIST, form=CreateService, stored_only=STORED)
async def create_service(call: Call, form: CreateService) -> Answer:
    """Create a messaging service."""
    given = _given(form)
    return Answer(201, render.service(await call.step(lambda uow: services.create(uow, **given)), call.urls))


@operations.get(LIST)
async def list_services(call: Call, _form: Form) -> Answer:
    """List messaging services in the order of their making."""
    page = call.page()
    rows = await call.read(lambda reader: store.page(reader, after=page.token or "", limit=page.size + 1))
    shown = rows[: page.size]
    return call.listing(
        "services",
        [render.service(row, call.urls) for row in shown],
        page,
        next_token=shown[-1].sid if len(rows) > page.size else None,
    )


@operations.get(INSTANCE)
async def fetch_service(call: Call, _form: Form) -> Answer:
    """Fetch a messaging service."""
    row = await call.read(lambda reader: services.fetch(reader, call.path["Sid"]))
    return Answer(200, render.service(row, call.urls))


@operations.post(INSTANCE, form=WriteService, stored_only=STORED)
async def update_service(call: Call, form: WriteService) -> Answer:
    """Change a messaging service."""
    given = _given(form)
    row = await call.step(lambda uow: services.update(uow, call.path["Sid"], **given))
    return Answer(200, render.service(row, call.urls))


@operations.delete(INSTANCE)
async def delete_service(call: Call, _form: Form) -> Answer:
    """Delete a messaging service."""
    await call.step(lambda uow: services.remove(uow, call.path["Sid"]))
    return Answer(204)


@operations.post(POOL, form=AddNumber)
async def add_number(call: Call, form: AddNumber) -> Answer:
    """Put a number into the pool."""

    async def work(uow: UnitOfWork) -> Pooled:
        return await services.add_number(uow, call.path["ServiceSid"], form.phone_number_sid)

    return Answer(201, render.pooled(await call.step(work), call.urls))


@operations.get(POOL)
async def list_numbers(call: Call, _form: Form) -> Answer:
    """List the numbers of the pool."""
    page = call.page()

    async def work(reader: Reader) -> list[Pooled]:
        service = await services.fetch(reader, call.path["ServiceSid"])
        return await store.page_of_numbers(reader, service.sid, after=page.token or "", limit=page.size + 1)

    rows = await call.read(work)
    shown = rows[: page.size]
    return call.listing(
        "phone_numbers",
        [render.pooled(row, call.urls) for row in shown],
        page,
        next_token=shown[-1].sid if len(rows) > page.size else None,
    )


@operations.get(f"{POOL}/{{Sid}}")
async def fetch_number(call: Call, _form: Form) -> Answer:
    """Fetch a number of the pool."""
    row = await call.read(lambda reader: services.fetch_number(reader, call.path["ServiceSid"], call.path["Sid"]))
    return Answer(200, render.pooled(row, call.urls))


@operations.delete(f"{POOL}/{{Sid}}")
async def remove_number(call: Call, _form: Form) -> Answer:
    """Take a number out of the pool."""
    await call.step(lambda uow: services.remove_number(uow, call.path["ServiceSid"], call.path["Sid"]))
    return Answer(204)
