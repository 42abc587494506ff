"""The floor of the event bridge."""

from parlour.accounts.access_tokens import AccessTokens
from parlour.outbox.bus import Bus
from parlour.package import Package
from parlour.realtime.event_bridge import presence, routes
from parlour.realtime.event_bridge.sessions import Sessions
from parlour.realtime.event_bridge.sockets import SocketRoute
from parlour.rest.hosts import Addressing
from parlour.store.database import Database


def package(database: Database, tokens: AccessTokens, bus: Bus, addressing: Addressing) -> Package:
    """Return what the floor offers."""
    sessions = Sessions(database, tokens, bus)
    return Package(
        name="event_bridge",
        migrations="parlour.realtime.event_bridge",
        operations=[routes.operations(sessions)],
        reactions=[presence.reactions],
        routes=[SocketRoute(sessions, addressing)],
        companions=[sessions.run],
    )
