"""Group MMS: customers' numbers and projected numbers of the business in one thread (conversations.md §3.4)."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from parlour.conversations import errors
from parlour.conversations.store import participants as store
from parlour.conversations.store.participants import Participant
from parlour.messaging import numbers
from parlour.store.unit import Reader, UnitOfWork

PARTICIPANTS_MAX: Final = 10
CHANNEL: Final = "sms"
GROUP: Final = "group"  # stands for the proxy address of a set of three or more
_LONG_CODE: Final = re.compile(r"\+1[2-9]\d{9}")
_TOLL_FREE: Final = ("+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888")


class Key(NamedTuple):
    """What a set of numbers holds in `open_pair`."""

    address: str
    proxy_address: str


class Step(NamedTuple):
    """A change of a group whose new set is taken: what it lets go of, and the members on which it relied."""

    freed: Key | None
    seen: frozenset[tuple[str, str | None]]


def is_long_code(address: str) -> bool:
    """Tell whether a number can take part: +1, neither toll-free nor a short code."""
    return _LONG_CODE.fullmatch(address) is not None and not address.startswith(_TOLL_FREE)


def takes_part(row: Participant) -> bool:
    """Tell whether a participant belongs to the group: a number without a proxy, or a projected one."""
    return row.projected_address is not None or (row.address is not None and row.proxy_address is None)


def is_gateway(row: Participant) -> bool:
    """Tell whether a participant is a projected number that no user has."""
    return row.projected_address is not None and row.identity is None


def speaks_for_nobody(row: Participant) -> bool:
    """Tell whether a participant is a user without a projected number."""
    return row.identity is not None and row.projected_address is None


def key_of(rows: Sequence[Participant]) -> Key | None:
    """Return what the group of these participants holds; None while a side is missing."""
    natives = {row.address for row in rows if row.address is not None and takes_part(row)}
    projected = {row.projected_address for row in rows if row.projected_address is not None}
    if not natives or not projected:
        return None
    return key_of_numbers(natives | projected, min(natives), min(projected))


def key_of_numbers(everybody: set[str], address: str, proxy_address: str) -> Key:
    """Return what a set of numbers holds: two parties travel as plain texts, so that they are a pair."""
    if len(everybody) <= 2:
        return Key(address, proxy_address)
    return Key(",".join(sorted(everybody)), GROUP)


def key_of_inbound(address: str, proxy_address: str, others: Sequence[str]) -> Key:
    """Return what an inbound message's sender and receivers hold; what is no group counts as sent to one number."""
    everybody = {address, proxy_address, *others}
    if len(everybody) > PARTICIPANTS_MAX or not all(is_long_code(number) for number in everybody):
        return Key(address, proxy_address)
    return key_of_numbers(everybody, address, proxy_address)


async def check_numbers(reader: Reader, row: Participant) -> None:
    """Refuse a member whose number cannot be in a group. Errors: 50407 a customer's, 50439 the business's."""
    if row.address is not None and not is_long_code(row.address):
        raise errors.BINDING_ADDRESS_INVALID.error()
    if row.projected_address is not None:
        await check_projected(reader, row.projected_address)


async def check_projected(reader: Reader, projected_address: str) -> None:
    """Refuse a projected address that is not a long code of the account (50439)."""
    known = is_long_code(projected_address) and await numbers.by_number(reader, projected_address) is not None
    if not known:
        raise errors.PROJECTED_FOREIGN.error(projected=projected_address[:64])


def check(rows: Sequence[Participant]) -> None:
    """Refuse participants who make no group.

    Errors: 50436 too many, 50437 a number twice, 50435 one with a proxy address, 50434 a user without a projected
    address where no gateway lends its own.
    """
    members = [row for row in rows if takes_part(row)]
    if not members:
        return
    if len(members) > PARTICIPANTS_MAX:
        raise errors.GROUP_TOO_LARGE.error(maximum=PARTICIPANTS_MAX)
    held = [row.projected_address or row.address for row in members]
    if len(set(held)) != len(held):
        raise errors.GROUP_MEMBER_EXISTS.error()
    if any(row.proxy_address is not None for row in rows):
        raise errors.GROUP_MIXED.error()
    if not any(is_gateway(row) for row in rows) and any(speaks_for_nobody(row) for row in rows):
        raise errors.PROJECTED_MISSING.error()


def _seen(rows: Sequence[Participant]) -> frozenset[tuple[str, str | None]]:
    return frozenset((row.sid, row.projected_address) for row in rows)


async def _hold(
    uow: UnitOfWork, conversation_sid: str, before: Sequence[Participant], after: Sequence[Participant]
) -> Step:
    """Take what the group will hold; `finish` does the rest once the conversation is locked.

    Errors: 50438 the set is in another conversation, 50416 a set of two is.
    """
    old, new = key_of(before), key_of(after)
    step = Step(old if new != old else None, _seen(before))
    if new is None or new == old:
        return step
    if not await store.take_pair(uow, new.address, new.proxy_address, conversation_sid):
        holder = await store.holder_of_pair(uow, new.address, new.proxy_address)
        condition = errors.GROUP_EXISTS if new.proxy_address == GROUP else errors.PAIR_IN_USE
        raise condition.error(sid=holder or conversation_sid)
    return step


async def enter(uow: UnitOfWork, row: Participant) -> Step:
    """Take what the group holds with a new member. Errors: 50438, 50416; those of `check`."""
    before = await store.all_of(uow, row.conversation_sid)
    check([*before, row])
    return await _hold(uow, row.conversation_sid, before, [*before, row])


async def leave(uow: UnitOfWork, row: Participant) -> Step:
    """Take what the group holds without a member. Errors: 50438, 50416."""
    before = await store.all_of(uow, row.conversation_sid)
    return await _hold(uow, row.conversation_sid, before, [each for each in before if each.sid != row.sid])


async def change(uow: UnitOfWork, changed: Participant) -> Step:
    """Take what the group holds with a changed member. Errors: 50438, 50416; those of `check`."""
    before = await store.all_of(uow, changed.conversation_sid)
    after = [changed if each.sid == changed.sid else each for each in before]
    check(after)
    return await _hold(uow, changed.conversation_sid, before, after)


async def settle(uow: UnitOfWork, conversation_sid: str) -> None:
    """Take what a group holds whose members are all in. Errors: 50435 a side is missing, and as in `enter`."""
    rows = await store.all_of(uow, conversation_sid)
    if not any(takes_part(row) for row in rows):
        return
    check(rows)
    if key_of(rows) is None:
        raise errors.GROUP_INCOMPLETE.error()
    await _hold(uow, conversation_sid, (), rows)


async def finish(uow: UnitOfWork, conversation_sid: str, step: Step | None) -> None:
    """Free the set that the group of a locked conversation does not hold any more. Error: 50419 its members changed."""
    if step is None:
        return
    if _seen(await store.all_of(uow, conversation_sid)) != step.seen:
        raise errors.CONFLICTING_PARTICIPANT.error()
    if step.freed is not None:
        await store.release_pair(uow, step.freed.address, step.freed.proxy_address, conversation_sid)


def note(listeners: dict[str, Any], row: Participant) -> None:
    """Keep a member of the group among a conversation's listeners, where the hot path finds it."""
    group = listeners.get(GROUP) or {"natives": {}, "projected": {}, "gateways": []}
    natives = {sid: number for sid, number in group["natives"].items() if sid != row.sid}
    projected = {sid: number for sid, number in group["projected"].items() if sid != row.sid}
    gateways = [sid for sid in group["gateways"] if sid != row.sid]
    if row.removed_at is None and takes_part(row):
        gateways += [row.sid] if is_gateway(row) else []
        if row.projected_address is not None:
            projected[row.sid] = row.projected_address
        else:
            natives[row.sid] = row.address
    if natives or projected:
        listeners[GROUP] = {"natives": natives, "projected": projected, "gateways": gateways}
    else:
        listeners.pop(GROUP, None)


def author_of(listeners: dict[str, Any], author: str, participant_sid: str | None) -> str | None:
    """Return the participant who writes: a gateway writes as its projected address. Error: 50513 not of the group."""
    group = listeners.get(GROUP)
    if group is None or participant_sid is not None:
        return participant_sid
    for sid, number in group["projected"].items():
        if number == author:
            return str(sid)
    raise errors.AUTHOR_NOT_IN_GROUP.error()


def recipients_of(listeners: dict[str, Any], participant_sid: str | None) -> list[dict[str, Any]]:
    """Return who outside chat gets a participant's message, with the address that it comes from.

    A group's own customers have each other's messages from the carrier already; a user without a projected address
    writes through the gateway.
    """
    others = [each for each in listeners["recipients"] if each["participant_sid"] != participant_sid]
    group = listeners.get(GROUP)
    if group is None or participant_sid in group["natives"]:
        return others
    lent = next((group["projected"][sid] for sid in group["gateways"]), None)
    sender = group["projected"].get(participant_sid, lent)
    if sender is None:
        return others
    everybody = sorted({*group["natives"].values(), *group["projected"].values()})
    return others + [
        {
            "participant_sid": sid,
            "type": "sms",
            "address": number,
            "proxy_address": sender,
            "others": [each for each in everybody if each not in (number, sender)],
        }
        for sid, number in group["natives"].items()
    ]
