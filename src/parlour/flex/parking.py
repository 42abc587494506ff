"""Channels without an owner on purpose: parked, left or paused, and woken again (flex.md §1.6, invariant 4)."""

from datetime import timedelta
from typing import Final

from parlour.conversations import conversations
from parlour.conversations.events import SDK, Origin
from parlour.flex import facts
from parlour.flex import lifecycle_store as sql
from parlour.flex.routing import Routing
from parlour.flex.store import Channel
from parlour.outbox.timers import cancel, schedule
from parlour.store.unit import UnitOfWork

# Hints on the conversation's row, by which its facts come to the channel: of one that is parked, and of any.
HINT: Final = "parked"
OPEN: Final = "interaction"
OWN: Final = Origin(source=SDK, known=OPEN)  # of what orchestration does to a channel's conversation, and so knows
KEPT: Final = {"pause": timedelta(days=14), "inactive": timedelta(days=90)}
RECLAIM: Final = "flex.channel.reclaim"
WAKE_LATE: Final = "flex.channel.wake_late"


async def park(uow: UnitOfWork, channel: Channel, *, status: str, routing: Routing) -> None:
    """Mark a locked channel as parked and have the customer's next message heard; state a new status.

    :param status: ``active`` (parked), ``inactive`` (left) or ``pause``.
    :param routing: how the work comes back.
    """
    await sql.park(uow, channel.sid, status, routing.as_json())
    await conversations.set_hint(uow, channel.conversation_sid, HINT, channel.sid)
    if status in KEPT:
        payload = {"channel_sid": channel.sid, "status": status}
        schedule(uow, RECLAIM, lane=_lane(channel.sid), at=uow.now + KEPT[status], payload=payload)
    if status != channel.status:
        await facts.channel_moved(uow, channel, status)


async def unpark(uow: UnitOfWork, channel: Channel) -> None:
    """Give a locked channel back to owners that this unit makes; one that is not parked is left alone."""
    if not channel.parked:
        return
    await cancel(uow, _lane(channel.sid))
    await sql.wake(uow, channel.sid)
    await conversations.set_hint(uow, channel.conversation_sid, HINT, None)
    if channel.status != "active":
        await facts.channel_moved(uow, channel, "active")


def wake_late(uow: UnitOfWork, channel: Channel, *, after: timedelta) -> None:
    """Have a parked channel woken after a while, unless somebody else does it before."""
    schedule(uow, WAKE_LATE, lane=_lane(channel.sid), at=uow.now + after, payload={"channel_sid": channel.sid})


def _lane(channel_sid: str) -> str:
    return f"timer:interaction:{channel_sid}"
