"""Which media the user of an access token may fetch: its own uploads, and those of its conversations."""

from parlour.accounts import grants
from parlour.conversations import errors, media, permissions
from parlour.conversations.store import participants
from parlour.conversations.store.media import Media
from parlour.rest.errors import not_found
from parlour.rest.operations import TOKEN, Caller
from parlour.store.unit import Reader


def check_service(caller: Caller, service_sid: str) -> None:
    """Refuse a service that the token is not for. Errors: 403/20403 it is for none, 404/20404."""
    if caller.kind in TOKEN and grants.chat_service(caller) != service_sid:
        raise not_found(service_sid)


async def check(reader: Reader, caller: Caller, row: Media) -> None:
    """Refuse media that the caller may not fetch; the account's own credentials may fetch all.

    Errors: 404/20404 of another service or of no conversation yet, 403/50430 of a conversation of others (§7).
    """
    if caller.kind not in TOKEN:
        return
    check_service(caller, row.service_sid)
    identity = grants.identity(caller)
    if row.author == identity != media.REST_AUTHOR:
        return
    if row.channel_sid is None:
        raise not_found(row.sid)
    takes_part = await participants.find_identity(reader, row.channel_sid, identity) is not None
    standing = permissions.standing((), takes_part=takes_part, leads=grants.leads(caller))
    if standing is None or standing < permissions.READ_MEDIA.standing:
        raise errors.NOT_A_PARTICIPANT.error(identity=identity, sid=row.channel_sid)
