"""The carrier simulator as an ASGI application: alone, or mounted under a prefix of another server.

Nothing here comes from the rest of Parlour, so that a shared mistake cannot pass its own test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

from . import api, control, handset
from .carrier import Carrier
from .settings import Phone, Settings

__all__ = ["Carrier", "Phone", "Settings", "create_app", "demo_routes", "simulator"]


def create_app(carrier: Carrier) -> Starlette:
    """Return the application over a carrier that the caller starts and stops."""
    return Starlette(routes=[*api.routes(carrier), *control.routes(carrier), *handset.routes(carrier)])


def demo_routes(carrier: Carrier, *, prefix: str) -> list[BaseRoute]:
    """Return the routes with which a demo server has the carrier in its own process.

    The carrier's API is below `prefix`, because the server has one of the same paths; `/handset` and `/_sim` are at
    the root. The caller starts the carrier, calls `close_streams` when the server begins to end, and stops it then.

    :param prefix: such as `/_carrier`; the carrier's `public_url` must end with it.
    """
    return [Mount(prefix, create_app(carrier)), *control.routes(carrier), *handset.routes(carrier)]


def simulator(carrier: Carrier) -> Starlette:
    """Return the application that starts and stops its carrier itself (standing alone)."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await carrier.start()
        yield
        await carrier.stop()

    app = create_app(carrier)
    app.router.lifespan_context = lifespan
    return app
