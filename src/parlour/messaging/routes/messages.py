"""Operations of the message log, and of sending directly (channels.md §1.2)."""

from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

from parlour.content import templates
from parlour.messaging import dates, errors, log, media, numbers, render, services
from parlour.messaging.store import log as store
from parlour.messaging.store import services as service_store
from parlour.messaging.store.log import Filter, LoggedMessage
from parlour.rest.errors import not_found
from parlour.rest.forms import Form, Limit, choice, param, ref
from parlour.rest.operations import Answer, Call, Operations
from parlour.store.unit import Reader, UnitOfWork

BASE: Final = "/2010-04-01/Accounts/{AccountSid}/Messages"
BODY_MAX: Final = 1600  # characters
MEDIA_MAX: Final = 10
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
    form = await call.read(lambda reader: _filled(reader, form))
    _check(form)

    return Answer(201, render.message(await call.step(lambda uow: _order(uow, form))))


async def _filled(reader: Reader, form: CreateMessage) -> CreateMessage:
    """Put what a content template says in place of body and media. Errors: 21654 template, 21656 its values."""
    if not form.content_sid:
        if form.content_variables:
            raise errors.bad_content("")
        return form
    content = await templates.named(reader, form.content_sid)
    if content is None:
        raise errors.bad_content(form.content_sid)
    try:
        said = templates.rendered(content, templates.values(form.content_variables))
    except ValueError as error:
        raise errors.BAD_CONTENT_VARIABLES from error
    if said is None:
        raise errors.bad_content(form.content_sid)
    return msgspec.structs.replace(form, body=said.body or "", media_url=said.media)


async def _order(uow: UnitOfWork, form: CreateMessage) -> LoggedMessage:
    service_sid, callback = form.messaging_service_sid or None, form.status_callback or None
    service = await services.fetch(uow, service_sid) if service_sid else None
    if form.sender:
        if await numbers.by_number(uow, form.sender) is None:
            raise errors.bad_from(form.sender)
        holder = await services.of_number(uow, form.sender) if service else None
        if service is not None and (holder is None or holder.sid != service.sid):
            raise errors.not_in_pool(form.sender, service.sid)
        return await log.queue(
            uow,
            from_address=form.sender,
            to_address=form.to,
            body=form.body,
            media_urls=form.media_url,
            messaging_service_sid=service_sid,
            status_callback=callback or (service.status_callback if service else None),
        )
    if service is None:
        raise errors.FROM_MISSING
    if not await service_store.pool_size(uow, service.sid):
        raise errors.SERVICE_WITHOUT_NUMBER
    return await log.accept(
        uow, service, to_address=form.to, body=form.body, media_urls=form.media_url, status_callback=callback
    )


def _check(form: CreateMessage) -> None:
    if not form.to:
        raise errors.TO_MISSING
    if not form.sender and not form.messaging_service_sid:
        raise errors.FROM_MISSING
    if not numbers.is_phone_number(form.to):
        raise errors.bad_to(form.to)
    if form.to == form.sender:
        raise errors.SAME_TO_AND_FROM
    if not form.body and not form.media_url:
        raise errors.BODY_MISSING
    if len(form.body) > BODY_MAX:
        raise errors.BODY_TOO_LONG
    if len(form.media_url) > MEDIA_MAX:
        raise errors.TOO_MANY_MEDIA
    for url in form.media_url:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise errors.bad_media_url(url)
    if form.status_callback and not _can_be_called(form.status_callback):
        raise errors.bad_status_callback(form.status_callback)


def _can_be_called(url: str) -> bool:
    return services.is_url(url) and "_" not in (urlsplit(url).hostname or "")


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
