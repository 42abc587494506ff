"""Refusals of Sync; clients look at the status only (realtime-protocol.md §8.1)."""

from typing import Final

from parlour.kit.errors import ContractError
from parlour.realtime.sync import access
from parlour.realtime.sync.objects import SyncObject, find
from parlour.rest.operations import Caller
from parlour.store.unit import Reader

_NOT_FOUND: Final = {"document": 54100, "list": 54150, "map": 54200}
_FORBIDDEN: Final = 54007


def not_found(object_type: str, name: str) -> ContractError:
    """404: there is no such object."""
    return ContractError(_NOT_FOUND.get(object_type, 20404), 404, f"The {object_type} {name[:100]} was not found")


def forbidden(name: str) -> ContractError:
    """403/54007: the caller may not read it."""
    return ContractError(_FORBIDDEN, 403, f"Access to {name} is forbidden for this identity")


async def readable(reader: Reader, object_type: str, name: str, caller: Caller) -> SyncObject:
    """Return an object that the caller may read. Errors: 404 of the type, 403/54007."""
    shown = await find(reader, object_type, name)
    if shown is None:
        raise not_found(object_type, name)
    if not await access.may_read(reader, shown, caller):
        raise forbidden(shown.unique_name)
    return shown
