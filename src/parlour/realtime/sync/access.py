"""Who may read what, asked for each GET and for each event (realtime-protocol.md §9)."""

from collections.abc import Iterable

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
    return bool(await readers(reader, shown, [caller]))


async def readers(reader: Reader, shown: SyncObject, callers: Iterable[Caller]) -> set[str]:
    """Return the identities of those callers who may read an object now.

    A conversation is read by its participants and by those who lead the service; its document also by who made it and
    by who may join it. A user is read by all users of the service, the list of conversations by its owner.
    """
    known = {
        grants.identity(caller): caller for caller in callers if grants.chat_service(caller) == shown.chat_service_sid
    }
    if shown.view is View.USER:
        return set(known)
    if shown.view is View.CONVERSATIONS:
        owner = shown.user.identity if shown.user is not None else None
        return {identity for identity in known if identity == owner}
    allowed = await changes.identities_in(reader, shown.owner_sid, list(known))
    allowed |= {identity for identity, caller in known.items() if grants.leads(caller)}
    if shown.view is View.CONVERSATION:
        for identity in known.keys() - allowed:
            if identity == shown.created_by or await _may_join(reader, shown, known[identity]):
                allowed.add(identity)
    return allowed


async def _may_join(reader: Reader, shown: SyncObject, caller: Caller) -> bool:
    user = await user_store.fetch(reader, shown.chat_service_sid, grants.identity(caller))
    granted = await permissions.of(reader, shown.chat_service_sid, user=user, service_roles=grants.flex_roles(caller))
    return JOIN in granted
