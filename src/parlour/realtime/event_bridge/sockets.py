"""The web socket of the event bridge (taskrouter.md §9.3, §9.5)."""

import asyncio
from typing import Final
from urllib.parse import parse_qs

import structlog
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from parlour.kit.errors import ContractError
from parlour.kit.wire import encode_json, json_text
from parlour.realtime.event_bridge.bearer import Bearer, bearer_of
from parlour.realtime.event_bridge.calls.operations import PRODUCT
from parlour.realtime.event_bridge.session import Session
from parlour.realtime.event_bridge.sessions import Sessions
from parlour.rest.errors import envelope, forbidden, not_found
from parlour.rest.forms import TRUE
from parlour.rest.hosts import Addressing, resolve
from parlour.rest.recorder import note_refusal
from parlour.store.database import DatabaseUnavailable

PATH: Final = "/v1/wschannels"
BEFORE_ACCEPT: Final = 1006

log = structlog.get_logger("parlour.event_bridge")


class SocketRoute(BaseRoute):
    """Takes web sockets for the event bridge, in whichever form the request names it."""

    def __init__(self, sessions: Sessions, addressing: Addressing) -> None:
        self._sessions = sessions
        self._addressing = addressing

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether the socket is for the event bridge."""
        if scope["type"] != "websocket":
            return Match.NONE, {}
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        target = resolve(
            self._addressing,
            frozenset({PRODUCT}),
            path=scope["path"],
            scheme=scope.get("scheme", "ws"),
            peer=(scope.get("client") or ("", 0))[0],
            headers=headers,
        )
        path = "" if target is None else target.path.rstrip("/")
        if path != PATH and not path.startswith(f"{PATH}/"):
            return Match.NONE, {}
        return Match.FULL, {"wschannel": path.removeprefix(PATH).strip("/")}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket from upgrade to end."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        try:
            bearer, worker_sid = await self._bearer(query, scope["wschannel"])
            session = await self._sessions.open(
                bearer,
                worker_sid,
                alone=_flag(query, "closeExistingSessions") or False,
                offline=_flag(query, "setWorkerOfflineIfDisconnected"),
            )
        except ContractError as refusal:
            note_refusal(refusal)
            await _refuse(send, refusal)
            return
        closed = False
        try:
            closed = await self._converse(bearer, session, receive, send)
        finally:
            await self._ended(session, bearer, closed=closed)

    async def _bearer(self, query: dict[str, list[str]], channel: str) -> tuple[Bearer, str]:
        """Who opens the socket, and for which worker: always the token's own.

        :param channel: rest of the path: empty, or account and worker.
        """
        token = query.get("token", [""])[-1]
        bearer = bearer_of(await self._sessions.tokens.read(token), token)
        if bearer.worker_sid is None:
            raise forbidden("The token's grant for TaskRouter names no worker")
        if channel and channel != f"{bearer.account_sid}/{bearer.worker_sid}":
            raise not_found(channel)
        return bearer, bearer.worker_sid

    async def _converse(self, bearer: Bearer, session: Session, receive: Receive, send: Send) -> bool:
        """Tell the client what happens until one of us ends; say whether the client did by a close frame."""

        async def tell(text: str) -> None:
            await send({"type": "websocket.send", "text": text})

        await receive()  # the connect message, which the server gives first
        await send({"type": "websocket.accept"})
        await tell(json_text({"event_type": "init", "payload": self._init(bearer, session)}))
        leaving = asyncio.create_task(_until_closed(receive), name="event bridge reader")
        telling = asyncio.create_task(session.run(tell), name="event bridge writer")
        try:
            await asyncio.wait([leaving, telling], return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                return leaving.result()
            code, reason = telling.result()
            await send({"type": "websocket.close", "code": code, "reason": reason})
        except (OSError, TimeoutError):
            log.info("a socket was lost while it was written to", worker=session.worker_sid)
        finally:
            leaving.cancel()
            telling.cancel()
            await asyncio.gather(leaving, telling, return_exceptions=True)
        return False

    def _init(self, bearer: Bearer, session: Session) -> dict[str, object]:
        left = bearer.expires - self._sessions.database.clock.now()
        return {
            "channel_id": session.worker_sid,
            "account_sid": bearer.account_sid,
            "workspace_sid": bearer.workspace_sid,
            "token_lifetime": max(int(left.total_seconds() * 1000), 0),
        }

    async def _ended(self, session: Session, bearer: Bearer, *, closed: bool) -> None:
        try:
            await self._sessions.ended(session, bearer.workspace_sid, closed=closed)
        except DatabaseUnavailable:
            log.warning("a session ended while the database was away", session=session.sid)


async def _until_closed(receive: Receive) -> bool:
    """Read until the socket ends; say whether a close frame ended it.

    A client has nothing to say here. The server gives a lost connection the same code as a close frame without one,
    but the reason only of a close frame.
    """
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return "reason" in message and message.get("code") != BEFORE_ACCEPT


async def _refuse(send: Send, refusal: ContractError) -> None:
    """Answer the upgrade with an HTTP error."""
    headers = [(b"content-type", b"application/json")]
    await send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": encode_json(envelope(refusal))})


def _flag(query: dict[str, list[str]], name: str) -> bool | None:
    text = query.get(name, [""])[-1].lower()
    return None if text in ("", "undefined") else text in TRUE
