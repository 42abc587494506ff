"""The good calls, a module per product."""

from tests.contract.calls import (
    accounts,
    content,
    conversations,
    desktop,
    event_bridge,
    flex,
    media,
    messaging,
    messaging_services,
    push,
    realtime,
    services,
    studio,
    taskrouter,
    tasks,
    users,
)

LOADED = (
    accounts,
    content,
    conversations,
    desktop,
    event_bridge,
    flex,
    media,
    messaging,
    messaging_services,
    push,
    realtime,
    services,
    studio,
    taskrouter,
    tasks,
    users,
)
