"""Requests and answers of the carrier's HTTP side."""

from __future__ import annotations

import asyncio
import base64
import binascii
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from . import segments
from .carrier import Carrier
from .ledger import Media, Message, Number
from .refusal import Refused

BODY_MAX_BYTES = 16 * 1024 * 1024
ERROR_MESSAGES = {
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30007: "Message filtered",
}


class BrokenOff(Response):
    """No answer: waits `hold_s` (or until the caller is gone), then breaks the connection in mid-answer."""

    def __init__(self, hold_s: float) -> None:
        super().__init__(status_code=201)
        self._hold_s = hold_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then send a head whose body never comes."""
        if self._hold_s:
            try:
                await asyncio.wait_for(_gone(receive), self._hold_s)
            except TimeoutError:
                pass
            else:
                return
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"4096")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def form_of(request: Request) -> list[tuple[str, str]]:
    """Return the form's pairs in order; errors: Refused 20001 on another content type."""
    kind = request.headers.get("content-type", "").split(";", 1)[0].strip()
    body = await body_of(request)
    if body and kind != "application/x-www-form-urlencoded":
        raise Refused(20001, 400, "the body must be application/x-www-form-urlencoded")
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)


async def body_of(request: Request) -> bytes:
    """Return the body; errors: Refused 413 over 16 MB."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            raise Refused(20413, 413, "the body is too large")
    return body


def authenticate(request: Request, carrier: Carrier) -> None:
    """Check Basic authentication by account SID and token; errors: Refused 20003, 20404."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        user, password = "", ""
    if scheme.lower() != "basic" or (user, password) != (carrier.account_sid, carrier.auth_token):
        raise Refused(20003, 401, "Authenticate")
    if request.path_params["account"] != carrier.account_sid:
        raise Refused(20404, 404, f"The requested resource {request.url.path} was not found")


def refusal(error: Refused) -> Response:
    """The contract's error body."""
    headers = {"WWW-Authenticate": 'Basic realm="carrier"'} if error.status == 401 else {}
    return JSONResponse(
        {
            "code": error.code,
            "message": str(error),
            "more_info": f"https://www.twilio.com/docs/errors/{error.code}",
            "status": error.status,
        },
        error.status,
        headers,
    )


def date(at: float | None) -> str | None:
    """RFC 2822, as in `Thu, 24 Aug 2023 05:01:45 +0000`."""
    return None if at is None else formatdate(at).replace("-0000", "+0000")


def message(carrier: Carrier, one: Message) -> dict[str, Any]:
    """The Message resource."""
    uri = f"/2010-04-01/Accounts/{carrier.account_sid}/Messages/{one.sid}"
    status = "delivered" if not one.inbound and one.status == "delivered" else one.status
    return {
        "account_sid": carrier.account_sid,
        "api_version": "2010-04-01",
        "body": one.body,
        "date_created": date(one.created),
        "date_sent": date(one.sent),
        "date_updated": date(one.updated),
        "direction": one.direction,
        "error_code": one.error_code,
        "error_message": ERROR_MESSAGES.get(one.error_code or 0),
        "from": one.sender,
        "messaging_service_sid": None,
        "num_media": str(len(carrier.ledger.media_of(one.sid))),
        "num_segments": str(segments.count(one.body)),
        "price": None,
        "price_unit": "USD",
        "sid": one.sid,
        "status": status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": one.recipient,
        "uri": f"{uri}.json",
    }


def media(carrier: Carrier, one: Media) -> dict[str, Any]:
    """The Media resource."""
    return {
        "sid": one.sid,
        "account_sid": carrier.account_sid,
        "parent_sid": one.message_sid,
        "content_type": one.content_type,
        "date_created": date(one.created),
        "date_updated": date(one.created),
        "uri": f"/2010-04-01/Accounts/{carrier.account_sid}/Messages/{one.message_sid}/Media/{one.sid}.json",
    }


def number(carrier: Carrier, one: Number) -> dict[str, Any]:
    """The IncomingPhoneNumber resource (the part that is about messages)."""
    return {
        "sid": one.sid,
        "account_sid": carrier.account_sid,
        "phone_number": one.phone_number,
        "friendly_name": one.friendly_name,
        "sms_url": one.sms_url,
        "sms_method": one.sms_method,
        "status_callback": one.status_callback,
        "capabilities": {"voice": False, "sms": True, "mms": True, "fax": False},
        "status": "in-use",
        "api_version": "2010-04-01",
        "date_created": date(one.created),
        "date_updated": date(one.created),
        "uri": f"/2010-04-01/Accounts/{carrier.account_sid}/IncomingPhoneNumbers/{one.sid}.json",
    }


def listing(
    carrier: Carrier,
    key: str,
    items: list[dict[str, Any]],
    *,
    path: str,
    page: int,
    size: int,
    query: dict[str, str],
    next_token: str | None,
) -> dict[str, Any]:
    """The list envelope of the 2010 API (channels.md §1.1)."""

    def link(number: int, token: str | None) -> str:
        extra = {"PageSize": str(size), "Page": str(number), **({"PageToken": token} if token else {})}
        return f"{path}?{urlencode({**query, **extra})}"

    return {
        "end": page * size + max(len(items) - 1, 0),
        "first_page_uri": link(0, None),
        "next_page_uri": link(page + 1, next_token) if next_token else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": None,
        key: items,
        "start": page * size,
        "uri": link(page, None),
    }
