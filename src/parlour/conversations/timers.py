"""The two timers of a conversation: they count from the same instant, the last message (conversations.md §2.2).

A timer in the outbox is lazy: messages move the dates on the row only; a timer that fires too early arms itself anew.
"""

from datetime import datetime, timedelta

from parlour.conversations import durations, errors
from parlour.conversations.store.conversations import Conversation
from parlour.outbox.timers import cancel, schedule
from parlour.store.unit import UnitOfWork

HANDLER = "conversation.timer"
INACTIVE_MIN = 60  # seconds
CLOSED_MIN = 600  # seconds


def _seconds(text: str | None, *, least: int, invalid: errors.Condition, short: errors.Condition) -> int | None:
    if not text:
        return None
    try:
        seconds = int(durations.parse(text).total_seconds())
    except ValueError as error:
        raise invalid.error() from error
    if seconds == 0:
        return None
    if seconds < least:
        raise short.error()
    return seconds


def inactive_seconds(text: str | None) -> int | None:
    """Return the seconds of `Timers.Inactive`; None or zero: no timer. Errors: 50375, 50379."""
    return _seconds(
        text, least=INACTIVE_MIN, invalid=errors.TIMER_INACTIVE_INVALID, short=errors.TIMER_INACTIVE_TOO_SHORT
    )


def closed_seconds(text: str | None) -> int | None:
    """Return the seconds of `Timers.Closed`; None or zero: no timer. Errors: 50376, 50380."""
    return _seconds(text, least=CLOSED_MIN, invalid=errors.TIMER_CLOSED_INVALID, short=errors.TIMER_CLOSED_TOO_SHORT)


def after(now: datetime, seconds: int | None) -> datetime | None:
    """Return the date at which a timer of `seconds` that starts now ends."""
    return None if seconds is None else now + timedelta(seconds=seconds)


def restart(row: Conversation, now: datetime) -> None:
    """Let both timers of a row count from now."""
    row.date_inactive = after(now, row.inactive_seconds)
    row.date_closed = after(now, row.closed_seconds)


def next_due(state: str, date_inactive: datetime | None, date_closed: datetime | None) -> datetime | None:
    """Return when a conversation's state next changes by itself."""
    dates = [date_closed]
    if state == "active":
        dates.append(date_inactive)
    known = [date for date in dates if date is not None]
    return min(known) if known and state in ("active", "inactive") else None


def lane(sid: str) -> str:
    """Return the lane of a conversation's timer."""
    return f"timer:conversation:{sid}"


def arm(uow: UnitOfWork, sid: str, due: datetime | None) -> None:
    """Have the timer of a conversation fire at `due`."""
    if due is not None:
        schedule(uow, HANDLER, lane=lane(sid), at=max(due, uow.now), payload={"sid": sid})


async def arm_anew(uow: UnitOfWork, row: Conversation) -> None:
    """Replace the timer of a locked conversation after its dates or its state changed."""
    await cancel(uow, lane(row.sid))
    arm(uow, row.sid, next_due(row.state, row.date_inactive, row.date_closed))
