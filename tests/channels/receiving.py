"""A receiver of the carrier's webhooks and a running simulator, for tests."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from aiohttp import web

from parlour.channels.sms.simulator.app import Carrier, create_app


@dataclass
class Received:
    """One webhook as it came."""

    url: str
    form: dict[str, str]
    headers: dict[str, str]


@dataclass
class Receiver:
    """Keeps what it receives and answers what it is told."""

    url: str = ""
    seen: list[Received] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    async def take(self, request: web.Request) -> web.Response:
        """Record one webhook."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        async with self.arrived:
            self.seen.append(Received(f"{self.url}{request.path_qs}", form, dict(request.headers)))
            self.arrived.notify_all()
        if self.answers:
            return self.answers.pop(0)
        return web.Response(text="<Response/>", content_type="text/xml")

    async def file(self, request: web.Request) -> web.Response:
        """Serve one file."""
        kind, content = self.files[request.match_info["name"]]
        return web.Response(body=content, content_type=kind)

    async def until(self, enough: Callable[[list[Received]], bool], seconds: float = 40) -> list[Received]:
        """Wait until what was seen is enough."""
        async with self.arrived:
            await asyncio.wait_for(self.arrived.wait_for(lambda: enough(self.seen)), seconds)
        return list(self.seen)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_get("/files/{name}", receiver.file)
    app.router.add_route("*", "/{tail:.*}", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield receiver
    await runner.cleanup()


class QuietServer(uvicorn.Server):
    """A server without signal handlers."""

    def install_signal_handlers(self) -> None:
        """Leave signals alone."""


@asynccontextmanager
async def serving(carrier: Carrier) -> AsyncIterator[str]:
    """The carrier on a free port; gives its URL."""
    bound = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    carrier.public_url = url
    config = uvicorn.Config(create_app(carrier), log_level="critical", timeout_graceful_shutdown=1, lifespan="off")
    server = QuietServer(config)
    await carrier.start()
    task = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield url
    carrier.close_streams()
    server.should_exit = True
    await task
    bound.close()
    await carrier.stop()
