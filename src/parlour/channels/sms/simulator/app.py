"""The carrier simulator as an ASGI application: alone, or mounted under a prefix of another server.

Nothing here comes from the rest of Parlour, so that a shared mistake cannot pass its own test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from . import api, control, handset
from .carrier import Carrier
from .settings import Phone, Settings

__all__ = ["Carrier", "Phone", "Settings", "create_app", "simulator"]


def create_app(carrier: Carrier) -> Starlette:
    """Return the application over a carrier that the caller starts and stops."""
    return Starlette(routes=[*api.routes(carrier), *control.routes(carrier), *handset.routes(carrier)])


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
