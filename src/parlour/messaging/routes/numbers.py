"""Operations of IncomingPhoneNumbers (channels.md §1.5)."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from parlour.messaging import errors, numbers, render
from parlour.messaging.store import numbers as store
from parlour.rest.forms import Form, Limit, choice
from parlour.rest.operations import Answer, Call, Operations
from parlour.store.unit import UnitOfWork

BASE: Final = "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers"
VOICE: Final = "there is no voice here"
REGULATED: Final = "the regulator's papers stay with the carrier"
REFUSED: Final = {
    **dict.fromkeys(
        (
            "VoiceApplicationSid",
            "VoiceCallerIdLookup",
            "VoiceFallbackMethod",
            "VoiceFallbackUrl",
            "VoiceMethod",
            "VoiceReceiveMode",
            "VoiceUrl",
            "TrunkSid",
            "EmergencyStatus",
            "EmergencyAddressSid",
            "StatusCallback",
            "StatusCallbackMethod",
        ),
        VOICE,
    ),
    **dict.fromkeys(("IdentitySid", "AddressSid", "BundleSid"), REGULATED),
    "SmsApplicationSid": "applications",
}
TYPES: Final = {"Local": "local", "Mobile": "mobile", "TollFree": "toll free"}
Render = Callable[[store.Number], dict[str, Any]]
METHOD = Annotated[str, choice("GET", "POST")]

operations = Operations("api")


class UpdateNumber(Form):
    """What can be changed of a number."""

    friendly_name: Annotated[str, Limit(max=64)] | None = None
    sms_url: Annotated[str, Limit(max=2048)] | None = None
    sms_method: METHOD | None = None
    sms_fallback_url: Annotated[str, Limit(max=2048)] | None = None
    sms_fallback_method: METHOD | None = None
    api_version: Annotated[str, choice("2010-04-01", "2008-08-01")] | None = None


class CreateNumber(UpdateNumber):
    """A number to attach."""

    phone_number: str = ""


class ListNumbers(Form):
    """Filters; `PhoneNumber` is a part of a number, `*` stands for any digit."""

    phone_number: str | None = None
    friendly_name: str | None = None
    beta: bool | None = None
    origin: Annotated[str, choice("twilio", "hosted")] | None = None


def _creator(
    number_type: str, shown: Render = render.number_of_type
) -> Callable[[Call, CreateNumber], Awaitable[Answer]]:
    async def create_number(call: Call, form: CreateNumber) -> Answer:
        """Attach a number."""
        if not form.phone_number:
            raise errors.NUMBER_MISSING

        async def work(uow: UnitOfWork) -> store.Number:
            return await numbers.create(
                uow,
                phone_number=form.phone_number,
                friendly_name=form.friendly_name or "",
                sms_url=form.sms_url or "",
                sms_method=form.sms_method or "POST",
                sms_fallback_url=form.sms_fallback_url or "",
                sms_fallback_method=form.sms_fallback_method or "POST",
                type=number_type,
                api_version=form.api_version or numbers.API_VERSION,
            )

        return Answer(201, shown(await call.step(work)))

    return create_number


def _lister(number_type: str | None) -> Callable[[Call, ListNumbers], Awaitable[Answer]]:
    rendered = render.number if number_type is None else render.number_of_type

    async def list_numbers(call: Call, form: ListNumbers) -> Answer:
        """List numbers, newest first."""
        page = call.page()
        token = page.token.removeprefix("PA") if page.token else None
        if form.origin == "twilio" or form.beta:
            return call.listing_2010("incoming_phone_numbers", [], page, None)
        rows = await call.read(
            lambda reader: store.page(
                reader,
                pattern=_pattern(form.phone_number),
                friendly_name=form.friendly_name,
                number_type=number_type,
                after=token,
                limit=page.size + 1,
            )
        )
        shown = rows[: page.size]
        return call.listing_2010(
            "incoming_phone_numbers",
            [rendered(row) for row in shown],
            page,
            f"PA{shown[-1].sid}" if len(rows) > page.size else None,
        )

    return list_numbers


def _pattern(text: str | None) -> str | None:
    if not text:
        return None
    plain = text.replace("\\", "").replace("%", "").replace("_", "")
    return f"%{plain.replace('*', '_')}%"


operations.post(f"{BASE}.json", form=CreateNumber, refused={**REFUSED, "AreaCode": "numbers are given, not bought"})(
    _creator("local", render.number)
)
operations.get(f"{BASE}.json", form=ListNumbers)(_lister(None))
for _path, _type in TYPES.items():
    operations.post(f"{BASE}/{_path}.json", form=CreateNumber, refused=REFUSED)(_creator(_type))
    operations.get(f"{BASE}/{_path}.json", form=ListNumbers)(_lister(_type))


@operations.get(f"{BASE}/{{Sid}}.json")
async def fetch_number(call: Call, _form: Form) -> Answer:
    """Fetch a number."""
    return Answer(200, render.number(await call.read(lambda reader: numbers.fetch(reader, call.path["Sid"]))))


@operations.post(f"{BASE}/{{Sid}}.json", form=UpdateNumber, refused={**REFUSED, "AccountSid": "one account per number"})
async def update_number(call: Call, form: UpdateNumber) -> Answer:
    """Change a number."""
    row = await call.step(
        lambda uow: numbers.update(
            uow,
            call.path["Sid"],
            friendly_name=form.friendly_name,
            sms_url=form.sms_url,
            sms_method=form.sms_method,
            sms_fallback_url=form.sms_fallback_url,
            sms_fallback_method=form.sms_fallback_method,
            api_version=form.api_version,
        )
    )
    return Answer(200, render.number(row))


@operations.delete(f"{BASE}/{{Sid}}.json")
async def delete_number(call: Call, _form: Form) -> Answer:
    """Give a number back."""

    async def work(uow: UnitOfWork) -> None:
        await numbers.remove(uow, call.path["Sid"])

    await call.step(work)
    return Answer(204)
