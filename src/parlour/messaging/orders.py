"""Direct orders: a text to one recipient, from a number or through a messaging service (channels.md §1.2, §1.4)."""

from typing import Final
from urllib.parse import urlsplit

import msgspec

from parlour.content import templates
from parlour.messaging import errors, log, numbers, services
from parlour.messaging.store import services as service_store
from parlour.messaging.store.log import LoggedMessage
from parlour.store.unit import Reader, UnitOfWork

BODY_MAX: Final = 1600  # characters
MEDIA_MAX: Final = 10


class Order(msgspec.Struct, kw_only=True, frozen=True):
    """What is asked for.

    :ivar sender: empty where the messaging service is to choose one.
    :ivar media_urls: where the carrier fetches the files.
    """

    to: str
    sender: str = ""
    body: str = ""
    media_urls: list[str] = []
    messaging_service_sid: str | None = None
    status_callback: str | None = None


async def filled(reader: Reader, order: Order, content_sid: str, variables: str | None) -> Order:
    """Put what a content template says in place of body and media.

    Errors: 21654 template, 21656 its values.
    """
    if not content_sid:
        if variables:
            raise errors.bad_content("")
        return order
    content = await templates.named(reader, content_sid)
    if content is None:
        raise errors.bad_content(content_sid)
    try:
        said = templates.rendered(content, templates.values(variables))
    except ValueError as error:
        raise errors.BAD_CONTENT_VARIABLES from error
    if said is None:
        raise errors.bad_content(content_sid)
    return msgspec.structs.replace(order, body=said.body or "", media_urls=said.media)


def check(order: Order) -> None:
    """Refuse what no carrier could be given.

    Errors: 21604, 21211, 63031 recipient; 21603 no sender; 21602, 21617 body; 21620, 21623 media; 21609 callback.
    """
    if not order.to:
        raise errors.TO_MISSING
    if not order.sender and not order.messaging_service_sid:
        raise errors.FROM_MISSING
    if not numbers.is_phone_number(order.to):
        raise errors.bad_to(order.to)
    if order.to == order.sender:
        raise errors.SAME_TO_AND_FROM
    if not order.body and not order.media_urls:
        raise errors.BODY_MISSING
    if len(order.body) > BODY_MAX:
        raise errors.BODY_TOO_LONG
    if len(order.media_urls) > MEDIA_MAX:
        raise errors.TOO_MANY_MEDIA
    for url in order.media_urls:
        if not is_media_url(url):
            raise errors.bad_media_url(url)
    if order.status_callback and not _can_be_called(order.status_callback):
        raise errors.bad_status_callback(order.status_callback)


def is_media_url(url: str) -> bool:
    """Say whether a file can be fetched at an address."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _can_be_called(url: str) -> bool:
    return services.is_url(url) and "_" not in (urlsplit(url).hostname or "")


async def place(uow: UnitOfWork, order: Order) -> LoggedMessage:
    """Log a checked order, and have it sent.

    Errors: 21606 sender, 21704 a service without numbers, 404/20404 no such service.
    """
    service_sid = order.messaging_service_sid or None
    service = await services.fetch(uow, service_sid) if service_sid else None
    if order.sender:
        if await numbers.by_number(uow, order.sender) is None:
            raise errors.bad_from(order.sender)
        holder = await services.of_number(uow, order.sender) if service else None
        if service is not None and (holder is None or holder.sid != service.sid):
            raise errors.not_in_pool(order.sender, service.sid)
        return await log.queue(
            uow,
            from_address=order.sender,
            to_address=order.to,
            body=order.body,
            media_urls=order.media_urls,
            messaging_service_sid=service_sid,
            status_callback=order.status_callback or (service.status_callback if service else None),
        )
    if service is None:
        raise errors.FROM_MISSING
    if not await service_store.pool_size(uow, service.sid):
        raise errors.SERVICE_WITHOUT_NUMBER
    return await log.accept(
        uow,
        service,
        to_address=order.to,
        body=order.body,
        media_urls=order.media_urls,
        status_callback=order.status_callback,
    )
