"""Who may read what, asked for each GET and for each event (realtime-protocol.md §9)."""

from collections.abc import Sequence

from parlour.accounts import grants
from parlour.conversations import permissions
from parlour.conversations.store import changes
from parlour.conversations.store import users as user_store
from parlour.realtime.sync.objects import SyncObject, View
from parlour.rest.operations import Caller
from parlour.store.unit import Reader

JOIN = "joinConversation"


async def may_read(reader: Reader, shown: SyncObject, caller: Caller) -> bool:
    """Tell whether a caller may read an object now."""
    [allowed] = await may_all_read(reader, shown, [caller])
    return allowed


async def may_all_read(reader: Reader, shown: SyncObject, callers: Sequence[Caller]) -> list[bool]:
    """Tell for each caller whether it may read an object now.

    A conversation is read by its participants and by those who lead the service; its document also by who made it and
    by who may join it. A user is read by all users of the service, the list of conversations by its owner.
    """
    serves = [grants.chat_service(caller) == shown.chat_service_sid for caller in callers]
    if shown.view is View.USER:
        return serves
    if shown.view is View.CONVERSATIONS:
        owner = shown.user.identity if shown.user is not None else None
        return [here and caller.identity == owner for here, caller in zip(serves, callers, strict=True)]
    names = [grants.identity(caller) for caller in callers]
    present = await changes.identities_in(reader, shown.owner_sid, names)
    allowed = []
    for here, caller in zip(serves, callers, strict=True):
        inside = caller.identity in present or grants.leads(caller)
        allowed.append(here and (inside or await _sees_document(reader, shown, caller)))
    return allowed


async def _sees_document(reader: Reader, shown: SyncObject, caller: Caller) -> bool:
    if shown.view is not View.CONVERSATION:
        return False
    return caller.identity == shown.created_by or await _may_join(reader, shown, caller)


async def _may_join(reader: Reader, shown: SyncObject, caller: Caller) -> bool:
    user = await user_store.fetch(reader, shown.chat_service_sid, grants.identity(caller))
    granted = await permissions.of(reader, shown.chat_service_sid, user=user, service_roles=grants.flex_roles(caller))
    return JOIN in granted
