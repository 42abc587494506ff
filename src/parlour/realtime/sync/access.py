"""Who may read what, asked for each GET and for each event (realtime-protocol.md §9)."""

from collections.abc import Sequence
from typing import Final

from parlour.accounts import grants
from parlour.conversations import permissions
from parlour.conversations.store import changes
from parlour.conversations.store import users as user_store
from parlour.realtime.sync.objects import SyncObject, View
from parlour.rest.operations import Caller
from parlour.rest.rights import Standing
from parlour.store.unit import Reader

# What reading an object is, in the table of rights.
RIGHTS: Final = {
    View.CONVERSATION: permissions.SEE_CONVERSATION,
    View.MESSAGES: permissions.READ_MESSAGES,
    View.ROSTER: permissions.READ_PARTICIPANTS,
    View.CONVERSATIONS: permissions.READ_OWN,
    View.USER: permissions.READ_USER,
}


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
        allowed.append(here and await _stands_near(reader, shown, caller, takes_part=caller.identity in present))
    return allowed


async def _stands_near(reader: Reader, shown: SyncObject, caller: Caller, *, takes_part: bool) -> bool:
    leads = grants.leads(caller)
    needed = RIGHTS[shown.view].standing
    asks_roles = needed <= Standing.SEES and not (takes_part or leads)
    standing = permissions.standing(
        await _granted(reader, shown, caller) if asks_roles else (),
        takes_part=takes_part,
        leads=leads,
        made=caller.identity == shown.created_by,
    )
    return standing is not None and standing >= needed


async def _granted(reader: Reader, shown: SyncObject, caller: Caller) -> frozenset[str]:
    user = await user_store.fetch(reader, shown.chat_service_sid, grants.identity(caller))
    return await permissions.of(reader, shown.chat_service_sid, user=user, service_roles=grants.flex_roles(caller))
