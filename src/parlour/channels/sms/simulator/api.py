"""The carrier's REST side: what an account calls (channels.md §1.2, §7.1)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import wire
from .carrier import Carrier
from .faults import Rule
from .ledger import Message
from .refusal import Refused
from .settings import Order

Operation = Callable[[Request], Awaitable[Response]]

E164 = re.compile(r"(?:whatsapp:)?\+[1-9]\d{6,14}|messenger:[\w.-]+")
BODY_MAX = 1600
MEDIA_MAX = 10
PAGE_MAX = 1000


def routes(carrier: Carrier) -> list[Route]:
    """The operations of this carrier."""
    api = Api(carrier)
    base = "/2010-04-01/Accounts/{account}"
    return [
        Route(f"{base}/Messages.json", api.answer(api.create), methods=["POST"]),
        Route(f"{base}/Messages.json", api.answer(api.list_messages), methods=["GET"]),
        Route(f"{base}/Messages/{{sid}}.json", api.answer(api.fetch), methods=["GET"]),
        Route(f"{base}/Messages/{{sid}}/Media.json", api.answer(api.list_media), methods=["GET"]),
        Route(f"{base}/Messages/{{sid}}/Media/{{media}}.json", api.answer(api.fetch_media), methods=["GET"]),
        Route(f"{base}/Messages/{{sid}}/Media/{{media}}", api.answer(api.media_bytes), methods=["GET"]),
        Route(f"{base}/IncomingPhoneNumbers.json", api.answer(api.put_number), methods=["POST"]),
        Route(f"{base}/IncomingPhoneNumbers.json", api.answer(api.list_numbers), methods=["GET"]),
        Route(f"{base}/IncomingPhoneNumbers/{{sid}}.json", api.answer(api.put_number), methods=["POST"]),
        Route(f"{base}/IncomingPhoneNumbers/{{sid}}.json", api.answer(api.fetch_number), methods=["GET"]),
    ]


class Api:
    """The operations over one carrier."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._bounced: set[str] = set()

    def answer(self, operation: Operation) -> Operation:
        """Wrap an operation with authentication and the error body."""

        async def endpoint(request: Request) -> Response:
            try:
                wire.authenticate(request, self._carrier)
                answer = await operation(request)
            except Refused as error:
                if error.status != 401:
                    self._carrier.ledger.book("api.refused", None, code=error.code, status=error.status, why=str(error))
                return wire.refusal(error)
            return answer

        return endpoint

    async def _disturb(self, rules: list[Rule]) -> Response | None:
        """Do what the faults before the work ask for; an answer ends the operation."""
        for rule in rules:
            self._carrier.ledger.book("fault", None, op=rule.match.op, action=rule.action)
            if rule.action == "delay":
                await asyncio.sleep(rule.ms / 1000)
            elif rule.action == "http":
                if rule.status == 429:
                    raise Refused(20429, 429, "Too Many Requests")
                raise Refused(rule.code, rule.status, "Service unavailable")
            elif rule.action == "timeout_before":
                return wire.BrokenOff(rule.ms / 1000)
        return None

    # -- messages -----------------------------------------------------------------------------

    async def create(self, request: Request) -> Response:
        """POST Messages.json."""
        form = await wire.form_of(request)
        one = dict(form)
        rules = self._carrier.faults.take(
            "create", to=one.get("To", ""), sender=one.get("From", ""), text=one.get("Body", "")
        )
        disturbed = await self._disturb(rules)
        if disturbed is not None:
            return disturbed
        self._bounce(one.get("To", ""))
        order = await self._order(form)
        message = self._carrier.accept(order)
        by_action = {rule.action: rule for rule in rules}
        if "callback_first" in by_action:
            await self._carrier.report_now(message)
            message = self._carrier.ledger.message(message.sid) or message
        shown = wire.message(self._carrier, message)
        self._carrier.carry(
            message,
            skip=by_action["status_skip"].skip if "status_skip" in by_action else "",
            late_ms=by_action["late"].ms if "late" in by_action else 0,
            fail=by_action["fail"].code if "fail" in by_action else 0,
            silent="drop" in by_action,
        )
        if "timeout_after" in by_action:
            return wire.BrokenOff(by_action["timeout_after"].ms / 1000)
        return JSONResponse({**shown, "status": "queued"}, 201)

    def _bounce(self, to: str) -> None:
        """Magic recipients 29 and 50: refused once, then taken."""
        magic = self._carrier.faults.active.magic_recipients and to[-2:] in ("29", "50")
        if not magic or to in self._bounced:
            return
        self._bounced.add(to)
        if to.endswith("29"):
            raise Refused(20429, 429, "Too Many Requests")
        raise Refused(20500, 500, "Internal Server Error")

    async def _order(self, form: list[tuple[str, str]]) -> Order:
        one = dict(form)
        urls = [value for name, value in form if name == "MediaUrl"]
        to, sender, body = one.get("To", ""), one.get("From", ""), one.get("Body", "")
        self._check_addresses(to, sender)
        if not body and not urls:
            raise Refused(21602, 400, "Message body is required")
        if len(body) > BODY_MAX:
            raise Refused(21617, 400, "The concatenated message body exceeds the 1600 character limit")
        if len(urls) > MEDIA_MAX:
            raise Refused(21623, 400, "Number of media files exceeds allowed limit")
        callback = one.get("StatusCallback", "")
        parts = urlsplit(callback)
        if callback and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise Refused(21609, 400, f"The 'StatusCallback' URL {callback} is not a valid URL")
        validity = one.get("ValidityPeriod", "36000")
        if not validity.isdigit() or not 1 <= int(validity) <= 36000:
            raise Refused(21624, 400, "Invalid ValidityPeriod")
        media = tuple([await self._carrier.fetch_media(url) for url in urls])
        others = tuple(value for name, value in form if name == "OtherRecipients")
        return Order(to=to, sender=sender, body=body, media=media, status_callback=callback, others=others)

    def _check_addresses(self, to: str, sender: str) -> None:
        if not to:
            raise Refused(21604, 400, "A 'To' phone number is required")
        if not sender:
            raise Refused(21603, 400, "A 'From' phone number is required")
        if E164.fullmatch(to) is None:
            raise Refused(21211, 400, f"Invalid 'To' Phone Number: {to}")
        if to == sender:
            raise Refused(63031, 400, "Message cannot have the same To and From")
        if self._carrier.ledger.number(sender) is None:
            raise Refused(21606, 400, f"The 'From' phone number {sender} cannot send messages")

    async def list_messages(self, request: Request) -> Response:
        """GET Messages.json, newest first."""
        query = request.query_params
        to, sender = query.get("To", ""), query.get("From", "")
        disturbed = await self._disturb(self._carrier.faults.take("list", to=to, sender=sender))
        if disturbed is not None:
            return disturbed
        size = _whole(query.get("PageSize", "50"), 1, PAGE_MAX)
        page = _whole(query.get("Page", "0"), 0, 10**9)
        token = query.get("PageToken")
        if token is not None and not token.startswith("PA"):
            raise Refused(21481, 400, "Invalid PageToken")
        before = token[2:] if token else None
        rows = self._carrier.ledger.newest(to=to, sender=sender, limit=size + 1, before=before)
        shown = [wire.message(self._carrier, row) for row in rows[:size]]
        filters = {name: value for name, value in (("To", to), ("From", sender)) if value}
        return JSONResponse(
            wire.listing(
                self._carrier,
                "messages",
                shown,
                page=page,
                size=size,
                query=filters,
                path=f"/2010-04-01/Accounts/{self._carrier.account_sid}/Messages.json",
                next_token=f"PA{rows[size - 1].sid}" if len(rows) > size else None,
            )
        )

    def _message(self, request: Request) -> Message:
        message = self._carrier.ledger.message(request.path_params["sid"])
        if message is None:
            raise Refused(20404, 404, f"The requested resource {request.url.path} was not found")
        return message

    async def fetch(self, request: Request) -> Response:
        """GET one message."""
        disturbed = await self._disturb(self._carrier.faults.take("fetch"))
        return disturbed or JSONResponse(wire.message(self._carrier, self._message(request)))

    async def list_media(self, request: Request) -> Response:
        """GET the files of a message."""
        message = self._message(request)
        shown = [wire.media(self._carrier, one) for one in self._carrier.ledger.media_of(message.sid)]
        path = f"/2010-04-01/Accounts/{self._carrier.account_sid}/Messages/{message.sid}/Media.json"
        return JSONResponse(
            wire.listing(self._carrier, "media_list", shown, page=0, size=50, query={}, path=path, next_token=None)
        )

    async def fetch_media(self, request: Request) -> Response:
        """GET the description of one file."""
        media = self._carrier.ledger.media(request.path_params["media"])
        if media is None or media.message_sid != request.path_params["sid"]:
            raise Refused(20404, 404, f"The requested resource {request.url.path} was not found")
        return JSONResponse(wire.media(self._carrier, media))

    async def media_bytes(self, request: Request) -> Response:
        """GET one file's bytes."""
        disturbed = await self._disturb(self._carrier.faults.take("media"))
        if disturbed is not None:
            return disturbed
        media = self._carrier.ledger.media(request.path_params["media"])
        if media is None or media.message_sid != request.path_params["sid"]:
            raise Refused(20404, 404, f"The requested resource {request.url.path} was not found")
        headers = {}
        if media.filename and media.filename.isascii():
            headers["Content-Disposition"] = f'inline; filename="{media.filename}"'
        return Response(media.content, media_type=media.content_type, headers=headers)

    # -- numbers ------------------------------------------------------------------------------

    async def put_number(self, request: Request) -> Response:
        """POST IncomingPhoneNumbers: attach a number, or change one."""
        form = dict(await wire.form_of(request))
        sid = request.path_params.get("sid")
        phone_number = form.get("PhoneNumber", "")
        if sid is not None:
            known = self._carrier.ledger.number(sid)
            if known is None:
                raise Refused(20404, 404, f"The requested resource {request.url.path} was not found")
            phone_number = known.phone_number
        if E164.fullmatch(phone_number) is None:
            raise Refused(21421, 400, f"PhoneNumber {phone_number!r} is invalid")
        number = self._carrier.put_number(
            phone_number,
            sms_url=form.get("SmsUrl"),
            sms_method=form.get("SmsMethod"),
            friendly_name=form.get("FriendlyName"),
            status_callback=form.get("StatusCallback"),
        )
        return JSONResponse(wire.number(self._carrier, number), 200 if sid else 201)

    async def list_numbers(self, request: Request) -> Response:
        """GET IncomingPhoneNumbers."""
        wanted = request.query_params.get("PhoneNumber", "")
        numbers = [one for one in self._carrier.ledger.numbers() if wanted in ("", one.phone_number)]
        shown = [wire.number(self._carrier, one) for one in numbers]
        path = f"/2010-04-01/Accounts/{self._carrier.account_sid}/IncomingPhoneNumbers.json"
        return JSONResponse(
            wire.listing(
                self._carrier,
                "incoming_phone_numbers",
                shown,
                page=0,
                size=max(len(shown), 50),
                query={},
                path=path,
                next_token=None,
            )
        )

    async def fetch_number(self, request: Request) -> Response:
        """GET one number."""
        number = self._carrier.ledger.number(request.path_params["sid"])
        if number is None:
            raise Refused(20404, 404, f"The requested resource {request.url.path} was not found")
        return JSONResponse(wire.number(self._carrier, number))


def _whole(text: str, low: int, high: int) -> int:
    if not text.isdigit() or not low <= int(text) <= high:
        raise Refused(20001, 400, f"{text!r} is not a whole number from {low} to {high}")
    return int(text)
