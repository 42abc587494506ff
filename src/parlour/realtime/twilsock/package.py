"""The floor of real time for the Conversations SDK: the socket, Sync as a view, and the client API."""

from typing import Final

from parlour.accounts.access_tokens import AccessTokens
from parlour.outbox.wake import Wake
from parlour.package import Package
from parlour.realtime.aim import mutations
from parlour.realtime.aim.routes import conversations, messages, participants, typing, users
from parlour.realtime.aim.routes.common import operations
from parlour.realtime.aim.typing import Typing
from parlour.realtime.sync import routes as sync_routes
from parlour.realtime.sync.hub import Hub
from parlour.realtime.twilsock import telemetry
from parlour.realtime.twilsock.presence import Presence
from parlour.realtime.twilsock.routes import make_routes
from parlour.realtime.twilsock.sockets import Sockets
from parlour.rest.hosts import Addressing
from parlour.rest.tunnel import Tunnel
from parlour.store.database import Database

MODULES: Final = (conversations, messages, participants, users)


def package(database: Database, wake: Wake, tokens: AccessTokens, tunnel: Tunnel, addressing: Addressing) -> Package:
    """Return what the floor offers."""
    presence = Presence(database)
    sockets = Sockets(database.clock, wake, presence)
    hub = Hub(database, wake)
    sockets.every(1, hub.sweep)
    sockets.when_left(hub.forget)
    sockets.every(60, lambda: mutations.forget_old(database))
    return Package(
        name="twilsock",
        migrations="parlour.realtime.twilsock",
        operations=[
            operations,
            typing.make_operations(Typing(sockets, database, wake)),
            sync_routes.make_operations(hub),
            telemetry.operations,
        ],
        routes=make_routes(addressing, sockets, tokens, tunnel),
        companions=[presence.run],
    )
