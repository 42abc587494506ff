"""The good calls, a module per product."""

from tests.contract.calls import (
    accounts,
    conversations,
    desktop,
    event_bridge,
    events,
    flex,
    media,
    messaging,
    messaging_services,
    realtime,
    services,
    studio,
    studio_v1,
    taskrouter,
    tasks,
    users,
)

LOADED = (
    accounts,
    conversations,
    desktop,
    event_bridge,
    events,
    flex,
    media,
    messaging,
    messaging_services,
    realtime,
    services,
    studio,
    studio_v1,
    taskrouter,
    tasks,
    users,
)
