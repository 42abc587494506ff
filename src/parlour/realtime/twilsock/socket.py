"""One WebSocket of a client, from its first frame to its last (realtime-protocol.md §3, §4)."""

import asyncio
import contextlib
import secrets
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Final

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from parlour.accounts.access_tokens import AccessTokens
from parlour.accounts.errors import expired_token
from parlour.kit.errors import ContractError
from parlour.kit.wire import decode_json, encode_json
from parlour.realtime.twilsock import frames, presence, session, upstream
from parlour.realtime.twilsock.frames import BadFrame, Frame
from parlour.realtime.twilsock.sending import Overflow, Sending
from parlour.realtime.twilsock.session import Session
from parlour.realtime.twilsock.sockets import Sockets
from parlour.rest import errors
from parlour.rest.operations import Answer, Caller, Urls
from parlour.rest.recorder import note_refusal
from parlour.rest.tunnel import Tunnel

# Real time: these keep sockets of broken clients from piling up.
INIT_WITHIN: Final = 10.0  # seconds
PING_EVERY: Final = 30.0  # seconds; native clients reconnect after 45 of silence (§3.1)
SILENCE: Final = 90.0  # seconds without any frame of a client that answers pings
GOODBYE: Final = 4.0  # seconds for our close frame to leave
AT_ONCE: Final = 100  # requests of one socket (§14, 14)
CAPABILITIES: Final = ("client_update",)  # the others are left out on purpose (docs/decisions/realtime.md)

# What ends a socket in the ordinary way.
GONE: Final = (WebSocketDisconnect, TimeoutError, asyncio.CancelledError)

# Codes of the WebSocket itself.
POLICY: Final = 1008
NORMAL: Final = 1000

log = structlog.get_logger("parlour.realtime")


class Socket:
    """A client's connection: frames in, requests done beside each other, frames out in order.

    :ivar urls: the form of URLs that the client can reach.
    """

    def __init__(self, socket: WebSocket, urls: Urls, sockets: Sockets, tokens: AccessTokens, tunnel: Tunnel) -> None:
        self.urls = urls
        self._socket = socket
        self._sockets = sockets
        self._tokens = tokens
        self._tunnel = tunnel
        self._sending = Sending(socket.send_bytes)
        self._session: Session | None = None
        self._presence: presence.Session | None = None
        self._said_goodbye = False
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()
        self._heard_at = asyncio.get_running_loop().time()
        self._sent = 0

    @property
    def caller(self) -> Caller:
        """Return whose socket it is.

        :raises RuntimeError: the client has not logged in.
        """
        return self._known().caller

    @property
    def open(self) -> bool:
        """Tell whether notifications may still be sent."""
        return self._session is not None and not self._ending.is_set()

    async def run(self) -> None:
        """Serve the socket until it ends."""
        await self._socket.accept()
        writer = asyncio.create_task(self._sending.run())
        reader = asyncio.create_task(self._read())
        ending = asyncio.create_task(self._ending.wait())
        pings = asyncio.create_task(self._ping())
        try:
            await asyncio.wait({writer, reader, ending}, return_when=asyncio.FIRST_COMPLETED)
            if self._ending.is_set():
                # Closing at once is quicker than leaving it to the client, which would wait three seconds and take no
                # new token meanwhile (§4.3).
                await asyncio.wait({writer}, timeout=GOODBYE)
        finally:
            self._ending.set()
            self._sockets.leave(self)
            tasks = [writer, reader, ending, pings, *self._tasks]
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception) and not isinstance(outcome, GONE):
                    log.error("a socket failed", exc_info=outcome)
            with contextlib.suppress(Exception):  # the other side may be gone in any way
                async with asyncio.timeout(1):
                    await self._socket.close(NORMAL)
            if self._presence is not None:
                await self._sockets.presence.closed(self._presence, gone=self._said_goodbye)

    def notify(self, message_type: str, payload: dict[str, Any]) -> bool:
        """Send a notification if the client registered for its kind; False where it did not, or is too slow."""
        frame = self._notification(message_type, payload)
        return frame is not None and self._offer(frame)

    async def deliver(self, message_type: str, payload: dict[str, Any]) -> None:
        """Send a notification as ``notify`` does, after waiting for room."""
        frame = self._notification(message_type, payload)
        if frame is not None:
            await self._sending.put(frame)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something for the client beside its frames; it ends with the socket."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def check_token(self, now: datetime) -> None:
        """Warn of the token's end, or close at it (§4.4)."""
        if not self.open:
            return
        known = self._known()
        if now >= known.expires:
            self.close(410, "TOKEN_EXPIRED", description="Access Token expired", error_code=20104)
        elif known.must_warn(now):
            update = {"method": "client_update", "client_update_type": "token_about_to_expire"}
            self._offer(frames.build(update | {"id": self._next_id()}))

    def close(self, code: int, status: str, *, description: str = "", error_code: int | None = None) -> None:
        """Say goodbye with a code that tells the client whether to come back (§4.3)."""
        if self._ending.is_set():
            return
        self._ending.set()
        said: dict[str, Any] = {"code": code, "status": status, "description": description}
        if error_code is not None:
            said["errorCode"] = error_code
        with contextlib.suppress(Overflow):
            self._sending.offer(frames.build({"method": "close", "id": self._next_id(), "status": said}))
        self._sending.finish()

    def _notification(self, message_type: str, payload: dict[str, Any]) -> bytes | None:
        context = self._session.context_of(message_type) if self.open and self._session else None
        if context is None:
            return None
        header = {"method": "notification", "id": self._next_id()}
        header |= {"message_type": message_type, "notification_ctx_id": context}
        return frames.build(header, encode_json(payload))

    def _offer(self, frame: bytes) -> bool:
        try:
            self._sending.offer(frame)
        except Overflow:
            log.info("a reader is too slow", identity=self.caller.identity, waiting=self._sending.waiting)
            self._sending.clear()
            self.close(308, "OFFLOAD", description="The client reads too slowly")
            return False
        return True

    async def _read(self) -> None:
        """Read frames until the client goes or breaks the protocol."""
        try:
            async with asyncio.timeout(INIT_WITHIN):
                while self._session is None:
                    await self._first(await self._receive())
        except TimeoutError:
            await self._socket.close(POLICY, "no init in time")
            return
        while True:
            await self._dispatch(await self._receive())

    async def _receive(self) -> Frame:
        while True:
            message = await self._socket.receive()
            if message["type"] != "websocket.receive":
                raise WebSocketDisconnect(message.get("code", NORMAL))
            data = message.get("bytes")
            self._heard_at = asyncio.get_running_loop().time()
            try:
                return frames.parse(data if data is not None else message.get("text", "").encode())
            except BadFrame as bad:
                log.info("a client sent no frame", why=str(bad))
                self.close(406, "NOT_ACCEPTABLE", description=str(bad))

    async def _first(self, frame: Frame) -> None:
        """Answer a frame before the client has logged in; only ``init`` gets further."""
        if frame.method != "init":
            if frame.method != "reply":
                self._answer(frame, 401, "UNAUTHORIZED", 20101, "The first frame must be init")
            return
        try:
            token = await self._tokens.read(str(frame.header.get("token") or ""))
            now = self._sockets.clock.now()
            contexts = session.registrations(frame.header, session.caller_of(token))
            self._presence = await self._sockets.presence.opened(session.caller_of(token))
        except ContractError as refusal:
            self._refuse(frame, refusal)
            return
        self._session = Session(token, session.version_of(frame.header), contexts, now)
        offered = frame.header.get("capabilities") or []
        header = frames.reply(
            frame.id,
            capabilities=[name for name in CAPABILITIES if name in offered],
            # Nothing is kept by it: what a client missed is in the rows (DESIGN 2.6). Native clients want one.
            continuation_token=secrets.token_urlsafe(24),
            continuation_token_status={"reissued": True, "reissue_reason": "MISSING"},
            init_registrations=[context.header for context in contexts],
        )
        self._offer(frames.build(header))
        self._sockets.enter(self)
        log.debug("socket", identity=token.identity, client=self._session.version, products=len(contexts))

    async def _dispatch(self, frame: Frame) -> None:
        if self._ending.is_set() and frame.method != "close":
            return
        match frame.method:
            case "message":
                await self._slots.acquire()
                self.begin(self._request(frame))
            case "update":
                await self._update(frame)
            case "put_notification_ctx" | "delete_notification_ctx":
                self._context(frame)
            case "close":
                self._said_goodbye = True
                raise WebSocketDisconnect(NORMAL)
            case "reply" | "telemetry.v1":
                pass  # answers to our own frames; telemetry is not kept, and none is asked for
            case "ping":
                self._offer(frames.build(frames.reply(frame.id)))
            case _:
                self._answer(frame, 400, "BAD_REQUEST", 20001, f"Unknown method {frame.method[:50]}")

    async def _request(self, frame: Frame) -> None:
        try:
            try:
                answer = await self._ask(frame)
            except ContractError as refusal:
                note_refusal(refusal)
                answer = Answer(refusal.status, errors.envelope(refusal))
            await self._sending.put(upstream.answer(frame.id, answer))
        finally:
            self._slots.release()

    async def _ask(self, frame: Frame) -> Answer:
        known = self._known()
        if self._sockets.clock.now() >= known.expires:
            raise expired_token()
        return await self._tunnel.ask(upstream.read(frame), known.caller, self.urls, self)

    async def _update(self, frame: Frame) -> None:
        """Go on with a new token, or end where it is no good (§4.2)."""
        try:
            token = await self._tokens.read(str(frame.header.get("token") or ""))
            self._known().renew(token, self._sockets.clock.now())
        except ContractError as refusal:
            self._refuse(frame, refusal)
            return
        self._offer(frames.build(frames.reply(frame.id)))

    def _context(self, frame: Frame) -> None:
        context_id = str(frame.header.get("notification_ctx_id", ""))
        try:
            if frame.method == "put_notification_ctx":
                self._known().put(session.read_context(context_id, decode_json(frame.payload or b"{}")))
            else:
                self._known().drop(context_id)
        except (ContractError, ValueError) as error:
            if isinstance(error, ContractError):
                note_refusal(error)
            self._answer(frame, 400, "BAD_REQUEST", 20001, str(error))
            return
        self._offer(frames.build(frames.reply(frame.id)))

    def _refuse(self, frame: Frame, refusal: ContractError) -> None:
        note_refusal(refusal)
        words = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 429: "TOO_MANY_REQUESTS", 503: "SERVICE_UNAVAILABLE"}
        self._answer(frame, refusal.status, words.get(refusal.status, "ERROR"), refusal.code, refusal.message)

    def _answer(self, frame: Frame, code: int, status: str, error_code: int, description: str) -> None:
        said = {"code": code, "status": status, "errorCode": error_code, "description": description}
        self._offer(frames.build({"method": "reply", "id": frame.id, "status": said}))

    async def _ping(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PING_EVERY)
            if loop.time() - self._heard_at > SILENCE:
                self.close(308, "OFFLOAD", description="The client is silent")
            elif self.open:
                self._offer(frames.build({"method": "ping", "id": self._next_id()}))

    def _next_id(self) -> str:
        self._sent += 1
        return f"TM{self._sent:08x}"

    def _known(self) -> Session:
        if self._session is None:
            raise RuntimeError("the client has not logged in")
        return self._session
