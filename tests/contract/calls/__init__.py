"""The good calls, a module per product."""

from tests.contract.calls import (
    accounts,
    conversations,
    desktop,
    flex,
    media,
    messaging,
    services,
    studio,
    taskrouter,
    tasks,
    users,
)

LOADED = (accounts, conversations, desktop, media, flex, messaging, services, studio, taskrouter, tasks, users)
