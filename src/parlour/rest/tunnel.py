"""Requests that come through a web socket, done by the same operations as those over HTTP (realtime-protocol.md §6)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from parlour.kit.errors import ContractError
from parlour.kit.who import about
from parlour.rest import errors
from parlour.rest.app import perform
from parlour.rest.hosts import SHIM
from parlour.rest.operations import BODY_LIMIT, PUBLIC, Answer, Call, Caller, Operation, Urls
from parlour.rest.recorder import note_refusal
from parlour.rest.router import Router
from parlour.store.database import Database

log = structlog.get_logger("parlour.rest")


@dataclass(frozen=True, slots=True)
class Tunnelled:
    """A request inside a frame.

    :ivar host: as the client spelled it, with its port.
    :ivar path: still percent-encoded.
    :ivar query: decoded.
    """

    host: str
    path: str
    method: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


class Tunnel:
    """Runs operations for callers who were authenticated when their socket was opened."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._router: Router | None = None

    def lead_to(self, router: Router) -> None:
        """Say which operations there are; done once, when all floors are known."""
        self._router = router

    async def ask(self, request: Tunnelled, caller: Caller, urls: Urls, socket: object) -> Answer:
        """Do a request and return its answer; a refusal is an answer too.

        :param urls: the form in which the socket itself was addressed.
        :param socket: handed to the operation.
        """
        database = self._database
        request_id = database.sids.new("RQ", database.clock.now())
        about.set((request_id, caller.account_sid))  # each request is a task of its own
        started = time.perf_counter()
        facts: dict[str, Any] = {"method": request.method, "path": request.path, "request_id": request_id}
        try:
            answer = await self._run(request, caller, urls, socket, request_id)
        except ContractError as refusal:
            answer = Answer(refusal.status, errors.envelope(refusal))
            facts |= {"code": refusal.code, "error": refusal.message}
            note_refusal(refusal)
        except Exception:
            log.exception("tunnelled request failed", **facts)
            unknown = ContractError(20500, 500, f"An internal error occurred. Please quote request {request_id}.")
            answer = Answer(500, errors.envelope(unknown))
        facts |= {"status": answer.status, "ms": round((time.perf_counter() - started) * 1000, 1)}
        (log.info if answer.status >= 400 else log.debug)("tunnelled request", **facts)
        return answer

    async def _run(self, request: Tunnelled, caller: Caller, urls: Urls, socket: object, request_id: str) -> Answer:
        operation, path, own_path = self._find(request)
        if operation.callers != PUBLIC:
            operation.admit(caller)
        if operation.body == "raw" or len(request.body) > BODY_LIMIT:
            raise ContractError(20001, 413, "A body of this size or kind is sent over HTTP, not through the socket")
        call = Call(
            method=request.method,
            product=operation.product,
            route=operation.path,
            path=path,
            query=request.query,
            headers=request.headers,
            caller=caller,
            request_id=request_id,
            urls=urls,
            own_path=own_path,
            database=self._database,
            body=request.body,
            socket=socket,
        )
        answer, _ = await perform(operation, call)
        return answer

    def _find(self, request: Tunnelled) -> tuple[Operation, dict[str, str], str]:
        if self._router is None:
            raise RuntimeError("the tunnel leads nowhere yet")
        product, path = _product(request, self._router.products)
        match = self._router.match(request.method, product, path)
        if match is None:
            raise errors.not_found(request.path)
        if match.operation is None:
            raise errors.method_not_allowed(request.method)
        return match.operation, match.path, path


def _product(request: Tunnelled, products: frozenset[str]) -> tuple[str, str]:
    """Return product and path: the page shim, a product in the path, or else the first host label, of any domain."""
    first, _, rest = request.path.lstrip("/").partition("/")
    if first == SHIM:
        host, _, inner = rest.partition("/")
        return host.partition(".")[0], f"/{inner}"
    if first in products:
        return first, f"/{rest}"
    return request.host.partition(".")[0], request.path
