"""The good calls, a module per product."""

from tests.contract.calls import (
    accounts,
    conversations,
    desktop,
    event_bridge,
    events,
    flex,
    media,
    message_media,
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
    event_bridge,
    events,
    flex,
    media,
    message_media,
    messaging,
    messaging_services,
    realtime,
    services,
    studio,
    taskrouter,
    tasks,
    users,
)
