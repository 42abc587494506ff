"""`POST /v4/Subscriptions`: what a client wants to hear of, and the answers that come as notifications (§8.3)."""

import asyncio
from typing import Any, Final

import msgspec

from parlour.kit.errors import ContractError
from parlour.realtime.sync import events
from parlour.realtime.sync.errors import not_found
from parlour.realtime.sync.hub import Hub
from parlour.realtime.sync.objects import find
from parlour.realtime.twilsock.socket import Socket
from parlour.rest.errors import invalid_parameter
from parlour.rest.operations import Answer, Call
from parlour.rest.recorder import note_refusal

BATCH_MAX: Final = 1000  # requests in one call
AT_ONCE: Final = 8  # objects of one call that are read beside each other
DELIVERY_MS: Final = 10_000  # a client asks again for what was not confirmed by then


class Wanted(msgspec.Struct):
    """One object in a request."""

    object_sid: str
    object_type: str
    last_event_id: int | None = None


class Request(msgspec.Struct):
    """The body of a call; what else clients say of themselves has no effect by the contract."""

    action: str
    correlation_id: int | str
    requests: list[Wanted]
    event_protocol_version: int = 4


def read(call: Call) -> Request:
    """Read the body. Errors: 400/20001."""
    try:
        request = msgspec.json.decode(call.body, type=Request)
    except msgspec.DecodeError as error:
        raise ContractError(20001, 400, f"The body is no JSON of a subscription request: {error}") from error
    if request.action not in ("establish", "cancel"):
        raise invalid_parameter("action", "use establish or cancel")
    if request.event_protocol_version not in events.VERSIONS:
        raise invalid_parameter("event_protocol_version", f"use one of {', '.join(map(str, events.VERSIONS))}")
    if len(request.requests) > BATCH_MAX:
        raise invalid_parameter("requests", f"at most {BATCH_MAX}")
    return request


async def serve(call: Call, hub: Hub) -> Answer:
    """Take a request and begin with it; what becomes of it is told by notifications."""
    request = read(call)
    if not isinstance(call.socket, Socket):
        raise ContractError(20001, 400, "Subscriptions are made through the web socket that is to hear of them")
    call.socket.begin(_work(call, call.socket, hub, request))
    return Answer(202, {"estimated_delivery_in_ms": DELIVERY_MS, "max_batch_size": BATCH_MAX})


async def _work(call: Call, socket: Socket, hub: Hub, request: Request) -> None:
    if request.action == "cancel":
        hub.cancel(socket, {wanted.object_sid for wanted in request.requests})
    do = _cancel if request.action == "cancel" else _establish
    for begin in range(0, len(request.requests), AT_ONCE):
        part = request.requests[begin : begin + AT_ONCE]
        await asyncio.gather(*(do(call, socket, hub, request, wanted) for wanted in part))


async def _cancel(_call: Call, socket: Socket, _hub: Hub, request: Request, wanted: Wanted) -> None:
    said = events.canceled(
        request.event_protocol_version, request.correlation_id, wanted.object_sid, wanted.object_type
    )
    await socket.deliver(events.MESSAGE_TYPE, said)


async def _establish(call: Call, socket: Socket, hub: Hub, request: Request, wanted: Wanted) -> None:
    version = request.event_protocol_version
    try:
        shown = await call.read(lambda reader: find(reader, wanted.object_type, wanted.object_sid))
        if shown is None:
            raise not_found(wanted.object_type, wanted.object_sid)

        def confirm(number: int) -> None:
            socket.notify(events.MESSAGE_TYPE, events.established(version, request.correlation_id, shown, number))

        await hub.establish(socket, shown, version, wanted.last_event_id, confirm)
    except ContractError as refusal:
        note_refusal(refusal)
        await socket.deliver(events.MESSAGE_TYPE, _refused(request, wanted, refusal))


def _refused(request: Request, wanted: Wanted, refusal: ContractError) -> dict[str, Any]:
    return events.failed(
        request.event_protocol_version, request.correlation_id, wanted.object_sid, wanted.object_type, refusal
    )
