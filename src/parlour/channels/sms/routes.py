"""What a carrier calls: `/carrier/{connection}/inbound` and `/carrier/{connection}/status` (channels.md §1.6, §1.3).

Nothing is stored before the signature was found good, and nothing is answered 2xx before it is committed.
"""

from urllib.parse import parse_qsl

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from parlour.channels.sms import inbound, status
from parlour.channels.sms.deps import Needs
from parlour.channels.sms.store.connections import Connection
from parlour.kit.errors import ContractError
from parlour.rest.recorder import note_refusal
from parlour.webhooks import signing

BODY_MAX = 256 * 1024  # bytes of a webhook
FIELDS_MAX = 1000
FORM_TYPE = "application/x-www-form-urlencoded"
NO_REPLY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

log = structlog.get_logger("parlour.channels.sms")

Pairs = list[tuple[str, str]]


class _Refused(Exception):
    """A webhook that is not a carrier's."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def carrier_routes(needs: Needs) -> list[BaseRoute]:
    """Return the two addresses that a carrier is given."""

    async def take_inbound(request: Request) -> Response:
        try:
            connection, pairs = await _authentic(needs, request)
            await inbound.accept(needs, connection, _storable(pairs))
        except _Refused as refusal:
            return _refusal(request, refusal)
        except ContractError as error:
            note_refusal(error)
            return PlainTextResponse(error.message, error.status, {"Retry-After": "1"})
        return Response(NO_REPLY, media_type="text/xml")

    async def take_status(request: Request) -> Response:
        try:
            connection, pairs = await _authentic(needs, request)
            await status.accept(needs, connection, request.query_params.get("r", ""), _storable(pairs))
        except _Refused as refusal:
            return _refusal(request, refusal)
        except ContractError as error:
            note_refusal(error)
            return PlainTextResponse(error.message, error.status, {"Retry-After": "1"})
        return Response(status_code=204)

    return [
        Route("/carrier/{connection}/inbound", take_inbound, methods=["POST"]),
        Route("/carrier/{connection}/status", take_status, methods=["POST"]),
    ]


async def _authentic(needs: Needs, request: Request) -> tuple[Connection, Pairs]:
    """Return the connection and the form of a webhook that its carrier signed for our public address."""
    pairs = await _form(request)
    connection = await needs.connections.find(request.path_params["connection"])
    if connection is None:
        raise _Refused(403, "the signature is missing or wrong")
    url = f"{needs.base_url}{request.scope.get('raw_path', request.url.path.encode()).decode('latin-1').split('?')[0]}"
    if request.url.query:
        url += f"?{request.url.query}"
    given = request.headers.get("x-twilio-signature", "")
    if not signing.is_valid(given, needs.token_of(connection), url, pairs):
        raise _Refused(403, "the signature is missing or wrong")
    return connection, pairs


async def _form(request: Request) -> Pairs:
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_MAX:
                raise _Refused(413, "the webhook is too large")
    except ClientDisconnect as error:
        raise _Refused(400, "the caller left") from error
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise _Refused(415, f"the content type must be {FORM_TYPE}")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError as error:
        raise _Refused(400, "the body is no form") from error


def _storable(pairs: Pairs) -> dict[str, str]:
    """Return the form without the one character that PostgreSQL does not store."""
    return {name.replace("\x00", ""): value.replace("\x00", "") for name, value in pairs}


def _refusal(request: Request, refusal: _Refused) -> Response:
    log.warning("webhook refused", path=request.url.path, status=refusal.status, why=str(refusal))
    return PlainTextResponse(str(refusal), refusal.status)
