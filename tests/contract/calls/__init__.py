"""The good calls, a module per product."""

from tests.contract.calls import (
    accounts,
    conversations,
    desktop,
    engagements,
    event_bridge,
    events,
    flex,
    media,
    messaging,
    messaging_services,
    realtime,
    services,
    studio,
    taskrouter,
    tasks,
    users,
)

LOADED = (
    accounts,
    conversations,
    desktop,
    engagements,
    event_bridge,
    events,
    flex,
    media,
    messaging,
    messaging_services,
    realtime,
    services,
    studio,
    taskrouter,
    tasks,
    users,
)
