"""The good calls, a module per product."""

from tests.contract.calls import accounts, conversations, media, messaging, services, taskrouter, tasks

LOADED = (accounts, conversations, media, messaging, services, taskrouter, tasks)
