"""Where the WebSocket is found: by the page shim, by the product in the path, by the host (DESIGN 2.11)."""

from typing import Final

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from parlour.accounts.access_tokens import AccessTokens
from parlour.realtime.twilsock.socket import Socket
from parlour.realtime.twilsock.sockets import Sockets
from parlour.rest.hosts import SHIM, Addressing, resolve
from parlour.rest.operations import Urls
from parlour.rest.tunnel import Tunnel

PRODUCT: Final = "tsock"
PATH: Final = "/v3/wsconnect"
_HTTP: Final = {"ws": "http", "wss": "https"}
_GOING_AWAY: Final = 1001


def make_routes(addressing: Addressing, sockets: Sockets, tokens: AccessTokens, tunnel: Tunnel) -> list[BaseRoute]:
    """Return the routes of the WebSocket."""

    async def connect(socket: WebSocket) -> None:
        urls = _urls(addressing, socket)
        if urls is None:
            await socket.close(_GOING_AWAY)  # before it is accepted: the handshake answers 403
            return
        await Socket(socket, urls, sockets, tokens, tunnel).run()

    places = (PATH, f"/{PRODUCT}{PATH}", f"/{SHIM}/{{host}}{PATH}")
    return [WebSocketRoute(place, connect) for place in places]


def _urls(addressing: Addressing, socket: WebSocket) -> Urls | None:
    """Return the form of URLs that the client of this socket can reach, None where another product is meant."""
    target = resolve(
        addressing,
        frozenset({PRODUCT}),
        path=socket.url.path,
        scheme=_HTTP.get(socket.url.scheme, socket.url.scheme),
        peer=socket.client.host if socket.client is not None else "",
        headers={name.lower(): value for name, value in socket.headers.items()},
    )
    return None if target is None or target.path != PATH else target.urls
