"""The control side of the simulator: what tests and operators ask of it (channels.md §7)."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import wire
from .carrier import Carrier
from .faults import FaultError
from .refusal import Refused

LEDGER_LINES = 1000
ADDRESSES = ("+", "whatsapp:+", "messenger:")
FINAL_STATUSES = ("sent", "delivered", "read", "undelivered", "failed")


def routes(carrier: Carrier) -> list[Route]:
    """The control operations, all below `/_sim`."""
    control = Control(carrier)
    return [
        Route("/_sim/inbound", control.inbound, methods=["POST"]),
        Route("/_sim/repeat", control.repeat, methods=["POST"]),
        Route("/_sim/outbox", control.outbox, methods=["GET"]),
        Route("/_sim/receipt", control.receipt, methods=["POST"]),
        Route("/_sim/faults", control.faults, methods=["GET", "PUT"]),
        Route("/_sim/reset", control.reset, methods=["POST"]),
        Route("/_sim/webhook-log", control.webhook_log, methods=["GET"]),
        Route("/_sim/ledger", control.ledger, methods=["GET"]),
        Route("/_sim/numbers", control.numbers, methods=["GET", "POST"]),
    ]


class Control:
    """The control operations over one carrier."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    async def inbound(self, request: Request) -> Response:
        """A handset texts: `{from, to, body, media: [{content_type, filename, base64}], sid}`."""
        try:
            given = await _json(request)
            self._know_own_address(request)
            sids = tuple(self._upload(one) for one in given.get("media", []))
            message = self._carrier.text(
                str(given["from"]),
                str(given["to"]),
                str(given.get("body", "")),
                sids,
                str(given.get("sid", "")),
            )
        except Refused as error:
            return wire.refusal(error)
        except (KeyError, TypeError, binascii.Error) as error:
            return _bad(f"{type(error).__name__}: {error}")
        return JSONResponse({"sid": message.sid, "status": message.status}, 201)

    def _upload(self, given: dict[str, Any]) -> str:
        content = base64.b64decode(str(given["base64"]), validate=True)
        return self._carrier.add_media(str(given["content_type"]), str(given.get("filename", "")), content).sid

    def _know_own_address(self, request: Request) -> None:
        if not self._carrier.public_url:
            self._carrier.public_url = str(request.base_url).rstrip("/")

    async def repeat(self, request: Request) -> Response:
        """Deliver the webhook of an old text once more: `{sid}`."""
        try:
            message = self._carrier.repeat(str((await _json(request)).get("sid", "")))
        except Refused as error:
            return wire.refusal(error)
        return JSONResponse({"sid": message.sid}, 202) if message else _bad("no such text of a handset")

    async def outbox(self, request: Request) -> Response:
        """Texts taken from the account, as the book has them, above `since`."""
        return self._lines(request, "send.accepted")

    async def webhook_log(self, request: Request) -> Response:
        """Attempts at the account's webhooks above `since`; `op` is `inbound` or `callback`."""
        op = request.query_params.get("op", "inbound")
        return self._lines(request, f"{op}.attempt")

    async def ledger(self, request: Request) -> Response:
        """The whole book above `since`; `kind` is a prefix of the kinds wanted."""
        return self._lines(request, request.query_params.get("kind", ""))

    def _lines(self, request: Request, prefix: str) -> Response:
        since = request.query_params.get("since", "0")
        if not since.isdigit():
            return _bad("since must be a whole number")
        lines = self._carrier.ledger.lines(int(since), LEDGER_LINES, prefix)
        return JSONResponse({"lines": lines, "next": lines[-1]["seq"] if lines else int(since)})

    async def receipt(self, request: Request) -> Response:
        """Report a status by hand: `{sid, status, error_code}`."""
        try:
            given = await _json(request)
        except Refused as error:
            return wire.refusal(error)
        status, code = given.get("status"), given.get("error_code")
        if status not in FINAL_STATUSES or not (code is None or isinstance(code, int)):
            return _bad(f"status must be one of {', '.join(FINAL_STATUSES)}, error_code a whole number")
        message = self._carrier.force_status(str(given.get("sid", "")), str(status), code)
        return JSONResponse({"sid": message.sid, "status": message.status}) if message else _bad("no such text")

    async def faults(self, request: Request) -> Response:
        """Show or replace the faults; what is not given is at its default."""
        if request.method == "PUT":
            try:
                self._carrier.faults.put(await _json(request))
            except Refused as error:
                return wire.refusal(error)
            except FaultError as error:
                return _bad(str(error))
        return JSONResponse(self._carrier.faults.active.wire())

    async def reset(self, request: Request) -> Response:
        """Forget messages, media, opt-outs and faults; numbers and the book stay."""
        self._carrier.faults.put({})
        self._carrier.ledger.forget()
        return Response(status_code=204)

    async def numbers(self, request: Request) -> Response:
        """Show the numbers, or add or change one: `{phone_number, sms_url, friendly_name}`."""
        if request.method == "POST":
            try:
                given = await _json(request)
            except Refused as error:
                return wire.refusal(error)
            if not str(given.get("phone_number", "")).startswith(ADDRESSES):
                return _bad("phone_number must start with + or the prefix of a channel")
            self._carrier.put_number(
                str(given["phone_number"]),
                sms_url=given.get("sms_url"),
                friendly_name=given.get("friendly_name"),
            )
        shown = [wire.number(self._carrier, one) for one in self._carrier.ledger.numbers()]
        return JSONResponse({"account_sid": self._carrier.account_sid, "numbers": shown})


async def _json(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(await wire.body_of(request))
    except (ValueError, UnicodeDecodeError) as error:
        raise Refused(20001, 400, "the body must be JSON") from error
    if not isinstance(given, dict):
        raise Refused(20001, 400, "the body must be a JSON object")
    return given


def _bad(why: str) -> Response:
    return wire.refusal(Refused(20001, 400, why))
