"""Operations of the message log, and of sending directly (channels.md §1.2)."""

from datetime import datetime
from typing import Annotated, Final

from parlour.messaging import dates, errors, media, orders, render
from parlour.messaging.orders import Order
from parlour.messaging.store import log as store
from parlour.messaging.store.log import Filter, LoggedMessage
from parlour.rest.errors import not_found
from parlour.rest.forms import Form, Limit, choice, param, ref
from parlour.rest.operations import Answer, Call, Operations
from parlour.store.unit import UnitOfWork

BASE: Final = "/2010-04-01/Accounts/{AccountSid}/Messages"
SCHEDULES: Final = "texts are sent at once"
REFUSED: Final = {
    "ScheduleType": SCHEDULES,
    "SendAt": SCHEDULES,
    "FallbackFrom": "there is no RCS to fall back from",
    "ApplicationSid": "applications",
    "PersistentAction": "channels other than SMS",
    "ValidityPeriod": "the carrier's own queue decides",
    "SmartEncoded": "the text is sent as it is",
    "SendAsMms": "a message with media is an MMS",
}
IGNORED: Final = (
    "ShortenUrls",
    "ProvideFeedback",
    "Attempt",
    "ContentRetention",
    "AddressRetention",
    "TrafficType",
    "RiskCheck",
    "ForceDelivery",
    "MaxPrice",
    "MessageIntent",
)

operations = Operations("api")


class CreateMessage(Form):
    """A direct order."""

    to: str = ""
    sender: str = param("From", default="")
    body: str = ""
    media_url: list[str] = param("MediaUrl", default_factory=list)
    messaging_service_sid: Annotated[str, ref("MG", code=21701)] | None = None
    status_callback: Annotated[str, Limit(max=2048)] | None = None
    content_sid: str | None = None
    content_variables: str | None = None


class ListMessages(Form):
    """Filters; the sign is part of the name: `DateSent>=2008-01-02` arrives as `DateSent>`."""

    to: str | None = None
    sender: str | None = param("From")
    date_sent: str | None = None
    sent_after: str | None = param("DateSent>")
    sent_before: str | None = param("DateSent<")


class UpdateMessage(Form):
    """Redact with an empty body, or cancel."""

    body: str | None = None
    status: Annotated[str, choice("canceled")] | None = None


@operations.post(f"{BASE}.json", form=CreateMessage, refused=REFUSED, ignored=IGNORED)
async def create_message(call: Call, form: CreateMessage) -> Answer:
    """Send a text directly."""
    given = Order(
        to=form.to,
        sender=form.sender,
        body=form.body,
        media_urls=form.media_url,
        messaging_service_sid=form.messaging_service_sid or None,
        status_callback=form.status_callback or None,
    )
    sid, variables = form.content_sid or "", form.content_variables
    order = await call.read(lambda reader: orders.filled(reader, given, sid, variables))
    orders.check(order)
    return Answer(201, render.message(await call.step(lambda uow: orders.place(uow, order))))


@operations.get(f"{BASE}.json", form=ListMessages)
async def list_messages(call: Call, form: ListMessages) -> Answer:
    """List messages, newest first."""
    page = call.page()
    after = None
    if page.token is not None:
        if len(page.token) != 36 or page.token[:4] not in ("PASM", "PAMM"):
            raise errors.BAD_PAGE_TOKEN
        after = page.token[4:]
    which = _filter(form)
    rows = await call.read(lambda reader: store.page(reader, which, after=after, limit=page.size + 1))
    shown = rows[: page.size]
    return call.listing_2010(
        "messages",
        [render.message(row) for row in shown],
        page,
        f"PA{shown[-1].sid}" if len(rows) > page.size else None,
    )


def _filter(form: ListMessages) -> Filter:
    begins: list[datetime] = []
    ends: list[datetime] = []
    if form.date_sent:
        begin, end = dates.span("DateSent", form.date_sent)
        begins.append(begin)
        ends.append(end)
    if form.sent_after:
        begins.append(dates.span("DateSent>", form.sent_after)[0])
    if form.sent_before:
        ends.append(dates.span("DateSent<", form.sent_before)[1])
    return Filter(
        to=form.to or None,
        sender=form.sender or None,
        sent_from=max(begins, default=None),
        sent_before=min(ends, default=None),
    )


@operations.get(f"{BASE}/{{Sid}}.json")
async def fetch_message(call: Call, _form: Form) -> Answer:
    """Fetch one message."""
    row = await call.read(lambda reader: store.fetch(reader, call.path["Sid"]))
    if row is None:
        raise not_found(call.path["Sid"])
    return Answer(200, render.message(row))


@operations.post(f"{BASE}/{{Sid}}.json", form=UpdateMessage)
async def update_message(call: Call, form: UpdateMessage) -> Answer:
    """Redact the body, or cancel what is not sent yet (30409)."""

    async def work(uow: UnitOfWork) -> LoggedMessage:
        row = await store.lock(uow, call.path["Sid"])
        if row is None:
            raise not_found(call.path["Sid"])
        if form.status is not None:
            raise errors.NOT_CANCELABLE
        if form.body is not None:
            if form.body:
                raise errors.BODY_NOT_EMPTY
            row.body = ""
            row.date_updated = uow.now
            store.update(uow, row)
        return row

    return Answer(200, render.message(await call.step(work)))


@operations.delete(f"{BASE}/{{Sid}}.json")
async def delete_message(call: Call, _form: Form) -> Answer:
    """Delete a message from the log."""

    async def work(uow: UnitOfWork) -> None:
        if not await store.delete(uow, call.path["Sid"]):
            raise not_found(call.path["Sid"])
        await media.remove_of_message(uow, call.path["Sid"])

    await call.step(work)
    return Answer(204)
