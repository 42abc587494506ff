"""The ASGI application of the operations: resolve, authenticate, read, call, answer, log."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from parlour.kit import failpoints
from parlour.kit.clock import Clock
from parlour.kit.errors import ContractError
from parlour.kit.sids import Sids
from parlour.kit.who import about
from parlour.kit.wire import encode_json
from parlour.rest import errors, idempotency
from parlour.rest.hosts import Addressing, Target, candidates
from parlour.rest.operations import BODY_LIMIT, PUBLIC, Answer, Authenticator, Call, Caller, Operation
from parlour.rest.performing import perform_with
from parlour.rest.rates import Rates
from parlour.rest.recorder import Recorder
from parlour.rest.router import Router
from parlour.store.database import Database

MAX_FIELDS: Final = 1000
FORM_TYPE: Final = "application/x-www-form-urlencoded"
CORS: Final = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "access-control-allow-headers": (
        "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, "
        "Idempotency-Key, I-Twilio-Idempotency-Token, X-Twilio-Token, X-Twilio-Mutation-Id, "
        "X-Twilio-Webhook-Enabled, apiVersion, clientVersion, Ui-Version, Flex-Metadata, X-Flex-Version, X-Flex-JWE, "
        "Webchat-Version, X-Twilio-Sec-Decoders, X-Twilio-Sec-UserSettings, X-Twilio-Sec-WebchatInfo, "
        "I-Twilio-Sec-Decoders, I-Twilio-Sec-UserSettings, I-Twilio-Sec-WebchatInfo, I-Twilio-User-Agent"
    ),
    "access-control-expose-headers": (
        "ETag, Twilio-Request-Id, X-Rate-Limit-Limit, X-Rate-Limit-Remaining, X-Rate-Limit-Config"
    ),
}

_ONLY_PREFLIGHT: Final = (b"access-control-allow-methods", b"access-control-allow-headers")
# A browser reads what it may send from the answer to its preflight alone.
_PREFLIGHT: Final = tuple((name.encode(), value.encode()) for name, value in CORS.items())
_CORS: Final = tuple(pair for pair in _PREFLIGHT if pair[0] not in _ONLY_PREFLIGHT)

log = structlog.get_logger("parlour.rest")


class RestApp:
    """Serves the operations of all products and passes every other request on.

    :param otherwise: the application for requests that name no product.
    :param rates: how often an account may call an endpoint.
    :param observe: hears (operation, request, answer status) of each call, for metrics and coverage.
    """

    def __init__(
        self,
        router: Router,
        *,
        authenticator: Authenticator,
        database: Database,
        clock: Clock,
        addressing: Addressing,
        otherwise: ASGIApp,
        rates: Rates,
        observe: Callable[[str, str, int, float], None] | None = None,
    ) -> None:
        self.router = router
        self._authenticator = authenticator
        self._database = database
        self._clock = clock
        self._addressing = addressing
        self._otherwise = otherwise
        self._rates = rates
        self._observe = observe
        self._sids = Sids()
        self._recorder = Recorder.from_environment()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._otherwise(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        targets = candidates(
            self._addressing,
            self.router.products,
            path=scope["path"],
            scheme=scope.get("scheme", "http"),
            peer=(scope.get("client") or ("", 0))[0],
            headers=headers,
        )
        if not targets:
            await self._otherwise(scope, receive, send)
            return
        await self._serve(self._target(targets, scope["method"]), headers, scope, receive, send)

    async def _serve(self, target: Target, headers: dict[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._sids.new("RQ", self._clock.now())
        started = time.perf_counter()
        name = ""
        unknown = 0
        error: ContractError | None = None
        call: Call | None = None
        rate: Mapping[str, str] = {}
        if scope["method"] == "OPTIONS":
            await _send(send, Answer(204), request_id, cors=_PREFLIGHT)
            return
        try:
            operation, path = self._find(scope["method"], target)
            name = f"{operation.product}{operation.path}"
            call = await self._call(operation, path, target, headers, scope, receive, request_id)
            about.set((request_id, call.account_sid))  # each request is a task of its own
            rate, too_many = self._rates.take(call.account_sid, operation)
            if too_many is not None:
                raise too_many
            key = idempotency.key_of(operation, call)
            if key is None:
                answer, unknown = await perform(operation, call)
            else:
                answer, unknown = await idempotency.once(operation, call, key, perform)
        except ContractError as refusal:
            error = refusal
            answer = Answer(refusal.status, errors.envelope(refusal))
        except Exception:
            log.exception("request failed", request_id=request_id, method=scope["method"], path=target.path)
            error = ContractError(20500, 500, f"An internal error occurred. Please quote request {request_id}.")
            answer = Answer(500, errors.envelope(error))
        if self._recorder is not None and call is not None:
            self._recorder.write(call, answer)
        if self._recorder is not None and error is not None:
            self._recorder.refused(error)
        if error is None and scope["method"] != "GET":
            failpoints.passing(failpoints.BEFORE_ANSWER)
        await _send(send, answer, request_id, challenge=not target.shimmed, rate=rate)
        if answer.after is not None:
            await self._afterwards(answer.after, request_id)
        elapsed = time.perf_counter() - started
        if self._observe is not None:
            self._observe(scope["method"], name, answer.status, elapsed)
        _log(scope["method"], target, answer.status, request_id, elapsed, unknown, error)

    def _target(self, targets: list[Target], method: str) -> Target:
        """Return the first target that is served, else the likeliest."""
        if len(targets) == 1:
            return targets[0]
        served = (one for one in targets if self.router.match(method, one.product, one.path) is not None)
        return next(served, targets[0])

    async def _afterwards(self, after: Callable[[], Awaitable[None]], request_id: str) -> None:
        try:
            await after()
        except Exception:
            log.exception("what follows an answer failed", request_id=request_id)

    def _find(self, method: str, target: Target) -> tuple[Operation, dict[str, str]]:
        match = self.router.match("GET" if method == "HEAD" else method, target.product, target.path)
        if match is None:
            raise errors.not_served(target.path, self.router.why_absent(target.product, target.path))
        if match.operation is None:
            raise errors.method_not_allowed(method)
        return match.operation, match.path

    async def _call(
        self,
        operation: Operation,
        path: dict[str, str],
        target: Target,
        headers: dict[str, str],
        scope: Scope,
        receive: Receive,
        request_id: str,
    ) -> Call:
        caller = await self._caller(operation, headers)
        if "AccountSid" in path and path["AccountSid"] != caller.account_sid and caller.kind != "public":
            raise errors.not_found(path["AccountSid"])
        query = _pairs(scope.get("query_string", b"").decode("latin-1"))
        body = b"" if operation.body == "raw" else await _read_body(receive)
        return Call(
            method=scope["method"],
            product=operation.product,
            route=operation.path,
            path=path,
            query=query,
            headers=headers,
            caller=caller,
            request_id=request_id,
            urls=target.urls,
            own_path=target.path,
            database=self._database,
            body=body,
            stream=_stream(receive) if operation.body == "raw" else None,
            query_string=scope.get("query_string", b"").decode("latin-1"),
        )

    async def _caller(self, operation: Operation, headers: Mapping[str, str]) -> Caller:
        if operation.callers == PUBLIC:
            return Caller("public", "")
        caller = await self._authenticator.authenticate(headers)
        operation.admit(caller)
        return caller


async def perform(operation: Operation, call: Call) -> tuple[Answer, int]:
    """Perform an operation with the parameters of its call; return its answer and how many it does not know.

    :raises ContractError: the call was refused.
    """
    values: Mapping[str, list[str]] = call.query
    if call.method == "POST" and operation.body == "form":
        values = _form_values(call)
    return await perform_with(operation, call, values)


def _form_values(call: Call) -> dict[str, list[str]]:
    content_type = call.headers.get("content-type", "")
    if call.body and content_type.partition(";")[0].strip().lower() != FORM_TYPE:
        raise ContractError(20001, 415, f"The content type must be {FORM_TYPE}, not '{content_type[:100]}'")
    return _pairs(call.body.decode("utf-8", "replace"))


def _pairs(text: str) -> dict[str, list[str]]:
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise ContractError(20001, 400, f"At most {MAX_FIELDS} parameters") from error
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value.replace("\x00", ""))
    return values


async def _stream(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ContractError(20001, 400, "The caller left before the body was complete")
        more = message.get("more_body", False)
        if message.get("body"):
            yield message["body"]


async def _read_body(receive: Receive) -> bytes:
    first = await receive()
    if not first.get("more_body", False) and first["type"] == "http.request":
        body: bytes = first.get("body", b"")
        if len(body) > BODY_LIMIT:
            raise ContractError(20001, 413, f"The body is larger than {BODY_LIMIT} bytes")
        return body
    parts = [first.get("body", b"")]
    size = 0
    async for part in _stream(receive):
        size += len(part)
        if size > BODY_LIMIT:
            raise ContractError(20001, 413, f"The body is larger than {BODY_LIMIT} bytes")
        parts.append(part)
    return b"".join(parts)


async def _send(
    send: Send,
    answer: Answer,
    request_id: str,
    *,
    challenge: bool = True,
    rate: Mapping[str, str] | None = None,
    cors: Sequence[tuple[bytes, bytes]] = _CORS,
) -> None:
    """Write an answer.

    :param rate: the headers of the endpoint's rate.
    :param challenge: whether a 401 asks for credentials; a browser would show its own dialog for it, over the page.
    """
    headers = [(b"twilio-request-id", request_id.encode()), *cors]
    if answer.headers:
        own = {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in answer.headers.items()}
        headers = [*(pair for pair in headers if pair[0] not in own), *own.items()]
    if rate:
        headers += [(name.lower().encode(), value.encode()) for name, value in rate.items()]
    if answer.status == 401 and challenge:
        headers.append((b"www-authenticate", b'Basic realm="Parlour API"'))
    streamed = hasattr(answer.body, "__aiter__")
    body = b""
    if not streamed and answer.body is not None:
        body = answer.body if isinstance(answer.body, bytes) else encode_json(answer.body)
    if answer.body is not None:
        headers.append((b"content-type", answer.media_type.encode("latin-1")))
    if not streamed:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if streamed:
        async for part in answer.body:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    else:
        await send({"type": "http.response.body", "body": body})


def _log(
    method: str,
    target: Target,
    status: int,
    request_id: str,
    elapsed: float,
    unknown: int,
    error: ContractError | None,
) -> None:
    facts: dict[str, object] = {
        "method": method,
        "product": target.product,
        "path": target.path,
        "status": status,
        "request_id": request_id,
        "ms": round(elapsed * 1000, 1),
    }
    if unknown:
        facts["unknown_parameters"] = unknown
    if error is not None:
        facts["code"] = error.code
        facts["error"] = error.message
    if error is None:
        log.debug("request", **facts)
    else:
        log.info("request refused", **facts)
