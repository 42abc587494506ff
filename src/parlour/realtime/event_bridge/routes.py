"""The POST proxy: calls in an envelope, answered in an envelope (taskrouter.md §9.3, §9.4)."""

from typing import Final

import structlog

from parlour.kit.who import about
from parlour.realtime.event_bridge.bearer import Bearer, bearer_of
from parlour.realtime.event_bridge.calls import engagements, interactions, reservations, tasks, transfers, workers
from parlour.realtime.event_bridge.calls.operations import PRODUCT, calls
from parlour.realtime.event_bridge.calls.worker_call import WorkerCall
from parlour.realtime.event_bridge.envelope import Envelope, form_values, read_envelope
from parlour.realtime.event_bridge.sessions import Sessions
from parlour.rest.errors import method_not_allowed, not_found
from parlour.rest.operations import PUBLIC, Answer, Call, Operation, Operations
from parlour.rest.performing import perform_with
from parlour.rest.router import Router

SHOWN: Final = 200  # characters of a url in a refusal
PATHS: Final = ("/v1/wschannels", "/v1/wschannels/{ChannelAccountSid}/{WorkerSid}")
TABLE: Final = (
    engagements,
    interactions,
    reservations,
    tasks,
    transfers,
    workers,
)  # imported for what they enter into the table

log = structlog.get_logger("parlour.event_bridge")


def operations(sessions: Sessions) -> Operations:
    """Return the proxy; it is public since the token stands in the body."""
    router = Router(calls.all)
    proxy = Operations(PRODUCT)

    @proxy.post(*PATHS, callers=PUBLIC, body="json")
    async def call_by_proxy(call: Call, _form: object) -> Answer:
        """Do what the envelope says in the name of its token's owner."""
        envelope = read_envelope(call.body)
        bearer = bearer_of(await sessions.tokens.read(envelope.token), envelope.token)
        if call.path.get("WorkerSid", bearer.worker_sid) != bearer.worker_sid:
            raise not_found(call.path["WorkerSid"])
        if call.path.get("ChannelAccountSid", bearer.account_sid) != bearer.account_sid:
            raise not_found(call.path["ChannelAccountSid"])
        about.set((call.request_id, bearer.account_sid))
        operation, path = _find(router, envelope)
        inner = _inner(call, envelope, bearer, operation, path)
        answer, unknown = await perform_with(operation, inner, inner.query)
        if unknown:
            log.info("a call has parameters that nobody reads", unknown_parameters=unknown, path=envelope.url)
        return Answer(answer.status, {"payload": answer.body}, after=lambda: sessions.answered(inner))

    return proxy


def _find(router: Router, envelope: Envelope) -> tuple[Operation, dict[str, str]]:
    match = router.match(envelope.method.upper(), PRODUCT, envelope.url)
    if match is None or any("\x00" in value for value in match.path.values()):
        raise not_found(envelope.url[:SHOWN])
    if match.operation is None:
        raise method_not_allowed(envelope.method.upper())
    return match.operation, match.path


def _inner(call: Call, envelope: Envelope, bearer: Bearer, operation: Operation, path: dict[str, str]) -> WorkerCall:
    return WorkerCall(
        method=operation.method,
        product=operation.product,
        route=operation.path,
        path=path,
        query=form_values(envelope.params),
        headers=call.headers,
        caller=bearer.caller,
        request_id=call.request_id,
        urls=call.urls,
        own_path=envelope.url,
        database=call.database,
        bearer=bearer,
        params=envelope.params,
    )
