"""The handsets of the simulator: their page, its calls and its live events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from . import wire
from .carrier import Carrier
from .ledger import Message
from .refusal import Refused

STATIC = Path(__file__).with_name("static")
FILES = {"handset.js": "text/javascript", "handset.css": "text/css", "icon.svg": "image/svg+xml"}
POLICY = "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
KEEP_ALIVE_S = 15
TICKS = {
    "queued": "queued",
    "receiving": "sent",
    "sent": "sent",
    "received": "delivered",
    "delivered": "delivered",
    "read": "delivered",
    "failed": "failed",
    "undelivered": "failed",
}
SHOWN_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/mpeg", "audio/ogg", "video/mp4")


def routes(carrier: Carrier) -> list[Route]:
    """The page and its calls, all below `/handset`."""
    handset = Handset(carrier)
    return [
        Route("/handset", handset.page, methods=["GET"]),
        Route("/handset/config", handset.config, methods=["GET"]),
        Route("/handset/static/{name}", handset.static, methods=["GET"]),
        Route("/handset/media", handset.upload, methods=["POST"]),
        Route("/handset/media/{media}", handset.media, methods=["GET"]),
        Route("/handset/messages", handset.send, methods=["POST"]),
        Route("/handset/{number}/events", handset.events, methods=["GET"]),
        Route("/handset/{number}/messages", handset.messages, methods=["GET"]),
    ]


class Handset:
    """The page's operations over one carrier."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    async def page(self, request: Request) -> Response:
        """GET the page."""
        path = STATIC / "index.html"
        if not path.is_file():
            return wire.refusal(Refused(20404, 404, "The page is not built: run `npm run build` in web/pages"))
        return FileResponse(path, media_type="text/html", headers={"Content-Security-Policy": POLICY})

    async def static(self, request: Request) -> Response:
        """GET one of the page's files."""
        name = request.path_params["name"]
        path = STATIC / name
        if name not in FILES or not path.is_file():
            return wire.refusal(Refused(20404, 404, f"{name} was not found"))
        return FileResponse(path, media_type=FILES[name], headers={"Cache-Control": "no-cache"})

    async def config(self, request: Request) -> Response:
        """GET what the page opens with: the two phones and the numbers one can text to."""
        return JSONResponse(
            {
                "phones": [{"number": one.number, "to": one.to} for one in self._carrier.settings.phones],
                "numbers": [
                    {"phone_number": one.phone_number, "friendly_name": one.friendly_name}
                    for one in self._carrier.ledger.numbers()
                ],
            }
        )

    async def upload(self, request: Request) -> Response:
        """POST raw bytes with their `Content-Type` and `?filename=`."""
        try:
            content = await wire.body_of(request)
            if not content:
                raise Refused(21620, 400, "the file is empty")
        except Refused as error:
            return wire.refusal(error)
        kind = request.headers.get("content-type", "application/octet-stream")
        media = self._carrier.add_media(kind, request.query_params.get("filename", ""), content)
        return JSONResponse({"sid": media.sid, "content_type": kind, "sha256": media.sha256}, 201)

    async def media(self, request: Request) -> Response:
        """GET a file for the page."""
        media = self._carrier.ledger.media(request.path_params["media"])
        if media is None:
            return wire.refusal(Refused(20404, 404, "no such file"))
        kind = media.content_type.split(";", 1)[0].strip()
        # A file of any other type must not run in the page's origin.
        shown = kind if kind in SHOWN_TYPES else "application/octet-stream"
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        return Response(media.content, media_type=shown, headers=headers)

    async def send(self, request: Request) -> Response:
        """POST a text: JSON `{from, to, body, media: [ME…]}`."""
        try:
            given = json.loads(await wire.body_of(request))
            if not self._carrier.public_url:
                self._carrier.public_url = str(request.base_url).rstrip("/")
            media = tuple(str(one) for one in given.get("media", []))
            message = self._carrier.text(str(given["from"]), str(given["to"]), str(given.get("body", "")), media)
        except Refused as error:
            return wire.refusal(error)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return wire.refusal(Refused(20001, 400, f"{type(error).__name__}: {error}"))
        return JSONResponse(self._shown(message), 201)

    async def messages(self, request: Request) -> Response:
        """GET the handset's messages above `?since=` (a change number), in order of change."""
        since = request.query_params.get("since", "0")
        rows = self._carrier.ledger.changes(request.path_params["number"], int(since) if since.isdigit() else 0)
        return JSONResponse({"messages": [self._shown(row) for row in rows]})

    async def events(self, request: Request) -> Response:
        """GET server-sent events: every message of the handset as it is, then again whenever it changes."""
        last = request.headers.get("last-event-id") or request.query_params.get("since", "0")
        stream = self._stream(request.path_params["number"], int(last) if last.isdigit() else 0)
        return StreamingResponse(
            stream,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _stream(self, number: str, since: int) -> AsyncIterator[str]:
        yield "retry: 500\n\n"
        with self._carrier.watching(number) as changed:
            greeted = False
            while not self._carrier.closing:
                changed.clear()
                rows = self._carrier.ledger.changes(number, since)
                for row in rows:
                    since = row.change
                    shown = json.dumps(self._shown(row), ensure_ascii=False)
                    yield f"id: {row.change}\nevent: message\ndata: {shown}\n\n"
                if rows:
                    continue
                if not greeted:
                    greeted = True
                    yield "event: ready\ndata: {}\n\n"
                try:
                    await asyncio.wait_for(changed.wait(), KEEP_ALIVE_S)
                except TimeoutError:
                    yield ": still here\n\n"

    def _shown(self, message: Message) -> dict[str, Any]:
        return {
            "sid": message.sid,
            "mine": message.inbound,
            "handset": message.handset,
            "number": message.number,
            "body": message.body,
            "state": TICKS.get(message.status, "queued"),
            "error_code": message.error_code,
            "at": message.created,
            "change": message.change,
            "media": [
                {
                    "sid": one.sid,
                    "content_type": one.content_type,
                    "filename": one.filename,
                    "sha256": one.sha256,
                }
                for one in self._carrier.ledger.media_of(message.sid)
            ],
        }
