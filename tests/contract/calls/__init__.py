"""The good calls, a module per product."""

from tests.contract.calls import accounts

LOADED = (accounts,)
